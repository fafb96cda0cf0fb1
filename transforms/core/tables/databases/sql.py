"""SQL text that PostgreSQL, DuckDB and SQLite share: names, bookkeeping tables and the statements on them.

Text only: nothing here is sent. Publishing has its own module beside this one.
"""

from __future__ import annotations

from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING, NamedTuple

from transforms.core.errors import ConfigError
from transforms.core.tables.loads.destination import FILE_COLUMN, RECORD_COLUMN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from transforms.core.tables.columns.column import ColumnType
    from transforms.core.tables.loads.destination import ChunkTotals, LoadSpec

LOADS = "hornbeam_loads"
LEDGER = "hornbeam_ledger"
REJECTS = "hornbeam_rejects"
REJECT_COLUMNS = ("load_id", "file", "record", "chunk", "place", "reject")
LOAD_COLUMNS = (
    "load_id", "target", "mode", "status", "spec", "plan", "chunks", "counted",
    "loaded", "rejected", "skipped", "error", "started", "finished",
)  # fmt: skip
_ASCII_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


class Dialect(NamedTuple):
    """What differs between the databases.

    Attributes:
        quote: Makes an identifier out of any text, by the driver's own means where it has some.
        mark: What stands before a parameter's number: `$1` or `?1`.
        integer: A 64-bit integer type.
        blob: A type for bytes.
        json_object: Template of a text expression for a JSON object, `{}` = name, value, name, value.
        types: SQL type of each kind; decimal has `{precision}` and `{scale}`.
        folds_case: Whether names that differ only in case are the same name.
        schema: The schema that every database has from the start.
        apart: Behind a column of long texts: keeps them so that one can be read without its neighbours.
    """

    quote: Callable[[str], str]
    mark: str
    integer: str
    blob: str
    json_object: str
    types: Mapping[str, str]
    folds_case: bool
    schema: str
    apart: str = ""

    def sql_type(self, column_type: ColumnType) -> str:
        """The SQL type that a column of ours gets in a table that we make."""
        return self.types[column_type.kind].format(precision=column_type.precision, scale=column_type.scale)

    def fold(self, name: str) -> str:
        """The form in which two names of one column are equal."""
        return name.casefold() if self.folds_case else name

    def fold_table(self, table: TableName) -> TableName:
        """The form in which two names of one table are equal: these databases fold the letters of ASCII only."""
        return TableName(*(name.translate(_ASCII_LOWER) for name in table)) if self.folds_case else table

    def names(self, names: Iterable[str]) -> str:
        """A list of identifiers, quoted."""
        return ", ".join(self.quote(name) for name in names)


class TableName(NamedTuple):
    """A table's name, unquoted."""

    schema: str
    name: str

    def sql(self, dialect: Dialect) -> str:
        """The name as it stands in a statement."""
        return f"{dialect.quote(self.schema)}.{dialect.quote(self.name)}"

    def beside(self, name: str) -> TableName:
        """Another table in the same schema."""
        return TableName(self.schema, name)


def split_table(table: str, default_schema: str) -> TableName:
    """Takes `name` or `schema.name` apart.

    Raises:
        ConfigError: The name is empty, has an empty part, a NUL character, or more than one dot.
    """
    parts = table.split(".")
    if not all(parts) or len(parts) > 2 or "\0" in table:
        raise ConfigError(f"table {table!r} is not a table's name: write NAME or SCHEMA.NAME")
    return TableName(*parts) if len(parts) == 2 else TableName(default_schema, table)


def staging_name(load_id: str) -> str:
    """The name of a load's staging table."""
    return f"hornbeam_staging_{load_id[:16]}"


def double_quoted(name: str) -> str:
    """An identifier as DuckDB and SQLite read it; their drivers have no function of their own for it."""
    if "\0" in name:
        raise ConfigError(f"name {name!r} holds a NUL character: rename the column")
    return '"' + name.replace('"', '""') + '"'


def bookkeeping_ddl(home: TableName, dialect: Dialect) -> tuple[str, ...]:
    """Makes the three bookkeeping tables in `home`'s schema unless they are there."""
    whole = f"{dialect.integer} NOT NULL"
    columns = {
        LOADS: "load_id TEXT PRIMARY KEY, target TEXT NOT NULL, mode TEXT NOT NULL, status TEXT NOT NULL, "
        f"spec TEXT NOT NULL, plan {dialect.blob} NOT NULL, chunks {whole}, counted {whole}, loaded {whole}, "
        f"rejected {whole}, skipped {whole}, error TEXT NOT NULL, started TEXT NOT NULL, finished TEXT NOT NULL",
        LEDGER: f"load_id TEXT NOT NULL, chunk {whole}, file {whole}, counted {whole}, loaded {whole}, "
        f"rejected {whole}, skipped {whole}, PRIMARY KEY (load_id, chunk)",
        REJECTS: f"load_id TEXT NOT NULL, file {whole}, record {whole}, chunk {whole}, place {whole}, "
        f"reject TEXT NOT NULL {dialect.apart}",
    }
    return tuple(
        f"CREATE TABLE IF NOT EXISTS {home.beside(name).sql(dialect)} ({text})" for name, text in columns.items()
    )


def insert_load(home: TableName, dialect: Dialect) -> str:
    """One new load, or what is new of one without a plan; parameters in the order of LOAD_COLUMNS."""
    return _insert_loads(home, dialect, 1)


def insert_whole(home: TableName, dialect: Dialect, count: int) -> str:
    """Some loads as above, one behind the other; its rows are the ids of those that were new or had no plan."""
    return f"{_insert_loads(home, dialect, count)} RETURNING load_id"


def _insert_loads(home: TableName, dialect: Dialect, count: int) -> str:
    width = len(LOAD_COLUMNS)
    marks = ", ".join(
        f"({', '.join(f'{dialect.mark}{number}' for number in range(first, first + width))})"
        for first in range(1, count * width, width)
    )
    kept = ("load_id", "started")
    changed = ", ".join(f"{name} = excluded.{name}" for name in LOAD_COLUMNS if name not in kept)
    return (
        f"INSERT INTO {home.beside(LOADS).sql(dialect)} AS l ({', '.join(LOAD_COLUMNS)}) VALUES {marks} "
        f"ON CONFLICT (load_id) DO UPDATE SET {changed} WHERE l.plan = CAST('' AS {dialect.blob})"
    )


def delete_unplanned(home: TableName, dialect: Dialect) -> str:
    """Takes out a load that has no plan; parameter: its id."""
    where = f"load_id = {dialect.mark}1 AND plan = CAST('' AS {dialect.blob})"
    return f"DELETE FROM {home.beside(LOADS).sql(dialect)} WHERE {where}"


def select_loads(home: TableName, dialect: Dialect) -> str:
    """All loads of one schema; those under way get their totals from the ledger."""
    loads, ledger = home.beside(LOADS).sql(dialect), home.beside(LEDGER).sql(dialect)
    plain = ("loaded", "rejected", "skipped")
    columns = ", ".join(
        f"CASE WHEN l.status = 'completed' THEN l.{name} ELSE CAST(coalesce(g.{name}, 0) AS {dialect.integer}) END"
        if name in plain
        else f"l.{name}"
        for name in LOAD_COLUMNS
    )
    sums = ", ".join(f"sum({name}) AS {name}" for name in plain)
    return f"SELECT {columns} FROM {loads} l LEFT JOIN (SELECT load_id, {sums} FROM {ledger} GROUP BY load_id) g ON g.load_id = l.load_id"  # noqa: E501


def select_rejects(table: str, dialect: Dialect, what: str = "reject", which: str = "") -> str:
    """A load's rejects, or something else of them, in the order of the files; parameter: the load's id."""
    return f"SELECT {what} FROM {table} WHERE load_id = {dialect.mark}1 {which} ORDER BY file, record, chunk, place"


def insert_ledger(home: TableName, dialect: Dialect, load_id: str, totals: Sequence[ChunkTotals]) -> str:
    """All ledger rows of a transaction in one statement, by chunk number so that two attempts can't deadlock.

    The load's id is text of ours (hex digits) and the rest whole numbers, so they stand in the statement itself: no
    driver's limit on parameters applies.
    """
    return insert_ledgers(home, dialect, [(load_id, totals)])


def insert_ledgers(home: TableName, dialect: Dialect, loads: Iterable[tuple[str, Sequence[ChunkTotals]]]) -> str:
    """The same for several loads; by their ids."""
    rows = ", ".join(
        f"('{_hex(load_id)}', " + ", ".join(str(int(number)) for number in row) + ")"
        for load_id, totals in sorted(loads)
        for row in sorted(totals)
    )
    columns = "load_id, chunk, file, counted, loaded, rejected, skipped"
    return f"INSERT INTO {home.beside(LEDGER).sql(dialect)} ({columns}) VALUES {rows}"


def _hex(load_id: str) -> str:
    if not load_id or set(load_id) - set("0123456789abcdef"):
        raise ConfigError(f"load id {load_id!r} is not of lower-case hex digits")
    return load_id


def staging_columns(spec: LoadSpec) -> tuple[str, ...]:
    """The names of the staging table's columns, in the order of a chunk's rows."""
    hidden = (FILE_COLUMN, RECORD_COLUMN) if spec.ordered else ()
    return (*(column.name for column in spec.columns), *hidden)


def staging_ddl(
    staging: TableName, dialect: Dialect, spec: LoadSpec, types: Mapping[str, str], checks: Iterable[str]
) -> str:
    """Makes the staging table.

    Args:
        staging: Its name.
        dialect: The database's.
        spec: The load.
        types: SQL type and NOT NULL of each column that the target has already, by name.
        checks: The target's CHECK constraints on these columns.
    """
    columns = [
        f"{dialect.quote(column.name)} "
        + (types.get(column.name) or dialect.sql_type(column.type) + ("" if column.nullable else " NOT NULL"))
        for column in spec.columns
    ]
    hidden = (FILE_COLUMN, RECORD_COLUMN) if spec.ordered else ()
    columns += [f"{dialect.quote(name)} {dialect.integer} NOT NULL" for name in hidden]
    return f"CREATE TABLE {staging.sql(dialect)} ({', '.join((*columns, *checks))})"
