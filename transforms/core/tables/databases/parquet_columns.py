"""A Parquet table's columns: as Arrow fields, as JSON, and whether a load's columns fit those that are there. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from transforms.core.errors import ConfigError
from transforms.core.tables.columns.column import TEXT, Column, ColumnType
from transforms.core.tables.databases.column_fit import clashes
from transforms.core.tables.databases.target import TargetColumn, misfits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transforms.core.tables.loads.destination import LoadSpec

Columns = tuple[Column, ...]


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """The schema of a part file."""
    return pa.schema([pa.field(column.name, column.type.arrow(), column.nullable) for column in columns])


def columns_of(schema: pa.Schema) -> Columns:
    """A part file's columns; types that we don't write come as the nearest that holds them, or as text."""
    return tuple(Column(field.name, "", _column_type(field.type), field.nullable) for field in schema)


def _column_type(kind: pa.DataType) -> ColumnType:  # noqa: PLR0911 - one line a kind
    if pa.types.is_boolean(kind):
        return ColumnType("boolean")
    if pa.types.is_integer(kind):
        return ColumnType("decimal", 20, 0) if kind == pa.uint64() else ColumnType("integer")
    if pa.types.is_decimal(kind) and kind.precision <= 38 and 0 <= kind.scale <= kind.precision:
        return ColumnType("decimal", kind.precision, kind.scale)
    if pa.types.is_floating(kind):
        return ColumnType("double")
    if pa.types.is_date(kind):
        return ColumnType("date")
    if pa.types.is_timestamp(kind):
        return ColumnType("timestamptz" if kind.tz else "timestamp")
    return TEXT


def columns_json(columns: Sequence[Column]) -> list[Any]:
    """Columns as they stand in a commit file."""
    return [[column.name, list(column.type), column.nullable] for column in columns]


def columns_from(value: list[Any]) -> Columns:
    """Columns from a commit file."""
    return tuple(Column(name, "", ColumnType(*kind), nullable) for name, kind, nullable in value)


def file_columns(spec: LoadSpec, table: Columns | None) -> Columns:
    """The columns that a load's part files have: the table's, in its order and types, then new ones.

    Args:
        spec: The load.
        table: The table's columns; None when there is no table, or none that matters (replace).

    Raises:
        ConfigError: The load doesn't fit; all findings in one message.
    """
    ours = tuple(column._replace(source="") for column in spec.columns)
    if table is None:
        return ours
    findings = misfits(spec, [TargetColumn(c.name, c.type.kind, c.type, c.nullable) for c in table], str)
    findings += clashes(spec, {column.name: column.type for column in table}, str)
    if findings:
        raise ConfigError("; ".join(findings))
    there = {column.name for column in table}
    return (*table, *(column._replace(nullable=True) for column in ours if column.name not in there))


def merged(table: Columns, ours: Columns) -> Columns | None:
    """The table's columns once part files with `ours` stand beside its own; None when they contradict each other."""
    there, mine = {c.name: c for c in table}, {c.name: c for c in ours}
    clash = any(there[name].type.arrow() != mine[name].type.arrow() for name in there.keys() & mine.keys())
    lacking = any(not column.nullable for column in table if column.name not in mine)
    if clash or lacking:
        return None
    both = (column._replace(nullable=column.nullable or mine.get(column.name, column).nullable) for column in table)
    return (*both, *(column._replace(nullable=True) for column in ours if column.name not in there))
