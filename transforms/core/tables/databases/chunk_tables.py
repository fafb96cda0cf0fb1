"""Several chunks as one Arrow table: their rows, and their rejects. No bytes are copied for the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from transforms.core.tables.databases.load_records import record_of
from transforms.core.tables.databases.sql import REJECT_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transforms.core.tables.loads.destination import ChunkRows

_REJECT_TYPES = (pa.string(), pa.int64(), pa.int64(), pa.int64(), pa.int64(), pa.string())


def joined_rows(chunks: Sequence[ChunkRows]) -> pa.Table:
    """The good rows of all chunks, in the chunks' order."""
    return pa.concat_tables([chunk.rows for chunk in chunks])


def joined_rejects(load_id: str, chunks: Sequence[ChunkRows]) -> pa.Table:
    """The rejects of all chunks as rows of `hornbeam_rejects`."""
    rows = [
        (load_id, chunk.totals.file, record_of(reject), chunk.totals.chunk, place, reject)
        for chunk in chunks
        for place, reject in enumerate(chunk.rejects)
    ]
    columns = zip(*rows, strict=True) if rows else ((),) * len(REJECT_COLUMNS)
    arrays = [pa.array(values, kind) for values, kind in zip(columns, _REJECT_TYPES, strict=True)]
    return pa.table(arrays, names=REJECT_COLUMNS)
