"""Values for the tests of planning: parts as find_parts makes them, findings, and short ways to write them."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from transforms.core.outcome import ObjectInfo
from transforms.core.tables.columns.column import Column, ColumnType
from transforms.core.tables.columns.column_stats import EMPTY, observe
from transforms.core.tables.columns.table_schema import TableSchema, load_table_schema
from transforms.core.tables.delimited.dialect import Dialect
from transforms.core.tables.delimited.range_scan import Cut, Reading
from transforms.core.tables.delimited.scan import RangeScan
from transforms.core.tables.loads.findings import Failed, Findings, ScannedPart
from transforms.core.tables.loads.load_plan import CSV, Part
from transforms.core.tables.loads.load_settings import LoadSettings

SETTINGS = LoadSettings(("in/*.csv",), "duckdb:///out.duckdb", "t")


def info(number: int) -> ObjectInfo:
    return ObjectInfo(f"file:///in/{number}.csv", 100, f"etag {number}", 0.0)


def part(number: int, header: str = "", width: int | None = None) -> Part:
    """A CSV: its header's names, separated by spaces; without one, its width."""
    names = tuple(header.split())
    dialect = Dialect(
        ",", '"', "", "utf-8", "\n", 0, 0, 2 if names else 1, names, len(names) if width is None else width
    )
    return Part(number, number, info(number), "", CSV, "", dialect)


def scanned(one: Part, *columns: str, overlong: int = -1) -> ScannedPart:
    """The part with what its columns hold: values separated by spaces."""
    stats = tuple(observe(EMPTY, pa.array(column.split(), pa.string())) for column in columns)
    records = len(columns[0].split()) if columns else 0
    reading = Reading(
        records, (Cut(0, 0, 0),) if records else (), inside=False, stats=stats, overlong=overlong, unclosed=False
    )
    return ScannedPart(one, (RangeScan(0, 100, records, (reading,)),))


def findings(
    *parts: ScannedPart,
    schema: TableSchema | None = None,
    target: dict[str, ColumnType] | None = None,
    failed: tuple[Failed, ...] = (),
    rules: str = "sql",
) -> Findings:
    there = None if target is None else tuple(Column(name, "", kind) for name, kind in target.items())
    listed = tuple((f"identity {number}", info(number).uri, 100) for number in range(len(parts) + len(failed)))
    return Findings(listed, parts, failed, schema, there, rules)


def schema(*fields: str | dict[str, Any], **more: Any) -> TableSchema:
    """A Table Schema; a plain name is a text column."""
    plain = [{"name": field, "type": "string"} if isinstance(field, str) else field for field in fields]
    return load_table_schema(json.dumps({"fields": plain, **more}), where="schema.json")
