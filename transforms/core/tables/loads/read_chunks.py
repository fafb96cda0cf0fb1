"""`read_chunks`: the reading of a load for pandas, without the load: both passes, no database, no Beam."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import pyarrow as pa

from transforms.core import interrupt
from transforms.core.errors import ConfigError, PermanentError
from transforms.core.objects.access import StoreAccess
from transforms.core.objects.uri import shown
from transforms.core.retrying import retried
from transforms.core.tables.columns.table_schema import load_table_schema
from transforms.core.tables.delimited.dialect import DialectOverrides
from transforms.core.tables.loads import scan_parts
from transforms.core.tables.loads.find_parts import find_parts
from transforms.core.tables.loads.findings import Findings, ScannedPart
from transforms.core.tables.loads.load_chunks import tasks
from transforms.core.tables.loads.load_rows import to_rows
from transforms.core.tables.loads.load_settings import SOURCE_FILE, SOURCE_RECORD, LoadSettings, file_identity
from transforms.core.tables.loads.make_plan import make_plan
from transforms.core.tables.loads.open_load import list_files
from transforms.core.tables.loads.text_chunks import text_chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Unpack

    import pandas as pd

    from transforms.core.outcome import ObjectInfo
    from transforms.core.tables.columns.schema import DateOrder
    from transforms.core.tables.columns.table_schema import TableSchema
    from transforms.core.tables.loads.load_plan import LoadPlan

SCHEMA = "the schema"


class RejectedRecordError(PermanentError):
    """A record doesn't fit, and nobody asked to collect such.

    Attributes:
        reject: As a line of rejects.jsonl: file, sheet, record, line, column, value, rule, raw.
    """

    def __init__(self, reject: dict[str, Any]) -> None:
        place = f"{shown(reject['file'])}{'#' if reject['sheet'] else ''}{reject['sheet']}"
        column = f"column {reject['column']!r}, value {reject['value']!r}: " if reject["column"] else ""
        super().__init__(
            f"{place}: record {reject['record']} (line {reject['line']}): {column}{reject['rule']}. "
            f"Give on_reject=rejects.append to collect such records and read on"
        )
        self.reject = reject


class ReadOptions(TypedDict, total=False):
    """What may be said about the files, all optional; the meaning is that of `LoadSettings` and `DialectOverrides`.

    Attributes:
        schema: A Frictionless Table Schema, as the dict that its JSON is.
    """

    schema: Mapping[str, Any]
    columns: tuple[str, ...]
    column_names: tuple[str, ...]
    add_columns: bool
    missing_values: tuple[str, ...]
    date_order: DateOrder
    sheet: str
    excel_engine: Literal["stream", "fast"]
    provenance: bool
    range_bytes: int
    max_record_bytes: int
    memory_limit_bytes: int
    delimiter: str
    quote: str
    escape: str
    encoding: str
    header: Literal["auto", "yes", "no"]
    skip_rows: int
    line_end: Literal["", "lf", "crlf", "cr"]


def read_chunks(
    uri: str,
    chunk_rows: int = 10_000,
    *,
    on_reject: Callable[[dict[str, Any]], object] | None = None,
    access: StoreAccess = StoreAccess(),  # noqa: B008 - an immutable value
    **options: Unpack[ReadOptions],
) -> Iterator[pd.DataFrame]:
    """Reads CSV and Excel files as `ingest` does, in frames of `chunk_rows` rows (the last one is what is left).

    The whole input is scanned first, then read again: dialect and types are those that a load would have, the same in
    every frame. dtypes are pandas' Arrow-backed ones, NULL is NA, the index counts on. Input without records gives one
    frame without rows. Nothing is read before the first frame is asked for. Memory: three chunks, or 4 MiB of the file
    and what they are as rows; workbooks and compressed files too are streamed.

    Args:
        uri: A path, an address, a folder or a pattern; several files must have the same columns (or `add_columns`).
        chunk_rows: Rows of a frame, at least 1.
        on_reject: Is given each record that doesn't fit, as the dict that rejects.jsonl has; None: the first one ends
            the reading with an error, as pandas does.
        access: How to reach the files' store.
        **options: What is known of the files better than can be seen.

    Yields:
        The frames, in the order of the files and their records.

    Raises:
        ConfigError: The source, the schema or an option can't be used.
        PermanentError: A file can't be read, or changed meanwhile.
        RejectedRecordError: A record doesn't fit, and there is no `on_reject`.
        TransientError: A store can't be reached, also after retries.
    """
    import pandas as pd  # noqa: PLC0415 - 0.2 s and 46 MiB, which a load doesn't need

    settings = _settings(uri, chunk_rows, access, options)
    plan = _plan(settings)
    schema = _arrow_schema(plan)
    first = 0
    for table in _even(_tables(plan, settings, on_reject), chunk_rows, schema):
        index = pd.RangeIndex(first, first + table.num_rows)
        yield table.to_pandas(types_mapper=pd.ArrowDtype).set_axis(index, axis=0)
        first = index.stop


def _settings(uri: str, chunk_rows: int, access: StoreAccess, options: ReadOptions) -> LoadSettings:
    if chunk_rows < 1:
        raise ConfigError(f"chunk_rows={chunk_rows}: must be at least 1")
    given: dict[str, Any] = dict(options)
    if unknown := given.keys() - ReadOptions.__annotations__.keys():
        raise ConfigError(f"unknown option {min(unknown)!r}; known: {', '.join(ReadOptions.__annotations__)}")
    schema = given.pop("schema", None)
    overrides = {name: given.pop(name) for name in DialectOverrides._fields if name in given}
    for name in ("columns", "column_names", "missing_values"):
        if isinstance(given.get(name), str):
            raise ConfigError(f"{name}={given[name]!r}: give a sequence of texts")
    return LoadSettings(
        sources=(uri,),
        destination="",
        table="",
        schema_text=json.dumps(schema) if schema is not None else "",
        schema_where=SCHEMA,
        overrides=DialectOverrides(**overrides),
        chunk_rows=chunk_rows,
        source_access=access,
        **given,
    )


def _plan(settings: LoadSettings) -> LoadPlan:
    """Pass 1 over all files."""
    schema = _schema(settings)
    files = list_files(settings)
    parts = [part for number, info in enumerate(files) for part in _scanned(number, info, settings)]
    numbered = tuple(one._replace(part=one.part._replace(number=number)) for number, one in enumerate(parts))
    listed = tuple((file_identity(info), info.uri, info.size_bytes) for info in files)
    plan = make_plan(Findings(listed, numbered, (), schema, None, "sql"), settings)
    if plan.failed:
        raise PermanentError(plan.failed[0][2])
    if not plan.rules:
        raise ConfigError(f"{shown(settings.sources[0])}: no column at all; the input is empty")
    return plan


def _schema(settings: LoadSettings) -> TableSchema | None:
    if not settings.schema_text:
        return None
    schema = load_table_schema(settings.schema_text, where=SCHEMA)
    if schema.unique:
        raise ConfigError(f"{SCHEMA}: `unique` of {', '.join(schema.unique)} can't be checked while reading; remove it")
    return schema


def _scanned(number: int, info: ObjectInfo, settings: LoadSettings) -> Iterator[ScannedPart]:
    for part in retried(partial(find_parts, number, info, settings)):
        scans = []
        for start, stop in scan_parts.cut(part, settings):
            interrupt.check()
            scans.append(retried(partial(scan_parts.scan, part, start, stop, settings)))
        yield ScannedPart(part, tuple(scans))


def _tables(
    plan: LoadPlan, settings: LoadSettings, on_reject: Callable[[dict[str, Any]], object] | None
) -> Iterator[pa.Table]:
    """Pass 2: the good records of each chunk."""
    for task in tasks("", plan, frozenset(), settings.range_bytes):
        planned = plan.parts[task.part]
        for index, text in text_chunks(planned, task.first, task.last, settings, plan.rules):
            interrupt.check()
            rows = to_rows(text, planned, index, plan, ordered=False).rows
            for line in rows.rejects:
                reject = json.loads(line)
                if on_reject is None:
                    raise RejectedRecordError(reject)
                on_reject(reject)
            yield rows.rows


def _even(tables: Iterator[pa.Table], rows: int, schema: pa.Schema) -> Iterator[pa.Table]:
    """The same rows in tables of equal length; one without rows where there is none."""
    held, none_yet = schema.empty_table(), True
    for table in tables:
        held = pa.concat_tables([held, table])
        while held.num_rows >= rows:
            none_yet = False
            yield held.slice(0, rows).combine_chunks()
            held = held.slice(rows)
    if held.num_rows or none_yet:
        yield held.combine_chunks()


def _arrow_schema(plan: LoadPlan) -> pa.Schema:
    fields = [pa.field(rule.column.name, rule.column.type.arrow()) for rule in plan.rules]
    if plan.provenance:
        fields += [pa.field(SOURCE_FILE, pa.string()), pa.field(SOURCE_RECORD, pa.int64())]
    return pa.schema(fields)
