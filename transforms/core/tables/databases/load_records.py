"""A load as a row of `hornbeam_loads`, and back. The plan is stored compressed: it holds every chunk's boundaries."""

from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from transforms.core.tables.columns.column import Column, ColumnType
from transforms.core.tables.loads.destination import LoadSpec, StoredLoad

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transforms.core.tables.loads.destination import ChunkTotals

_ERRORS = "surrogatepass"  # a file's name that is no UTF-8 comes back as it was


def now() -> str:
    """The time as the bookkeeping tables hold it: ISO 8601, UTC, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def encode_load(spec: LoadSpec, error: str = "") -> tuple[Any, ...]:
    """A new load's row, in the order of LOAD_COLUMNS.

    | plan  | error | status     |
    |-------|-------|------------|
    | there | none  | processing |
    | none  | none  | pending    |
    | none  | some  | failed     |
    """
    fields = spec._asdict() | {
        "columns": [(*column[:2], tuple(column.type), column.nullable) for column in spec.columns]
    }
    fields.pop("plan")
    plan = zlib.compress(spec.plan.encode(errors=_ERRORS), 6) if spec.plan else b""
    status = "processing" if spec.plan else "failed" if error else "pending"
    text = json.dumps(fields, ensure_ascii=False)
    totals = (spec.chunks, spec.counted, 0, 0, 0)
    told = error.encode(errors="backslashreplace").decode()
    return (spec.load_id, spec.table, spec.mode, status, text, plan, *totals, told, now(), now() if error else "")


def encode_whole(spec: LoadSpec, totals: Sequence[ChunkTotals]) -> tuple[Any, ...]:
    """A load's row as it is once all of it is there: completed.

    Args:
        spec: The load, with its plan.
        totals: Its chunks, all of them.
    """
    row = encode_load(spec)
    loaded, rejected, skipped = (sum(one[place] for one in totals) for place in (3, 4, 5))
    return (*row[:3], "completed", *row[4:8], loaded, rejected, skipped, "", row[12], row[12])


def decode_load(row: tuple[Any, ...]) -> StoredLoad:
    """The load that a row in the order of LOAD_COLUMNS describes."""
    fields = json.loads(row[4])
    fields["columns"] = tuple(
        Column(name, source, ColumnType(*column_type), nullable)
        for name, source, column_type, nullable in fields["columns"]
    )
    spec = LoadSpec(
        **fields | {"key": tuple(fields["key"]), "unique": tuple(fields["unique"])},
        plan=zlib.decompress(row[5]).decode(errors=_ERRORS) if row[5] else "",
    )
    loaded, rejected, skipped = (int(total) for total in row[8:11])
    return StoredLoad(spec, row[3], loaded, rejected, skipped, *row[11:14])._replace(written=spec.table)


def record_of(reject: str) -> int:
    """The record number that a reject's JSON line names; 0 when it names none."""
    record = json.loads(reject).get("record")
    return record if isinstance(record, int) else 0
