"""What our types are called in DuckDB, and what its types are for us."""

from __future__ import annotations

import re

from transforms.core.tables.columns.column import TEXT, ColumnType
from transforms.core.tables.databases.sql import Dialect, double_quoted

DIALECT = Dialect(
    quote=double_quoted,
    mark="$",
    integer="BIGINT",
    blob="BLOB",
    json_object="CAST(json_object({}) AS TEXT)",
    types={
        "boolean": "BOOLEAN",
        "integer": "BIGINT",
        "decimal": "DECIMAL({precision},{scale})",
        "double": "DOUBLE",
        "date": "DATE",
        "timestamp": "TIMESTAMP",
        "timestamptz": "TIMESTAMP WITH TIME ZONE",
        "text": "VARCHAR",
    },
    folds_case=True,
    schema="main",
    apart="USING COMPRESSION uncompressed",
)
_KINDS = {
    "BOOLEAN": ColumnType("boolean"),
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT"), ColumnType("integer")),
    **dict.fromkeys(("UTINYINT", "USMALLINT", "UINTEGER"), ColumnType("integer")),
    "UBIGINT": ColumnType("decimal", 20, 0),
    "HUGEINT": ColumnType("decimal", 38, 0),
    **dict.fromkeys(("FLOAT", "DOUBLE"), ColumnType("double")),
    "DATE": ColumnType("date"),
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S"), ColumnType("timestamp")),
    "TIMESTAMP WITH TIME ZONE": ColumnType("timestamptz"),
}


def column_type(sql_type: str) -> ColumnType:
    """What a DuckDB type is for us; text when we don't know it."""
    decimal = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", sql_type)
    return ColumnType("decimal", int(decimal[1]), int(decimal[2])) if decimal else _KINDS.get(sql_type, TEXT)
