"""BigQuery: each batch a Parquet load job into a table of its own, made to count by one multi-statement transaction.

What makes it exactly once stands in bigquery_sql.py (attempts) and bigquery_session.py (jobs that run once). A new
target is there, empty, for the moment between its CREATE TABLE and the publishing transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.core.errors import ConfigError, HornbeamError, PermanentError, TransientError
from transforms.core.retrying import retried
from transforms.core.tables.databases import bigquery_sql as sql
from transforms.core.tables.databases.bigquery_bookkeeping import BigQueryBookkeeping
from transforms.core.tables.databases.bigquery_errors import NotThereError
from transforms.core.tables.databases.bigquery_publish import add_columns_ddl, publish_sql, target_ddl
from transforms.core.tables.databases.bigquery_rows import (
    batch_schema,
    digest,
    encode_batch,
    load_parameters,
)
from transforms.core.tables.databases.bigquery_types import (
    TableId,
    demand_columns,
)
from transforms.core.tables.databases.column_fit import clashes
from transforms.core.tables.databases.load_records import now
from transforms.core.tables.databases.target import TargetColumn, demand_sound, misfits, missing_columns
from transforms.core.tables.loads.destination import BadRowsError, ChunkRows, ChunkTotals

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from transforms.core.objects.store import StoreAccess
    from transforms.core.tables.loads.destination import LoadSpec, StoredLoad


class BigQueryDestination(BigQueryBookkeeping):
    """A BigQuery dataset; see `Destination` for the contract.

    Args:
        project: The project of the dataset, which also pays for the jobs.
        dataset: Where tables without a dataset of their own go, and all bookkeeping.
        access: `endpoint_url` and `anonymous` count here; None for Google's own endpoint (BIGQUERY_EMULATOR_HOST
            names another) and the application default credentials.
    """

    single_process = False

    def __init__(self, project: str, dataset: str, access: StoreAccess | None = None) -> None:
        super().__init__(project, dataset, access)
        self._present: dict[str, set[int]] = {}

    def open(self) -> None:
        """Connects."""
        self._session.open()

    def close(self) -> None:
        """Disconnects."""
        self._session.close()

    def check(self, table: str) -> list[str]:
        """Findings of a pre-flight: the dataset, the table, and (by a dry run) whether we may make tables."""
        try:
            self.open()
            self._target_columns(self._target(table))
            probe = sql.Books(self._home).table("hornbeam_check")
            self._session.run(f"CREATE TABLE IF NOT EXISTS {probe} (x INT64)", dry=True)
        except HornbeamError as error:
            return [str(error)]
        return []

    def create_load(self, spec: LoadSpec) -> StoredLoad:
        """Stores the plan and makes staging, unless they are there."""
        demand_sound(spec)
        demand_columns(spec)
        books = self._books(spec.load_id)
        stored = self._stored(spec.load_id)
        if stored is None or not stored.planned:
            self._demand_fit(spec, ConfigError)
            retried(lambda: self._session.run(sql.bookkeeping_ddl(books)))
            # One process's plan is stored, and the others' jobs of the same name never run.
            text = f"{sql.script(sql.staging_ddl(books, spec))}\n{sql.replace_unplanned(books)}"
            row = load_parameters(spec) | ({"started": stored.started} if stored else {})
            self._session.run_once(f"create-{spec.load_id}", lambda _: text, lambda: self._found(spec.load_id), row)
        elif stored.status != "completed":
            self._take_up(stored)
        return self._demand(spec.load_id)

    def write_chunks(self, spec: LoadSpec, chunks: Sequence[ChunkRows]) -> frozenset[int]:
        """Loads the chunks into a table of their own, then makes them count in one transaction."""
        if spec.load_id not in self._present:
            self._present[spec.load_id] = set(self.ledger(spec.load_id))
        present = self._present[spec.load_id]
        waiting = sorted((c for c in chunks if c.totals.chunk not in present), key=lambda c: c.totals.chunk)
        if not waiting:
            self._demand_processing(spec)
            return frozenset()
        try:
            written = self._write(spec, waiting)
        except NotThereError as e:
            # Somebody else's attempt at the same batch has ended, or the staging table was dropped.
            self._demand_processing(spec)
            del self._present[spec.load_id]
            raise TransientError(f"{e}; another attempt at these chunks has ended", retry_after_seconds=0.5) from e
        present.update(chunk.totals.chunk for chunk in waiting)
        return written

    def refusal(self, spec: LoadSpec, rows: pa.Table) -> str:
        """Why BigQuery would refuse these rows, "" if it would not: they are loaded into a table that is dropped."""
        books, chunk = self._books(spec.load_id), ChunkRows(ChunkTotals(0, 0, 0, 0, 0, 0), rows)
        try:
            data = encode_batch(spec, [chunk])
            name = digest(data, [chunk])
            self._session.load_once(f"probe-{spec.load_id}-{name}", data, books.batch(name), batch_schema(spec))
        except BadRowsError as error:
            return str(error)
        self._session.drop(books.batch(name))
        return ""

    def publish(self, spec: LoadSpec, most_rejects: int | None = None) -> StoredLoad:
        """Makes the target, then moves staging to it and completes the load, in one transaction."""
        stored = self._demand(spec.load_id)
        if stored.status != "completed":
            self._demand_whole(stored)
            try:
                retried(lambda: self._publish(stored.spec, most_rejects))
            except BadRowsError as error:
                message = f"load {spec.load_id} can't be published to {spec.table}: {error}; nothing of it was"
                raise PermanentError(message) from error
        self._clean_up(spec.load_id)
        return self._demand(spec.load_id)

    def _found(self, load_id: str) -> bool:
        return self.find_load(load_id) is not None

    def _demand_whole(self, stored: StoredLoad) -> None:
        spec, chunks = stored.spec, len(self.ledger(stored.spec.load_id))
        if stored.status != "processing":
            raise PermanentError(f"load {spec.load_id} of {spec.table} is {stored.status}: {stored.error}")
        accounted = stored.loaded + stored.rejected + stored.skipped
        if chunks != spec.chunks or accounted != spec.counted:
            raise PermanentError(
                f"load {spec.load_id} of {spec.table} isn't whole: {chunks} of {spec.chunks} chunks, {accounted} of "
                f"{spec.counted} records (loaded {stored.loaded}, rejected {stored.rejected}, skipped "
                f"{stored.skipped}); run the same command again to load what is missing"
            )

    def _demand_fit(self, spec: LoadSpec, error: type[HornbeamError]) -> tuple[TargetColumn, ...] | None:
        columns = self._target_columns(self._target(spec.table))
        types = {column.name.casefold(): column.type for column in columns or ()}
        findings = misfits(spec, columns, str.casefold) if columns is not None else []
        findings += clashes(spec, types, str.casefold)
        if findings:
            raise error("; ".join(findings))
        return columns

    def _take_up(self, stored: StoredLoad) -> None:
        """Goes on with a load that was begun; if somebody dropped its staging table, from the start."""
        books = self._books(stored.spec.load_id)
        if stored.status != "processing":
            statement = sql.set_status(books, "processing", unless="completed")
            self._session.run(statement, {"error": "", "finished": ""})
        if self._session.table(books.staging()) is None:
            self._session.run(sql.forget_chunks(books))
            self._session.run(sql.staging_ddl(books, stored.spec))

    def _write(self, spec: LoadSpec, chunks: Sequence[ChunkRows]) -> frozenset[int]:
        books, data = self._books(spec.load_id), encode_batch(spec, chunks)
        name = digest(data, chunks)
        batch = books.batch(name) if any(c.rows.num_rows or c.rejects for c in chunks) else None
        if batch is None:
            return self._enter(spec, chunks, name, None)
        self._session.load_once(f"load-{spec.load_id}-{name}", data, batch, batch_schema(spec))
        try:
            written = self._enter(spec, chunks, name, batch)
        except PermanentError:
            self._session.drop(batch)
            raise
        self._session.drop(batch)
        return written

    def _enter(self, spec: LoadSpec, chunks: Sequence[ChunkRows], name: str, batch: TableId | None) -> frozenset[int]:
        books, totals = self._books(spec.load_id), [chunk.totals for chunk in chunks]
        numbers = {row.chunk for row in totals}
        rows = self._session.run_once(
            f"enter-{spec.load_id}-{name}",
            lambda job_id: sql.enter_chunks(books, spec, totals, batch, job_id),
            lambda: numbers <= self.ledger(spec.load_id).keys(),
        )
        return frozenset(row[0] for row in rows or ())

    def _publish(self, spec: LoadSpec, most_rejects: int | None) -> None:
        books, target = self._books(spec.load_id), self._target(spec.table)
        columns = self._demand_fit(spec, PermanentError)
        if columns is None:
            self._session.run(target_ddl(target, spec))
        elif missing := missing_columns(spec, columns, str.casefold):
            self._session.run(add_columns_ddl(target, missing))
        self._session.run_once(
            f"publish-{spec.load_id}",
            lambda _: publish_sql(books, spec, target, most_rejects),
            lambda: self._demand(spec.load_id).status == "completed",
            {"finished": now()},
        )

    def _clean_up(self, load_id: str) -> None:
        books = self._books(load_id)
        self._session.drop(books.staging())
        for name in self._session.names(books.batch_prefix()):
            self._session.drop(books.beside(name))
