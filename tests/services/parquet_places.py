"""Where tests put Parquet tables (the disk, an S3 server), and what other readers find there."""

from __future__ import annotations

import zlib
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from transforms.core.objects.store import StoreAccess, open_store
from transforms.core.tables.databases.parquet import ParquetDestination
from transforms.core.tables.databases.parquet_commits import committed_parts


def rows_of(destination, table="t", order="id"):
    """What DuckDB, another reader altogether, finds by a plain glob."""
    folder = destination._folder
    if folder.root.startswith("file://"):
        query = (
            f"SELECT * FROM read_parquet('{folder.root[7:]}/{table}/*.parquet', union_by_name=true) ORDER BY {order}"
        )
        return duckdb.sql(query).fetchall()
    tables = [
        pq.read_table(pa.BufferReader(folder.read(f"{table}/{name}"))) for name in folder.names(table, ".parquet")
    ]
    return [tuple(row.values()) for row in pa.concat_tables(tables).sort_by(order).to_pylist()]


def committed_ids(destination):
    store = open_store(destination._folder.root, destination._folder._access)
    ids = []
    for uri in committed_parts(destination._folder.root, "t", destination._folder._access):
        info = store.head(uri)
        ids += pq.read_table(pa.BufferReader(store.read(info, 0, info.size_bytes))).column("id").to_pylist()
    return sorted(ids)


def files_below(root):
    return sorted(str(path.relative_to(root)) for path in Path(root).rglob("*") if path.is_file())


@pytest.fixture(name="place", params=["disk", "s3"])
def parquet_place(request, tmp_path, monkeypatch):
    """Makes destinations on one and the same place."""
    if request.param == "disk":
        return lambda: ParquetDestination(f"parquet:{tmp_path / 'out dir'}")
    server = request.getfixturevalue("s3_server")
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    bucket = server.make_bucket(f"parquet-{zlib.crc32(request.node.name.encode())}")
    access = StoreAccess(endpoint_url=server.endpoint, region="us-east-1")
    return lambda: ParquetDestination(f"parquet:s3://{bucket}/some/prefix", access)
