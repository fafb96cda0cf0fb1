"""Two listings in key order, walked side by side: each key once, with what each side holds under it. Streams only.

Order is that of the keys' bytes (UTF-8), as S3, GCS and our local listing give them.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from transforms.core.objects.access import ListingOrderError
from transforms.core.objects.uri import shown
from transforms.core.read_ahead import ahead

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from transforms.core.objects.details import Listed


class KeyPair(NamedTuple):
    """A key and what each side holds under it; at least one side holds something.

    Attributes:
        key: Relative to both prefixes; "" for an object named like the prefix itself.
        source: At the source.
        existing: At the destination.
    """

    key: str
    source: Listed | None
    existing: Listed | None


def merged(
    source: Iterable[Listed], source_prefix: str, destination: Iterable[Listed], destination_prefix: str
) -> Iterator[KeyPair]:
    """Walks both listings side by side, holding one object of each.

    Args:
        source: In key order, all below `source_prefix`.
        source_prefix: Absolute address; the rest of an address is the relative key.
        destination: In key order, all below `destination_prefix`.
        destination_prefix: Likewise.

    Yields:
        Every key of both, in key order, once.

    Raises:
        ListingOrderError: A side's keys don't rise, or aren't below its prefix; what was yielded before it is right.
    """
    left, right = in_order(source, source_prefix), in_order(destination, destination_prefix)
    one, two = next(left, None), next(right, None)
    while one is not None and two is not None:
        if one[0] == two[0]:
            yield KeyPair(one[1], one[2], two[2])
            one, two = next(left, None), next(right, None)
        elif one[0] < two[0]:
            yield KeyPair(one[1], one[2], None)
            one = next(left, None)
        else:
            yield KeyPair(two[1], None, two[2])
            two = next(right, None)
    while one is not None:
        yield KeyPair(one[1], one[2], None)
        one = next(left, None)
    while two is not None:
        yield KeyPair(two[1], None, two[2])
        two = next(right, None)


@contextmanager
def merged_ahead(
    source: Iterable[Listed], source_prefix: str, destination: Iterable[Listed], destination_prefix: str
) -> Iterator[Iterator[KeyPair]]:
    """As `merged`, while both sides' next pages are asked for at once, each by a thread of its own.

    Args:
        source: As for `merged`, and likewise the others.
        source_prefix: Absolute address.
        destination: In key order.
        destination_prefix: Absolute address.

    Yields:
        The pairs, which the block reads.
    """
    with ahead(source) as left, ahead(destination) as right:
        yield merged(left, source_prefix, right, destination_prefix)


def in_order(listing: Iterable[Listed], prefix: str) -> Iterator[tuple[bytes, str, Listed]]:
    """The objects of a listing with (key's bytes, relative key), making sure that the keys rise.

    Args:
        listing: In key order.
        prefix: What every address starts with.

    Raises:
        ListingOrderError: A key is not after the one before it, or not below the prefix.
    """
    start, last = len(prefix), None
    for listed in listing:
        uri = listed.info.uri
        key = uri[start:]
        order = key_bytes(key)
        if last is not None and order <= last:
            raise ListingOrderError(
                f"{shown(prefix)}: the listing gave {key!r} after {last.decode(errors='backslashreplace')!r}, which is "
                "not the order of keys: this server's listings can't be merged; copy smaller prefixes by --manifest"
            )
        if last is None and not uri.startswith(prefix):
            raise ListingOrderError(f"{shown(prefix)}: the listing gave {shown(uri)!r}, which is not below it")
        last = order
        yield order, key, listed


def key_bytes(key: str) -> bytes:
    """What orders a key; names on disk that are no UTF-8 keep their own bytes.

    Args:
        key: Relative or whole.
    """
    return key.encode("utf-8", "surrogateescape")
