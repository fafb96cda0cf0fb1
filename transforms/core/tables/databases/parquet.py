"""Parquet files in a folder of any store: a folder a table, readable by everything that globs `TABLE/*.parquet`.

A load's parts wait under `_hornbeam/staging`; publishing puts them into the table's folder and then makes a commit
file. Who reads by `committed_parts` sees the old table or the new one. Who only globs may see, for the seconds of a
publish, some of the new parts beside the old ones (append, replace) and, after the commit, old ones that go (replace).
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from transforms.core.errors import ConfigError, HornbeamError, PermanentError
from transforms.core.objects.store import StoreAccess
from transforms.core.objects.uri import parse
from transforms.core.tables.databases import parquet_ledger as books
from transforms.core.tables.databases.load_records import decode_load, encode_load
from transforms.core.tables.databases.parquet_columns import arrow_schema, columns_from, file_columns
from transforms.core.tables.databases.parquet_commits import newest_commit, read_commit
from transforms.core.tables.databases.parquet_files import BOOKS, Folder, demand_table, root_of, span_name
from transforms.core.tables.databases.parquet_loads import (
    failed_path,
    load_path,
    load_record,
    load_row,
    note_record,
    pending_path,
)
from transforms.core.tables.databases.parquet_parts import encode_part, fitted
from transforms.core.tables.databases.parquet_publish import publish_load, table_columns
from transforms.core.tables.databases.target import demand_sound
from transforms.core.tables.loads.destination import BadRowsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from transforms.core.tables.columns.column import Column
    from transforms.core.tables.databases.parquet_columns import Columns
    from transforms.core.tables.databases.parquet_commits import Commit
    from transforms.core.tables.loads.destination import ChunkRows, ChunkTotals, LoadSpec, StoredLoad


class ParquetDestination:
    """A folder of Parquet tables; see `Destination` for the contract.

    A load is `pending`, or failed already, by its note, which counts no more once there is a plan file: then it is
    `processing`, `failed` while there is a file that says so, and `completed` by the commit that names it. Memory: the
    Parquet bytes of one `write_chunks`, or of one part at publish.

    Args:
        location: A path, `s3://bucket/prefix` or `gs://bucket/prefix`, with or without `parquet:` in front.
        access: How to reach the store; None for the provider's own defaults.
    """

    single_process = False

    def __init__(self, location: str, access: StoreAccess | None = None) -> None:
        self.statements = 0
        self.table = ""
        self._folder = Folder(root_of(location), access or StoreAccess(), self._count)
        self._columns: dict[str, Columns] = {}
        self._present: dict[str, set[int]] = {}

    def open(self) -> None:
        """Checks that the folder can be one; a folder that isn't there is made by the first load."""
        address = parse(self._folder.root)
        if address.scheme == "file" and os.path.isfile(address.key):  # noqa: PTH113 - keys are texts
            raise ConfigError(f"destination {self._folder.root} is a file: name a folder")

    def close(self) -> None:
        """Holds nothing open."""

    def check(self, table: str) -> list[str]:
        """Findings of a pre-flight; whether an object store lets us write shows only when we do."""
        try:
            self.open()
            table_columns(self._folder, demand_table(table))
        except HornbeamError as error:
            return [str(error)]
        return self._unwritable()

    def describe(self, table: str) -> tuple[Column, ...] | None:
        """The table's columns, or None."""
        return table_columns(self._folder, demand_table(table))

    def canonical(self, table: str) -> str:
        """The name as it is: a folder has no other."""
        return table

    def announce_load(self, spec: LoadSpec, error: str = "") -> None:
        """Writes the note of a load that has no plan yet, unless one is there by now."""
        demand_table(spec.table)
        if self._folder.head(load_path(spec.load_id)) is None:
            record = note_record(spec, error, self._started(spec.load_id))
            self._folder.write(pending_path(spec.load_id), json.dumps(record, ensure_ascii=False).encode())

    def is_there(self) -> bool:
        """Whether there is a folder yet; an object store's needs no making."""
        address = parse(self._folder.root)
        return address.scheme != "file" or os.path.isdir(address.key)  # noqa: PTH112 - keys are texts

    def forget_load(self, load_id: str) -> None:
        """Removes the note of a load without a plan."""
        if self._folder.head(load_path(load_id)) is None:
            self._folder.delete(pending_path(load_id))

    def create_load(self, spec: LoadSpec) -> StoredLoad:
        """Stores the plan and the columns of the part files, unless they are there."""
        _demand_possible(spec)
        stored = self.find_load(spec.load_id)
        if stored is None:
            there = None if spec.mode == "replace" else table_columns(self._folder, spec.table)
            record = load_record(spec, file_columns(spec, there))
            record["started"] = self._started(spec.load_id) or record["started"]
            self._folder.write_new_json(load_path(spec.load_id), record)
        elif stored.status == "failed":
            self._folder.delete(failed_path(spec.load_id))
        return self._demand(spec.load_id)

    def find_load(self, load_id: str) -> StoredLoad | None:
        """The stored load, or None, also for one without a plan."""
        record = self._folder.read_json(load_path(load_id))
        if record is None:
            return None
        stored = decode_load(load_row(record))
        commit = self._commit_of(stored.spec)
        if commit is not None:
            loaded, rejected, skipped = commit.totals
            return stored._replace(
                status="completed", loaded=loaded, rejected=rejected, skipped=skipped, finished=commit.finished
            )
        failed = self._folder.read_json(failed_path(load_id)) or {}
        loaded, rejected, skipped = _sums(self.ledger(load_id))
        stored = stored._replace(loaded=loaded, rejected=rejected, skipped=skipped)
        return stored._replace(status="failed", **failed) if failed else stored

    def ledger(self, load_id: str) -> dict[int, ChunkTotals]:
        """The chunks that are committed."""
        return books.totals_of(books.read_entries(self._folder, load_id))

    def write_chunks(self, spec: LoadSpec, chunks: Sequence[ChunkRows]) -> frozenset[int]:
        """Stages one part file with all chunks that aren't in the ledger, then enters them."""
        self._demand_processing(spec)
        present = self._present.setdefault(spec.load_id, set())
        if not present:
            present.update(books.committed_chunks(self._folder, spec.load_id))
        waiting = [chunk for chunk in chunks if chunk.totals.chunk not in present]
        written: set[int] = set()
        for batch in books.part_batches(waiting):
            numbers = {chunk.totals.chunk for chunk in batch}
            if self._write(spec, batch):
                written |= numbers
            present |= numbers
        return frozenset(written)

    def refusal(self, spec: LoadSpec, rows: pa.Table) -> str:
        """Why the part file can't hold these rows, "" if it can."""
        self._demand_processing(spec)
        try:
            fitted(rows, arrow_schema(self._columns[spec.load_id]))
        except BadRowsError as error:
            return str(error)
        return ""

    def publish(self, spec: LoadSpec, most_rejects: int | None = None) -> StoredLoad:
        """Puts the parts in place and commits; finishes a publish that was killed."""
        del most_rejects  # `unique`, which alone could still bring rejects, is refused here
        record = self._folder.read_json(load_path(spec.load_id))
        if record is None:
            raise PermanentError(f"load {spec.load_id} of {spec.table} is unknown here: create_load makes it")
        stored = self._demand(spec.load_id)
        entries = books.read_entries(self._folder, spec.load_id)
        totals = _sums(books.totals_of(entries))
        if stored.status != "completed":
            _demand_whole(stored, len(books.owners(entries)), totals)
        publish_load(self._folder, stored.spec, columns_from(record["columns"]), entries, totals)
        return self._demand(spec.load_id)

    def fail(self, load_id: str, error: str) -> None:
        """Sets a load to `failed`, unless it is completed."""
        stored = self.find_load(load_id)
        if stored is not None and stored.status != "completed":
            record = {"error": error, "finished": encode_load(stored.spec)[12]}
            self._folder.write(failed_path(load_id), json.dumps(record, ensure_ascii=False).encode())

    def loads(self) -> Iterator[StoredLoad]:
        """All loads, newest first; those of one table only where one is set."""
        announced = self._folder.names(f"{BOOKS}/pending", ".json")  # first: a note whose plan comes now has both
        names = self._folder.names(f"{BOOKS}/loads", ".json")
        found = [self._demand(name.removesuffix(".json")) for name in names]
        notes = [self._folder.read_json(f"{BOOKS}/pending/{name}") for name in announced if name not in names]
        found += [decode_load(load_row(note)) for note in notes if note is not None]
        ours = (load for load in found if self.table in {"", load.spec.table})
        yield from sorted(ours, key=lambda load: load.started, reverse=True)

    def rejects(self, load_id: str) -> Iterator[str]:
        """The load's rejected records, in (file, record) order."""
        return books.reject_lines(self._folder, load_id)

    def _started(self, load_id: str) -> str:
        """When a load was announced; "" if it wasn't."""
        return str((self._folder.read_json(pending_path(load_id)) or {}).get("started", ""))

    def _count(self) -> None:
        self.statements += 1

    def _unwritable(self) -> list[str]:
        address = parse(self._folder.root)
        place = address.key
        if address.scheme != "file":
            return []
        while not os.path.isdir(place):  # noqa: PTH112
            place = os.path.dirname(place)  # noqa: PTH120
        if os.access(place, os.W_OK):
            return []
        return [f"{place} can't be written by this user: change its permissions, or name another folder"]

    def _commit_of(self, spec: LoadSpec) -> Commit | None:
        commit = newest_commit(self._folder, spec.table)
        if commit is None or spec.load_id not in commit.loads:
            return None
        number = commit.loads[spec.load_id]
        return commit if number == commit.number else read_commit(self._folder, spec.table, number)

    def _demand(self, load_id: str) -> StoredLoad:
        stored = self.find_load(load_id)
        if stored is None:
            raise PermanentError(f"{self._folder.uri(load_path(load_id))} was deleted while the load was worked on")
        return stored

    def _demand_processing(self, spec: LoadSpec) -> None:
        if spec.load_id not in self._columns:
            record = self._folder.read_json(load_path(spec.load_id))
            if record is None:
                raise PermanentError(f"load {spec.load_id} of {spec.table} is unknown: no chunk can be added to it")
            self._columns[spec.load_id] = columns_from(record["columns"])
        failed = self._folder.head(failed_path(spec.load_id)) is not None
        if failed or self._commit_of(spec) is not None:
            status = "failed" if failed else "completed"
            raise PermanentError(f"load {spec.load_id} of {spec.table} is {status}: no chunk can be added to it")

    def _write(self, spec: LoadSpec, batch: Sequence[ChunkRows]) -> bool:
        if any(chunk.totals.loaded or chunk.rows.num_rows for chunk in batch):
            name = span_name(chunk.totals.chunk for chunk in batch)
            data = encode_part(batch, self._columns[spec.load_id])
            self._folder.write_new(books.staged_path(spec.load_id, name), data)
        return books.write_entry(self._folder, spec.load_id, batch)


def _demand_possible(spec: LoadSpec) -> None:
    demand_sound(spec)
    demand_table(spec.table)
    if spec.mode == "upsert" or spec.unique or spec.ordered:
        what = "write mode upsert" if spec.mode == "upsert" else f"`unique` (columns {', '.join(spec.unique)})"
        raise ConfigError(
            f"{what} needs a database that finds a row by its value, and Parquet files have none: load with "
            "--write_mode replace and without `unique`, or into DuckDB, SQLite, PostgreSQL or BigQuery"
        )


def _demand_whole(stored: StoredLoad, chunks: int, totals: tuple[int, int, int]) -> None:
    spec = stored.spec
    if stored.status != "processing":
        raise PermanentError(f"load {spec.load_id} of {spec.table} is {stored.status}: {stored.error}")
    if chunks != spec.chunks or sum(totals) != spec.counted:
        raise PermanentError(
            f"load {spec.load_id} of {spec.table} isn't whole: {chunks} of {spec.chunks} chunks, {sum(totals)} of "
            f"{spec.counted} records (loaded {totals[0]}, rejected {totals[1]}, skipped {totals[2]}); run the same "
            "command again to load what is missing"
        )


def _sums(ledger: dict[int, ChunkTotals]) -> tuple[int, int, int]:
    rows = ledger.values()
    return sum(r.loaded for r in rows), sum(r.rejected for r in rows), sum(r.skipped for r in rows)
