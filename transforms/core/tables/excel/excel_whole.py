"""Sheets of .xls, .xlsb, .ods (and .xlsx by choice), loaded whole by python-calamine: it reads all, and fast.

Memory: 10 x the file for .xls; of the unpacked parts 6 x for .xlsb, 2 x for .ods, 5 x for .xlsx; 24 bytes a cell of the
rectangle around all cells, which a few hostile bytes can make terabytes. So it works in its own process under a hard
limit; that contains a crash of the native code too.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa

from transforms.core.errors import PermanentError
from transforms.core.tables.excel.xlsx_package import Package

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transforms.core.tables.excel.excel_format import Format

_MEMORY_FACTORS: dict[Format, int] = {"xls": 10, "xlsb": 6, "ods": 2, "xlsx": 5}
_EXIT_REFUSED = 3  # as in excel_whole_process.py
_COPY_BYTES = 1 << 20
_MODULE = "transforms.core.tables.excel.excel_whole_process"


def whole_sheet_names(file: BinaryIO, name: str, form: Format, *, memory_limit_bytes: int) -> list[str]:
    """The worksheets of a workbook, in its order.

    Raises:
        PermanentError: If the workbook can't be read, or not within the limit.
    """
    with _calamine(file, name, form, ["names"], memory_limit_bytes) as batches:
        return [text for batch in batches for text in batch.column(0).to_pylist()]


def read_whole_sheet(
    file: BinaryIO, name: str, form: Format, sheet: str, *, block_rows: int, width: int, memory_limit_bytes: int
) -> Iterator[list[pa.StringArray]]:
    """The rows of one sheet from row 1 on, as columns of text.

    Args:
        file: The workbook, seekable.
        name: What messages call it.
        form: Its format.
        sheet: The sheet's name.
        block_rows: The most rows at once.
        width: The fewest columns.
        memory_limit_bytes: The most memory that the loading process may take.

    Raises:
        PermanentError: If the workbook or the sheet can't be read, or not within the limit.
    """
    arguments = ["rows", sheet, str(block_rows), str(width)]
    with _calamine(file, name, form, arguments, memory_limit_bytes) as batches:
        yield from (batch.columns for batch in batches if batch.num_rows)


def _check_size(file: BinaryIO, name: str, form: Format, limit_bytes: int) -> None:
    stored = file.seek(0, os.SEEK_END)
    package = None if form == "xls" else Package(file, name)
    size = package.size_bytes() if package else stored
    if package and size > 200 * stored and size > 100_000_000:
        raise PermanentError(f"{name}: has {stored} bytes and claims to unpack to {size}: a zip bomb: refused")
    needed = stored + size * _MEMORY_FACTORS[form]
    if needed > limit_bytes:
        raise PermanentError(_too_big(name, form, f"needs about {needed} bytes", limit_bytes))


def _too_big(name: str, form: Format, needs: str, limit_bytes: int) -> str:
    return (
        f"{name}: this .{form} workbook is loaded whole and {needs} of memory, over the limit of {limit_bytes}; "
        "raise --memory_threshold_mb, or save it as .xlsx, which can be streamed"
    )


@contextmanager
def _calamine(
    file: BinaryIO, name: str, form: Format, arguments: list[str], limit_bytes: int
) -> Iterator[Iterator[pa.RecordBatch]]:
    """The batches that the loading process sends; it is gone when the context ends."""
    _check_size(file, name, form, limit_bytes)
    root = os.pathsep.join(filter(None, [str(Path(__file__).resolve().parents[4]), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system", "PYTHONPATH": root, "RUST_BACKTRACE": "0"}
    command = [sys.executable, "-m", _MODULE, str(limit_bytes), *arguments]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    try:
        _send(file, process)
        yield _batches(process, name, form, limit_bytes)
    finally:
        process.kill()
        process.communicate()


def _send(file: BinaryIO, process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    file.seek(0)
    with suppress(BrokenPipeError):  # it died early: its exit code says why
        while data := file.read(_COPY_BYTES):
            process.stdin.write(data)
    with suppress(BrokenPipeError):
        process.stdin.close()
    process.stdin = None


def _batches(process: subprocess.Popen[bytes], name: str, form: Format, limit_bytes: int) -> Iterator[pa.RecordBatch]:
    assert process.stdout is not None
    assert process.stderr is not None
    broken = ""
    try:
        with pa.ipc.open_stream(process.stdout) as reader:
            yield from reader
    except (pa.ArrowInvalid, OSError) as e:  # the process failed, and its exit code tells more than the cut stream
        broken = str(e)
    message = process.stderr.read().decode("utf-8", "replace").strip()
    code = process.wait()
    if code == _EXIT_REFUSED:
        raise PermanentError(f"{name}: {message}")
    if code < 0 or "memory" in message.lower():
        raise PermanentError(_too_big(name, form, "takes more bytes", limit_bytes))
    if code or broken:
        last = message.splitlines()[-1][:200] if message else f"exit {code}, {broken}"
        raise PermanentError(f"{name}: can't be read ({last}); open it in Excel and save it again as .xlsx")
