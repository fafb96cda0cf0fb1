"""What proves a copy: which checksums to compute of passing bytes, and what they say. Pure; reading is reread.py's.

Of passing bytes the cheapest checksum that the other side knows is computed (64 KiB: crc32c 3, sha256 41, md5 87
microseconds), and all that a manifest demands; between what two stores tell, which costs nothing, the strongest rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from transforms.core.copying.checksums import Comparison, checksums_of, compare, computable
from transforms.core.errors import ConfigError
from transforms.core.objects.access import CorruptedError
from transforms.core.objects.details import NO_CHECKSUMS, Checksums
from transforms.core.objects.uri import shown

if TYPE_CHECKING:
    from collections.abc import Callable

VERIFY: Final = ("auto", "metadata", "full", "none")
BY_COST: Final = tuple(
    name for name in ("crc64nvme", "crc32c", "sha1", "sha256", "md5") if name in computable()
)  # of the whole, cheapest first
SENT_ALONG: Final = {"s3": ("crc32c",), "gs": ("crc32c",), "file": ()}
SENT_ALONG_MD5: Final = ("s3", "gs")
RE_READ: Final = Comparison("match", "re-read")


def cheapest(known: Checksums) -> tuple[str, ...]:
    """The known checksum of the whole that costs least to compute, as a tuple of one; () when there is none.

    Args:
        known: What a store tells.
    """
    if known is NO_CHECKSUMS:
        return ()
    return next(((name,) for name in BY_COST if getattr(known, name)), ())


def demanded(expected: Checksums) -> tuple[str, ...]:
    """The checksums that a manifest demands.

    Args:
        expected: All "" without a manifest.
    """
    return () if expected is NO_CHECKSUMS else tuple(name for name in BY_COST if getattr(expected, name))


def names_to_compute(known: Checksums, expected: Checksums, scheme: str, verify: str) -> tuple[str, ...]:
    """Which checksums of passing bytes are worth computing.

    | verify | of what the source knows | of what a manifest demands | for the destination to check on arrival |
    |--------|--------------------------|----------------------------|-----------------------------------------|
    | none   | nothing                  | all                        | nothing                                 |
    | others | the cheapest             | all                        | s3, gs: crc32c; file: nothing           |

    Args:
        known: What the source tells of itself.
        expected: What a manifest demands.
        scheme: The destination's.
        verify: One of VERIFY.

    Raises:
        ConfigError: An unknown `verify`.
    """
    if verify not in VERIFY:
        raise ConfigError(f"verify {verify!r} is unknown; known: {', '.join(VERIFY)}")
    if verify == "none":
        return demanded(expected)
    return tuple({*cheapest(known), *demanded(expected), *SENT_ALONG.get(scheme, ())})


def lends_md5(known: Checksums, expected: Checksums, scheme: str, verify: str) -> bool:
    """Whether the source's md5 is sent along for the destination to check, so that we need not compute it.

    It costs 2 s of processor a GB. A store that gets it refuses other bytes, and tells the md5 that it computed.

    | the source knows                       | destination | a manifest demands | verify | lent |
    |----------------------------------------|-------------|--------------------|--------|------|
    | md5, and nothing cheaper               | s3, gs      | no md5             | not none | yes |
    | anything else                          | any         | any                | any    | no   |

    Args:
        known: What the source tells of itself.
        expected: What a manifest demands.
        scheme: The destination's.
        verify: One of VERIFY.
    """
    return verify != "none" and scheme in SENT_ALONG_MD5 and not expected.md5 and cheapest(known) == ("md5",)


def check_read(computed: Checksums, known: Checksums, expected: Checksums, uri: str, part_bytes: int = 0) -> None:
    """Makes sure that the bytes that were read are the source's, and those that a manifest demands.

    Args:
        computed: Of the bytes that were read.
        known: What the source tells of itself.
        expected: What a manifest demands.
        uri: The source's address.
        part_bytes: Part size of both `computed` and `known` where they are by parts.

    Raises:
        CorruptedError: They aren't.
    """
    said = compare(computed, known, part_bytes, part_bytes)
    if said.proof == "mismatch":
        raise CorruptedError(
            f"{shown(uri)}: the bytes that came have {said.name} {getattr(computed, said.name)}, the source tells "
            f"{getattr(known, said.name)}: the way or the source is damaged"
        )
    for name in demanded(expected):
        if getattr(expected, name) != getattr(computed, name):
            raise CorruptedError(
                f"{shown(uri)}: its {name} is {getattr(computed, name)}, the manifest demands "
                f"{getattr(expected, name)}: the source or the manifest is wrong"
            )


def check_written(
    data: bytes, computed: Checksums, told: Checksums, verify: str, again: Callable[[], bytes]
) -> Comparison:
    """What proves that bytes, still in memory, were stored.

    | verify   | the destination told a checksum that can be computed | it told none  |
    |----------|-------------------------------------------------------|---------------|
    | none     | not_checked                                           | not_checked   |
    | metadata | by it                                                 | uncheckable   |
    | auto     | by it                                                 | re-read       |
    | full     | by it, and re-read                                    | re-read       |

    Args:
        data: What was sent.
        computed: Checksums of it so far.
        told: What the destination tells of what it stored.
        verify: One of VERIFY.
        again: Reads the stored object.
    """
    if verify == "none":
        return Comparison("not_checked", "")
    said = compare(computed, told)
    if said.proof == "uncheckable" and (names := cheapest(told)):
        said = compare(checksums_of(data, names), told)
    if said.proof == "mismatch" or not needs_rereading(said, verify):
        return said
    return RE_READ if again() == data else Comparison("mismatch", "re-read")


def needs_rereading(said: Comparison, verify: str) -> bool:
    """Whether the destination must be read again: always for `full`, for `auto` when nothing else told.

    Args:
        said: What checksums told.
        verify: One of VERIFY.
    """
    return verify == "full" or (verify == "auto" and said.proof == "uncheckable")
