"""Pass 2: a chunk of text to the rows that go to the database, and its account: loaded, rejected, skipped, why."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from transforms.core.errors import PermanentError
from transforms.core.tables.loads.destination import FILE_COLUMN, RECORD_COLUMN, ChunkRows, ChunkTotals
from transforms.core.tables.loads.load_plan import SHEET
from transforms.core.tables.loads.load_settings import SOURCE_FILE, SOURCE_RECORD
from transforms.core.tables.loads.reject import Reject, to_line
from transforms.core.tables.values.coerce import coerce

if TYPE_CHECKING:
    from transforms.core.tables.columns.field_rule import BadValue
    from transforms.core.tables.delimited.csv_chunk import Place, TextChunk
    from transforms.core.tables.loads.load_plan import LoadPlan, PlannedPart


class Numbered(NamedTuple):
    """A chunk, ready to be written, and what is needed to reject one of its rows later.

    Attributes:
        rows: What the destination takes.
        numbers: The record number of each row.
        text: The chunk as text: says where a record stands.
        kept: For each row its place in the text; None = the same.
        planned: The chunk's part.
    """

    rows: ChunkRows
    numbers: np.ndarray
    text: TextChunk
    kept: np.ndarray | None
    planned: PlannedPart


def to_rows(text: TextChunk, planned: PlannedPart, index: int, plan: LoadPlan, *, ordered: bool) -> Numbered:
    """Coerces a chunk.

    Args:
        text: The chunk as text.
        planned: Its part.
        index: The chunk's place among the part's chunks.
        plan: The load's.
        ordered: Whether the rows carry FILE_COLUMN and RECORD_COLUMN.

    Raises:
        PermanentError: The chunk has another number of records than pass 1 counted.
    """
    parsed = len(text.columns[0]) if text.columns else 0
    columns = [text.columns[field] if field >= 0 else pa.nulls(parsed, pa.string()) for field in planned.fields]
    coerced = coerce(columns, plan.rules)
    numbers = text.numbers()
    kept = coerced.kept
    if kept is not None:
        numbers = numbers[kept]
    rejects = [_form_reject(planned, one.place, one.value, one.rule) for one in text.bad]
    rejects += [_value_reject(planned, text, bad) for bad in coerced.bad]
    rejects.sort(key=lambda reject: reject.record)
    chunk, number = planned.chunks[index], planned.first_chunk + index
    loaded = coerced.rows.num_rows
    totals = ChunkTotals(number, planned.part.file, chunk.records, loaded, len(rejects), text.skipped)
    if loaded + len(rejects) + text.skipped != chunk.records:
        raise PermanentError(
            f"{planned.part.label}: chunk at byte {chunk.start} has {loaded} rows, {len(rejects)} rejects and "
            f"{text.skipped} blank records, but {chunk.records} records were counted. Has the file changed?"
        )
    rows = _with_origin(coerced.rows, planned, numbers, plan, ordered=ordered)
    return Numbered(ChunkRows(totals, rows, tuple(map(to_line, rejects))), numbers, text, kept, planned)


def without_row(numbered: Numbered, row: int, message: str) -> Numbered:
    """The chunk without one row, which the database refused: it becomes a reject."""
    place = numbered.text.place(int(row if numbered.kept is None else numbered.kept[row]))
    reject = _form_reject(numbered.planned, place, "", f"database: {message}")
    keep = np.delete(np.arange(len(numbered.numbers)), row)
    old = numbered.rows
    totals = old.totals._replace(loaded=old.totals.loaded - 1, rejected=old.totals.rejected + 1)
    rows = ChunkRows(totals, old.rows.take(keep), (*old.rejects, to_line(reject)))
    kept = keep if numbered.kept is None else numbered.kept[keep]
    return numbered._replace(rows=rows, numbers=numbered.numbers[keep], kept=kept)


def _with_origin(
    rows: pa.Table, planned: PlannedPart, numbers: np.ndarray, plan: LoadPlan, *, ordered: bool
) -> pa.Table:
    count = rows.num_rows
    records = pa.array(numbers, pa.int64())
    if plan.provenance:
        name = planned.part.label.encode(errors="backslashreplace").decode()  # it may be no UTF-8
        label = pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), [name])
        rows = rows.append_column(SOURCE_FILE, label.cast(pa.string()))
        rows = rows.append_column(SOURCE_RECORD, records)
    if ordered:
        rows = rows.append_column(FILE_COLUMN, pa.array(np.full(count, planned.part.number), pa.int64()))
        rows = rows.append_column(RECORD_COLUMN, records)
    return rows


def _form_reject(planned: PlannedPart, place: Place, value: str, rule: str) -> Reject:
    sheet = planned.part.name if planned.part.kind == SHEET else ""
    file = planned.part.info.uri if sheet else planned.part.label
    return Reject(file, sheet, place.record, place.line, "", value, rule, place.raw)


def _value_reject(planned: PlannedPart, text: TextChunk, bad: BadValue) -> Reject:
    place = text.place(bad.row)
    return _form_reject(planned, place, "", bad.rule)._replace(column=bad.column, value=bad.value)
