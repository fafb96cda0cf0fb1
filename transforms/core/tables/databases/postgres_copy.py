"""Arrow tables as the bytes of `COPY … FROM STDIN`: no value passes through Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv as arrow_csv

if TYPE_CHECKING:
    from collections.abc import Iterator

_SLICE_ROWS = 16_384
_BLOCK_BYTES = 1 << 18


def csv_blocks(rows: pa.Table) -> Iterator[memoryview]:
    """The rows as CSV: texts always in quotes, so that NULL (nothing) and the empty text stay two things."""
    options = arrow_csv.WriteOptions(include_header=False, batch_size=8192, quoting_style="needed")
    for start in range(0, rows.num_rows, _SLICE_ROWS):
        sink = pa.BufferOutputStream()
        arrow_csv.write_csv(rows.slice(start, _SLICE_ROWS), sink, options)
        yield from blocks(memoryview(sink.getvalue()))


def blocks(data: memoryview) -> Iterator[memoryview]:
    """Cuts bytes into blocks of what is sent at once."""
    for start in range(0, len(data), _BLOCK_BYTES):
        yield data[start : start + _BLOCK_BYTES]
