"""DuckDB: the embedded default. One process opens the file, once; each destination is a cursor on that connection.

Rows go in as Arrow tables, one INSERT … SELECT a transaction: no value passes through Python.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from transforms.core.errors import ConfigError, HornbeamError, PermanentError, TransientError
from transforms.core.tables.databases import duckdb_files
from transforms.core.tables.databases.duckdb_rewrite import FEW_ROWS, KEPT, as_target, leave_out, matches, rebuild
from transforms.core.tables.databases.duckdb_types import DIALECT, column_type
from transforms.core.tables.databases.sql import LOADS, TableName
from transforms.core.tables.databases.sql_connection import OtherAttemptError, UniqueConflictError
from transforms.core.tables.databases.sql_destination import SqlDestination
from transforms.core.tables.databases.target import TargetColumn
from transforms.core.tables.destination import BadRowsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from transforms.core.tables.databases.publish_sql import Move
    from transforms.core.tables.destination_uri import DestinationUri

_VIEW = "hornbeam_rows"
_UNITS_MB = {"KiB": 1 / 1024, "MiB": 1, "GiB": 1024}
_MOST_MB = 1024  # a value takes three times its size on its way in
_widened: dict[Path, str] = {}


class DuckDBDestination(SqlDestination):
    """A DuckDB file; see `Destination` for the contract.

    The file is made by the first `create_load`, not by `open`: a dry run leaves none behind.
    """

    single_process = True
    dialect = DIALECT

    def __init__(self, uri: DestinationUri) -> None:
        super().__init__()
        self._path = Path(uri.path)
        self._cursor: duckdb.DuckDBPyConnection | None = None
        self._file: duckdb_files.OpenFile | None = None
        self._holds_exclusive = False

    def open(self) -> None:
        """Opens the file if it is there."""
        if self._path.exists():
            self._connect()
        elif not self._path.parent.is_dir():
            raise ConfigError(f"{self._path} can't be made: {self._path.parent} is not a folder; make it first")

    def close(self) -> None:
        """Gives the file back."""
        if self._cursor is not None:
            self._cursor.close()
            self._cursor = self._file = None
            duckdb_files.release(self._path)

    def check(self, table: str) -> list[str]:
        """Findings of a pre-flight; the file isn't made."""
        folder = self._path.parent
        place = self._path if self._path.exists() else folder
        if not os.access(place, os.W_OK) or not os.access(folder, os.W_OK):
            return [f"{place} can't be written by this user: change its permissions, or name another file"]
        try:
            self._target_columns(self._resolve(table))
        except HornbeamError as error:
            return [str(error)]
        return []

    def _connect(self) -> duckdb.DuckDBPyConnection:
        if self._cursor is None:
            self._file = duckdb_files.acquire(self._path)
            self._cursor = self._file.connection.cursor()
            if self._path in _widened:  # the failed attempt may have been the last to hold the file open
                self._cursor.execute(f"SET memory_limit = '{_widened[self._path]}'")
        return self._cursor

    def _absent(self) -> bool:
        return self._cursor is None and not self._path.exists()

    def _send(self, statement: str, parameters: Sequence[Any]) -> duckdb.DuckDBPyConnection:
        cursor = self._connect()
        self.statements += 1
        try:
            return cursor.execute(statement, parameters or None)
        except duckdb.Error as error:
            if _lacks_memory(error):
                self._widen()
            raise _translate(error) from error

    def _widen(self) -> None:
        """Doubles the file's memory limit, so that the next attempt can hold a value that needs more (50 MB do)."""
        with self._connect().cursor() as cursor:
            self._allow(cursor, 2 * _limit_mb(cursor))

    def _allow(self, cursor: duckdb.DuckDBPyConnection, size_mb: float) -> None:
        if size_mb <= _MOST_MB:
            _widened[self._path] = f"{size_mb:.0f}MiB"
            cursor.execute(f"SET memory_limit = '{_widened[self._path]}'")

    def _make_room(self, rows: pa.Table) -> None:
        """Allows what huge values need beforehand: a commit that lacks memory can break the open database."""
        needed_mb = 8 * rows.nbytes / 2**20
        if rows.nbytes > rows.num_rows << 20:
            with self._connect().cursor() as cursor:
                if needed_mb > _limit_mb(cursor):
                    self._allow(cursor, min(needed_mb, _MOST_MB))

    def _query(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return self._send(statement, parameters).fetchall()

    def _change(self, statement: str, *parameters: Any) -> int:
        rows = self._send(statement, parameters).fetchall()
        return int(rows[0][0]) if rows and isinstance(rows[0][0], int) else 0

    def _begin(self, *, exclusive: bool) -> None:
        self._connect()
        if exclusive and self._file is not None:
            self._file.exclusive.acquire()
            self._holds_exclusive = True
        self._send("BEGIN TRANSACTION", ())

    def _commit(self) -> None:
        self._send("COMMIT", ())
        self._release_exclusive()

    def _rollback(self) -> None:
        self.statements += 1
        cursor = self._connect()
        try:
            cursor.execute("ROLLBACK")
        except duckdb.TransactionException:
            pass  # a failed COMMIT has rolled back by itself
        finally:
            self._release_exclusive()
        cursor.unregister(_VIEW)  # refused in a transaction that has failed, so not before

    def _release_exclusive(self) -> None:
        if self._holds_exclusive and self._file is not None:
            self._holds_exclusive = False
            self._file.exclusive.release()

    def _put_rows(self, table: TableName, names: Sequence[str], rows: pa.Table) -> None:
        cursor = self._connect()
        self._make_room(rows)
        # By position: column names that differ in case only are one name here.
        cursor.register(_VIEW, rows.rename_columns([f"c{number}" for number in range(rows.num_columns)]))
        self._change(f"INSERT INTO {table.sql(DIALECT)} ({DIALECT.names(names)}) SELECT * FROM {_VIEW}")
        cursor.unregister(_VIEW)

    def _remove(self, move: Move, rows: str) -> int:
        many = int(self._query(f"SELECT count(*) FROM ({rows}) e")[0][0])
        if many <= FEW_ROWS:
            return self._change(move.delete(rows)) if many else 0
        self._make_staging(move.spec, move.target, KEPT)
        self._send_all(leave_out(move, rows))
        return many

    def _upsert(self, move: Move, columns: Sequence[TargetColumn]) -> None:
        many = int(self._query(matches(move))[0][0])
        if many <= FEW_ROWS or not self._replaceable(move.target):
            self._send_all(move.statements("upsert"))
            return
        self._make_staging(as_target(move.spec, columns), move.target, KEPT)
        self._send_all(rebuild(move, columns))

    def _default_schema(self) -> str:
        return "main"

    def _homes(self) -> list[str]:
        if self._absent():
            return []
        tables = "duckdb_tables() WHERE database_name = current_database() AND table_name = $1"
        return [row[0] for row in self._query(f"SELECT schema_name FROM {tables} ORDER BY 1", LOADS)]

    def _exists(self, table: TableName) -> bool:
        return bool(self._catalog("duckdb_tables()", "1", table))

    def _target_columns(self, table: TableName) -> tuple[TargetColumn, ...] | None:
        if self._absent():
            return None
        if self._catalog("duckdb_views()", "1", table, name="view_name"):
            raise ConfigError(f"{table.schema}.{table.name} is a view: name the table itself, or another one")
        columns = "column_name, data_type, is_nullable, column_default"
        rows = self._catalog("duckdb_columns()", columns, table, "ORDER BY column_index")
        generated = set()
        if any(row[3] is not None for row in rows):
            same = "lower(table_schema) = lower($1) AND lower(table_name) = lower($2) AND is_generated = 'ALWAYS'"
            generated = set(self._query(f"SELECT column_name FROM information_schema.columns WHERE {same}", *table))
        return (
            tuple(
                TargetColumn(name, sql_type, column_type(sql_type), nullable, default is not None, (name,) in generated)
                for name, sql_type, nullable, default in rows
            )
            or None
        )

    def _column_rules(self, table: TableName, names: Sequence[str]) -> tuple[dict[str, str], list[str]]:
        columns = self._target_columns(table) or ()
        types = {column.name: column.sql_type + ("" if column.nullable else " NOT NULL") for column in columns}
        ours = {DIALECT.fold(name) for name in names}
        checks = self._catalog("duckdb_constraints()", "constraint_text, constraint_column_names", table,
                               "AND constraint_type = 'CHECK'")  # fmt: skip
        return types, [text for text, used in checks if {DIALECT.fold(name) for name in used} <= ours]

    def _replaceable(self, table: TableName) -> bool:
        kept = "AND constraint_type NOT IN ('CHECK', 'NOT NULL')"
        return not (
            self._catalog("duckdb_constraints()", "1", table, kept)
            or self._catalog("duckdb_constraints()", "1", table, name="referenced_table")
            or self._catalog("duckdb_indexes()", "1", table)
            or self._catalog("duckdb_tables()", "1", table, "AND (comment IS NOT NULL OR sql ILIKE '% COLLATE %')")
            or self._catalog("duckdb_columns()", "1", table, "AND (column_default IS NOT NULL OR comment IS NOT NULL)")
        )

    def _catalog(
        self, view: str, columns: str, table: TableName, more: str = "", name: str = "table_name"
    ) -> list[tuple[Any, ...]]:
        """Reads a catalogue view's rows of one table; names match in any case, as in DuckDB's statements."""
        where = f"database_name = current_database() AND lower(schema_name) = lower($1) AND lower({name}) = lower($2)"
        return self._query(f"SELECT {columns} FROM {view} WHERE {where} {more}", table.schema, table.name)

    def _stream_rejects(self, statement: str, load_id: str) -> Iterator[str]:
        self.statements += 1
        with self._connect().cursor() as cursor:
            cursor.execute(statement, [load_id])
            while rows := cursor.fetchmany(1000):
                yield from (row[0] for row in rows)


def _limit_mb(cursor: duckdb.DuckDBPyConnection) -> float:
    limit = cursor.execute("SELECT current_setting('memory_limit')").fetchone()
    size, unit = str(limit[0] if limit else "").split()
    return float(size) * _UNITS_MB[unit]


def _lacks_memory(error: duckdb.Error) -> bool:
    """A COMMIT that lacks memory says so as a TransactionException."""
    return isinstance(error, duckdb.OutOfMemoryException) or "could not allocate" in str(error)


def _translate(error: duckdb.Error) -> Exception:
    message = str(error)
    if _lacks_memory(error):
        return TransientError(f"DuckDB: {message}; fewer rows a chunk (--chunk_rows) need less")
    if isinstance(error, duckdb.TransactionException):
        return OtherAttemptError(f"DuckDB: {message}", retry_after_seconds=0.2)
    if isinstance(error, duckdb.ConstraintException) and re.search("(?i)duplicate key|primary key|unique", message):
        return UniqueConflictError(f"DuckDB: {message}")
    if isinstance(error, (duckdb.DataError, duckdb.IntegrityError)):
        return BadRowsError(f"DuckDB: {message}")
    return PermanentError(f"DuckDB: {message}")
