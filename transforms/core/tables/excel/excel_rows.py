"""Rows of Excel and OpenDocument sheets as blocks of columns of text; the format is decided by content, not by name.

.xlsx and .xlsm are streamed (xlsx_stream.py); .xls, .xlsb, .ods are loaded whole by another process (excel_whole.py).
A text is what a CSV would hold: `1`, `0.1`, `true`, `2024-01-31 10:20:30`. Null is an empty cell or text, or `#N/A`;
other errors keep theirs. Of a merged range only the first cell has a value, as the file has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

Engine = Literal["stream", "fast"]
DEFAULT_BLOCK_ROWS = 10_000


class SheetBlock(NamedTuple):
    """Some rows of a sheet, one behind the other.

    Attributes:
        first_row: Excel row number of the first, from 1.
        columns: One pa.string() array a column, from column A on, all of one length; null is an empty cell.
    """

    first_row: int
    columns: list[pa.Array]


def sheet_names(file: BinaryIO, name: str, *, memory_limit_bytes: int = 1 << 30) -> list[str]:
    """The worksheets of a workbook, in its order: hidden ones too, chart and macro sheets not.

    Args:
        file: The workbook, seekable; it is read, never closed.
        name: What messages call it.
        memory_limit_bytes: The most that a workbook may take that is loaded whole (not .xlsx).

    Raises:
        PermanentError: If it is no workbook, encrypted, damaged, or hostile.
    """
    from transforms.core.tables.excel.excel_format import workbook_format  # noqa: PLC0415
    from transforms.core.tables.excel.excel_whole import whole_sheet_names  # noqa: PLC0415
    from transforms.core.tables.excel.xlsx_stream import xlsx_sheet_names  # noqa: PLC0415

    form = workbook_format(file, name)
    if form == "xlsx":
        return xlsx_sheet_names(file, name)
    return whole_sheet_names(file, name, form, memory_limit_bytes=memory_limit_bytes)


def read_sheet(
    file: BinaryIO,
    name: str,
    sheet: str,
    *,
    engine: Engine = "stream",
    block_rows: int = DEFAULT_BLOCK_ROWS,
    width: int | None = None,
    memory_limit_bytes: int,
) -> Iterator[SheetBlock]:
    """The rows of one sheet: every row from 1 to the last one that holds a value, without a gap.

    Blank rows are rows of nulls. A block has as many columns as its widest row needs, and at least `width`. Memory:
    about 50 MiB and the shared strings for a streamed sheet; else see excel_whole.py, which the limit bounds.

    Args:
        file: The workbook, seekable; a thread reads it too until the iterator ends, so give each call its own.
        name: What messages call it.
        sheet: The sheet's name.
        engine: `fast` loads a .xlsx whole too; the others are always loaded whole.
        block_rows: The most rows in a block; a block has also at most 1,000,000 cells and 8 MiB of text, or one row.
        width: The fewest columns that a block has.
        memory_limit_bytes: The most that shared strings, or a workbook loaded whole, may take.

    Raises:
        PermanentError: If the workbook or sheet can't be read, or not within the limits.
    """
    from transforms.core.tables.excel.excel_format import workbook_format  # noqa: PLC0415

    form = workbook_format(file, name)
    if form == "xlsx" and engine == "stream":
        from transforms.core.tables.excel.xlsx_stream import read_xlsx  # noqa: PLC0415

        windows = read_xlsx(
            file, name, sheet, block_rows=block_rows, width=width or 0, memory_limit_bytes=memory_limit_bytes
        )
        yield from (SheetBlock(window.first_row, window.columns) for window in windows)
        return
    from transforms.core.tables.excel.excel_whole import read_whole_sheet  # noqa: PLC0415

    first_row = 1
    for columns in read_whole_sheet(
        file, name, form, sheet, block_rows=block_rows, width=width or 0, memory_limit_bytes=memory_limit_bytes
    ):
        yield SheetBlock(first_row, columns)
        first_row += len(columns[0])
