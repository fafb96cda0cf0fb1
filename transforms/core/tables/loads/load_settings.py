"""What a load was asked to do, as one frozen value without secrets that every step carries, and its identity."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, NamedTuple

from transforms.core.objects.access import StoreAccess
from transforms.core.tables.delimited.dialect import DialectOverrides

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transforms.core.outcome import ObjectInfo
    from transforms.core.tables.columns.schema import DateOrder
    from transforms.core.tables.loads.destination import WriteMode


class LoadSettings(NamedTuple):
    """A load as asked for.

    Attributes:
        sources: Paths and addresses, with or without wildcards.
        destination: The database's URI, without a password.
        table: The target, `name` or `schema.name`.
        mode: append, replace or upsert.
        key: Columns that identify a row (upsert).
        columns: Columns to load, in order; () = all.
        column_names: Names by position for files without a header.
        schema_text: A Frictionless Table Schema as JSON text; "" = infer.
        schema_where: Where that text came from, for messages.
        add_columns: Whether a missing or extra column becomes a new nullable one (else it is an error).
        missing_values: Texts that mean NULL where unquoted, besides the empty field.
        date_order: How 3/4/2024 is read.
        overrides: What the user knows of the CSV dialect.
        sheet: A sheet's name, its number from 1, or `*`.
        excel_engine: stream or fast.
        provenance: Whether to add the columns SOURCE_FILE and SOURCE_RECORD.
        allow_empty: Whether an input without records may replace a table.
        max_rejects: `N`, `P%` or "" (no limit).
        chunk_rows: Records a chunk.
        range_bytes: Bytes a scanned range.
        max_record_bytes: Longest record.
        memory_limit_bytes: What a workbook that must be held whole may take.
        source_access: How to reach the sources.
        destination_access: How to reach the destination's store.
        password: Reference to the destination's password; "" = as the client library finds it.
        dry_run: Plan only.
    """

    sources: tuple[str, ...]
    destination: str
    table: str
    mode: WriteMode = "append"
    key: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    column_names: tuple[str, ...] = ()
    schema_text: str = ""
    schema_where: str = ""
    add_columns: bool = False
    missing_values: tuple[str, ...] = ()
    date_order: DateOrder = "auto"
    overrides: DialectOverrides = DialectOverrides()
    sheet: str = "1"
    excel_engine: str = "stream"
    provenance: bool = False
    allow_empty: bool = False
    max_rejects: str = ""
    chunk_rows: int = 10_000
    range_bytes: int = 8 << 20
    max_record_bytes: int = 64 << 20
    memory_limit_bytes: int = 500 << 20
    source_access: StoreAccess = StoreAccess()
    destination_access: StoreAccess = StoreAccess()
    password: str = ""
    dry_run: bool = False


SOURCE_FILE, SOURCE_RECORD = "_source_file", "_source_record"

# What changes rows or where they go; the rest (chunk_rows, concurrency, access…) must not make another load of it.
_MATTERS = (
    "table",
    "mode",
    "key",
    "columns",
    "column_names",
    "schema_text",
    "add_columns",
    "missing_values",
    "date_order",
    "overrides",
    "sheet",
    "provenance",
)


def file_identity(info: ObjectInfo) -> str:
    """One version of one source file."""
    return _digest([info.uri, info.size_bytes, info.etag or f"{info.modified:.3f}"])


def load_identity(settings: LoadSettings, files: Sequence[str], generation: str = "") -> str:
    """The load id: the same files, table, mode and settings that matter are the same load.

    Args:
        settings: What was asked for.
        files: `file_identity` of each source file, in order.
        generation: Tells apart repeats that must run again, such as a replace after another load replaced it.
    """
    return _digest([_what_matters(settings), list(files), generation])


def settings_identity(settings: LoadSettings) -> str:
    """The settings that matter, as one mark: files loaded under the same one need not be loaded again."""
    return _digest(_what_matters(settings))


def _what_matters(settings: LoadSettings) -> list[object]:
    """The values; an option that is younger than loads which are stored isn't among them where it wasn't given."""
    overrides = settings.overrides if settings.overrides.line_end else settings.overrides[:-1]
    return [overrides if name == "overrides" else getattr(settings, name) for name in _MATTERS]


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=True).encode()).hexdigest()[:32]
