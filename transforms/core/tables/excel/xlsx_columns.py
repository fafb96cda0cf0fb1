"""From raw cells to columns of canonical text: converts each kind of value in bulk, then sorts all into columns.

Costs follow the number of cells, not of columns: one conversion a kind and one take for a whole window of rows.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.errors import PermanentError
from transforms.core.tables.chunk_starts import chunk_starts
from transforms.core.tables.excel.xlsx_dates import date_texts
from transforms.core.tables.excel.xlsx_kinds import Kind, RawCells
from transforms.core.tables.excel.xlsx_merge import merge_parts
from transforms.core.tables.excel.xlsx_numbers import canonical_numbers
from transforms.core.tables.excel.xlsx_text import unescape_excel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_ROW_BYTES = 64 << 20


class ValueContext(NamedTuple):
    """What a workbook says about the values in its sheets.

    Attributes:
        shared: The shared strings, ready to use; None when the workbook has none.
        date1904: Whether serial dates count from 1904.
        name: What messages call the workbook.
        longest_bytes: Size of the longest shared string.
    """

    shared: pa.StringArray | None
    date1904: bool
    name: str
    longest_bytes: int = 0


def row_groups(cells: RawCells, context: ValueContext, most_bytes: int) -> Iterator[RawCells]:
    """The cells, some whole rows at a time, so that few bytes of XML can't become any amount of shared text.

    Args:
        cells: Of one read of the sheet.
        context: Of the workbook.
        most_bytes: Shared text of a group, without its last row.

    Raises:
        PermanentError: If a cell names a shared string that isn't there, or a row's shared text is over 64 MiB.
    """
    shared = np.flatnonzero(cells.kinds == Kind.SHARED)
    if context.shared is None or len(shared) * context.longest_bytes <= most_bytes:
        yield cells
        return
    indices = _indices(cells.values.take(pa.array(shared)), context)
    sizes = np.zeros(len(cells.rows) + 1, np.int64)
    sizes[shared + 1] = pc.fill_null(_taken(pc.binary_length(context.shared), indices, context), 0)
    before = np.cumsum(sizes)
    firsts = np.flatnonzero(np.diff(cells.rows, prepend=0))
    _check_rows(np.diff(before[firsts], append=before[-1]), cells.rows[firsts], context)
    starts = [int(firsts[at]) for at in chunk_starts(before[firsts], None, len(firsts), most_bytes)]
    for start, stop in pairwise([*starts, len(cells.rows)]):
        yield some_cells(cells, start, stop)


def some_cells(cells: RawCells, start: int, stop: int) -> RawCells:
    """The cells from one place to another."""
    chosen = slice(start, stop)
    return RawCells(cells.rows[chosen], cells.columns[chosen], cells.kinds[chosen], cells.values[chosen])


def _check_rows(sizes: NDArray[np.int64], rows: NDArray[np.int64], context: ValueContext) -> None:
    longest = int(sizes.argmax())
    if sizes[longest] > _ROW_BYTES:
        raise PermanentError(
            f"{context.name}: row {rows[longest]} has {sizes[longest]} bytes of text, over the limit of {_ROW_BYTES} "
            "for one row: split it into several, or leave columns out"
        )


def canonical_texts(cells: RawCells, context: ValueContext) -> pa.StringArray:
    """The canonical text of each cell; null for an empty text and for `#N/A`.

    Raises:
        PermanentError: If a cell names a shared string that isn't there.
    """
    present = np.flatnonzero(np.bincount(cells.kinds, minlength=len(Kind)))
    parts: list[tuple[NDArray[np.int64], pa.StringArray]] = []
    for kind in present:
        at = np.flatnonzero(cells.kinds == kind)
        texts = cells.values if len(present) == 1 else cells.values.take(pa.array(at))
        parts.append((at, _converted(texts, Kind(int(kind)), context)))
    return merge_parts(parts, len(cells.kinds))


def _converted(texts: pa.StringArray, kind: Kind, context: ValueContext) -> pa.StringArray:
    match kind:
        case Kind.NUMBER:
            texts = canonical_numbers(texts)
        case Kind.SHARED:
            texts = _shared(texts, context)
        case Kind.TEXT:
            texts = unescape_excel(texts)
        case Kind.BOOLEAN:
            false = pc.is_in(texts, pa.array(["0", "false"]))
            true = pc.is_in(texts, pa.array(["1", "true"]))
            texts = pc.if_else(true, "true", pc.if_else(false, "false", texts))
        case Kind.ERROR:
            texts = pc.if_else(pc.equal(texts, "#N/A"), pa.scalar(None, pa.string()), texts)
        case Kind.ISO_DATE:
            texts = pc.replace_substring(texts, "T", " ", max_replacements=1)
        case _:
            texts = date_texts(texts, kind, date1904=context.date1904)
    return _empty_to_null(texts)


def _empty_to_null(texts: pa.StringArray) -> pa.StringArray:
    empty = pc.equal(texts, "")
    return pc.if_else(empty, pa.scalar(None, pa.string()), texts) if pc.any(empty).as_py() else texts


def _shared(texts: pa.StringArray, context: ValueContext) -> pa.StringArray:
    if context.shared is None:
        raise PermanentError(_no_such_string(context, f"string {texts[0].as_py()}"))
    return _taken(context.shared, _indices(texts, context), context)


def _indices(texts: pa.StringArray, context: ValueContext) -> pa.Int32Array:
    """The numbers of shared strings that cells name; null where they name none."""
    texts = _empty_to_null(texts)
    try:
        try:
            return texts.cast(pa.int32())
        except pa.ArrowInvalid:
            return pc.utf8_trim_whitespace(texts).cast(pa.int32())
    except pa.ArrowInvalid as e:
        raise PermanentError(_no_such_string(context, str(e))) from e


def _taken(values: pa.Array, indices: pa.Int32Array, context: ValueContext) -> pa.Array:
    try:
        return values.take(indices)
    except (pa.ArrowInvalid, pa.ArrowIndexError) as e:
        raise PermanentError(_no_such_string(context, str(e))) from e


def _no_such_string(context: ValueContext, detail: str) -> str:
    count = len(context.shared) if context.shared is not None else 0
    return (
        f"{context.name}: a cell names a shared string that isn't there ({detail}); the workbook has {count} of them: "
        "it is damaged; open it in Excel and save it again"
    )


def cell_columns(
    cells: RawCells, texts: pa.StringArray, first_row: int, rows: int, width: int, null_column: pa.StringArray
) -> list[pa.StringArray]:
    """Columns of `rows` texts each for the cells of one window of rows.

    Args:
        cells: Where the texts belong.
        texts: Their canonical texts, one a cell.
        first_row: Excel row of the window's first row.
        rows: Rows of the window.
        width: Columns to give.
        null_column: `rows` nulls, for every column without a cell.
    """
    filled = np.flatnonzero(np.bincount(cells.columns, minlength=width))
    place = np.zeros(width, np.int64)
    place[filled] = np.arange(len(filled))
    targets = place.take(cells.columns) * rows + (cells.rows - first_row)
    source = np.full(len(filled) * rows, -1, np.int64)
    source[targets] = np.arange(len(texts))
    missing = source < 0
    grid = texts.take(pa.array(source, mask=missing) if missing.any() else pa.array(source))
    columns = [null_column] * width
    for i, column in enumerate(filled.tolist()):
        columns[column] = grid.slice(i * rows, rows)
    return columns
