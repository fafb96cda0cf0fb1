"""Pass 1 of a CSV: counts and cuts the records of one byte range, and infers types, not knowing how it begins.

A range may begin inside a quoted field or outside: both hypotheses are followed until they agree (as a rule within
a few quotes); `resolve.py` chains the ranges of a file and keeps the true one. One block is in memory at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from transforms.core.tables.chunk_starts import chunk_starts
from transforms.core.tables.columns.seen import merge
from transforms.core.tables.delimited import boundaries
from transforms.core.tables.delimited.csv_rows import observe_records

if TYPE_CHECKING:
    from transforms.core.tables.columns.seen import ColumnStats
    from transforms.core.tables.delimited.boundaries import Codes, Marks, Positions
    from transforms.core.tables.delimited.dialect import Dialect

Stats = tuple["ColumnStats", ...]


class Cut(NamedTuple):
    """Where a chunk may start: a record's first byte, and the records and line ends of the range before it."""

    offset: int
    record: int
    line: int


class Reading(NamedTuple):
    """What a range holds if it begins outside (or inside) a quoted field.

    Attributes:
        records: How many records start in the range.
        cuts: The first record's start, and after it that of each further chunk (`chunk_starts`).
        inside: Whether a quoted field is open where the range ends.
        stats: What was seen in each column, over the records that start here.
        overlong: Byte offset of a record longer than the limit, or -1: the file can't be loaded.
        unclosed: Whether the last record's quote was still open at the end of the file.
    """

    records: int
    cuts: tuple[Cut, ...]
    inside: bool
    stats: Stats
    overlong: int
    unclosed: bool


class Limits(NamedTuple):
    """What bounds a scan: records a chunk, bytes a record and a chunk; and which unquoted texts are NULL."""

    chunk_rows: int
    max_record_bytes: int
    missing_values: tuple[str, ...] = ()
    chunk_bytes: int = 1 << 62


class _Records:
    """Observes the complete records of a run of blocks; holds the one that has started and not ended."""

    def __init__(self, dialect: Dialect, stop: int, limits: Limits) -> None:
        self.dialect, self.stop, self.limits = dialect, stop, limits
        self.stats: Stats = ()
        self.held: list[memoryview] | None = None
        self.held_start = self.overlong = -1
        self.unclosed = False
        self.fresh = False  # whether the next block begins with a new record

    def feed(self, offset: int, data: memoryview, ends: Positions, begin: int | None) -> None:
        """Takes a block.

        Args:
            offset: The block's place in the file.
            data: Its bytes.
            ends: Byte positions in it behind a record's end.
            begin: Where the first record starts if none is held; None if none starts here.
        """
        first = 0 if self.held is not None or self.fresh else begin
        if first is None:
            return
        ends = ends[:1] if offset >= self.stop else ends  # behind the range only the open record is ours
        self._measure(offset, ends, first)
        last = int(ends[-1]) if len(ends) else first
        if last > first:
            self._observe(data[first:last])
        open_here = offset + (last if len(ends) else 0) < self.stop or self.held is not None
        self.fresh = open_here and last == len(data)
        if open_here and last < len(data) and self.overlong < 0:
            self._hold(offset + last, data[last:])

    def finish(self, *, inside: bool) -> None:
        """Ends the record that the end of the file ended; one in whose quotes it lies is not observed."""
        if self.held is not None and inside:
            self.unclosed, self.held = True, None
        elif self.held is not None:
            self._observe(memoryview(b""))

    def _observe(self, data: memoryview) -> None:
        records = b"".join([*self.held, data]) if self.held else data
        self.held = None
        if len(records):
            self.stats = observe_records(self.stats, records, self.dialect, self.limits.missing_values)

    def _measure(self, offset: int, ends: Positions, first: int) -> None:
        """Looks for a record over the limit among those that end in a block."""
        held, limit = sum(map(len, self.held or ())), self.limits.max_record_bytes
        if not len(ends) or held + int(ends[-1]) <= limit or self.overlong >= 0:
            return
        sizes = np.diff(ends, prepend=first - held)
        if (long := np.flatnonzero(sizes > limit)).size:
            index = int(long[0])
            self.overlong = offset + (int(ends[index - 1]) if index else first - held)

    def _hold(self, start: int, data: memoryview) -> None:
        if self.held is None:
            self.held, self.held_start = [], start
        self.held.append(data)
        if sum(map(len, self.held)) > self.limits.max_record_bytes:
            self.overlong, self.held = self.held_start, None


class _Track:
    """One hypothesis: the state, the count and the cuts, and what it alone observed."""

    def __init__(self, inside: bool, records: _Records) -> None:
        self.inside = self.inside_at_stop = inside
        self.own = records
        self.count = 0
        self.cuts: list[Cut] = []

    def add(
        self, offset: int, starts: Positions, marks: Marks, lines_before: int, unit_bytes: int, limits: Limits
    ) -> None:
        """Counts the records that start in a block, and cuts where chunks begin.

        Args:
            offset: The block's place in the file.
            starts: Where in the block they start, in units.
            marks: Of the block.
            lines_before: Line ends of the range before the block.
            unit_bytes: A unit's size.
            limits: Of a chunk.
        """
        last = self.cuts[-1] if self.cuts else None
        opened = (last.record - self.count, (last.offset - offset) // unit_bytes) if last else None
        places = chunk_starts(starts, opened, limits.chunk_rows, limits.chunk_bytes // unit_bytes)
        lines = np.searchsorted(marks.lines, starts[places], "right") + lines_before if places else ()
        for place, line in zip(places, lines, strict=True):
            self.cuts.append(Cut(offset + int(starts[place]) * unit_bytes, self.count + place, int(line)))
        self.count += len(starts)


class RangeScanner:
    """Scans one range, block by block; every block but the file's last must be settled (`boundaries.unsettled`).

    Args:
        dialect: The file's.
        start: Byte offset of the range (settled).
        stop: Byte offset behind it (settled, or the end of the file).
        previous: The code unit before `start`; a newline at the first record.
        begins: (False,) if it surely begins outside a quoted field, else (False, True).
        limits: What bounds the scan.
    """

    def __init__(
        self, dialect: Dialect, start: int, stop: int, previous: int, begins: tuple[bool, ...], limits: Limits
    ) -> None:
        self.codes: Codes = boundaries.codes_of(dialect)
        self.start, self.stop, self.limits = start, stop, limits
        self.previous = previous
        self.lines = 0
        self.shared: _Records | None = None  # from where the hypotheses agree
        self.agreed = len(begins) == 1
        self.dialect = dialect
        self.tracks = [_Track(inside, self._records()) for inside in begins]

    def _records(self) -> _Records:
        return _Records(self.dialect, self.stop, self.limits)

    @property
    def pending(self) -> bool:
        """Whether a record that started in the range has not ended yet."""
        every = [self.shared] if self.shared else [track.own for track in self.tracks]
        return any(records.held is not None for records in every)

    def end_at(self, stop: int) -> None:
        """Moves the range's end, before a block behind the old one was fed."""
        self.stop = stop
        for records in (self.shared, *(track.own for track in self.tracks)):
            if records:
                records.stop = stop

    def feed(self, offset: int, data: bytes | memoryview) -> None:
        """Scans the next block; behind `stop` only until `pending` is False."""
        view = memoryview(data)
        units = boundaries.units_of(view, self.codes)
        marks = boundaries.find_marks(units, self.previous, self.codes)
        agreement, ends = self._record_ends(marks)
        for track, own in zip(self.tracks, ends, strict=True):
            self._count(track, offset, own, marks)
        size = self.codes.unit_bytes
        self._observe(offset, view, [own * size for own in ends], agreement * size)
        if offset < self.stop:
            self.lines += len(marks.lines)
            for track in self.tracks:
                track.inside_at_stop = track.inside
        self.previous = int(units[-1]) if len(units) else 0

    def finish(self) -> tuple[Reading, ...]:
        """Ends the scan where the range's last record ended, or at the end of the file; a reading a hypothesis."""
        readings = []
        for track in self.tracks:
            records = self.shared or track.own
            records.finish(inside=track.inside)  # the second time, of shared ones, it changes nothing
            stats = merge_all(track.own.stats, self.shared.stats) if self.shared else track.own.stats
            overlong = next((one.overlong for one in (track.own, records) if one.overlong >= 0), -1)
            cuts = tuple(track.cuts)
            readings.append(Reading(track.count, cuts, track.inside_at_stop, stats, overlong, records.unclosed))
        return tuple(readings)

    def _record_ends(self, marks: Marks) -> tuple[int, list[Positions]]:
        """Each track's record ends (units), and where the tracks came to agree (0 = before, -1 = not yet)."""
        first = self.tracks[0]
        states = boundaries.inside_after(marks, first.inside)
        ends = [boundaries.record_ends(marks, states, first.inside)]
        agreement = 0 if self.agreed else -1
        if self.agreed:
            ends *= len(self.tracks)
        else:
            second = self.tracks[1]
            others = boundaries.inside_after(marks, second.inside, states)
            ends.append(boundaries.record_ends(marks, others, second.inside))
            agreement = boundaries.agreement(marks, states, others)
            if len(others):
                second.inside = bool(others[-1])
        if len(states):
            first.inside = bool(states[-1])
        self.agreed = agreement >= 0
        if self.agreed:
            for track in self.tracks:
                track.inside = first.inside
        return agreement, ends

    def _count(self, track: _Track, offset: int, ends: Positions, marks: Marks) -> None:
        if offset >= self.stop:
            return
        starts = np.concatenate([[0], ends]) if self._first_start(track, offset) else ends
        size = self.codes.unit_bytes
        within = int(np.searchsorted(starts, -(-(self.stop - offset) // size), "left"))
        track.add(offset, starts[:within], marks, self.lines, size, self.limits)

    def _first_start(self, track: _Track, offset: int) -> bool:
        """Whether the range's first byte starts a record: only when outside, behind a line end."""
        return offset == self.start and track is self.tracks[0] and self.previous in (10, 13)

    def _observe(self, offset: int, view: memoryview, ends: list[Positions], agreement: int) -> None:
        """Feeds the complete records to the tracks, and from the first common record start to one shared one."""
        if self.shared:
            self.shared.feed(offset, view, ends[0], None)
            return
        common = ends[0][ends[0] > agreement] if agreement >= 0 and len(self.tracks) > 1 else ends[0][:0]
        for track, own in zip(self.tracks, ends, strict=True):
            begin = 0 if self._first_start(track, offset) else int(own[0]) if len(own) else None
            upto = own if not len(common) else own[own <= common[0]]
            piece = view if not len(common) else view[: int(common[0])]
            track.own.feed(offset, piece, upto, begin)
        if len(common):
            for track in self.tracks:
                track.own.held = None
            self.shared = self._records()
            self.shared.feed(offset, view, common, int(common[0]))


def merge_all(first: Stats, second: Stats) -> Stats:
    """Merges two records' worth of column statistics; () = nothing seen."""
    if not first or not second:
        return first or second
    return tuple(merge(a, b) for a, b in zip(first, second, strict=True))
