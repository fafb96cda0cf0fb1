"""One file of a stream: scanned whole by one thread, and planned for the table as it is. Pass 1 without an engine."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from transforms.core.errors import ConfigError, PermanentError
from transforms.core.retrying import retried
from transforms.core.tables.columns.field_rule import FieldRule
from transforms.core.tables.columns.table_schema import load_table_schema
from transforms.core.tables.loads import scan_parts
from transforms.core.tables.loads.find_parts import find_parts
from transforms.core.tables.loads.findings import Findings, ScannedPart
from transforms.core.tables.loads.heads import HEADS
from transforms.core.tables.loads.load_plan import SHEET, LoadPlan
from transforms.core.tables.loads.load_rows import to_rows
from transforms.core.tables.loads.load_settings import file_identity, settings_identity
from transforms.core.tables.loads.make_plan import check_keys, make_plan
from transforms.core.tables.loads.text_chunks import text_chunks

if TYPE_CHECKING:
    from transforms.core.outcome import ObjectInfo
    from transforms.core.tables.columns.column import Column
    from transforms.core.tables.columns.table_schema import TableSchema
    from transforms.core.tables.delimited.scan import RangeScan
    from transforms.core.tables.loads.destination import ChunkRows
    from transforms.core.tables.loads.load_plan import Part
    from transforms.core.tables.loads.load_settings import LoadSettings

# What is read whole and shares a transaction with others.
SMALL_BYTES = 4 << 20
SMALL_ROWS = 50_000
RUN = "run"  # in the plan's details: the run that planned the load


class ScannedFile(NamedTuple):
    """A file and its scanned parts."""

    info: ObjectInfo
    parts: tuple[ScannedPart, ...]


def scan_file(info: ObjectInfo, settings: LoadSettings) -> ScannedFile:
    """Reads a file once, from end to end.

    Raises:
        PermanentError: It can't be read, or isn't this version any more.
        TransientError: Its store can't be reached for long.
    """
    key = info.uri, info.etag
    found = retried(lambda: find_parts(0, info, settings))
    head = HEADS.take(key) or b""
    if head:
        HEADS.keep(key, head, len(head))
    parts = [part._replace(number=number) for number, part in enumerate(found)]
    scanned = ScannedFile(info, tuple(ScannedPart(part, _scans(part, settings)) for part in parts))
    if head and len(head) == info.size_bytes:  # its rows need no further read
        HEADS.keep(key, head, len(head))
    return scanned


def _scans(part: Part, settings: LoadSettings) -> tuple[RangeScan, ...]:
    ranges = scan_parts.cut(part, settings)
    return tuple(retried(partial(scan_parts.scan, part, start, stop, settings)) for start, stop in ranges)


def plan_file(
    scanned: ScannedFile, settings: LoadSettings, target: tuple[Column, ...] | None, run_id: str, gone: str
) -> LoadPlan:
    """The load of a file, as it fits the table.

    Args:
        scanned: The file.
        settings: What was asked for.
        target: The table's columns; None when it isn't there.
        run_id: The run that plans it.
        gone: As in `LoadPlan`.

    Raises:
        ConfigError: The file's columns don't fit, or nothing says what the columns are.
        PermanentError: A record is too long.
    """
    schema = load_table_schema(settings.schema_text, where=settings.schema_where) if settings.schema_text else None
    if target is None and schema is None:
        raise ConfigError(
            f"table {settings.table} isn't there, and a stream doesn't guess its columns: give --schema, "
            f"or load some files without --watch and --subscription first"
        )
    info = scanned.info
    listed = ((file_identity(info), info.uri, info.size_bytes),)
    if all(one.part.dialect.width == 0 for one in scanned.parts):
        rules = _rules_of(target, schema)
        plan = LoadPlan(
            settings_identity(settings), listed, (), (), rules, settings.provenance, settings.missing_values, (), {}
        )
    else:
        rules_of = "bigquery" if settings.destination.startswith("bigquery:") else "sql"
        plan = make_plan(Findings(listed, scanned.parts, (), schema, target, rules_of), settings)
    if plan.failed:
        raise PermanentError(plan.failed[0][2])
    check_keys(plan.rules, settings)
    return plan._replace(gone=gone, details={**plan.details, RUN: run_id})


def _rules_of(target: tuple[Column, ...] | None, schema: TableSchema | None) -> tuple[FieldRule, ...]:
    """The columns of a file that has none, since it is empty: the schema's, or the table's."""
    if schema is not None:
        return schema.fields
    return tuple(FieldRule(column) for column in target or ())


def is_small(plan: LoadPlan) -> bool:
    """Whether a load may be held in memory whole.

    | file and what is read of it   | records         | small |
    |-------------------------------|-----------------|-------|
    | each up to SMALL_BYTES        | up to SMALL_ROWS| yes   |
    | otherwise                     |                 | no    |
    """
    read = sum(planned.chunks[-1].stop for planned in plan.parts if planned.chunks and planned.part.kind != SHEET)
    stored = sum(max(size, 0) for _, _, size in plan.files)
    return max(read, stored) <= SMALL_BYTES and sum(planned.counted for planned in plan.parts) <= SMALL_ROWS


def read_rows(plan: LoadPlan, settings: LoadSettings, *, ordered: bool) -> tuple[ChunkRows, ...]:
    """All chunks of a small load.

    Args:
        plan: The load.
        settings: What was asked for.
        ordered: As in `LoadSpec`.

    Raises:
        PermanentError: The file is not what was planned any more.
    """
    return tuple(
        to_rows(text, planned, index, plan, ordered=ordered).rows
        for planned in plan.parts
        if planned.chunks
        for index, text in text_chunks(planned, 0, len(planned.chunks) - 1, settings)
    )
