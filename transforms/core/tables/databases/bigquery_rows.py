"""What goes to BigQuery: a batch as one Parquet file (rejects as rows of their own), and a load's bookkeeping row."""

from __future__ import annotations

import base64
import hashlib
import io
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.core.tables.columns.column import ColumnType
from transforms.core.tables.databases.bigquery_sql import (
    CHUNK,
    PLACE,
    REJECT,
    REJECT_FILE,
    REJECT_RECORD,
    hidden_columns,
)
from transforms.core.tables.databases.bigquery_types import field_type
from transforms.core.tables.databases.load_records import decode_load, encode_load, record_of
from transforms.core.tables.databases.sql import LOAD_COLUMNS
from transforms.core.tables.loads.destination import BadRowsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transforms.core.tables.loads.destination import ChunkRows, LoadSpec, StoredLoad

_WHOLE, _TEXT = ColumnType("integer"), ColumnType("text")
_OURS = {CHUNK: _WHOLE, PLACE: _WHOLE, REJECT: _TEXT, REJECT_FILE: _WHOLE, REJECT_RECORD: _WHOLE}


def batch_types(spec: LoadSpec) -> dict[str, ColumnType]:
    """The columns of a batch table, all of them nullable."""
    data = {column.name: column.type for column in spec.columns}
    return data | dict.fromkeys(hidden_columns(spec), _WHOLE) | _OURS


def batch_schema(spec: LoadSpec) -> list[tuple[Any, ...]]:
    """The same as a load job's schema: name, type, precision, scale."""
    return [(name, *field_type(kind)) for name, kind in batch_types(spec).items()]


def encode_batch(spec: LoadSpec, chunks: Sequence[ChunkRows]) -> bytes:
    """The Parquet file; the same chunks give the same bytes.

    Raises:
        BadRowsError: A NULL in a column that has none.
    """
    schema = pa.schema([(name, kind.arrow()) for name, kind in batch_types(spec).items()])
    tables = [table for chunk in chunks for table in (_rows(spec, chunk), _rejects(chunk)) if table.num_rows]
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, schema, compression="zstd", store_schema=False) as writer:
        for table in tables:
            writer.write_table(_widened(table, schema))
    return sink.getvalue()


def digest(data: bytes, chunks: Sequence[ChunkRows]) -> str:
    """What a batch is, in 32 hex digits."""
    found = hashlib.blake2b(data, digest_size=16)
    found.update(repr([tuple(chunk.totals) for chunk in chunks]).encode())
    return found.hexdigest()


def _rows(spec: LoadSpec, chunk: ChunkRows) -> pa.Table:
    for column in spec.columns:
        if not column.nullable and chunk.rows.column(column.name).null_count:
            raise BadRowsError(f"BigQuery: column {column.name!r} is REQUIRED and a value is NULL")
    return chunk.rows.append_column(CHUNK, pa.repeat(pa.scalar(chunk.totals.chunk, pa.int64()), chunk.rows.num_rows))


def _rejects(chunk: ChunkRows) -> pa.Table:
    count = len(chunk.rejects)
    values = {
        CHUNK: [chunk.totals.chunk] * count,
        PLACE: range(count),
        REJECT: chunk.rejects,
        REJECT_FILE: [chunk.totals.file] * count,
        REJECT_RECORD: [record_of(line) for line in chunk.rejects],
    }
    return pa.table({name: pa.array(column, _OURS[name].arrow()) for name, column in values.items()})


def _widened(table: pa.Table, schema: pa.Schema) -> pa.Table:
    arrays = [
        table.column(field.name).cast(field.type)
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def load_parameters(spec: LoadSpec, error: str = "") -> dict[str, Any]:
    """A new load's row of `hornbeam_loads`, by column; the compressed plan as base64."""
    row = dict(zip(LOAD_COLUMNS, encode_load(spec, error), strict=True))
    return row | {"plan": base64.b64encode(row["plan"]).decode()}


def stored_load(row: tuple[Any, ...]) -> StoredLoad:
    """The load that a row of `hornbeam_loads` describes."""
    place = LOAD_COLUMNS.index("plan")
    return decode_load((*row[:place], base64.b64decode(row[place]), *row[place + 1 :]))
