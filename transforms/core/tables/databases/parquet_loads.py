"""A Parquet destination's load files: a load's plan, and the note of one that has no plan yet. Pure."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from transforms.core.tables.databases.load_records import encode_load
from transforms.core.tables.databases.parquet_columns import columns_json
from transforms.core.tables.databases.parquet_files import BOOKS

if TYPE_CHECKING:
    from transforms.core.tables.databases.parquet_columns import Columns
    from transforms.core.tables.loads.destination import LoadSpec


def load_path(load_id: str) -> str:
    """Where a load's plan file is."""
    return f"{BOOKS}/loads/{load_id}.json"


def failed_path(load_id: str) -> str:
    """Where it says that a planned load failed."""
    return f"{BOOKS}/failed/{load_id}.json"


def pending_path(load_id: str) -> str:
    """Where the note of a load is that was announced before it had a plan."""
    return f"{BOOKS}/pending/{load_id}.json"


def load_record(spec: LoadSpec, columns: Columns) -> dict[str, Any]:
    """What the plan file holds."""
    row = encode_load(spec)
    return {
        "load_id": spec.load_id,
        "table": spec.table,
        "mode": spec.mode,
        "started": row[12],
        "columns": columns_json(columns),
        "spec": json.loads(row[4]),
        "plan": base64.b64encode(row[5]).decode(),
    }


def note_record(spec: LoadSpec, error: str, started: str) -> dict[str, Any]:
    """What the note of a load without a plan holds.

    Args:
        spec: The load.
        error: Why it failed; "" while it is pending.
        started: When an earlier note says that it began; "" for now.
    """
    row = encode_load(spec, error)
    record = load_record(spec, ())
    return record | {"started": started or row[12], "status": row[3], "error": row[11], "finished": row[13]}


def load_row(record: dict[str, Any]) -> tuple[Any, ...]:
    """A plan file or a note as a row in the order of LOAD_COLUMNS."""
    spec = record["spec"]
    text, plan = json.dumps(spec, ensure_ascii=False), base64.b64decode(record["plan"])
    totals = (spec["chunks"], spec["counted"], 0, 0, 0)
    return (
        record["load_id"],
        record["table"],
        record["mode"],
        record.get("status", "processing"),
        text,
        plan,
        *totals,
        record.get("error", ""),
        record["started"],
        record.get("finished", ""),
    )
