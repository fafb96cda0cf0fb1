"""The order of a load, once for PostgreSQL, DuckDB and SQLite: what is locked, checked, written and committed when.

How statements and rows are sent, and what a failure means, stands in each database's own module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.core.errors import ConfigError, PermanentError, TransientError
from transforms.core.tables.databases.chunk_tables import joined_rejects, joined_rows
from transforms.core.tables.databases.load_records import encode_load, now
from transforms.core.tables.databases.publish_sql import Move, choose_way
from transforms.core.tables.databases.sql import (
    LEDGER,
    LOADS,
    REJECT_COLUMNS,
    REJECTS,
    TableName,
    bookkeeping_ddl,
    insert_ledger,
    insert_load,
    staging_columns,
    staging_ddl,
    staging_name,
)
from transforms.core.tables.databases.sql_bookkeeping import SqlBookkeeping
from transforms.core.tables.databases.sql_connection import OtherAttemptError, UniqueConflictError
from transforms.core.tables.databases.target import demand_sound, misfits, missing_columns
from transforms.core.tables.loads.destination import BadRowsError, TooManyRejectsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pyarrow as pa

    from transforms.core.tables.databases.target import TargetColumn
    from transforms.core.tables.loads.destination import ChunkRows, LoadSpec, StoredLoad


class SqlDestination(SqlBookkeeping):
    """A `Destination` on a SQL database. Not thread-safe; see the protocol for the contract of the public methods."""

    def announce_load(self, spec: LoadSpec, error: str = "") -> None:
        """Stores a load that has no plan yet, unless one is there by now."""
        target = self._resolve(spec.table)
        there = self._exists(target.beside(LOADS))
        with self._transaction():
            if not there:
                self._make_books(target)
            self._change(insert_load(target, self.dialect), *encode_load(spec, error))

    def create_load(self, spec: LoadSpec) -> StoredLoad:
        """Stores the plan and makes staging, unless they are there."""
        demand_sound(spec)
        target = self._resolve(spec.table)
        with self._transaction():
            self._make_books(target)
            stored = self._stored(target, spec.load_id, self.exclusive_lock)
            if stored is None or not stored.planned:
                self._demand_fit(spec, target)
                self._change(insert_load(target, self.dialect), *encode_load(spec))
                self._make_staging(spec, target)
            elif stored.status != "completed":
                self._take_up(stored, target)
        return self._demand(spec.load_id, target)

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

    def publish(self, spec: LoadSpec, most_rejects: int | None = None) -> StoredLoad:
        """Moves staging to the target and completes the load, in one transaction."""
        target = self._resolve(spec.table)
        try:
            with self._transaction():
                stored = self._stored(target, spec.load_id, self.exclusive_lock)
                if stored is None:
                    raise PermanentError(f"load {spec.load_id} of {spec.table} is unknown here: create_load makes it")
                if stored.status != "completed":
                    self._demand_whole(stored, target)
                    self._move(stored, target, most_rejects)
            return self._demand(spec.load_id, target)
        except (BadRowsError, ConfigError) as error:
            message = f"load {spec.load_id} can't be published to {spec.table}: {error}; nothing of it was"
            raise PermanentError(message) from error

    def _make_books(self, home: TableName) -> None:
        self._enter_ddl()
        for statement in bookkeeping_ddl(home, self.dialect):
            self._change(statement)

    def _demand_fit(self, spec: LoadSpec, target: TableName) -> None:
        columns = self._target_columns(target)
        findings = misfits(spec, columns, self.dialect.fold) if columns is not None else []
        if findings:
            raise ConfigError("; ".join(findings))

    def _make_staging(self, spec: LoadSpec, target: TableName, suffix: str = "") -> None:
        names = [column.name for column in spec.columns]
        there = self._target_columns(target) is not None
        types, checks = self._column_rules(target, names) if there else ({}, [])
        known = {self.dialect.fold(name): text for name, text in types.items()}
        named = {name: known[self.dialect.fold(name)] for name in names if self.dialect.fold(name) in known}
        staging = target.beside(staging_name(spec.load_id) + suffix)
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

    def _write(self, spec: LoadSpec, target: TableName, chunks: Sequence[ChunkRows]) -> None:
        with self._transaction(exclusive=False):
            self._demand_processing(spec, target)
            self._put_chunks(spec, target, chunks)

    def _put_chunks(self, spec: LoadSpec, target: TableName, chunks: Sequence[ChunkRows]) -> None:
        self._change(insert_ledger(target, self.dialect, spec.load_id, [chunk.totals for chunk in chunks]))
        self._put_chunk_rows(spec, target, chunks)

    def _put_chunk_rows(self, spec: LoadSpec, target: TableName, chunks: Sequence[ChunkRows]) -> None:
        rows, rejects = joined_rows(chunks), joined_rejects(spec.load_id, chunks)
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

    def _move(self, stored: StoredLoad, target: TableName, most_rejects: int | None) -> None:
        move = Move(stored.spec, target.beside(staging_name(stored.spec.load_id)), target, self.dialect)
        self._enter_publish(target, stored.spec.mode, exists=self._exists(target))
        duplicates = 0
        for column in stored.spec.unique:
            self._change(move.write_repeated(column), column)
            duplicates += self._remove(move, move.repeated(column))
        if most_rejects is not None and duplicates and stored.rejected + duplicates > most_rejects:
            raise TooManyRejectsError(
                f"{stored.rejected + duplicates:,} of {stored.spec.counted:,} records were rejected, {duplicates:,} of "
                f"them because they repeat a value of {', '.join(stored.spec.unique)}; {most_rejects:,} are allowed"
            )
        if stored.spec.mode == "upsert":
            self._remove(move, move.superseded())
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

    def _remove(self, move: Move, rows: str) -> int:
        """Takes the rows that a query of f and r (file, record) names out of staging; returns how many."""
        return self._change(move.delete(rows))

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
        if way == "upsert":
            self._upsert(move, self._target_columns(move.target) or ())
        else:
            self._send_all(move.statements(way))

    def _upsert(self, move: Move, columns: Sequence[TargetColumn]) -> None:  # noqa: ARG002 - DuckDB wants them
        """Sets the rows whose key is there, inserts the others."""
        self._send_all(move.statements("upsert"))

    def _send_all(self, statements: Iterable[str]) -> None:
        for statement in statements:
            self._change(statement)
