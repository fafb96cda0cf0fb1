"""What is known of loads in BigQuery, those without a plan included. The order of a load is elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.core.errors import ConfigError, PermanentError
from transforms.core.objects.store import StoreAccess
from transforms.core.retrying import retried
from transforms.core.tables.databases import bigquery_sql as sql
from transforms.core.tables.databases.bigquery_errors import NotThereError
from transforms.core.tables.databases.bigquery_rows import load_parameters, stored_load
from transforms.core.tables.databases.bigquery_session import Session
from transforms.core.tables.databases.bigquery_types import TableId, column_type, demand_place, table_id
from transforms.core.tables.databases.load_records import now
from transforms.core.tables.databases.sql import LOADS
from transforms.core.tables.databases.target import TargetColumn
from transforms.core.tables.loads.destination import ChunkTotals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transforms.core.tables.columns.column import Column
    from transforms.core.tables.loads.destination import LoadSpec, StoredLoad


class BigQueryBookkeeping:
    """A dataset's bookkeeping tables. See `Destination` for the contract of the public methods.

    Args:
        project: As for `BigQueryDestination`, like the others.
        dataset: See there.
        access: See there.
    """

    def __init__(self, project: str, dataset: str, access: StoreAccess | None = None) -> None:
        demand_place(project, dataset)
        self.statements = 0
        self.table = ""
        self._home = TableId(project, dataset, LOADS)
        self._session = Session(project, dataset, access or StoreAccess(), self._count)

    def describe(self, table: str) -> tuple[Column, ...] | None:
        """The target's columns, or None."""
        columns = self._target_columns(self._target(table))
        return None if columns is None else tuple(column.column() for column in columns)

    def canonical(self, table: str) -> str:
        """The table's name alone in the dataset of the destination, else DATASET.NAME."""
        target = self._target(table)
        return target.name if target.dataset == self._home.dataset else ".".join(target[1:])

    def announce_load(self, spec: LoadSpec, error: str = "") -> None:
        """Stores a load that has no plan yet, unless one is there by now."""
        books, row = self._books(spec.load_id), load_parameters(spec, error)
        stored = self._stored(spec.load_id)
        if stored is None:
            retried(lambda: self._session.run(sql.bookkeeping_ddl(books)))
            text = sql.script(sql.insert_load(books))
            self._session.run_once(
                f"announce-{spec.load_id}", lambda _: text, lambda: self._stored(spec.load_id) is not None, row
            )
        elif not stored.planned and (stored.status, stored.error) != (row["status"], error):
            self._session.run(sql.set_unplanned(books), {name: row[name] for name in ("status", "error", "finished")})

    def is_there(self) -> bool:
        """Whether there is a dataset: `open` demands it."""
        return True

    def forget_load(self, load_id: str) -> None:
        """Takes back the announcement of a load without a plan."""
        stored = self._stored(load_id)
        if stored is not None and not stored.planned:
            self._session.run(sql.delete_unplanned(self._books(load_id)))

    def find_load(self, load_id: str) -> StoredLoad | None:
        """The stored load, or None, also for one without a plan."""
        stored = self._stored(load_id)
        return stored if stored is not None and stored.planned else None

    def ledger(self, load_id: str) -> dict[int, ChunkTotals]:
        """The chunks that are committed."""
        try:
            rows = self._session.run(sql.select_ledger(self._books(load_id)))
        except NotThereError:
            return {}
        return {row[0]: ChunkTotals(*row) for row in rows}

    def fail(self, load_id: str, error: str) -> None:
        """Sets a load to `failed`, unless it is completed."""
        if self.find_load(load_id) is not None:
            statement = sql.set_status(self._books(load_id), "failed", unless="completed")
            self._session.run(statement, {"error": error, "finished": now()})

    def loads(self) -> Iterator[StoredLoad]:
        """All loads, newest first; those of one table only where one is set."""
        try:
            rows = self._session.run(sql.select_loads(self._books()))
        except NotThereError:
            return
        for load in map(stored_load, rows):
            if not self.table or self._target(load.spec.table) == self._target(self.table):
                yield load

    def rejects(self, load_id: str) -> Iterator[str]:
        """The load's rejected records, in (file, record) order."""
        try:
            rows = self._session.run(sql.select_rejects(self._books(load_id)))
        except NotThereError:
            return
        yield from (row[0] for row in rows)

    def _stored(self, load_id: str) -> StoredLoad | None:
        try:
            rows = self._session.run(sql.select_loads(self._books(load_id)))
        except NotThereError:
            return None
        return stored_load(rows[0]) if rows else None

    def _count(self) -> None:
        self.statements += 1

    def _books(self, load_id: str = "") -> sql.Books:
        return sql.Books(self._home, load_id)

    def _target(self, table: str) -> TableId:
        return table_id(self._home.project, self._home.dataset, table)

    def _demand(self, load_id: str) -> StoredLoad:
        stored = self.find_load(load_id)
        if stored is None:
            raise PermanentError(f"load {load_id} is unknown in {self._home}: create_load makes it")
        return stored

    def _demand_processing(self, spec: LoadSpec) -> None:
        status = self._demand(spec.load_id).status
        if status != "processing":
            raise PermanentError(f"load {spec.load_id} of {spec.table} is {status}: no chunk can be added to it")

    def _target_columns(self, target: TableId) -> tuple[TargetColumn, ...] | None:
        table = self._session.table(target)
        if table is None:
            return None
        if table.table_type != "TABLE":
            raise ConfigError(f"{target} is a {table.table_type.lower()}: name the table itself, or another one")
        return tuple(
            TargetColumn(f.name, f.field_type, column_type(f), f.mode != "REQUIRED", bool(f.default_value_expression))
            for f in table.schema
        )
