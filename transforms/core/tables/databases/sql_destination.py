"""The order of a load, once for PostgreSQL, DuckDB and SQLite: what is locked, checked, written and committed when.

How statements and rows are sent, and what a failure means, stands in each database's own module.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from transforms.core.errors import ConfigError, PermanentError, TransientError
from transforms.core.tables.databases.chunk_tables import joined_rejects, joined_rows
from transforms.core.tables.databases.load_records import decode_load, encode_load, now
from transforms.core.tables.databases.publish_sql import Move, choose_way
from transforms.core.tables.databases.sql import (
    LEDGER,
    LOADS,
    REJECT_COLUMNS,
    REJECTS,
    Dialect,
    TableName,
    bookkeeping_ddl,
    insert_ledger,
    insert_load,
    select_loads,
    split_table,
    staging_columns,
    staging_ddl,
    staging_name,
)
from transforms.core.tables.databases.target import demand_sound, misfits, missing_columns
from transforms.core.tables.destination import BadRowsError, ChunkTotals

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from transforms.core.tables.column import Column
    from transforms.core.tables.databases.target import TargetColumn
    from transforms.core.tables.destination import ChunkRows, LoadSpec, StoredLoad, WriteMode


class UniqueConflictError(PermanentError):
    """A unique index, or another transaction's change, forbids a row: in the ledger, somebody else's attempt."""


class OtherAttemptError(TransientError):
    """Another transaction that isn't committed yet is at the same rows."""


class SqlDestination(ABC):
    """A `Destination` on a SQL database. Not thread-safe; see the protocol for the contract of the public methods."""

    single_process: bool
    dialect: Dialect
    share_lock = ""  # behind the SELECT that must see no change of the load's status until the commit
    exclusive_lock = ""  # behind the one that nobody else's may stand beside

    def __init__(self) -> None:
        self.statements = 0
        self._schema = ""

    # What each database does.

    @abstractmethod
    def open(self) -> None:
        """Connects."""

    @abstractmethod
    def close(self) -> None:
        """Disconnects."""

    @abstractmethod
    def check(self, table: str) -> list[str]:
        """Findings of a pre-flight."""

    @abstractmethod
    def _query(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Sends one statement, returns its rows. Raises the errors of the protocol."""

    @abstractmethod
    def _change(self, statement: str, *parameters: Any) -> int:
        """Sends one INSERT, UPDATE, DELETE or DDL statement, returns how many rows it changed."""

    @abstractmethod
    def _begin(self, *, exclusive: bool) -> None:
        """Starts a transaction that will write; `exclusive`: one that makes tables or publishes."""

    @abstractmethod
    def _commit(self) -> None:
        """Commits."""

    @abstractmethod
    def _rollback(self) -> None:
        """Rolls back; a connection that is gone has done so by itself."""

    @abstractmethod
    def _put_rows(self, table: TableName, names: Sequence[str], rows: pa.Table) -> None:
        """The one bulk path: adds rows to a table, columns by position under the given names."""

    @abstractmethod
    def _default_schema(self) -> str:
        """Where a table without a schema is made."""

    @abstractmethod
    def _homes(self) -> list[str]:
        """The schemas that hold bookkeeping tables; empty when there is nothing yet."""

    @abstractmethod
    def _exists(self, table: TableName) -> bool:
        """Whether there is such a table."""

    @abstractmethod
    def _target_columns(self, table: TableName) -> tuple[TargetColumn, ...] | None:
        """The columns of an existing table, or None."""

    @abstractmethod
    def _column_rules(self, table: TableName, names: Sequence[str]) -> tuple[dict[str, str], list[str]]:
        """SQL type with NOT NULL of an existing table's columns, and its CHECKs on the named columns only."""

    @abstractmethod
    def _replaceable(self, table: TableName) -> bool:
        """Whether dropping the table loses nothing but its columns and rows."""

    def _enter_ddl(self) -> None:
        """Waits until nobody else makes bookkeeping tables (inside a transaction)."""

    def _enter_publish(self, target: TableName, mode: WriteMode, *, exists: bool) -> None:
        """Waits until nobody else publishes to the target (inside a transaction)."""

    # The protocol.

    def describe(self, table: str) -> tuple[Column, ...] | None:
        """The target's columns, or None."""
        columns = self._target_columns(self._resolve(table))
        return None if columns is None else tuple(column.column() for column in columns)

    def create_load(self, spec: LoadSpec) -> StoredLoad:
        """Stores the plan and makes staging, unless they are there."""
        demand_sound(spec)
        target = self._resolve(spec.table)
        with self._transaction():
            self._enter_ddl()
            for statement in bookkeeping_ddl(target, self.dialect):
                self._change(statement)
            stored = self._stored(target, spec.load_id, self.exclusive_lock)
            if stored is None:
                self._demand_fit(spec, target)
                self._change(insert_load(target, self.dialect), *encode_load(spec))
                self._make_staging(spec, target)
            elif stored.status != "completed":
                self._take_up(stored, target)
        return self._demand(spec.load_id, target)

    def find_load(self, load_id: str) -> StoredLoad | None:
        """The stored load, or None."""
        home = self._home(load_id)
        return self._stored(home, load_id) if home else None

    def ledger(self, load_id: str) -> dict[int, ChunkTotals]:
        """The chunks that are committed."""
        home = self._home(load_id)
        return self._committed(home, load_id) if home else {}

    def write_chunks(self, spec: LoadSpec, chunks: Sequence[ChunkRows]) -> frozenset[int]:
        """Writes chunks in one transaction, less those that another attempt has written."""
        target = self._resolve(spec.table)
        waiting = {chunk.totals.chunk: chunk for chunk in chunks}
        while waiting:
            try:
                self._write(spec, target, list(waiting.values()))
                return frozenset(waiting)
            except (UniqueConflictError, OtherAttemptError) as error:
                present = self._committed(target, spec.load_id).keys() & waiting.keys()
                if not present:
                    message = f"load {spec.load_id}: chunks {sorted(waiting)} are being written by another attempt"
                    raise TransientError(message, retry_after_seconds=0.2) from error
                for chunk in present:
                    del waiting[chunk]
        return frozenset()

    def refusal(self, spec: LoadSpec, rows: pa.Table) -> str:
        """Why the database would refuse these rows, "" if it would not: they are written and rolled back."""
        staging = self._resolve(spec.table).beside(staging_name(spec.load_id))
        self._begin(exclusive=False)
        try:
            self._put_rows(staging, staging_columns(spec), rows)
        except BadRowsError as error:
            return str(error)
        finally:
            self._rollback()
        return ""

    def publish(self, spec: LoadSpec) -> StoredLoad:
        """Moves staging to the target and completes the load, in one transaction."""
        target = self._resolve(spec.table)
        try:
            with self._transaction():
                stored = self._stored(target, spec.load_id, self.exclusive_lock)
                if stored is None:
                    raise PermanentError(f"load {spec.load_id} of {spec.table} is unknown here: create_load makes it")
                if stored.status != "completed":
                    self._demand_whole(stored, target)
                    self._move(stored, target)
            return self._demand(spec.load_id, target)
        except (BadRowsError, ConfigError) as error:
            message = f"load {spec.load_id} can't be published to {spec.table}: {error}; nothing of it was"
            raise PermanentError(message) from error

    def fail(self, load_id: str, error: str) -> None:
        """Sets a load to `failed`, unless it is completed."""
        home = self._home(load_id)
        if home:
            with self._transaction():
                mark = self.dialect.mark
                statement = (
                    f"UPDATE {self._table(home, LOADS)} SET status = 'failed', error = {mark}1, finished = {mark}2 "
                    f"WHERE load_id = {mark}3 AND status <> 'completed'"
                )
                self._change(statement, error, now(), load_id)

    def loads(self) -> Iterator[StoredLoad]:
        """All loads, newest first."""
        rows = [
            row for schema in self._homes() for row in self._query(select_loads(TableName(schema, ""), self.dialect))
        ]
        yield from map(decode_load, sorted(rows, key=lambda row: row[12], reverse=True))

    def rejects(self, load_id: str) -> Iterator[str]:
        """The load's rejected records, in (file, record) order, a page at a time."""
        home = self._home(load_id)
        if home is None:
            return
        yield from self._stream_rejects(
            f"SELECT reject FROM {self._table(home, REJECTS)} WHERE load_id = {self.dialect.mark}1 "
            "ORDER BY file, record, chunk, place",
            load_id,
        )

    @abstractmethod
    def _stream_rejects(self, statement: str, load_id: str) -> Iterator[str]:
        """Sends a query of one text column and yields its values without holding them all."""

    # The steps.

    @contextmanager
    def _transaction(self, *, exclusive: bool = True) -> Iterator[None]:
        self._begin(exclusive=exclusive)
        try:
            yield
            self._commit()
        except BaseException:
            self._rollback()
            raise

    def _resolve(self, table: str) -> TableName:
        if "." not in table and not self._schema:
            self._schema = self._default_schema()
        return split_table(table, self._schema)

    def _table(self, home: TableName, name: str) -> str:
        return home.beside(name).sql(self.dialect)

    def _home(self, load_id: str) -> TableName | None:
        for schema in self._homes():
            home = TableName(schema, LOADS)
            statement = f"SELECT 1 FROM {home.sql(self.dialect)} WHERE load_id = {self.dialect.mark}1"
            if self._query(statement, load_id):
                return home
        return None

    def _stored(self, home: TableName, load_id: str, lock: str = "") -> StoredLoad | None:
        where = f"load_id = {self.dialect.mark}1"
        if lock and not self._query(f"SELECT 1 FROM {self._table(home, LOADS)} WHERE {where}{lock}", load_id):
            return None
        rows = self._query(f"{select_loads(home, self.dialect)} WHERE l.{where}", load_id)
        return decode_load(rows[0]) if rows else None

    def _demand(self, load_id: str, home: TableName) -> StoredLoad:
        stored = self._stored(home, load_id)
        if stored is None:
            raise PermanentError(f"load {load_id} was deleted from {home.schema}.{LOADS} while it was worked on")
        return stored

    def _demand_fit(self, spec: LoadSpec, target: TableName) -> None:
        columns = self._target_columns(target)
        findings = misfits(spec, columns, self.dialect.fold) if columns is not None else []
        if findings:
            raise ConfigError("; ".join(findings))

    def _make_staging(self, spec: LoadSpec, target: TableName) -> None:
        names = [column.name for column in spec.columns]
        there = self._target_columns(target) is not None
        types, checks = self._column_rules(target, names) if there else ({}, [])
        known = {self.dialect.fold(name): text for name, text in types.items()}
        named = {name: known[self.dialect.fold(name)] for name in names if self.dialect.fold(name) in known}
        staging = target.beside(staging_name(spec.load_id))
        self._change(staging_ddl(staging, self.dialect, spec, named, checks))

    def _take_up(self, stored: StoredLoad, home: TableName) -> None:
        """Goes on with a load that was begun; if somebody dropped its staging table, from the start."""
        spec, mark = stored.spec, self.dialect.mark
        if stored.status != "processing":
            statement = f"UPDATE {self._table(home, LOADS)} SET status = 'processing', error = '', finished = ''"
            self._change(f"{statement} WHERE load_id = {mark}1", spec.load_id)
        if not self._exists(home.beside(staging_name(spec.load_id))):
            for name in (LEDGER, REJECTS):
                self._change(f"DELETE FROM {self._table(home, name)} WHERE load_id = {mark}1", spec.load_id)
            self._make_staging(spec, home)

    def _committed(self, home: TableName, load_id: str) -> dict[int, ChunkTotals]:
        rows = self._query(
            f"SELECT chunk, file, counted, loaded, rejected, skipped FROM {self._table(home, LEDGER)} "
            f"WHERE load_id = {self.dialect.mark}1 ORDER BY chunk",
            load_id,
        )
        return {row[0]: ChunkTotals(*row) for row in rows}

    def _write(self, spec: LoadSpec, target: TableName, chunks: Sequence[ChunkRows]) -> None:
        rows, rejects = joined_rows(chunks), joined_rejects(spec.load_id, chunks)
        with self._transaction(exclusive=False):
            self._demand_processing(spec, target)
            self._change(insert_ledger(target, self.dialect, spec.load_id, [chunk.totals for chunk in chunks]))
            if rows.num_rows:
                self._put_rows(target.beside(staging_name(spec.load_id)), staging_columns(spec), rows)
            if rejects.num_rows:
                self._put_rows(target.beside(REJECTS), REJECT_COLUMNS, rejects)

    def _demand_processing(self, spec: LoadSpec, home: TableName) -> None:
        where = f"load_id = {self.dialect.mark}1{self.share_lock}"
        rows = self._query(f"SELECT status FROM {self._table(home, LOADS)} WHERE {where}", spec.load_id)
        if not rows or rows[0][0] != "processing":
            status = rows[0][0] if rows else "unknown"
            raise PermanentError(f"load {spec.load_id} of {spec.table} is {status}: no chunk can be added to it")

    def _demand_whole(self, stored: StoredLoad, home: TableName) -> None:
        spec = stored.spec
        if stored.status != "processing":
            raise PermanentError(f"load {spec.load_id} of {spec.table} is {stored.status}: {stored.error}")
        committed = self._committed(home, spec.load_id)
        accounted = stored.loaded + stored.rejected + stored.skipped
        if len(committed) != spec.chunks or accounted != spec.counted:
            raise PermanentError(
                f"load {spec.load_id} of {spec.table} isn't whole: {len(committed)} of {spec.chunks} chunks, "
                f"{accounted} of {spec.counted} records (loaded {stored.loaded}, rejected {stored.rejected}, "
                f"skipped {stored.skipped}); run the same command again to load what is missing"
            )

    def _move(self, stored: StoredLoad, target: TableName) -> None:
        move = Move(stored.spec, target.beside(staging_name(stored.spec.load_id)), target, self.dialect)
        self._enter_publish(target, stored.spec.mode, exists=self._exists(target))
        duplicates = 0
        for column in stored.spec.unique:
            write, delete = move.take_out_duplicates(column)
            self._change(write, column)
            duplicates += self._change(delete)
        if stored.spec.mode == "upsert":
            self._change(move.keep_last_of_each_key())
        self._fill(move)
        mark = self.dialect.mark
        self._change(
            f"UPDATE {self._table(target, LOADS)} SET status = 'completed', error = '', loaded = {mark}1, "
            f"rejected = {mark}2, skipped = {mark}3, finished = {mark}4 WHERE load_id = {mark}5",
            stored.loaded - duplicates,
            stored.rejected + duplicates,
            stored.skipped,
            now(),
            stored.spec.load_id,
        )

    def _fill(self, move: Move) -> None:
        """Gets the rows from staging into the target, by the way that the truth table names."""
        columns = self._target_columns(move.target)
        way = choose_way(
            move.spec.mode,
            exists=columns is not None,
            replaceable=columns is not None
            and self._replaceable(move.target)
            and {self.dialect.fold(c.name) for c in columns} <= {self.dialect.fold(c.name) for c in move.spec.columns},
        )
        if columns is not None and way != "swap":
            self._demand_fit(move.spec, move.target)
            for column in missing_columns(move.spec, columns, self.dialect.fold):
                self._change(move.add_column(column))
        for statement in move.statements(way):
            self._change(statement)
