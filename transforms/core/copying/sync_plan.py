"""What happens to one key, from what both listings tell of it: one pure function, its truth table, and its stream.

No I/O: where listings can't tell, the decision is `needs_details`, and the caller asks again with what a HEAD said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from transforms.core.copying.checksums import compare
from transforms.core.copying.filters import admission
from transforms.core.errors import ConfigError
from transforms.core.objects.details import Listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from transforms.core.copying.copy_settings import CopySettings
    from transforms.core.copying.key_merge import KeyPair
    from transforms.core.objects.details import ObjectDetails

Action = Literal["copy", "skip", "fail", "extra", "ignore", "needs_details"]
Reason = Literal[
    "missing", "size", "checksum", "newer", "older", "unproven", "same", "forced", "exists", "extra", "filtered"
]
COMPARE_BY: Final = ("auto", "checksum", "size", "mtime")
IF_EXISTS: Final = ("overwrite", "skip", "fail")
KEPT_TIME_TOLERANCE_SECONDS: Final = 0.001  # what a float, a decimal text and a file system may lose


class Decision(NamedTuple):
    """What happens to a key, and why.

    Attributes:
        action: `copy`; `skip` (stays as it is, counted); `fail` (counted as failed); `extra` (a candidate for
            deletion); `ignore` (not part of the run, not counted); `needs_details` (HEAD both, then ask again).
        reason: For outcomes and reports.
    """

    action: Action
    reason: Reason


MISSING: Final = Decision("copy", "missing")
SAME: Final = Decision("skip", "same")
FORCED: Final = Decision("copy", "forced")
EXTRA: Final = Decision("extra", "extra")
EXTRA_STAYS: Final = Decision("ignore", "extra")
FILTERED: Final = Decision("ignore", "filtered")
NEEDS_DETAILS: Final = Decision("needs_details", "unproven")


class PlannedKey(NamedTuple):
    """A key and what happens to it.

    Attributes:
        key: Relative to both prefixes.
        source: As listed; None when there is none.
        existing: What stands at the destination; None when nothing does.
        decision: What happens.
    """

    key: str
    source: Listed | None
    existing: Listed | None
    decision: Decision


def decisions(pairs: Iterable[KeyPair], settings: CopySettings) -> Iterator[PlannedKey]:
    """Decides key by key, as a stream.

    | the filters | decision |
    |---|---|
    | don't let the source object through | ignore, filtered; what stands at the destination is no extra |
    | don't let an object through that only the destination has | ignore, filtered |
    | let it through | as `decide` says |

    Args:
        pairs: From key_merge.py.
        settings: The filters, and what `decide` needs.

    Raises:
        ConfigError: A glob that can't be read.
    """
    admits = admission(settings.filters)
    for key, source, existing in pairs:
        judged = source or existing
        if judged is None or not admits(key, judged):
            yield PlannedKey(key, source, existing, FILTERED)
        else:
            yield PlannedKey(key, source, existing, decide(source, existing, settings))


def decide(
    source: Listed | None, existing: Listed | None, settings: CopySettings, parts: tuple[int, int] | None = None
) -> Decision:
    """Decides what happens to a key that the filters let through.

    | source | existing | decision |
    |---|---|---|
    | there | nothing | copy, missing |
    | nothing | there, `delete` | extra, extra |
    | nothing | there, no `delete` | ignore, extra |
    | there | there, the same, `incremental` | skip, same |
    | there | there, the same, not `incremental` | copy, forced |
    | there | there, different, `if_exists` overwrite | copy, what differs (size, checksum, newer, older, unproven) |
    | there | there, different, `if_exists` skip | skip, exists |
    | there | there, different, `if_exists` fail | fail, exists |
    | there | there, listings can't tell | needs_details; copy, forced when nothing hangs on it (overwrite anyway) |

    Different are (first row that applies; unknown: neither is asked):

    | `compare_by` | sees | finds |
    |---|---|---|
    | all | sizes known, not the same | size |
    | size | sizes the same / not known | same / unproven |
    | auto, checksum | a checksum that both hold: the same / not the same | same / checksum |
    | checksum | none | unproven |
    | auto, mtime | kept modification times of both: within 1 ms / source later / earlier | same / newer / older |
    | auto, mtime | the existing one's kept time is the source's store time (it was kept for lack of another) | same |
    | auto, mtime | when both were written: source not later / later | same / newer |
    | auto, mtime | not even these | unproven |

    From listings alone three findings are not final, and give needs_details: `unproven`; `newer` by when they were
    written (clocks differ, and second stamps are cut; a HEAD may hold kept times or checksums); `checksum` by an md5
    that is an S3 ETag (an encrypting bucket's is no md5).

    Args:
        source: What the source's listing tells.
        existing: What the destination's listing tells.
        settings: compare_by, incremental, if_exists, delete.
        parts: Given once both are described by details (`as_listed`): the part sizes of source and existing, 0 for
            unknown. None while they come from listings.

    Raises:
        ConfigError: An unknown compare_by or if_exists.
    """
    if source is None:
        return EXTRA if settings.delete else EXTRA_STAYS
    if existing is None:
        return MISSING
    found, final = _difference(source, existing, settings.compare_by, parts)
    if not final and parts is None:
        overwrites = not settings.incremental and settings.if_exists == "overwrite"
        return FORCED if overwrites else NEEDS_DETAILS
    if found == "same":
        return SAME if settings.incremental else FORCED
    if settings.if_exists == "overwrite":
        return Decision("copy", found)
    if settings.if_exists not in IF_EXISTS:
        raise ConfigError(f"unknown if_exists {settings.if_exists!r}; known: {', '.join(IF_EXISTS)}")
    return Decision("skip" if settings.if_exists == "skip" else "fail", "exists")


def as_listed(details: ObjectDetails, before: Listed | None = None) -> Listed:
    """What a HEAD told, in the form that `decide` reads.

    Args:
        details: Of one object.
        before: What the listing told of it, which may know when it was written.
    """
    return Listed(details.info, details.checksums, details.attributes.mtime, before.written if before else 0.0)


def _difference(
    source: Listed, existing: Listed, compare_by: str, parts: tuple[int, int] | None
) -> tuple[Reason, bool]:
    """What differs, and whether that is final when only listings were seen."""
    source_bytes, existing_bytes = source.info.size_bytes, existing.info.size_bytes
    known = source_bytes >= 0 and existing_bytes >= 0
    if known and source_bytes != existing_bytes:
        return "size", True
    if compare_by in ("auto", "checksum"):
        told = compare(source.checksums, existing.checksums, *(parts or (0, 0)))
        if told.proof == "match":
            return "same", True
        if told.proof == "mismatch":
            return "checksum", told.name != "md5" or not (_md5_is_etag(source) or _md5_is_etag(existing))
        return ("unproven", False) if compare_by == "checksum" else _by_time(source, existing)
    if compare_by == "size":
        return ("same", True) if known else ("unproven", False)
    if compare_by == "mtime":
        return _by_time(source, existing)
    raise ConfigError(f"unknown compare_by {compare_by!r}; known: {', '.join(COMPARE_BY)}")


def _by_time(source: Listed, existing: Listed) -> tuple[Reason, bool]:
    if source.mtime and existing.mtime:
        if _near(source.mtime, existing.mtime):
            return "same", True
        return ("newer" if source.mtime > existing.mtime else "older"), True
    stored, written = source.info.modified, source.written or source.info.modified
    if stored and not source.mtime and (existing.mtime == int(stored) or _near(existing.mtime, stored)):
        return "same", True
    taken = existing.written or existing.info.modified
    if not written or not taken:
        return "unproven", False
    return ("newer", False) if written > taken else ("same", True)


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= KEPT_TIME_TOLERANCE_SECONDS


def _md5_is_etag(listed: Listed) -> bool:
    return listed.checksums.md5 == listed.info.etag
