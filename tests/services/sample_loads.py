"""Small loads that tests of several destinations share: specs, chunks, one value of every type."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pyarrow as pa

from transforms.core.tables.columns.column import Column, ColumnType
from transforms.core.tables.loads.destination import ChunkRows, ChunkTotals, LoadSpec

INTEGER, TEXT = ColumnType("integer"), ColumnType("text")
ID, NAME = Column("id", "Id", INTEGER, nullable=False), Column("name", "Name", TEXT)


def spec_of(load="a", chunks=3, rows=2, rejects=0, columns=(ID, NAME), mode="append", **more):
    fields = {"key": (), "unique": (), "ordered": False, "add_columns": False, "plan": '{"chunks": []}'} | more
    return LoadSpec(
        (load * 32)[:32], "t", mode, columns=columns, chunks=chunks, counted=chunks * (rows + rejects), **fields
    )


def chunk_of(number, rows=2, rejects=0, columns=(ID, NAME), names=None):
    ids = [number * 100 + place for place in range(rows)]
    values = {"id": ids, "name": names or [f"n{i}" for i in ids]}
    arrays = {c.name: pa.array(values.get(c.name, [None] * rows), c.type.arrow()) for c in columns}
    lines = tuple(json.dumps({"record": i, "chunk": number}) for i in range(rejects))
    return ChunkRows(ChunkTotals(number, 0, rows + rejects, rows, rejects, 0), pa.table(arrays), lines)


def load_all(destination, spec, chunks):
    destination.create_load(spec)
    destination.write_chunks(spec, chunks)
    return destination.publish(spec)


LEAP_DAY = dt.datetime(2024, 2, 29, 1, 2, 3, 456789)  # noqa: DTZ001 - a timestamp without zone
EVERY_KIND = [
    (ColumnType("boolean"), [True, False, None]),
    (ColumnType("integer"), [-(2**63), 2**63 - 1, None]),
    (
        ColumnType("decimal", 38, 10),
        [Decimal("1234567890123456789012345678.0123456789"), Decimal("-0.5000000000"), None],
    ),
    (ColumnType("double"), [1.5, -0.0, None]),
    (ColumnType("date", form="%d/%m/%Y"), [dt.date(1, 1, 1), dt.date(9999, 12, 31), None]),
    (ColumnType("timestamp"), [LEAP_DAY, LEAP_DAY.replace(year=1904), None]),
    (
        ColumnType("timestamptz"),
        [dt.datetime(2024, 2, 29, 1, 2, 3, 4, dt.UTC), dt.datetime(1900, 1, 1, tzinfo=dt.UTC), None],
    ),
    (ColumnType("text"), ["", 'é"\n,\x01', None]),
]
