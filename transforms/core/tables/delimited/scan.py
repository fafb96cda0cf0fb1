"""Runs pass 1 over a byte range of a file, or over a stream, by feeding `RangeScanner` settled blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from transforms.core.tables.delimited.boundaries import codes_of, units_of, unsettled, waiting
from transforms.core.tables.delimited.range_scan import Limits, RangeScanner, Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from transforms.core.tables.delimited.boundaries import Codes
    from transforms.core.tables.delimited.dialect import Dialect

    Read = Callable[[int, int], bytes | memoryview]

BLOCK_BYTES = 2 << 20  # scanned at a time: small enough for the processor's cache, large enough for Arrow
FETCH_BYTES = 4 << 20  # read at a time, up to half as much again where that ends the range
_TAIL_BYTES = 4 << 10  # read along behind a range, to end its last record without another request


class RangeScan(NamedTuple):
    """A scanned range: its readings if it begins outside a quoted field, and inside.

    Attributes:
        start: First byte, settled.
        stop: Byte behind the last, settled.
        lines: Line ends within it, quoted ones too.
        readings: One if the range surely begins outside, else two (outside, inside); none for an empty range.
    """

    start: int
    stop: int
    lines: int
    readings: tuple[Reading, ...]


class _Window:
    """Sequential reads through one buffer, so that looking back or ahead a little costs no request."""

    def __init__(self, read: Read, size: int, hint: int, head: bytes) -> None:
        self._read, self.size, self._hint = read, size, min(hint, size)
        self._start, self._data = 0, memoryview(head)
        self.keep = 0  # nothing before it will be asked for again

    def get(self, start: int, stop: int) -> memoryview:
        """Bytes `start` to `stop`; what lies behind `keep` and was read already stays at hand."""
        stop = min(stop, self.size)
        if not (self._start <= start and stop <= self._start + len(self._data)):
            base = min(start, max(self.keep, self._start))
            held = self._data[base - self._start :] if self._start <= base <= self._start + len(self._data) else b""
            base = base if len(held) else start
            begin = base + len(held)
            whole = self._hint - begin <= FETCH_BYTES * 3 // 2
            end = max(stop, self._hint if whole else begin + FETCH_BYTES)
            fresh = self._read(begin, end)
            self._data = memoryview(b"".join((held, fresh)) if len(held) else fresh)
            self._start = base
        return self._data[start - self._start : stop - self._start]


def scan_range(
    read: Read, file_bytes: int, dialect: Dialect, start: int, stop: int, limits: Limits, head: bytes = b""
) -> RangeScan:
    """Scans the records that start in a byte range.

    Args:
        read: Ranged read of the file's bytes.
        file_bytes: The file's size.
        dialect: The file's; `data_start` is where its first record starts.
        start: First byte as planned; the settled one may be a little behind it.
        stop: Byte behind the last as planned; settled in the same way, so that ranges tile the file.
        limits: Records a chunk, bytes a record.
        head: The file's first bytes, if they are at hand: they are not read again.
    """
    codes = codes_of(dialect)
    window = _Window(read, file_bytes, stop + 2 * _TAIL_BYTES, head if start < len(head) else b"")
    first = start <= dialect.data_start
    begin = dialect.data_start if first else _settle(window, start, codes)
    if begin >= stop:
        end = max(begin, _settle(window, stop, codes))
        if begin >= end:
            return RangeScan(begin, end, 0, ())
    window.keep = begin - codes.unit_bytes
    before = window.get(max(begin - codes.unit_bytes, 0), begin + codes.unit_bytes)
    previous = 10 if first else int(units_of(before, codes)[0])
    scanner = RangeScanner(dialect, begin, max(stop, begin), previous, (False,) if first else (False, True), limits)
    at = _feed_range(scanner, window, begin, stop, codes)
    step = _TAIL_BYTES
    while scanner.pending and at < file_bytes:
        at = _feed(scanner, window, at, min(at + step, file_bytes), codes)
        step *= 2
    return RangeScan(begin, scanner.stop, scanner.lines, scanner.finish())


def _feed_range(scanner: RangeScanner, window: _Window, at: int, stop: int, codes: Codes) -> int:
    """Feeds the range's blocks; its end is settled when it is reached, so that nothing is read twice."""
    if stop - at > BLOCK_BYTES:
        at = _feed(scanner, window, at, stop - BLOCK_BYTES, codes)
    window.keep = at
    end = _settle(window, stop, codes)
    scanner.end_at(end)
    return _feed(scanner, window, at, end, codes)


def _feed(scanner: RangeScanner, window: _Window, at: int, end: int, codes: Codes) -> int:
    while at < end:
        window.keep = at
        stop = min(at + BLOCK_BYTES, end)
        block = window.get(at, stop if stop == scanner.stop else _settle(window, stop, codes))
        if at < scanner.stop < at + len(block):  # the next settled place is behind the range: it ends there
            scanner.end_at(at + len(block))
        scanner.feed(at, block)
        at += len(block)
    return at


def _settle(window: _Window, position: int, codes: Codes) -> int:
    """The first place from `position` on where the unit before needs no successor to be judged."""
    unit = codes.unit_bytes
    special = np.array(sorted(waiting(codes)))
    while position < window.size:
        units = units_of(window.get(position - unit, position + 63 * unit), codes)
        free = np.flatnonzero(~np.isin(units, special))
        if free.size:
            return position + int(free[0]) * unit
        position += (len(units) - 1) * unit or unit
    return window.size


def scan_stream(blocks: Iterator[bytes], dialect: Dialect, limits: Limits) -> RangeScan:
    """Scans a stream that can be read only from its beginning; `blocks` begin at byte 0."""
    codes = codes_of(dialect)
    scanner = RangeScanner(dialect, dialect.data_start, 1 << 62, 10, (False,), limits)
    at, carry, skip = dialect.data_start, b"", dialect.data_start
    for block in blocks:
        if skip >= len(block):
            skip -= len(block)
            continue
        data = carry + block[skip:]
        skip = 0
        rest = (unsettled(units_of(data, codes), codes) * codes.unit_bytes) + len(data) % codes.unit_bytes
        carry = data[len(data) - rest :]
        if size := len(data) - rest:
            scanner.feed(at, memoryview(data)[:size])
            at += size
    if carry:
        scanner.feed(at, carry)
        at += len(carry)
    ended = not scanner.pending
    [reading] = scanner.finish()
    if ended and reading.records and reading.overlong < 0:  # the last line end starts no record
        cuts = tuple(cut for cut in reading.cuts if cut.offset < at)
        reading = reading._replace(records=reading.records - 1, cuts=cuts)
    return RangeScan(dialect.data_start, at, scanner.lines, (reading,))
