"""One object to be copied, and what became of it: the values between planning (sync_plan.py) and doing (transfer)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from transforms.core.copying.sync_plan import Reason
    from transforms.core.objects.details import Checksums, Listed

Proof = Literal["match", "mismatch", "uncheckable", "not_checked"]


class PlannedCopy(NamedTuple):
    """One object to copy.

    Attributes:
        source: What is copied, as listed (or as a manifest names it).
        uri: The name that it takes.
        existing: What stood under that name when it was planned; None for nothing. A write happens only if that still
            holds.
        reason: Why it is copied: missing, size, checksum, newer, forced.
        expected: Checksums that a manifest demands of the bytes; all "" without one.
        expected_bytes: Size that it demands; -1 for any.
    """

    source: Listed
    uri: str
    existing: Listed | None
    reason: Reason
    expected: Checksums
    expected_bytes: int = -1


class Copied(NamedTuple):
    """An object that arrived; one that didn't is an exception (PermanentError and its kinds).

    Attributes:
        mode: How it went: direct_sync, hybrid or traditional.
        proof: What the check after the copy said; never `mismatch` (that is an exception).
        proved_by: `md5`, `crc32c`, `multipart_etag`, `re-read`, …; "" when nothing was checked.
        fell_back: Why a cheaper mode was left, "" when none was.
        bytes_through: Bytes that went through this process.
        seconds: How long it took.
    """

    mode: str
    proof: str
    proved_by: str
    fell_back: str
    bytes_through: int
    seconds: float
