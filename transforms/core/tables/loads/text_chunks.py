"""The chunks of a part as text, however the part is read: by byte ranges, as a stream, or as a workbook's rows."""

from __future__ import annotations

import json
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.errors import PermanentError
from transforms.core.objects.store import open_store
from transforms.core.tables.delimited.csv_chunk import BadRecord, Place, TextChunk, read_csv_chunk
from transforms.core.tables.loads.element_sizes import READ_BYTES, runs
from transforms.core.tables.loads.find_parts import open_blocks
from transforms.core.tables.loads.heads import HEADS, SHEETS
from transforms.core.tables.loads.load_plan import CSV, SHEET
from transforms.core.tables.loads.sheet_rows import filled_rows, sheet_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transforms.core.tables.columns.field_rule import FieldRule
    from transforms.core.tables.delimited.resolve import Chunk
    from transforms.core.tables.loads.load_plan import PlannedPart
    from transforms.core.tables.loads.load_settings import LoadSettings

    Indexed = Iterator[tuple[int, TextChunk]]


def text_chunks(
    planned: PlannedPart, first: int, last: int, settings: LoadSettings, rules: Sequence[FieldRule] = ()
) -> Indexed:
    """Reads some neighbouring chunks of a part.

    Args:
        planned: The part.
        first: Index of the first chunk, from 0.
        last: Index of the last.
        settings: How the source is reached, which unquoted texts are NULL.
        rules: The load's columns, if values may come where texts are surely of their type.

    Yields:
        Each chunk's index and text; one is in memory at a time (with the bytes of its range).

    Raises:
        PermanentError: The file is not what was planned any more.
    """
    if planned.part.kind == SHEET:
        return _by_rows(planned, first, last, settings)
    types = _known_types(planned, rules)
    if planned.part.kind != CSV:
        return _by_stream(planned, first, last, settings, types)
    reads = runs(planned, range(first, last + 1), READ_BYTES)
    return chain.from_iterable(_by_ranges(planned, *read, settings, types) for read in reads)


def _known_types(planned: PlannedPart, rules: Sequence[FieldRule]) -> tuple[pa.DataType, ...]:
    """What to read each column of a file as; () when all are texts."""
    types, uses = [pa.string()] * planned.part.dialect.width, Counter(planned.fields)
    for rule, field in zip(rules, planned.fields, strict=False):
        if rule.sure and field >= 0 and uses[field] == 1:
            types[field] = rule.column.type.arrow()
    return tuple(types) if set(types) != {pa.string()} else ()


def _by_ranges(
    planned: PlannedPart, first: int, last: int, settings: LoadSettings, types: tuple[pa.DataType, ...]
) -> Indexed:
    part = planned.part
    begin, end = planned.chunks[first].start, planned.chunks[last].stop
    head = (HEADS.take((part.info.uri, part.info.etag)) if first == 0 else None) or b""
    held = head[begin:end]
    if begin + len(held) < end:
        read = open_store(part.info.uri, settings.source_access).read
        held += read(part.info, begin + len(held), end)
    data = memoryview(held)
    for index in range(first, last + 1):
        chunk = planned.chunks[index]
        yield index, _csv(planned, index, data[chunk.start - begin : chunk.stop - begin], settings, types)


def _by_stream(
    planned: PlannedPart, first: int, last: int, settings: LoadSettings, types: tuple[pa.DataType, ...]
) -> Indexed:
    blocks, offset, held = open_blocks(planned.part, settings), 0, b""
    for index in range(first, last + 1):
        chunk = planned.chunks[index]
        pieces = [held]
        while offset + sum(map(len, pieces)) < chunk.stop:
            block = next(blocks, None)
            if block is None:
                raise PermanentError(f"{planned.part.label}: ends before byte {chunk.stop}; has the file changed?")
            if offset + sum(map(len, pieces)) + len(block) <= chunk.start:  # before what is wanted: let it go
                offset += sum(map(len, pieces)) + len(block)
                pieces = []
            else:
                pieces.append(block)
        data = b"".join(pieces)
        wanted = memoryview(data)[chunk.start - offset : chunk.stop - offset]
        yield index, _csv(planned, index, wanted, settings, types)
        held, offset = data[chunk.stop - offset :], chunk.stop


def _csv(
    planned: PlannedPart, index: int, data: memoryview, settings: LoadSettings, types: tuple[pa.DataType, ...]
) -> TextChunk:
    unclosed = planned.unclosed and index == len(planned.chunks) - 1
    chunk, dialect = planned.chunks[index], planned.part.dialect
    return read_csv_chunk(bytes(data), dialect, chunk, settings.missing_values, unclosed=unclosed, types=types)


def _by_rows(planned: PlannedPart, first: int, last: int, settings: LoadSettings) -> Indexed:
    info = planned.part.info
    kept = SHEETS.take((info.uri, info.etag, planned.part.name))
    blocks = iter(kept) if kept is not None else sheet_rows(planned.part, settings)
    held: list[tuple[int, list[pa.Array]]] = []
    for index in range(first, last + 1):
        chunk = planned.chunks[index]
        held = [(row, columns) for row, columns in held if row + len(columns[0]) > chunk.start]
        while not held or held[-1][0] + len(held[-1][1][0]) < chunk.stop:
            block = next(blocks, None)
            if block is None:
                break
            if block.first_row + len(block.columns[0]) > chunk.start:
                held.append((block.first_row, block.columns))
        yield index, _sheet_chunk(planned, chunk, [_within(row, columns, chunk) for row, columns in held])


def _within(row: int, columns: list[pa.Array], chunk: Chunk) -> tuple[int, list[pa.Array]]:
    skip = max(chunk.start - row, 0)
    return row + skip, [column.slice(skip, max(chunk.stop - row - skip, 0)) for column in columns]


def _sheet_chunk(planned: PlannedPart, chunk: Chunk, blocks: list[tuple[int, list[pa.Array]]]) -> TextChunk:
    """Puts blocks of rows together; rows with cells beyond the table's width are set aside, blank ones left out."""
    width = planned.part.dialect.width
    pieces, rows, bad, record = [], [], [], chunk.record
    for first_row, columns in blocks:
        if not len(columns[0]):
            continue
        filled = filled_rows(columns)
        kept = np.arange(len(columns[0])) if filled is None else np.flatnonzero(filled.to_numpy(zero_copy_only=False))
        ordinal = record + 1 + np.arange(len(kept))
        record += len(kept)
        wide = _wide(columns[width:], kept)
        bad += [
            BadRecord(
                Place(int(ordinal[at]), first_row + int(kept[at]), _raw(columns, int(kept[at]))), "", f"columns {width}"
            )
            for at in np.flatnonzero(wide)
        ]
        kept, ordinal = kept[~wide], ordinal[~wide]
        pieces.append([column.take(pa.array(kept)) for column in columns[:width]])
        rows.append(np.column_stack([ordinal, kept + first_row]))
    places = np.concatenate(rows) if rows else np.empty((0, 2), np.int64)
    columns = [pa.chunked_array([piece[at] for piece in pieces], pa.string()) for at in range(width)]

    def place(row: int) -> Place:
        ordinal, line = places[row].tolist()
        return Place(ordinal, line, json.dumps([column[row].as_py() for column in columns], ensure_ascii=False))

    return TextChunk(columns, lambda: places[:, 0], place, tuple(bad), 0)


def _wide(extra: list[pa.Array], kept: np.ndarray) -> np.ndarray:
    wide = np.zeros(len(kept), np.bool_)
    for column in extra:
        wide |= pc.is_valid(column).to_numpy(zero_copy_only=False)[kept]
    return wide


def _raw(columns: list[pa.Array], row: int) -> str:
    return json.dumps([column[row].as_py() for column in columns], ensure_ascii=False)
