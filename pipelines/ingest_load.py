"""From the settings of `ingest` to what the load needs: store access, schema text, pre-flight, refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipelines.validate import Finding
from transforms.core.errors import ConfigError, HornbeamError
from transforms.core.objects.store import StoreAccess, expand, open_store
from transforms.core.run_folder import failed_items
from transforms.core.secret import resolve
from transforms.core.tables.databases.registry import find_database, open_destination
from transforms.core.tables.dialect import DialectOverrides
from transforms.core.tables.load_settings import LoadSettings
from transforms.core.tables.table_schema import load_table_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.ingest_settings import IngestSettings
    from pipelines.run_account import Collected
    from transforms.core.tables.destination import Destination


def source_access(settings: IngestSettings) -> StoreAccess:
    """How the sources are reached."""
    return StoreAccess(
        settings.source_endpoint_url or "",
        settings.source_region or "",
        settings.source_profile or "",
        settings.source_anonymous,
        settings.source_requester_pays,
    )


def destination_access(settings: IngestSettings) -> StoreAccess:
    """How the destination's store is reached."""
    return StoreAccess(
        settings.destination_endpoint_url or "", settings.destination_region or "", settings.destination_profile or ""
    )


def load_settings(settings: IngestSettings) -> LoadSettings:
    """The load that is asked for; reads the schema file.

    Raises:
        ConfigError: The schema file can't be read.
    """
    given = {name: getattr(settings, name) for name in ("delimiter", "quote", "escape", "encoding")}
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
        schema_text=_schema_text(settings),
        schema_where=settings.schema_file or "",
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


def _schema_text(settings: IngestSettings) -> str:
    if not settings.schema_file:
        return ""
    [info] = expand(settings.schema_file, source_access(settings))
    return bytes(open_store(info.uri, source_access(settings)).read(info, 0, info.size_bytes)).decode("utf-8-sig")


def prepared(settings: IngestSettings) -> IngestSettings:
    """The settings that will run: with `--retry`, only what failed then; checked against the world.

    Raises:
        ConfigError: What would stop the load, all findings in one message.
    """
    if settings.retry:
        failed = tuple(outcome.item for outcome in failed_items(settings.retry))
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


def _source_findings(settings: IngestSettings) -> Iterator[Finding]:
    for source in settings.source:
        try:
            next(iter(expand(source, source_access(settings))))
        except HornbeamError as error:
            yield Finding("--source", str(error))


def _schema_findings(settings: IngestSettings) -> Iterator[Finding]:
    if settings.schema_file:
        try:
            load_table_schema(_schema_text(settings), where=settings.schema_file)
        except HornbeamError as error:
            yield Finding("--schema", str(error))


def _destination_findings(settings: IngestSettings) -> Iterator[Finding]:
    destination: Destination | None = None
    try:
        password = resolve(settings.destination_password) if settings.destination_password else ""
        destination = open_destination(settings.destination, password, destination_access(settings))
        destination.open()
        for problem in destination.check(settings.table):
            yield Finding("--destination", problem)
    except HornbeamError as error:
        yield Finding("--destination", str(error))
    finally:
        if destination is not None:
            destination.close()
