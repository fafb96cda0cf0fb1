"""The bookkeeping tables as they are read, and a load's end that is no success. The order of a load is elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.core.errors import PermanentError
from transforms.core.tables.databases.load_records import decode_load, now
from transforms.core.tables.databases.sql import LEDGER, LOADS, REJECTS, TableName, select_loads
from transforms.core.tables.databases.sql_connection import SqlConnection
from transforms.core.tables.destination import ChunkTotals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transforms.core.tables.column import Column
    from transforms.core.tables.destination import StoredLoad


class SqlBookkeeping(SqlConnection):
    """What is known of loads. See `Destination` for the contract of the public methods."""

    def describe(self, table: str) -> tuple[Column, ...] | None:
        """The target's columns, or None."""
        columns = self._target_columns(self._resolve(table))
        return None if columns is None else tuple(column.column() for column in columns)

    def find_load(self, load_id: str) -> StoredLoad | None:
        """The stored load, or None."""
        home = self._home(load_id)
        return self._stored(home, load_id) if home else None

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

    def _committed(self, home: TableName, load_id: str) -> dict[int, ChunkTotals]:
        rows = self._query(
            f"SELECT chunk, file, counted, loaded, rejected, skipped FROM {self._table(home, LEDGER)} "
            f"WHERE load_id = {self.dialect.mark}1 ORDER BY chunk",
            load_id,
        )
        return {row[0]: ChunkTotals(*row) for row in rows}
