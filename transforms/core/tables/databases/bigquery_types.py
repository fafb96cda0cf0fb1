"""BigQuery's names and types: what a column of ours is called there, and which names can't be had. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from transforms.core.errors import ConfigError
from transforms.core.tables.columns.column import TEXT, ColumnType

if TYPE_CHECKING:
    from transforms.core.tables.loads.destination import LoadSpec

_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,299}")
_RESERVED = re.compile(r"(?:_TABLE_|_FILE_|_PARTITION|_ROW_TIMESTAMP|__ROOT__|_COLIDENTIFIER|_CHANGE_)", re.IGNORECASE)
_PROJECT = re.compile(r"[a-z0-9.:\-]{1,63}")
_DATASET = re.compile(r"[A-Za-z0-9_]{1,1024}")
_TABLE = re.compile(r"[\w \-]{1,256}")
_KINDS = {
    "BOOLEAN": "boolean", "BOOL": "boolean", "INTEGER": "integer", "INT64": "integer", "FLOAT": "double",
    "FLOAT64": "double", "DATE": "date", "DATETIME": "timestamp", "TIMESTAMP": "timestamptz",
}  # fmt: skip
_TYPES = {
    "boolean": "BOOL", "integer": "INT64", "double": "FLOAT64", "date": "DATE",
    "timestamp": "DATETIME", "timestamptz": "TIMESTAMP", "text": "STRING",
}  # fmt: skip


class TableId(NamedTuple):
    """A table's name in its parts."""

    project: str
    dataset: str
    name: str

    def sql(self) -> str:
        """The name as it stands in a statement."""
        return ".".join(map(quote, self))

    def __str__(self) -> str:
        return ".".join(self)


def quote(name: str) -> str:
    """An identifier: between backticks, where the escapes of string literals hold."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def literal(text: str) -> str:
    """A string literal on one line."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def table_id(project: str, dataset: str, table: str) -> TableId:
    """The table that `name` or `dataset.name` means.

    Raises:
        ConfigError: A part isn't a name that BigQuery takes.
    """
    home, dot, name = table.rpartition(".")
    found = TableId(project, home if dot else dataset, name)
    if not _DATASET.fullmatch(found.dataset) or not _TABLE.fullmatch(name) or name != name.strip():
        raise ConfigError(
            f"table {table!r} can't be a BigQuery table: write NAME or DATASET.NAME; a dataset has letters, digits and "
            "_, a table spaces and - too"
        )
    return found


def demand_place(project: str, dataset: str) -> None:
    """Refuses what can't be a project and a dataset.

    Raises:
        ConfigError: With the form to write.
    """
    if not _PROJECT.fullmatch(project) or not _DATASET.fullmatch(dataset):
        raise ConfigError(f"BigQuery project {project!r}, dataset {dataset!r}: write bigquery://my-project/my_dataset")


def place_of(uri: str) -> tuple[str, str]:
    """Project and dataset of `bigquery://project/dataset`.

    Raises:
        ConfigError: The URI has another form.
    """
    scheme, _, rest = uri.partition("://")
    project, _, dataset = rest.partition("/")
    if scheme.lower() != "bigquery":
        raise ConfigError(f"destination {uri!r} isn't BigQuery's: write bigquery://my-project/my_dataset")
    demand_place(project, dataset)
    return project, dataset


def demand_columns(spec: LoadSpec) -> None:
    """Refuses column names that BigQuery's classic rules (valid in every API and tool) don't take.

    Raises:
        ConfigError: With all of the names.
    """
    names = [column.name for column in spec.columns]
    wrong = [name for name in names if not _COLUMN.fullmatch(name) or _RESERVED.match(name)]
    if wrong:
        raise ConfigError(
            f"column names {wrong} can't be BigQuery columns: letters, digits and _, not a digit first, at most 300, "
            "none of BigQuery's own prefixes (_TABLE_, _FILE_, _PARTITION, …): rename them in --schema"
        )
    folded = [name.casefold() for name in names]
    twice = [name for name in names if folded.count(name.casefold()) > 1]
    if twice:
        raise ConfigError(f"column names {twice} differ only in case, which BigQuery ignores: rename one in --schema")


def sql_type(kind: ColumnType) -> str:
    """The type that a column of ours gets."""
    if kind.kind == "decimal":
        return f"{_decimal(kind)}({kind.precision}, {kind.scale})"
    return _TYPES[kind.kind]


def field_type(kind: ColumnType) -> tuple[str, int | None, int | None]:
    """The same for a load job's schema: name, precision, scale."""
    if kind.kind == "decimal":
        return _decimal(kind), kind.precision, kind.scale
    return _TYPES[kind.kind], None, None


def column_type(field: Any) -> ColumnType:
    """What a field of an existing table is for us; text when we don't know it (also repeated ones).

    A NUMERIC or BIGNUMERIC without parameters is taken as decimal(38,9), NUMERIC's own.
    """
    if field.mode == "REPEATED":
        return TEXT
    if field.field_type in ("NUMERIC", "BIGNUMERIC", "DECIMAL", "BIGDECIMAL"):
        return ColumnType("decimal", min(field.precision or 38, 38), field.scale or 0 if field.precision else 9)
    kind = _KINDS.get(field.field_type)
    return ColumnType(kind) if kind else TEXT  # type: ignore[arg-type]


def _decimal(kind: ColumnType) -> str:
    """NUMERIC holds 29 digits before the point and 9 behind, BIGNUMERIC 38 and 38."""
    return "NUMERIC" if kind.scale <= 9 and kind.precision - kind.scale <= 29 else "BIGNUMERIC"
