"""From the settings of `ingest` to what the load needs: store access, schema text, pre-flight, refusals."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pipelines.ingest_schema import schema_text, schema_where
from pipelines.store_options import access_of
from pipelines.validate import Finding
from transforms.core.errors import ConfigError, HornbeamError
from transforms.core.objects.expansion import NothingMatchesError, expand, signed_apart
from transforms.core.objects.store import StoreAccess, open_store
from transforms.core.objects.uri import shown
from transforms.core.run_folder import failed_items
from transforms.core.secret import resolve
from transforms.core.tables.columns.table_schema import load_table_schema
from transforms.core.tables.databases.registry import find_database, open_destination
from transforms.core.tables.delimited.dialect import DialectOverrides
from transforms.core.tables.loads.load_settings import LoadSettings
from transforms.core.units import human_bytes, human_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.ingest_settings import IngestSettings
    from pipelines.run_account import Collected
    from transforms.core.tables.loads.destination import Destination

_NO_TYPES = (
    "a stream's columns and types are the table's, or those of --schema. Give --schema, or load what is there already "
    "once without --watch and --subscription: that makes the table, with types inferred from all of it"
)


def source_access(settings: IngestSettings) -> StoreAccess:
    """How the sources are reached."""
    return signed_apart(settings.source, access_of(settings, "source"))


def destination_access(settings: IngestSettings) -> StoreAccess:
    """How the destination's store is reached."""
    return access_of(settings, "destination")


def load_settings(settings: IngestSettings) -> LoadSettings:
    """The load that is asked for; reads the schema file.

    Raises:
        ConfigError: The schema file can't be read.
    """
    given = {name: getattr(settings, name) for name in ("delimiter", "quote", "escape", "encoding", "line_end")}
    detected = {name: "" if value == "auto" else value or "none" for name, value in given.items()}
    overrides = DialectOverrides(**detected, header=settings.header, skip_rows=settings.skip_rows or None)
    return LoadSettings(
        sources=settings.source,
        destination=settings.destination,
        table=settings.table,
        mode=settings.write_mode,
        key=settings.key,
        columns=settings.columns,
        column_names=settings.column_names,
        schema_text=schema_text(settings.schema_file, source_access(settings)),
        schema_where=schema_where(settings.schema_file),
        add_columns=settings.schema_drift == "add",
        missing_values=settings.missing_values,
        date_order=settings.date_order,
        overrides=overrides,
        sheet=settings.sheet,
        excel_engine=settings.excel_engine,
        provenance=settings.provenance,
        allow_empty=settings.allow_empty,
        max_rejects=settings.max_rejects or "",
        chunk_rows=settings.chunk_rows,
        range_bytes=settings.range_mb << 20,
        max_record_bytes=settings.max_record_mb << 20,
        memory_limit_bytes=settings.memory_threshold_mb << 20,
        source_access=source_access(settings),
        destination_access=destination_access(settings),
        password=settings.destination_password or "",
        dry_run=settings.dry_run,
    )


def prepared(settings: IngestSettings) -> IngestSettings:
    """The settings that will run: with `--retry`, only what failed then; checked against the world.

    Raises:
        ConfigError: What would stop the load, all findings in one message.
    """
    if settings.retry:
        signed = {shown(address): address for address in source_access(settings).signed}
        failed = tuple(signed.get(outcome.item, outcome.item) for outcome in failed_items(settings.retry))
        if not failed:
            raise ConfigError(f"--retry {settings.retry}: nothing failed in that run")
        settings = settings.model_copy(update={"source": failed})
    if found := findings(settings):
        raise ConfigError("; ".join(f"{one.place}: {one.message}" for one in found))
    return settings


def single_process_reason(settings: IngestSettings) -> str:
    """Why only one process may write into the destination; "" when several may."""
    scheme = settings.destination.split(":", 1)[0]
    if find_database(settings.destination).single_process:
        return f"{scheme} lets only one process write into its file"
    return ""


def rejects_covered(collected: Collected, settings: IngestSettings) -> Collected:
    """The account, with the verdict on `--max_rejects`."""
    rows = collected.rows
    allowed = settings.rejects_allowed(rows.counted) if rows else None
    covered = rows is not None and allowed is not None and rows.rejected <= allowed
    return replace(collected, rejects_allowed=covered)


def findings(settings: IngestSettings) -> list[Finding]:
    """Looks at every source, the schema and the destination; changes nothing."""
    return [*_source_findings(settings), *_schema_findings(settings), *_destination_findings(settings)]


def looked(settings: IngestSettings) -> list[Finding]:
    """`findings`; when there are none, what is there: the files of each source, one of them read, and the table."""
    found = findings(settings)
    return found or [*map(partial(_source_fact, settings), settings.source), _table_fact(settings)]


def _source_fact(settings: IngestSettings, source: str) -> Finding:
    access = source_access(settings)
    count = size = 0
    try:
        for info in expand(source, access):
            if count == 0 and info.size_bytes:
                open_store(info.uri, access).read(info, 0, 1)
            count += 1
            size += max(info.size_bytes, 0)
    except HornbeamError as error:
        return Finding("--source", str(error))
    files = "1 file" if count == 1 else f"{human_count(count)} files"
    return Finding("--source", f"{shown(source)}: {files}, {human_bytes(size)}", well=True)


def _table_fact(settings: IngestSettings) -> Finding:
    with _destination(settings) as destination:
        columns = destination.describe(settings.table)
    if columns is None:
        return Finding("--table", f"{settings.table} is not there: the load makes it", well=True)
    names = ", ".join(f"{column.name} {column.type.kind}" for column in columns)
    return Finding("--table", f"{settings.table} is there and keeps its columns: {names}", well=True)


def _source_findings(settings: IngestSettings) -> Iterator[Finding]:
    for source in settings.source:
        try:
            next(iter(expand(source, source_access(settings))))
        except NothingMatchesError as error:
            if settings.head == "bounded":
                yield Finding("--source", str(error))
        except HornbeamError as error:
            yield Finding("--source", str(error))


def _schema_findings(settings: IngestSettings) -> Iterator[Finding]:
    if settings.schema_file:
        try:
            text = schema_text(settings.schema_file, source_access(settings))
            load_table_schema(text, where=schema_where(settings.schema_file))
        except HornbeamError as error:
            yield Finding("--schema", str(error))


def _destination_findings(settings: IngestSettings) -> Iterator[Finding]:
    try:
        with _destination(settings) as destination:
            for problem in destination.check(settings.table):
                yield Finding("--destination", problem)
            if settings.head != "bounded" and not settings.schema_file and destination.describe(settings.table) is None:
                yield Finding("--table", f"{settings.table} is not there: {_NO_TYPES}")
    except HornbeamError as error:
        yield Finding("--destination", str(error))


@contextmanager
def _destination(settings: IngestSettings) -> Iterator[Destination]:
    password = resolve(settings.destination_password) if settings.destination_password else ""
    destination = open_destination(settings.destination, password, destination_access(settings))
    try:
        destination.open()
        yield destination
    finally:
        destination.close()
