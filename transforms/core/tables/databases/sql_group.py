"""Several small loads in one transaction, once for PostgreSQL, DuckDB and SQLite: no staging table but for upsert.

What is locked in which order is as for the loads that come chunk by chunk (sql_destination.py): the loads' rows by id,
then the table's publishing.
"""

from __future__ import annotations

import hashlib
from itertools import groupby
from typing import TYPE_CHECKING

import pyarrow as pa

from transforms.core.tables.databases.chunk_tables import joined_rejects, joined_rows
from transforms.core.tables.databases.load_records import encode_whole
from transforms.core.tables.databases.publish_sql import Move
from transforms.core.tables.databases.sql import (
    LOAD_COLUMNS,
    LOADS,
    REJECT_COLUMNS,
    REJECTS,
    insert_ledgers,
    insert_whole,
    staging_columns,
    staging_name,
)
from transforms.core.tables.databases.sql_destination import SqlDestination
from transforms.core.tables.databases.target import demand_sound, missing_columns
from transforms.core.tables.loads.destination import FILE_COLUMN
from transforms.core.tables.loads.group_writer import TargetMovedError

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Iterator, Sequence

    from transforms.core.tables.columns.column import Column
    from transforms.core.tables.databases.sql import TableName
    from transforms.core.tables.loads.destination import LoadSpec, StoredLoad
    from transforms.core.tables.loads.group_writer import WholeLoad

_PAGE = 2000
_PARTS = 1 << 20  # a file has fewer parts: (file, part) as one number


class SqlGroups(SqlDestination):
    """A `GroupWriter` on a SQL database. Not thread-safe; see the protocol for the contract of the public methods."""

    def find_loads(self, table: str, load_ids: Collection[str]) -> dict[str, StoredLoad]:
        """Those of some loads that have a plan."""
        home = self._resolve(table)
        if not load_ids or not self._has_books(home):
            return {}
        marks = ", ".join(f"{self.dialect.mark}{number}" for number in range(1, len(load_ids) + 1))
        statement = f"SELECT {', '.join(LOAD_COLUMNS)} FROM {self._table(home, LOADS)} WHERE load_id IN ({marks})"
        found = [self._told(row, home) for row in self._query(statement, *load_ids)]
        return {load.spec.load_id: load for load in found if load.planned}

    def completed_since(self, table: str, since: str, known: Container[str]) -> Iterator[StoredLoad]:
        """The completed loads of a table, from a time on, a page at a time."""
        home = self._resolve(table)
        if not self._has_books(home):
            return
        mark = self.dialect.mark
        statement = (
            f"SELECT {', '.join(LOAD_COLUMNS)} FROM {self._table(home, LOADS)} "
            f"WHERE lower(target) IN (lower({mark}1), lower({mark}2)) AND status = 'completed' "
            f"AND (finished > {mark}3 OR (finished = {mark}3 AND load_id > {mark}4)) "
            f"ORDER BY finished, load_id LIMIT {_PAGE}"
        )
        place = since, ""
        while rows := self._query(statement, home.name, ".".join(home), *place):
            ours = (row for row in rows if row[0] not in known and self._is_same(row[1], home, table))
            yield from (self._told(row, home) for row in ours)
            place = rows[-1][-1], rows[-1][0]
            if len(rows) < _PAGE:
                return

    def write_group(self, loads: Sequence[WholeLoad], target: tuple[Column, ...]) -> frozenset[str]:
        """Brings loads in and completes them, in one transaction."""
        home = self._resolve(loads[0].spec.table)
        for load in loads:
            demand_sound(load.spec)
        if not self._has_books(home):
            with self._transaction():
                self._make_books(home)
        with self._transaction():
            ours = self._enter_loads(loads, home)
            written = [load for load in loads if load.spec.load_id in ours]
            if written:
                self._put_loads(written, home, target)
        return ours

    def _has_books(self, home: TableName) -> bool:
        """Whether the bookkeeping tables are there; once they are, that isn't asked again."""
        if home.schema not in self._with_books and not self._absent() and self._exists(home.beside(LOADS)):
            self._with_books.add(home.schema)
        return home.schema in self._with_books

    def _enter_loads(self, loads: Sequence[WholeLoad], home: TableName) -> frozenset[str]:
        """Inserts the loads' rows, by id so that two groups can't deadlock; waits for whoever holds one of them."""
        rows = sorted(encode_whole(load.spec, [chunk.totals for chunk in load.chunks]) for load in loads)
        statement = insert_whole(home, self.dialect, len(rows))
        return frozenset(row[0] for row in self._query(statement, *(value for row in rows for value in row)))

    def _put_loads(self, loads: Sequence[WholeLoad], target: TableName, planned: tuple[Column, ...]) -> None:
        adding = {column.name for load in loads if load.chunks for column in load.spec.columns}
        adding -= {column.name for column in planned}
        mode = loads[0].spec.mode
        self._enter_group(target, mode, alone=bool(adding))
        columns = self._target_columns(target)
        if columns is None or tuple(column.column() for column in columns) != planned:
            raise TargetMovedError(f"{target.schema}.{target.name} has changed")
        for spec in {load.spec.columns: load.spec for load in loads if load.chunks}.values():
            self._demand_fit(spec, target)
            lacking = missing_columns(spec, columns, self.dialect.fold)
            for column in lacking:
                self._change(Move(spec, target, target, self.dialect).add_column(column))
            columns = (self._target_columns(target) or ()) if lacking else columns
        ledgers = [(load.spec.load_id, [chunk.totals for chunk in load.chunks]) for load in loads if load.chunks]
        if ledgers:
            self._change(insert_ledgers(target, self.dialect, ledgers))
        self._put_all(loads, target, mode)
        rejects = [joined_rejects(load.spec.load_id, load.chunks) for load in loads]
        if any(one.num_rows for one in rejects):
            self._put_rows(target.beside(REJECTS), REJECT_COLUMNS, pa.concat_tables(rejects))

    def _put_all(self, loads: Sequence[WholeLoad], target: TableName, mode: str) -> None:
        """The rows of all loads: straight into the table, or by staging where a key decides."""
        filled = [load for load in loads if any(chunk.rows.num_rows for chunk in load.chunks)]
        if mode == "upsert":
            for _, run in groupby(filled, key=lambda load: load.spec.columns):
                self._upsert_all(list(run), target)
            return
        by_columns: dict[tuple[Column, ...], list[WholeLoad]] = {}
        for load in filled:
            by_columns.setdefault(load.spec.columns, []).append(load)
        for columns, alike in by_columns.items():
            rows = pa.concat_tables([joined_rows(load.chunks).select(_places(columns)) for load in alike])
            self._put_rows(target, [column.name for column in columns], rows)

    def _upsert_all(self, loads: Sequence[WholeLoad], target: TableName) -> None:
        spec = loads[0].spec._replace(load_id=_group_id(load.spec for load in loads))
        staging = target.beside(staging_name(spec.load_id))
        self._make_staging(spec, target)
        tables = [_numbered(joined_rows(load.chunks), number) for number, load in enumerate(loads)]
        self._put_rows(staging, staging_columns(spec), pa.concat_tables(tables))
        move = Move(spec, staging, target, self.dialect)
        self._remove(move, move.superseded())
        self._upsert(move, self._target_columns(target) or ())


def _places(columns: Sequence[Column]) -> list[int]:
    return list(range(len(columns)))


def _group_id(specs: Iterable[LoadSpec]) -> str:
    return hashlib.sha256("".join(spec.load_id for spec in specs).encode()).hexdigest()[:32]


def _numbered(rows: pa.Table, number: int) -> pa.Table:
    """The rows with a part's number that also tells the files of a group apart."""
    place = rows.schema.get_field_index(FILE_COLUMN)
    files = pa.compute.add(rows.column(place), number * _PARTS)
    return rows.set_column(place, FILE_COLUMN, files)
