"""Pass 1 over a part: cuts it into scan tasks, scans one, and carries the result as a small text across a shuffle."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import pyarrow.compute as pc

from transforms.core import interrupt
from transforms.core.objects.store import open_store
from transforms.core.tables.columns import seen
from transforms.core.tables.columns.column_stats import observe
from transforms.core.tables.delimited.range_scan import Cut, Limits, Reading
from transforms.core.tables.delimited.scan import RangeScan, scan_range, scan_stream
from transforms.core.tables.loads.find_parts import ZIP, open_blocks
from transforms.core.tables.loads.heads import SHEETS, take_head
from transforms.core.tables.loads.load_plan import CSV, SHEET
from transforms.core.tables.loads.sheet_rows import filled_rows, sheet_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from transforms.core.tables.excel.excel_rows import SheetBlock
    from transforms.core.tables.loads.load_plan import Part
    from transforms.core.tables.loads.load_settings import LoadSettings

# Of a file up to this size the first range is scanned as soon as the file is inspected, while its head is at hand: of
# many small files the heads would be gone by the time that all are inspected, and so be read once more.
AT_ONCE_BYTES = 8 << 20
# A part's ranges come together where it is planned: no more than this many, so that a huge file gets larger ranges.
MOST_RANGES = 20_000


def cut(part: Part, settings: LoadSettings, least: int = 2) -> list[tuple[int, int]]:
    """The byte ranges of a part that are scanned apart: one for what can only be read from its beginning.

    Args:
        part: The part.
        settings: Say how large a range is.
        least: What it must have at least, in bytes: all parts of the load have their ranges.
    """
    dialect = part.dialect
    if dialect.width == 0:
        return []
    if part.kind != CSV:
        return [(0, max(part.info.size_bytes, 0))]
    size = part.info.size_bytes - dialect.data_start
    step = max(settings.range_bytes, -(-size // MOST_RANGES), least, 2)
    step += step % 2  # whole code units
    stops = [*range(dialect.data_start + step, part.info.size_bytes, step), part.info.size_bytes]
    starts = [dialect.data_start, *stops[:-1]]
    return list(zip(starts, stops, strict=True)) if size > 0 else []


def at_once(part: Part) -> bool:
    """Whether a part's first range is scanned with its inspection.

    | part                                              | at once |
    |---------------------------------------------------|---------|
    | a sheet, or a member of an archive                | no      |
    | another, its file up to AT_ONCE_BYTES             | yes     |
    | another, of a server that doesn't tell the size   | yes     |
    | another                                           | no      |
    """
    return part.kind != SHEET and part.codec != ZIP and part.info.size_bytes <= AT_ONCE_BYTES


def scan(part: Part, start: int, stop: int, settings: LoadSettings) -> RangeScan:
    """Scans one range of a part.

    Raises:
        PermanentError: The file can't be read, or isn't the planned version any more.
    """
    if part.kind == SHEET:
        return _scan_sheet(part, settings)
    # Nothing else bounds a stream's chunks. A range does, unless many files or a huge one made it larger than asked.
    most = settings.range_bytes if part.kind != CSV else 2 * settings.range_bytes
    limits = Limits(settings.chunk_rows, settings.max_record_bytes, settings.missing_values, most)
    if part.kind != CSV:
        return scan_stream(_interruptible(open_blocks(part, settings, again=True)), part.dialect, limits)
    read = partial(open_store(part.info.uri, settings.source_access).read, part.info)
    head = take_head(part.info, again=True) if start == part.dialect.data_start else b""
    return scan_range(read, part.info.size_bytes, part.dialect, start, stop, limits, head)


def _interruptible(blocks: Iterator[bytes]) -> Iterator[bytes]:
    for block in blocks:
        interrupt.check()
        yield block


def _scan_sheet(part: Part, settings: LoadSettings) -> RangeScan:
    stats: tuple[seen.ColumnStats, ...] = (seen.EMPTY,) * part.dialect.width
    cuts, records, stop = [], 0, part.dialect.data_line
    kept: list[SheetBlock] = []
    kept_bytes = 0
    for block in sheet_rows(part, settings):
        interrupt.check()
        kept_bytes += sum(column.nbytes for column in block.columns)
        kept = [*kept, block] if kept_bytes <= SHEETS.most_bytes else []
        filled = filled_rows(block.columns)
        columns = [_only(column, filled) for column in block.columns[: part.dialect.width]]
        stats = tuple(observe(old, column) for old, column in zip(stats, columns, strict=True))
        cuts.append(Cut(block.first_row, records, block.first_row - part.dialect.data_line))
        records += len(block.columns[0]) if filled is None else int(pc.sum(filled).as_py() or 0)
        stop = block.first_row + len(block.columns[0])
    if kept:
        SHEETS.keep((part.info.uri, part.info.etag, part.name), kept, kept_bytes)
    reading = Reading(records, tuple(cuts), inside=False, stats=stats, overlong=-1, unclosed=False)
    return RangeScan(part.dialect.data_line, stop, 0, (reading,))


def _only(column: pa.Array, filled: pa.BooleanArray | None) -> pa.Array:
    return column if filled is None else column.filter(filled)


class ScanResult(NamedTuple):
    """A scanned range as it crosses a shuffle: its part (JSON), where it starts, and its scan (JSON) or an error.

    Attributes:
        part: `part_to_json` of the part.
        start: First byte as planned: orders a part's ranges.
        scan: `scan_to_json`; "" when it failed.
        error: `TypeName: message` of what failed; "" when it didn't.
    """

    part: str
    start: int
    scan: str
    error: str


def scan_to_json(scan: RangeScan) -> str:
    """A scan as JSON text."""
    readings = [
        [*reading[:3], [seen.to_list(stats) for stats in reading.stats], *reading[4:]] for reading in scan.readings
    ]
    return json.dumps([*scan[:3], readings], separators=(",", ":"))


def scan_from_json(text: str) -> RangeScan:
    """The inverse of `scan_to_json`."""
    start, stop, lines, readings = json.loads(text)
    return RangeScan(start, stop, lines, tuple(_reading(*reading) for reading in readings))


def _reading(
    records: int, cuts: list[list[int]], inside: bool, stats: list[list[int]], overlong: int, unclosed: bool
) -> Reading:
    return Reading(
        records, tuple(Cut(*cut) for cut in cuts), inside, tuple(map(seen.from_list, stats)), overlong, unclosed
    )
