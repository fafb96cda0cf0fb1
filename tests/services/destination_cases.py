"""What the tests of the database destinations share: places to load to, loads, chunks, and reading back."""

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import psycopg
import pyarrow as pa

from transforms.core.tables.columns.column import Column, ColumnType
from transforms.core.tables.databases.registry import open_destination
from transforms.core.tables.loads.destination import ChunkRows, ChunkTotals, Destination, LoadSpec

ID = Column("id", "id", ColumnType("integer"))
NAME = Column("name", "name", ColumnType("text"))


@dataclass(frozen=True)
class Place:
    """An empty database of one of the three kinds."""

    kind: str
    uri: str
    password: str

    @contextlib.contextmanager
    def destination(self) -> Iterator[Destination]:
        destination = open_destination(self.uri, self.password)
        destination.open()
        try:
            yield destination
        finally:
            destination.close()

    def run(self, statement: str) -> list[tuple]:
        """Sends a statement by a client of its own, as any other user of the database would."""
        if self.kind == "postgresql":
            with psycopg.connect(self.uri, password=self.password, autocommit=True) as connection:
                cursor = connection.execute(statement)
                return cursor.fetchall() if cursor.description else []
        path = self.uri.partition(":///")[2]
        if self.kind == "duckdb":
            with duckdb.connect(path) as connection:
                return connection.execute(statement).fetchall()
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            return connection.execute(statement).fetchall()

    def tables(self) -> set[str]:
        catalogue = {
            "postgresql": "SELECT tablename::text FROM pg_tables WHERE schemaname !~ '^pg_|^information_schema$'",
            "duckdb": "SELECT table_name FROM duckdb_tables()",
            "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
        }
        return {row[0] for row in self.run(catalogue[self.kind])}


def make_spec(number: int = 1, **changes) -> LoadSpec:
    """A load of (id, name) into `products`; `number` makes its id."""
    values = {
        "load_id": f"{number:032x}"[::-1],
        "table": "products",
        "mode": "append",
        "key": (),
        "columns": (ID, NAME),
        "ordered": False,
        "unique": (),
        "chunks": 1,
        "counted": 2,
        "add_columns": False,
        "plan": '{"chunks": [[0, 10], [10, 20]]}',
    } | changes
    return LoadSpec(**values)


def make_chunk(
    number: int, rows: list[tuple], spec: LoadSpec, rejects: tuple[str, ...] = (), file: int = 0
) -> ChunkRows:
    """A chunk of rows in the order of the load's columns; records are numbered 100 x chunk + place."""
    arrays = [pa.array([row[place] for row in rows], column.type.arrow()) for place, column in enumerate(spec.columns)]
    names = [f"c{place}" for place in range(len(arrays))]
    if spec.ordered:
        arrays += [pa.array([file] * len(rows), pa.int64()), pa.array(range(100 * number, 100 * number + len(rows)))]
        names += ["file", "record"]
    counted = len(rows) + len(rejects)
    return ChunkRows(
        ChunkTotals(number, file, counted, len(rows), len(rejects), 0), pa.table(arrays, names=names), rejects
    )


def load(place: Place, spec: LoadSpec, *chunks: list[tuple]):
    """A whole load in one go; returns what is stored."""
    spec = spec._replace(chunks=len(chunks), counted=sum(map(len, chunks)))
    with place.destination() as destination:
        destination.create_load(spec)
        destination.write_chunks(spec, [make_chunk(number, rows, spec) for number, rows in enumerate(chunks)])
        return destination.publish(spec)
