"""The process in which python-calamine loads a workbook: bytes in by stdin, Arrow batches of text out by stdout.

`python -m … LIMIT_BYTES names` or `… LIMIT_BYTES rows SHEET BLOCK_ROWS WIDTH`. Exit 3: the message on stderr says why.
"""

from __future__ import annotations

import datetime as dt
import io
import resource
import sys
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, WorksheetNotFound

from transforms.core.tables.excel.xlsx_dates import elapsed_text
from transforms.core.tables.excel.xlsx_numbers import number_text

if TYPE_CHECKING:
    from collections.abc import Iterator

EXIT_REFUSED = 3
_BLOCK_CELLS = 1_000_000
_BLOCK_CHARACTERS = 8 << 20


def limit_memory(limit_bytes: int) -> None:
    """Ends this process when it takes so many bytes more than now (Linux; elsewhere only the check by size holds)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return
    now = next(int(line.split()[1]) << 10 for line in status.read_text().splitlines() if line.startswith("VmData"))
    resource.setrlimit(resource.RLIMIT_DATA, (now + limit_bytes, now + limit_bytes))


def cell_text(value: object) -> str | None:
    """The canonical text of one of calamine's values."""
    text: str | None
    match value:
        case bool():
            text = "true" if value else "false"
        case str():
            text = value or None
        case int():
            text = str(value)
        case float():
            text = number_text(value)
        case dt.datetime():
            text = value.isoformat(" ", "milliseconds" if value.microsecond else "seconds")
        case dt.time():
            text = value.isoformat("milliseconds" if value.microsecond else "seconds")
        case dt.date():
            text = value.isoformat()
        case dt.timedelta():
            text = elapsed_text(round(value / dt.timedelta(milliseconds=1)))
        case _:
            raise TypeError(f"{value!r}: calamine isn't known to give a {type(value).__name__}")
    return text


def worksheet_names(book: CalamineWorkbook) -> list[str]:
    """The worksheets of a workbook, in its order, without chart and macro sheets."""
    return [sheet.name for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]


def sheet_batches(book: CalamineWorkbook, sheet: str, block_rows: int, width: int) -> Iterator[pa.RecordBatch]:
    """The rows of one sheet from row 1 on, all batches with the same columns."""
    loaded = book.get_sheet_by_name(sheet)
    skipped = loaded.start[1] if loaded.start else 0
    used = skipped + loaded.width
    width = max(width, used)
    schema = pa.schema([(str(i), pa.string()) for i in range(width)])
    rows = iter(loaded.iter_rows()) if loaded.start else iter(())
    most = min(block_rows, max(1, _BLOCK_CELLS // max(1, width)))
    yield pa.record_batch([pa.nulls(0, pa.string())] * width, schema=schema)  # an empty sheet has a schema too
    for block in _blocks(rows, most):
        nulls = pa.nulls(len(block), pa.string())
        texts = [pa.array(column, pa.string()) for column in zip(*block, strict=True)]
        columns = [nulls] * skipped + texts + [nulls] * (width - used)
        yield pa.record_batch(columns, schema=schema)


def _blocks(rows: Iterator[list[object]], most_rows: int) -> Iterator[list[list[str | None]]]:
    """Rows as texts, as many as neither limit forbids, or one."""
    block: list[list[str | None]] = []
    characters = 0
    for row in rows:
        block.append([cell_text(value) for value in row])
        characters += sum(map(len, filter(None, block[-1])))
        if len(block) == most_rows or characters >= _BLOCK_CHARACTERS:
            yield block
            block, characters = [], 0
    if block:
        yield block


def main(arguments: list[str]) -> int:
    """Does what the command line says, with the workbook from stdin."""
    limit_memory(int(arguments[0]))
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read()))
        if arguments[1] == "names":
            batches = iter([pa.record_batch([pa.array(worksheet_names(book), pa.string())], names=["sheet"])])
        else:
            batches = sheet_batches(book, arguments[2], int(arguments[3]), int(arguments[4]))
        first = next(batches)
        with pa.ipc.new_stream(sys.stdout.buffer, first.schema) as writer:
            for batch in chain([first], batches):
                writer.write_batch(batch)
    except WorksheetNotFound:
        known = ", ".join(map(repr, worksheet_names(book)))
        sys.stderr.write(f"has no worksheet {arguments[2]!r}; it has: {known}")
        return EXIT_REFUSED
    except CalamineError as e:
        sys.stderr.write(
            f"can't be read ({type(e).__name__}: {e}); open it in Excel and save it again, without a password"
        )
        return EXIT_REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
