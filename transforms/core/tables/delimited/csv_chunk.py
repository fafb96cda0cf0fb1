"""One chunk of a CSV to columns of text, with every record accounted for: parsed, blank, or set aside with its reason.

Clean chunks go through pyarrow as they are. Only a chunk that holds something odd (a NUL, bytes that aren't text, a
quote that never closes) is taken apart record by record.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from transforms.core.tables.delimited import boundaries
from transforms.core.tables.delimited.csv_rows import is_text, parse_records, record_bounds

if TYPE_CHECKING:
    from collections.abc import Callable

    from transforms.core.tables.delimited.dialect import Dialect
    from transforms.core.tables.delimited.resolve import Chunk


class Place(NamedTuple):
    """Where a record stands.

    Attributes:
        record: Its number in the file, from 1, the header not counted.
        line: The physical line it begins on, from 1 (in a sheet: the row).
        raw: The record as it stands.
    """

    record: int
    line: int
    raw: str | bytes


class BadRecord(NamedTuple):
    """A record whose form is wrong: no column, no value."""

    place: Place
    value: str
    rule: str


class TextChunk(NamedTuple):
    """A chunk as text.

    Attributes:
        columns: One array a file column, of strings or the type asked for; null = an unquoted empty field.
        numbers: The record number (from 1) of each row.
        place: Says where a row (from 0) stands.
        bad: Records that are not in `columns`.
        skipped: Blank records, in neither.
    """

    columns: list[pa.ChunkedArray]
    numbers: Callable[[], np.ndarray]
    place: Callable[[int], Place]
    bad: tuple[BadRecord, ...]
    skipped: int


class _Records:
    """The records of a chunk, found again by the scanner's rules: only made when something is odd."""

    def __init__(self, data: bytes, dialect: Dialect, chunk: Chunk) -> None:
        self.data, self.dialect, self.chunk = data, dialect, chunk

    @cached_property
    def bounds(self) -> np.ndarray:
        """Byte positions of each record's start, and the chunk's end."""
        return record_bounds(self.data, self.dialect)

    @cached_property
    def line_ends(self) -> np.ndarray:
        """Byte positions behind each line end, quoted or not."""
        codes = boundaries.codes_of(self.dialect)
        units = boundaries.units_of(self.data, codes)
        return boundaries.find_marks(units, 10, codes).lines * codes.unit_bytes

    @cached_property
    def filled(self) -> np.ndarray:
        """Indices of the records that are not blank."""
        codes = boundaries.codes_of(self.dialect)
        units = boundaries.without_foreign(boundaries.units_of(self.data, codes), codes.only)
        units = np.append(units, 0)  # half a unit may be the last record
        first = units[self.bounds[:-1] // codes.unit_bytes]
        return np.flatnonzero((first != 10) & (first != 13))

    def slice(self, index: int) -> bytes:
        return self.data[self.bounds[index] : self.bounds[index + 1]]

    def place(self, index: int) -> Place:
        start = self.bounds[index]
        line = self.chunk.line + int(np.searchsorted(self.line_ends, start, "right"))
        raw = self.slice(index)
        if self.dialect.encoding == "utf-8":
            return Place(self.chunk.record + index + 1, line, raw.rstrip((self.dialect.only or "\r\n").encode()))
        text = raw.decode(self.dialect.encoding, "replace")
        return Place(self.chunk.record + index + 1, line, text.rstrip(self.dialect.only or "\r\n"))

    def bad(self, index: int, rule: str, value: str = "") -> BadRecord:
        return BadRecord(self.place(index), value, rule)


def read_csv_chunk(
    data: bytes,
    dialect: Dialect,
    chunk: Chunk,
    missing_values: tuple[str, ...] = (),
    *,
    unclosed: bool = False,
    types: tuple[pa.DataType, ...] = (),
) -> TextChunk:
    """Parses a chunk.

    Args:
        data: The chunk's bytes, whole records.
        dialect: The file's.
        chunk: Where it stands in the file.
        missing_values: Unquoted texts that are NULL.
        unclosed: Whether its last record's quote is never closed: that record is set aside.
        types: What each column's texts are known to be; () = strings. Strings come where a text is not.
    """
    records = _Records(data, dialect, chunk)
    bad = {chunk.records - 1: "quote never closed"} if unclosed else {}
    if b"\0" in data and (
        not dialect.encoding.startswith("utf-16") or "\0" in data.decode(dialect.encoding, "replace")
    ):
        bad = _unreadable(records) | bad
    for known in (types, ()) if types else ((),):
        try:
            return _parsed(records, bad, missing_values, known)
        except (pa.ArrowInvalid, UnicodeDecodeError):
            continue
    return _parsed(records, _unreadable(records) | bad, missing_values, ())


def _unreadable(records: _Records) -> dict[int, str]:
    """Records with a NUL, which no database keeps, or with bytes that the encoding doesn't have."""
    encoding = records.dialect.encoding
    found = {}
    for index in range(len(records.bounds) - 1):
        data = records.slice(index)
        if not is_text(data, encoding):
            found[index] = f"not {encoding}"
        elif b"\0" in data and "\0" in data.decode(encoding):
            found[index] = "NUL character"
    return found


def _parsed(
    records: _Records, bad: dict[int, str], missing_values: tuple[str, ...], types: tuple[pa.DataType, ...]
) -> TextChunk:
    chunk = records.chunk
    good = records.data
    if bad:
        good = b"".join(records.slice(index) for index in range(len(records.bounds) - 1) if index not in bad)
    rows = parse_records(good, records.dialect, missing_values, types)
    parsed = len(rows.columns[0]) if rows.columns else 0
    if parsed == chunk.records:
        numbers = np.arange(chunk.record + 1, chunk.record + 1 + parsed)
        return TextChunk(rows.columns, lambda: numbers, records.place, (), 0)
    filled = np.array([index for index in records.filled.tolist() if index not in bad], np.int64)
    aside = [filled[ragged.place] for ragged in rows.ragged]
    left = np.delete(filled, [ragged.place for ragged in rows.ragged])
    width = records.dialect.width
    broken = [records.bad(index, rule) for index, rule in bad.items()]
    broken += [
        records.bad(int(index), f"columns {width}", f"{ragged.fields} fields")
        for index, ragged in zip(aside, rows.ragged, strict=True)
    ]
    broken.sort(key=lambda record: record.place.record)
    skipped = len(records.bounds) - 1 - len(filled) - len(bad)
    return TextChunk(
        rows.columns,
        lambda: left + chunk.record + 1,
        lambda row: records.place(int(left[row])),
        tuple(broken),
        skipped,
    )
