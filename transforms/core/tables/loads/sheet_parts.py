"""The sheets of a workbook as parts of a load: which ones, and where each one's table begins."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, cast

from transforms.core.errors import PermanentError
from transforms.core.objects.ranged_file import RangedFile
from transforms.core.objects.store import open_store
from transforms.core.tables.delimited.dialect import Dialect
from transforms.core.tables.delimited.header import find_header, table_width
from transforms.core.tables.excel.excel_rows import read_sheet, sheet_names
from transforms.core.tables.loads.load_plan import SHEET, Part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transforms.core.outcome import ObjectInfo
    from transforms.core.tables.excel.excel_rows import SheetBlock
    from transforms.core.tables.loads.load_settings import LoadSettings

_SAMPLE_ROWS = 200


def sheet_parts(file: int, info: ObjectInfo, settings: LoadSettings) -> list[Part]:
    """The sheets that were asked for, in the workbook's order.

    Raises:
        PermanentError: The workbook can't be read, or has no such sheet.
    """
    names = sheet_names(_open(info, settings), info.uri, memory_limit_bytes=settings.memory_limit_bytes)
    if settings.sheet == "*":
        chosen = names
    elif settings.sheet in names:
        chosen = [settings.sheet]
    elif settings.sheet.isdigit() and 1 <= int(settings.sheet) <= len(names):
        chosen = [names[int(settings.sheet) - 1]]
    else:
        raise PermanentError(f"{info.uri}: no sheet {settings.sheet!r}; it has {', '.join(map(repr, names))}")
    return [_part(file, info, name, settings) for name in chosen]


def sheet_blocks(part: Part, settings: LoadSettings, *, width: int | None = None) -> Iterator[SheetBlock]:
    """The rows of a SHEET part, from the sheet's first row."""
    return _blocks(part.info, part.name, settings, settings.chunk_rows, width)


def _blocks(
    info: ObjectInfo, sheet: str, settings: LoadSettings, rows: int, width: int | None = None
) -> Iterator[SheetBlock]:
    return read_sheet(
        _open(info, settings),
        info.uri,
        sheet,
        engine="fast" if settings.excel_engine == "fast" else "stream",
        block_rows=rows,
        width=width,
        memory_limit_bytes=settings.memory_limit_bytes,
    )


def _open(info: ObjectInfo, settings: LoadSettings) -> BinaryIO:
    return cast("BinaryIO", RangedFile(open_store(info.uri, settings.source_access), info))


def _part(file: int, info: ObjectInfo, sheet: str, settings: LoadSettings) -> Part:
    rows: list[list[str | None]] = []
    first_row = 1
    for block in islice(_blocks(info, sheet, settings, _SAMPLE_ROWS), 1):
        first_row = block.first_row
        rows = [list(row) for row in zip(*(column.to_pylist() for column in block.columns), strict=True)]
    overrides = settings.overrides
    guess = find_header(rows, mode=overrides.header, skip_rows=overrides.skip_rows)
    header = tuple(cell or "" for cell in guess.names)
    width = len(header) or table_width(rows[guess.data_row :])
    data_line = first_row + guess.data_row
    dialect = Dialect(",", "", "", "utf-8", "\n", 0, 0, data_line, header, width if rows else 0)
    note = "" if dialect.width else f"{info.uri}#{sheet}: empty sheet"
    return Part(file, 0, info, sheet, SHEET, "", dialect, note)
