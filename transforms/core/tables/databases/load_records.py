"""A load as a row of `hornbeam_loads`, and back. The plan is stored compressed: it holds every chunk's boundaries."""

from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime
from typing import Any

from transforms.core.tables.column import Column, ColumnType
from transforms.core.tables.destination import LoadSpec, StoredLoad


def now() -> str:
    """The time as the bookkeeping tables hold it: ISO 8601, UTC, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def encode_load(spec: LoadSpec) -> tuple[Any, ...]:
    """A new load's row, in the order of LOAD_COLUMNS."""
    fields = spec._asdict() | {
        "columns": [(*column[:2], tuple(column.type), column.nullable) for column in spec.columns]
    }
    plan = zlib.compress(fields.pop("plan").encode(), 6)
    text = json.dumps(fields, ensure_ascii=False)
    totals = (spec.chunks, spec.counted, 0, 0, 0)
    return (spec.load_id, spec.table, spec.mode, "processing", text, plan, *totals, "", now(), "")


def decode_load(row: tuple[Any, ...]) -> StoredLoad:
    """The load that a row in the order of LOAD_COLUMNS describes."""
    fields = json.loads(row[4])
    fields["columns"] = tuple(
        Column(name, source, ColumnType(*column_type), nullable)
        for name, source, column_type, nullable in fields["columns"]
    )
    spec = LoadSpec(
        **fields | {"key": tuple(fields["key"]), "unique": tuple(fields["unique"])},
        plan=zlib.decompress(row[5]).decode(),
    )
    loaded, rejected, skipped = (int(total) for total in row[8:11])
    return StoredLoad(spec, row[3], loaded, rejected, skipped, *row[11:14])


def record_of(reject: str) -> int:
    """The record number that a reject's JSON line names; 0 when it names none."""
    record = json.loads(reject).get("record")
    return record if isinstance(record, int) else 0
