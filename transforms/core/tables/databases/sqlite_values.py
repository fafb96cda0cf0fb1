"""What a value and a type of ours are in SQLite, which has no dates, decimals or booleans of its own.

Booleans are 0 and 1; dates and times are ISO 8601 texts (UTC with a `Z`); decimals are texts with all their digits.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.tables.columns.column import TEXT, ColumnType
from transforms.core.tables.databases.sql import Dialect, double_quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

_SLICE_ROWS = 8192

DIALECT = Dialect(
    quote=double_quoted,
    mark="?",
    integer="INTEGER",
    blob="BLOB",
    json_object="json_object({})",
    types={
        "boolean": "BOOLEAN",
        "integer": "INTEGER",
        # A declared type with TEXT in it keeps texts as they are; with DECIMAL alone they would become doubles.
        "decimal": "DECIMAL_TEXT({precision},{scale})",
        "double": "DOUBLE",
        "date": "DATE",
        "timestamp": "TIMESTAMP",
        "timestamptz": "TIMESTAMPTZ",
        "text": "TEXT",
    },
    folds_case=True,
    schema="main",
)


def column_type(sql_type: str) -> ColumnType:
    """What a declared type is for us; text when we don't know it."""
    declared = sql_type.upper()
    decimal = re.fullmatch(r"(?:DECIMAL|NUMERIC)(?:_TEXT)?\s*\(\s*(\d+)\s*,\s*(\d+)\s*\)", declared)
    if decimal and int(decimal[2]) <= int(decimal[1]) <= 38:
        return ColumnType("decimal", int(decimal[1]), int(decimal[2]))
    for pattern, kind in _KINDS:
        if re.match(pattern, declared):
            return kind
    return TEXT


_KINDS = (
    (r"BOOL", ColumnType("boolean")),
    (r".*INT", ColumnType("integer")),
    (r".*(REAL|FLOA|DOUB)", ColumnType("double")),
    (r"DATE$", ColumnType("date")),
    (r"TIMESTAMP(TZ| WITH TIME ZONE)$", ColumnType("timestamptz")),
    (r"(TIMESTAMP|DATETIME)$", ColumnType("timestamp")),
)


def strict_check(name: str, sql_type: str) -> str:
    """The CHECK by which a column refuses what a STRICT table's column refuses."""
    kind = {"INT": "integer", "INTEGER": "integer", "REAL": "real", "TEXT": "text", "BLOB": "blob"}.get(
        sql_type.upper()
    )
    quoted = double_quoted(name)
    return f"CHECK (typeof({quoted}) IN ('null', '{kind}'))" if kind else f"CHECK ({quoted} IS {quoted})"


def value_rows(rows: pa.Table) -> Iterator[tuple[Any, ...]]:
    """The rows as sqlite3 takes them: whole columns are converted, a slice of rows at a time."""
    for start in range(0, rows.num_rows, _SLICE_ROWS):
        part = rows.slice(start, _SLICE_ROWS)
        yield from zip(*(_values(column) for column in part.columns), strict=True)


def _values(column: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_boolean(column.type):
        return column.cast(pa.int8()).to_pylist()
    if pa.types.is_decimal(column.type):
        return [None if value is None else format(value, "f") for value in column.to_pylist()]
    if pa.types.is_temporal(column.type):
        return pc.cast(column, pa.string()).to_pylist()
    values = column.to_pylist()
    if pa.types.is_floating(column.type) and pc.any(pc.is_nan(column)).as_py():
        # SQLite makes a NaN a NULL; as a text it stays what it was.
        return ["NaN" if value != value else value for value in values]  # noqa: PLR0124
    return values
