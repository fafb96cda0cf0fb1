"""The data rows of a sheet, below its header, in blocks; blank rows are known, not counted."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.tables.excel.excel_rows import SheetBlock
from transforms.core.tables.loads.sheet_parts import sheet_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transforms.core.tables.loads.load_plan import Part
    from transforms.core.tables.loads.load_settings import LoadSettings


def sheet_rows(part: Part, settings: LoadSettings) -> Iterator[SheetBlock]:
    """The blocks from the first data row on, at least as wide as the part; all-blank blocks are left out."""
    first, width = part.dialect.data_line, part.dialect.width
    for block in sheet_blocks(part, settings):
        skip = max(first - block.first_row, 0)
        columns = [column.slice(skip) for column in block.columns]
        rows = len(columns[0]) if columns else 0
        if rows == 0 or all(column.null_count == rows for column in columns):
            continue
        columns += [pa.nulls(rows, pa.string())] * (width - len(columns))
        yield SheetBlock(block.first_row + skip, columns)


def filled_rows(columns: Sequence[pa.Array]) -> pa.BooleanArray | None:
    """Which rows have any value; None = all."""
    if any(column.null_count == 0 for column in columns):
        return None
    filled = reduce(pc.or_, (column.is_valid() for column in columns))
    return None if pc.all(filled).as_py() else filled
