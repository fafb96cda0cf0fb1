"""Part files: chunks into Parquet bytes (one row group a chunk, so that a chunk can be taken out again), and footers.

zstd, dictionaries and statistics on. The same chunks give the same bytes: writing them twice is harmless.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.core.errors import PermanentError
from transforms.core.objects.ranged_file import RangedFile
from transforms.core.tables.databases.parquet_columns import arrow_schema
from transforms.core.tables.loads.destination import BadRowsError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from transforms.core.objects.store import Store
    from transforms.core.outcome import ObjectInfo
    from transforms.core.tables.columns.column import Column
    from transforms.core.tables.loads.destination import ChunkRows


def encode_part(chunks: Sequence[ChunkRows], columns: Sequence[Column]) -> bytes:
    """A part file of these chunks, in the order of their numbers; chunks without rows have no row group.

    Raises:
        BadRowsError: A NULL in a column that has none, or a value that the table's type can't hold.
        PermanentError: A chunk has more or fewer rows than its ledger row says.
    """
    schema = arrow_schema(columns)
    ordered = sorted(chunks, key=lambda chunk: chunk.totals.chunk)
    for chunk in ordered:
        _demand_counted(chunk)
    groups = [fitted(chunk.rows, schema) for chunk in ordered]
    return _encoded([group for group in groups if group.num_rows], schema)


def keep_groups(data: bytes, groups: Collection[int]) -> bytes:
    """A part file with only some of its row groups, by their places."""
    file = pq.ParquetFile(io.BytesIO(data))
    return _encoded([file.read_row_group(place) for place in sorted(groups)], file.schema_arrow)


def read_schema(store: Store, info: ObjectInfo) -> pa.Schema:
    """A Parquet file's schema, from its footer alone."""
    return pq.read_schema(pa.PythonFile(RangedFile(store, info), mode="r"))


def _encoded(groups: Sequence[pa.Table], schema: pa.Schema) -> bytes:
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, schema, compression="zstd", use_dictionary=True, write_statistics=True) as writer:
        for group in groups:
            writer.write_table(group, row_group_size=group.num_rows)
    return sink.getvalue()


def fitted(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Rows in a part file's columns and types.

    Raises:
        BadRowsError: As `encode_part`.
    """
    return pa.Table.from_arrays([_array(rows, field) for field in schema], schema=schema)


def _demand_counted(chunk: ChunkRows) -> None:
    if chunk.rows.num_rows != chunk.totals.loaded:
        raise PermanentError(
            f"chunk {chunk.totals.chunk} has {chunk.rows.num_rows} rows and a ledger row of {chunk.totals.loaded}: "
            "they must be equal; this is an error in the caller"
        )


def _array(rows: pa.Table, field: pa.Field) -> pa.ChunkedArray:
    if field.name not in rows.column_names:
        return pa.chunked_array([pa.nulls(rows.num_rows, field.type)])
    column = rows.column(field.name)
    if column.null_count and not field.nullable:
        raise BadRowsError(f"Parquet: column {field.name!r} is NOT NULL and {column.null_count} values are NULL")
    try:
        return column.cast(field.type)
    except pa.ArrowInvalid as e:
        raise BadRowsError(f"Parquet: column {field.name!r}: {e}") from e
