"""What a stream left in its DuckDB or SQLite, as another client sees it."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from tests.core.tables.loads.stream_cases import Stream

KINDS = ("duckdb", "sqlite")


def query(stream: Stream, statement: str) -> list[tuple]:
    """Asks the destination, as another client would; the stream's own connections are closed first."""
    stream.connections.close()
    path = f"{stream.folder}/out.db"
    if stream.settings.destination.startswith("duckdb"):
        with duckdb.connect(path) as connection:
            return connection.execute(statement).fetchall()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


def ids(stream: Stream) -> list[int]:
    return [row[0] for row in query(stream, "SELECT id FROM t ORDER BY id")]


def loads(stream: Stream) -> list[tuple]:
    return query(stream, "SELECT status, count(*), sum(loaded) FROM hornbeam_loads GROUP BY status ORDER BY status")


def tables(stream: Stream) -> list[str]:
    catalogue = {
        "duckdb": "SELECT table_name FROM duckdb_tables()",
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    }
    return [row[0] for row in query(stream, catalogue[stream.settings.destination.partition(":")[0]])]


def make(stream: Stream) -> None:
    query(stream, "CREATE TABLE t (id BIGINT, name TEXT)")
