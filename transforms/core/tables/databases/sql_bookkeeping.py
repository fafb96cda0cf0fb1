"""The bookkeeping tables as they are read, and a load's end that is no success. The order of a load is elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transforms.core.errors import PermanentError
from transforms.core.tables.databases.load_records import decode_load, now
from transforms.core.tables.databases.sql import (
    LEDGER,
    LOADS,
    REJECTS,
    TableName,
    delete_unplanned,
    select_loads,
    split_table,
)
from transforms.core.tables.databases.sql_connection import SqlConnection
from transforms.core.tables.loads.destination import ChunkTotals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transforms.core.tables.columns.column import Column
    from transforms.core.tables.loads.destination import StoredLoad


class SqlBookkeeping(SqlConnection):
    """What is known of loads. See `Destination` for the contract of the public methods."""

    def describe(self, table: str) -> tuple[Column, ...] | None:
        """The target's columns, or None."""
        columns = self._target_columns(self._resolve(table))
        return None if columns is None else tuple(column.column() for column in columns)

    def canonical(self, table: str) -> str:
        """The table's name alone in the schema that every database has, else SCHEMA.NAME; folded."""
        name = self.dialect.fold_table(self._resolve(table))
        return name.name if name.schema == self.dialect.schema else ".".join(name)

    def find_load(self, load_id: str) -> StoredLoad | None:
        """The stored load, or None, also for one without a plan."""
        home = self._home(load_id)
        stored = self._stored(home, load_id) if home else None
        return stored if stored is not None and stored.planned else None

    def is_there(self) -> bool:
        """Whether there is a database yet."""
        return True

    def forget_load(self, load_id: str) -> None:
        """Takes back the announcement of a load without a plan."""
        home = self._home(load_id)
        if home:
            with self._transaction():
                self._change(delete_unplanned(home, self.dialect), load_id)

    def ledger(self, load_id: str) -> dict[int, ChunkTotals]:
        """The chunks that are committed."""
        home = self._home(load_id)
        return self._committed(home, load_id) if home else {}

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
        """All loads, newest first; those of one table only where one is set."""
        homes = [TableName(schema, LOADS) for schema in self._searched()]
        rows = [(row, home) for home in homes for row in self._query(select_loads(home, self.dialect))]
        rows = [(row, home) for row, home in rows if not self.table or self._is_same(row[1], home, self.table)]
        for row, home in sorted(rows, key=lambda one: one[0][12], reverse=True):
            yield self._told(row, home)

    def rejects(self, load_id: str) -> Iterator[str]:
        """The load's rejected records, in (file, record) order, a page at a time."""
        home = self._home(load_id)
        if home is None:
            return
        yield from self._stream_rejects(self._table(home, REJECTS), load_id)

    def _home(self, load_id: str) -> TableName | None:
        for schema in self._searched():
            home = TableName(schema, LOADS)
            statement = f"SELECT 1 FROM {home.sql(self.dialect)} WHERE load_id = {self.dialect.mark}1"
            if self._query(statement, load_id):
                return home
        return None

    def _searched(self) -> list[str]:
        """The schemas whose books are looked into."""
        if not self.table:
            return self._homes()
        target = self.dialect.fold_table(self._resolve(self.table))
        return [schema for schema in self._homes() if self.dialect.fold_table(TableName(schema, target.name)) == target]

    def _is_same(self, written: str, home: TableName, table: str) -> bool:
        """Whether a load whose row is in `home`'s books, and calls its table `written`, is one of this table."""
        fold = self.dialect.fold_table
        return fold(split_table(written, home.schema)) == fold(self._resolve(table))

    def _told(self, row: tuple[Any, ...], home: TableName) -> StoredLoad:
        """The load of a row; its table by the name that leads there from here, where that is set."""
        load = decode_load(row)
        if self.table and self._is_same(load.written, home, self.table):
            return load._replace(spec=load.spec._replace(table=self.table))
        return load

    def _stored(self, home: TableName, load_id: str, lock: str = "") -> StoredLoad | None:
        where = f"load_id = {self.dialect.mark}1"
        if lock and not self._query(f"SELECT 1 FROM {self._table(home, LOADS)} WHERE {where}{lock}", load_id):
            return None
        rows = self._query(f"{select_loads(home, self.dialect)} WHERE l.{where}", load_id)
        return self._told(rows[0], home) if rows else None

    def _demand(self, load_id: str, home: TableName) -> StoredLoad:
        stored = self._stored(home, load_id)
        if stored is None:
            raise PermanentError(f"load {load_id} was deleted from {home.schema}.{LOADS} while it was worked on")
        return stored

    def _committed(self, home: TableName, load_id: str) -> dict[int, ChunkTotals]:
        rows = self._query(
            f"SELECT chunk, file, counted, loaded, rejected, skipped FROM {self._table(home, LEDGER)} "
            f"WHERE load_id = {self.dialect.mark}1 ORDER BY chunk",
            load_id,
        )
        return {row[0]: ChunkTotals(*row) for row in rows}
