"""DuckDB: the embedded default. One process opens the file, once; each destination is a cursor on that connection.

Rows go in as Arrow tables, one INSERT … SELECT a transaction: no value passes through Python.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import duckdb

from transforms.core.errors import ConfigError, HornbeamError, PermanentError, TransientError
from transforms.core.tables.databases import duckdb_files
from transforms.core.tables.databases.duckdb_rejects import lacks_memory, stream_rejects
from transforms.core.tables.databases.duckdb_rewrite import FEW_ROWS, KEPT, as_target, leave_out, matches, rebuild
from transforms.core.tables.databases.duckdb_types import DIALECT, column_type
from transforms.core.tables.databases.sql import LOADS, TableName, insert_ledger
from transforms.core.tables.databases.sql_connection import OtherAttemptError, UniqueConflictError
from transforms.core.tables.databases.sql_group import SqlGroups
from transforms.core.tables.databases.target import TargetColumn
from transforms.core.tables.loads.destination import BadRowsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from transforms.core.tables.databases.publish_sql import Move
    from transforms.core.tables.loads.destination import ChunkRows, LoadSpec
    from transforms.core.tables.loads.destination_uri import DestinationUri

_UNITS_MB = {"KiB": 1 / 1024, "MiB": 1, "GiB": 1024}
_LEDGER_ROWS = 500  # in one statement: 2,500 took 90 MiB
_MOST_MB = 1024  # a value takes three times its size on its way in
_widened: dict[Path, str] = {}


class DuckDBDestination(SqlGroups):
    """A DuckDB file; see `Destination` for the contract.

    The file is made by the first write, not by `open`: a dry run leaves none behind.
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

    def is_there(self) -> bool:
        """Whether there is a file yet."""
        return not self._absent()

    def check(self, table: str) -> list[str]:
        """Findings of a pre-flight; the file isn't made."""
        folder = self._path.parent
        place = self._path if self._path.exists() else folder
        if not os.access(place, os.W_OK) or not os.access(folder, os.W_OK):
            return [f"{place} can't be written by this user: change its permissions, or name another file"]
        try:
            name = self._resolve(table)
            self._target_columns(name)
            schemas = "SELECT 1 FROM duckdb_schemas() WHERE lower(schema_name) = lower($1)"
            if name.schema.lower() != "main" and (self._absent() or not self._query(schemas, name.schema)):
                return [f"schema {name.schema} does not exist: create it, or name another one"]
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
            self._raise(error)

    def _raise(self, error: duckdb.Error) -> NoReturn:
        if lacks_memory(error):
            self._widen()
        raise _translate(error) from error

    def _widen(self) -> bool:
        """Doubles the file's memory limit, so that the next attempt can hold a value that needs more (50 MB do)."""
        with self._connect().cursor() as cursor:
            return self._allow(cursor, 2 * _limit_mb(cursor))

    def _allow(self, cursor: duckdb.DuckDBPyConnection, size_mb: float) -> bool:
        if size_mb > _MOST_MB:
            return False
        _widened[self._path] = f"{size_mb:.0f}MiB"
        cursor.execute(f"SET memory_limit = '{_widened[self._path]}'")
        return True

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

    def _release_exclusive(self) -> None:
        if self._holds_exclusive and self._file is not None:
            self._holds_exclusive = False
            self._file.exclusive.release()

    def _put_rows(self, table: TableName, names: Sequence[str], rows: pa.Table) -> None:
        cursor = self._connect()
        self._make_room(rows)
        # By position: column names that differ in case only are one name here.
        hornbeam_rows = rows.rename_columns([f"c{number}" for number in range(rows.num_columns)])
        self.statements += 1
        try:
            # Found by its variable's name: what is registered stays in memory until the transaction's end.
            cursor.execute(f"INSERT INTO {table.sql(DIALECT)} ({DIALECT.names(names)}) SELECT * FROM hornbeam_rows")
        except duckdb.Error as error:
            self._raise(error)
        del hornbeam_rows

    def write_long(self, spec: LoadSpec, chunks: Iterator[ChunkRows]) -> bool:
        """See `LongWriter`; the ledger is written last, by as few statements as is good: each takes a millisecond."""
        home = self._resolve(spec.table)
        written = []
        try:
            with self._transaction(exclusive=False):
                self._demand_processing(spec, home)
                for chunk in chunks:
                    self._put_chunk_rows(spec, home, [chunk])
                    written.append(chunk.totals)
                for start in range(0, len(written), _LEDGER_ROWS):
                    totals = written[start : start + _LEDGER_ROWS]
                    self._change(insert_ledger(home, self.dialect, spec.load_id, totals))
        except (UniqueConflictError, OtherAttemptError):
            return False
        return True

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

    def _stream_rejects(self, table: str, load_id: str) -> Iterator[str]:
        self.statements += 1
        try:
            with self._connect().cursor() as cursor:
                yield from stream_rejects(cursor, table, load_id, self._widen)
        except duckdb.Error as error:
            raise _translate(error) from error


def _limit_mb(cursor: duckdb.DuckDBPyConnection) -> float:
    limit = cursor.execute("SELECT current_setting('memory_limit')").fetchone()
    size, unit = str(limit[0] if limit else "").split()
    return float(size) * _UNITS_MB[unit]


def _translate(error: duckdb.Error) -> Exception:
    message = str(error)
    if lacks_memory(error):
        return TransientError(f"DuckDB: {message}; fewer rows a chunk (--chunk_rows) need less")
    if isinstance(error, duckdb.TransactionException):
        return OtherAttemptError(f"DuckDB: {message}", retry_after_seconds=0.2)
    if isinstance(error, duckdb.ConstraintException) and re.search("(?i)duplicate key|primary key|unique", message):
        return UniqueConflictError(f"DuckDB: {message}")
    if isinstance(error, (duckdb.DataError, duckdb.IntegrityError)):
        return BadRowsError(f"DuckDB: {message}")
    return PermanentError(f"DuckDB: {message}")
