"""Tables written as CSV in every dialect, for the property tests: what is written is known value by value.

The writer is ours, since Python's can't tell NULL from the empty string, nor write each field in a way of its own.
"""

from __future__ import annotations

import csv
import io
import re
from itertools import pairwise
from typing import NamedTuple

from hypothesis import strategies as st

from transforms.core.outcome import ObjectInfo
from transforms.core.tables.delimited import scan
from transforms.core.tables.delimited.csv_chunk import TextChunk, read_csv_chunk
from transforms.core.tables.delimited.dialect import Dialect
from transforms.core.tables.delimited.range_scan import Limits
from transforms.core.tables.delimited.resolve import ResolvedFile, resolve
from transforms.core.tables.loads import scan_parts
from transforms.core.tables.loads.load_plan import CSV, Part
from transforms.core.tables.loads.load_settings import LoadSettings

BOMS = {"utf-8-sig": b"\xef\xbb\xbf", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "cp1252", "latin-1")
LINE_END = re.compile("\r\n|\r|\n")
# Characters whose bytes look like line ends, quotes or commas in UTF-16, and those that str.splitlines believes in.
TRAPS = "\u0a0d\u0d0a\u2c2c\u2222\u5c22\u0a22\U0001f600\U00010a0d\u2028\x85\x0b\x0c\x1c\ufeff"


class Written(NamedTuple):
    """A CSV and what it says.

    Attributes:
        data: The file.
        dialect: How it is read; it has a header if `data_start` is behind the byte order mark.
        rows: Its records as written, None for NULL.
        lines: The line on which each begins.
    """

    data: bytes
    dialect: Dialect
    rows: list[list[str | None]]
    lines: list[int]

    @property
    def records(self) -> dict[int, list[str | None]]:
        """The records that aren't blank, by number from 1: in a table of one column a NULL is a blank line."""
        return {number: row for number, row in enumerate(self.rows, 1) if row != [None]}


class Way(NamedTuple):
    """How a file is written.

    Attributes:
        delimiter: Between fields.
        quote: Around fields, "" for none.
        escape: Before special characters, "" for none.
        doubled: Whether a quote in a quoted field is doubled (else escaped).
        quoting: all, minimal, or none.
        line_end: Behind records.
    """

    delimiter: str
    quote: str
    escape: str
    doubled: bool
    quoting: str
    line_end: str

    def field(self, text: str | None, *, alone: bool) -> str:
        """One field as it stands in the file."""
        if text is None:
            return ""
        special = set("\r\n" + self.delimiter + self.quote + self.escape)
        if self.quoting == "none" or (self.quoting == "free" and text and len(text) % 2 and self.escape):
            return "".join(self.escape + char if char in special else char for char in text)
        if self.quoting != "all" and text and not special & set(text) and not (alone and text.isspace()):
            return text
        text = text.replace(self.escape, self.escape * 2) if self.escape else text
        mark = self.quote if self.doubled else self.escape
        return self.quote + text.replace(self.quote, mark + self.quote) + self.quote

    def record(self, row: list[str | None]) -> str:
        """One record with its line end."""
        return self.delimiter.join(self.field(text, alone=len(row) == 1) for text in row) + self.line_end


@st.composite
def ways(draw: st.DrawFn) -> Way:
    delimiter = draw(st.sampled_from(",;\t|: "))
    quoting = draw(st.sampled_from(["minimal", "minimal", "all", "free", "none"]))
    escape = draw(st.sampled_from(["", "\\"])) if quoting != "none" else "\\"
    quote = draw(st.sampled_from("\"'")) if quoting != "none" else ""
    doubled = not escape or draw(st.booleans())
    return Way(delimiter, quote, escape, doubled, quoting, draw(st.sampled_from(["\n", "\r\n", "\r"])))


@st.composite
def written(draw: st.DrawFn, *, most_rows: int = 12, headed: bool = True) -> Written:
    """Any table in any dialect, some of them with a header."""
    way, encoding = draw(ways()), draw(st.sampled_from(ENCODINGS))
    codec = encoding.removesuffix("-sig")
    special = "\r\n" + way.delimiter + (way.quote or "\"'") + (way.escape or "\\")
    other = {"cp1252": "é€ß", "latin-1": "é\x80\xff"}.get(codec, "é€" + TRAPS)
    text = st.text(st.sampled_from("ab0 " + special * 2 + other), max_size=8)
    value = st.none() | (text.map(lambda one: one or None) if way.quoting == "none" else text)
    width = draw(st.integers(1, 4))
    rows = draw(st.lists(st.lists(value, min_size=width, max_size=width), max_size=most_rows))
    header = [draw(text) for _ in range(width)] if headed and draw(st.booleans()) else None
    start = way.record([name or "x" for name in header]) if header is not None else ""
    records = [way.record(row) for row in rows]
    if records and not draw(st.booleans()) and rows[-1] != [None]:
        records[-1] = records[-1].removesuffix(way.line_end)
    lines, line = [], 1 + len(LINE_END.findall(start))
    for record in records:
        lines.append(line)
        line += len(LINE_END.findall(record))
    bom = BOMS.get(encoding, b"")
    data_start = len(bom) + len(start.encode(codec))
    first_line = 1 + len(LINE_END.findall(start))
    dialect = Dialect(
        way.delimiter,
        way.quote,
        way.escape,
        codec,
        way.line_end,
        len(bom),
        data_start,
        first_line,
        (),
        width,  # type: ignore[arg-type]
    )
    return Written(bom + (start + "".join(records)).encode(codec), dialect, rows, lines)


def by_csv_module(data: bytes, dialect: Dialect) -> list[list[str]]:
    """The reference."""
    text = data[dialect.data_start :].decode(dialect.encoding)
    return list(csv.reader(io.StringIO(text, newline=""), **dialect.csv_kwargs()))


def scanned(
    data: bytes, dialect: Dialect, range_bytes: int, chunk_rows: int, max_record_bytes: int = 1 << 20
) -> ResolvedFile:
    """Pass 1: each range on its own, then chained."""
    part = Part(0, 0, ObjectInfo("memory", len(data), "", 0.0), "", CSV, "", dialect)
    ranges = scan_parts.cut(part, LoadSettings((), "", "", range_bytes=range_bytes))
    if range_bytes == 1 and not dialect.encoding.startswith("utf-16"):
        ranges = [(at, at + 1) for at in range(dialect.data_start, len(data))]
    limits = Limits(chunk_rows, max_record_bytes)

    def read(start: int, stop: int) -> memoryview:
        return memoryview(data)[start:stop]

    found = [scan.scan_range(read, len(data), dialect, start, stop, limits) for start, stop in ranges]
    return resolve(found, dialect.data_line)


def streamed(
    data: bytes, dialect: Dialect, cuts: list[int], chunk_rows: int, max_record_bytes: int = 1 << 20
) -> ResolvedFile:
    """Pass 1 over a stream that comes in blocks."""
    edges = [0, *sorted(cuts), len(data)]
    blocks = (data[start:stop] for start, stop in pairwise(edges))
    return resolve([scan.scan_stream(blocks, dialect, Limits(chunk_rows, max_record_bytes))], dialect.data_line)


def chunks_of(data: bytes, dialect: Dialect, file: ResolvedFile, missing: tuple[str, ...] = ()) -> list[TextChunk]:
    """Pass 2 over every chunk."""
    last = len(file.chunks) - 1
    return [
        read_csv_chunk(data[one.start : one.stop], dialect, one, missing, unclosed=file.unclosed and index == last)
        for index, one in enumerate(file.chunks)
    ]


def rows_of(chunk: TextChunk) -> dict[int, list[str | None]]:
    """A chunk's rows by record number."""
    columns = [column.to_pylist() for column in chunk.columns]
    return dict(zip(chunk.numbers().tolist(), (list(row) for row in zip(*columns, strict=True)), strict=True))
