"""Chains the scanned ranges of one file into its exact record count, its chunks and what its columns hold."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from transforms.core.errors import PermanentError
from transforms.core.tables.delimited.range_scan import Stats, merge_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transforms.core.tables.delimited.range_scan import Cut, Reading
    from transforms.core.tables.delimited.scan import RangeScan


class Chunk(NamedTuple):
    """A unit of loading: whole records, fixed when planned.

    Attributes:
        start: Byte offset of its first record (in the decompressed file; for a sheet, its first row's number).
        stop: Byte offset behind its last (sheet: row number behind the last).
        record: Records of the file before it.
        records: Records in it.
        line: Physical line number, from 1, of its first record (sheet: row number).
    """

    start: int
    stop: int
    record: int
    records: int
    line: int


class ResolvedFile(NamedTuple):
    """Pass 1's result for a file.

    Attributes:
        counted: Its records, blank ones included.
        chunks: Its chunks, in order; none if it has no record.
        stats: What each column holds.
        overlong: Byte offset of a record over the limit, or -1.
        unclosed: Whether the last record's quote is never closed (that record will be rejected).
    """

    counted: int
    chunks: tuple[Chunk, ...]
    stats: Stats
    overlong: int
    unclosed: bool


def resolve(scans: Sequence[RangeScan], first_line: int) -> ResolvedFile:
    """Follows the true hypothesis from range to range.

    Args:
        scans: The file's ranges in order; the first begins at its first record.
        first_line: Physical line number of the first record.

    Raises:
        PermanentError: The ranges don't tile the file: one is missing.
    """
    for before, after in pairwise(scans):
        if before.stop != after.start:
            raise PermanentError(f"bytes {before.stop} to {after.start} were not scanned; run the command again")
    cuts: list[tuple[int, int, int]] = []  # offset, records before, line
    records, lines, inside = 0, first_line, False
    stats: Stats = ()
    overlong, unclosed = -1, False
    for scan in scans:
        if not scan.readings:
            continue
        reading: Reading = scan.readings[-1 if inside else 0]
        cuts.extend(_absolute(cut, records, lines) for cut in reading.cuts)
        records += reading.records
        lines += scan.lines
        stats = merge_all(stats, reading.stats)
        inside, unclosed = reading.inside, unclosed or reading.unclosed
        overlong = overlong if overlong >= 0 else reading.overlong
    end = scans[-1].stop if scans else 0
    return ResolvedFile(records, _chunks(cuts, end, records), stats, overlong, unclosed)


def _absolute(cut: Cut, records: int, lines: int) -> tuple[int, int, int]:
    return cut.offset, cut.record + records, cut.line + lines


def _chunks(cuts: list[tuple[int, int, int]], end: int, records: int) -> tuple[Chunk, ...]:
    following = [*cuts[1:], (end, records, 0)] if cuts else []
    return tuple(
        Chunk(start, stop, record, next_record - record, line)
        for (start, record, line), (stop, next_record, _) in zip(cuts, following, strict=True)
    )
