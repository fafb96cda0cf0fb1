"""Arrow tables as `COPY … (FORMAT binary)`: whole columns by numpy, woven into rows by one Arrow call.

`is_binary` and `decimals_fit` say whether rows can go this way; what was measured stands in postgres_copy.py.
"""

from __future__ import annotations

from decimal import Context, Decimal
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Sequence

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
_EPOCH_MICROSECONDS = 946_684_800_000_000  # PostgreSQL counts from 2000-01-01
_EPOCH_DAYS = 10_957
_NULL = -1
_NULL_CELL = b"\xff\xff\xff\xff"  # a length of -1, and nothing behind it
_EXACT = Context(prec=60)
_BASE_DIGITS = 4  # a numeric's digits stand in groups of four


class Cells(NamedTuple):
    """A fixed-width column's cells.

    Attributes:
        fields: Name suffix and big-endian numpy type of each part, the length included.
        values: One array (or constant) a part.
        valid: Which are not NULL; None = all.
    """

    fields: tuple[tuple[str, str], ...]
    values: tuple[np.ndarray | int, ...]
    valid: np.ndarray | None


def is_binary(sql_type: str, arrow_type: pa.DataType) -> bool:
    """Whether a column of this PostgreSQL type takes this Arrow type's values as they are, bit for bit."""
    if pa.types.is_decimal(arrow_type):
        return sql_type.startswith("numeric")
    if pa.types.is_timestamp(arrow_type):
        return sql_type == f"timestamp {'with' if arrow_type.tz else 'without'} time zone"
    if pa.types.is_string(arrow_type):
        return sql_type == "text" or sql_type.startswith("character")
    return _FIXED_TYPES.get(arrow_type) == sql_type


_FIXED_TYPES = {pa.bool_(): "boolean", pa.int64(): "bigint", pa.float64(): "double precision", pa.date32(): "date"}


def decimals_fit(rows: pa.Table) -> bool:
    """Whether all decimals have at most 64 bits, which is what numpy can count with."""
    for column in rows.columns:
        if pa.types.is_decimal(column.type):
            extremes = pc.min_max(column).as_py()
            largest = max((abs(value) for value in extremes.values() if value is not None), default=Decimal(0))
            if largest.scaleb(_fraction_groups(column.type.scale) * _BASE_DIGITS, _EXACT) >= 2**63:
                return False
    return True


def _fraction_groups(scale: int) -> int:
    return -(-scale // _BASE_DIGITS)


def binary_rows(rows: pa.RecordBatch) -> memoryview:
    """The rows' tuples, without header and trailer.

    Args:
        rows: Few enough for 2 GiB; types that `is_binary` accepts, decimals that fit.
    """
    weave = _Weave(rows.num_rows)
    weave.add((("count", ">i2"),), (rows.num_columns,))
    for column in rows.columns:
        if pa.types.is_string(column.type):
            weave.add_text(column)
            continue
        cells = _cells(column)
        if cells.valid is None:
            weave.add(cells.fields, cells.values)
        else:
            weave.add_with_nulls(cells)
    return weave.join()


class _Weave:
    """Pieces of rows, in order: neighbours of fixed width are one piece, so that few have to be joined."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._pieces: list[pa.Array] = []
        self._fields: list[tuple[str, str]] = []
        self._values: list[np.ndarray | int] = []

    def add(self, fields: Sequence[tuple[str, str]], values: Sequence[np.ndarray | int]) -> None:
        for (name, kind), value in zip(fields, values, strict=True):
            self._fields.append((f"{len(self._fields)} {name}", kind))
            self._values.append(value)

    def add_text(self, column: pa.Array) -> None:
        lengths: np.ndarray = pc.binary_length(column).fill_null(_NULL).to_numpy(zero_copy_only=False)
        self.add((("length", ">i4"),), (lengths,))
        self._end_piece()
        self._pieces.append((column.fill_null("") if column.null_count else column).cast(pa.binary()))

    def add_with_nulls(self, cells: Cells) -> None:
        self._end_piece()
        records = _records(self._count, cells.fields, cells.values)
        self._pieces.append(_binary(self._count, records, pa.array(cells.valid).buffers()[1]))

    def join(self) -> memoryview:
        self._end_piece()
        joined = self._pieces[0]
        if len(self._pieces) > 1:
            joined = pc.binary_join_element_wise(
                *self._pieces, pa.scalar(b""), null_handling="replace", null_replacement=_NULL_CELL
            )
        offsets = np.frombuffer(joined.buffers()[1], dtype=np.int32)
        return memoryview(joined.buffers()[2])[offsets[joined.offset] : offsets[joined.offset + self._count]]

    def _end_piece(self) -> None:
        if self._fields:
            self._pieces.append(_binary(self._count, _records(self._count, self._fields, self._values)))
            self._fields, self._values = [], []


def _records(count: int, fields: Sequence[tuple[str, str]], values: Sequence[np.ndarray | int]) -> np.ndarray:
    records = np.empty(count, dtype=list(fields))
    for (name, _), value in zip(fields, values, strict=True):
        records[name] = value
    return records


def _binary(count: int, records: np.ndarray, valid: pa.Buffer | None = None) -> pa.Array:
    width = records.dtype.itemsize
    offsets = np.arange(0, width * (count + 1), width, dtype=np.int32)
    return pa.Array.from_buffers(pa.binary(), count, [valid, pa.py_buffer(offsets), pa.py_buffer(records)])


def _cells(column: pa.Array) -> Cells:
    """The cells of a column of fixed width."""
    valid = column.is_valid().to_numpy(zero_copy_only=False) if column.null_count else None
    if pa.types.is_decimal(column.type):
        return _numeric(column, valid)
    kind = column.type
    if pa.types.is_boolean(kind):
        size, form, values = 1, ">u1", column.cast(pa.uint8()).fill_null(0).to_numpy()
    elif pa.types.is_date(kind):
        size, form, values = 4, ">i4", column.cast(pa.int32()).fill_null(0).to_numpy() - np.int32(_EPOCH_DAYS)
    elif pa.types.is_timestamp(kind):
        size, form, values = 8, ">i8", column.cast(pa.int64()).fill_null(0).to_numpy() - np.int64(_EPOCH_MICROSECONDS)
    elif pa.types.is_floating(kind):
        size, form, values = 8, ">f8", column.fill_null(0.0).to_numpy()
    else:
        size, form, values = 8, ">i8", column.fill_null(0).to_numpy()
    return Cells((("length", ">i4"), ("value", form)), (size, values), valid)


def _numeric(column: pa.Array, valid: np.ndarray | None) -> Cells:
    """Numerics: groups of four digits, as many for all as the largest needs; the server drops leading zeros."""
    words = np.frombuffer(column.buffers()[1], dtype="<i8").reshape(-1, 2)[column.offset : column.offset + len(column)]
    units = words[:, 0] if valid is None else np.where(valid, words[:, 0], 0)
    scale: int = column.type.scale
    fraction_groups = _fraction_groups(scale)
    shift = 10 ** (fraction_groups * _BASE_DIGITS - scale)
    largest = max(int(units.max(initial=0)), -int(units.min(initial=0)))
    groups = max(fraction_groups, -(-len(str(largest * shift)) // _BASE_DIGITS), 1)
    rest = np.abs(units) * shift
    digits: list[np.ndarray] = []
    for _ in range(groups):
        quotient = rest // 10_000
        digits.append(rest - quotient * 10_000)
        rest = quotient
    fields = [("length", ">i4"), ("count", ">i2"), ("weight", ">i2"), ("sign", ">u2"), ("scale", ">u2")]
    fields += [(f"digits {place}", ">i2") for place in range(groups)]
    sign = np.where(units < 0, 0x4000, 0)
    weight = groups - fraction_groups - 1
    return Cells(tuple(fields), (8 + 2 * groups, groups, weight, sign, scale, *reversed(digits)), valid)
