"""The load-it-all way of `ingest`, as a script would do it: pandas reads everything, then one insert.

Only `hornbeam bench memory ingest` calls this, beside the real load; dialects come from the same detection, so that
both read the same cells. Types are pandas' own, rejects and exactly-once there are none.
"""

from __future__ import annotations

import contextlib
import csv
import io
import sqlite3
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from pipelines.ingest_load import load_settings
from transforms.core.errors import ConfigError
from transforms.core.objects.expansion import expand
from transforms.core.objects.store import open_store
from transforms.core.secret import resolve
from transforms.core.tables.loads.destination_uri import parse_destination, scheme_of
from transforms.core.tables.loads.find_parts import find_parts, open_blocks
from transforms.core.tables.loads.load_columns import part_names
from transforms.core.tables.loads.load_plan import CSV, SHEET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipelines.ingest_settings import IngestSettings
    from transforms.core.tables.loads.load_plan import Part
    from transforms.core.tables.loads.load_settings import LoadSettings

TABLE = "bench"


def load(settings: IngestSettings) -> int:
    """Reads all sources into one frame and inserts it at once.

    Returns:
        The rows inserted.
    """
    asked = load_settings(settings)
    parts = [
        part
        for source in settings.source
        for number, info in enumerate(expand(source, asked.source_access))
        for part in find_parts(number, info, asked)
        if part.dialect.width
    ]
    frame = pd.concat([read_part(part, asked) for part in parts], ignore_index=True)
    for name in frame.select_dtypes(object):  # dates of a workbook beside texts of a CSV: no database takes both
        frame[name] = frame[name].map(str, na_action="ignore")
    _kind(settings.destination).insert(frame, settings)
    return len(frame)


def read_part(part: Part, asked: LoadSettings) -> pd.DataFrame:
    """One table, whole."""
    dialect, names = part.dialect, list(part_names(part, asked, None))
    if part.kind == SHEET:
        book = io.BytesIO(open_store(part.info.uri, asked.source_access).read(part.info, 0, part.info.size_bytes))
        above = max(dialect.data_line - 1, 0)
        options: dict[str, Any] = {"header": None, "skiprows": above, "engine": "calamine"}
        sheet = pd.read_excel(book, sheet_name=part.name or 0, **options)
        return sheet.set_axis(names[: sheet.shape[1]], axis=1)
    if dialect.only == "\r\n":
        raise ConfigError("--line_end crlf: pandas can't read by it, so there is nothing to compare with; leave it out")
    if part.kind == CSV:
        data = open_store(part.info.uri, asked.source_access).read(part.info, 0, part.info.size_bytes)
    else:
        data = b"".join(open_blocks(part, asked))
    return pd.read_csv(
        io.BytesIO(data[dialect.data_start :]),
        sep=dialect.delimiter,
        quotechar=dialect.quote or '"',
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        escapechar=dialect.escape or None,
        encoding=dialect.encoding,
        lineterminator=dialect.only or None,
        names=names,
        header=None,
        index_col=False,
        on_bad_lines="skip",
        low_memory=False,
    )


@contextlib.contextmanager
def temporary_place(settings: IngestSettings, folder: Path) -> Iterator[IngestSettings]:
    """The same load into an empty place of the same kind, which is removed at the end.

    Args:
        settings: What was asked for.
        folder: A temporary folder, for databases that are files.

    Raises:
        ConfigError: There is no temporary place of this kind.
    """
    with _kind(settings.destination).place(settings, folder) as (destination, table):
        yield settings.model_copy(update={"destination": destination, "table": table})


@contextlib.contextmanager
def _file(settings: IngestSettings, folder: Path) -> Iterator[tuple[str, str]]:
    scheme = scheme_of(settings.destination)
    yield f"{scheme}:///{folder}/{TABLE}.{scheme}", TABLE


@contextlib.contextmanager
def _folder(_settings: IngestSettings, folder: Path) -> Iterator[tuple[str, str]]:
    yield f"parquet:{folder}/{TABLE}", TABLE


@contextlib.contextmanager
def _schema(settings: IngestSettings, _folder: Path) -> Iterator[tuple[str, str]]:
    """A schema of its own holds the table and the bookkeeping that a load makes beside it."""
    name = f"hornbeam_bench_{uuid.uuid4().hex[:12]}"
    with contextlib.closing(_postgres(settings)) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
        try:
            yield settings.destination, f"{name}.{TABLE}"
        finally:
            connection.execute(f"DROP SCHEMA {name} CASCADE")


def _postgres(settings: IngestSettings) -> Any:
    from transforms.core.tables.databases.postgres_session import connect

    password = resolve(settings.destination_password) if settings.destination_password else ""
    return connect(parse_destination(settings.destination), password)


def _into_duckdb(frame: pd.DataFrame, settings: IngestSettings) -> None:
    import duckdb

    with duckdb.connect(parse_destination(settings.destination).path) as connection:
        connection.register("frame", frame)
        connection.execute(f"CREATE TABLE {settings.table} AS SELECT * FROM frame")


def _into_sqlite(frame: pd.DataFrame, settings: IngestSettings) -> None:
    with contextlib.closing(sqlite3.connect(parse_destination(settings.destination).path)) as connection, connection:
        frame.to_sql(settings.table, connection, index=False)


def _into_parquet(frame: pd.DataFrame, settings: IngestSettings) -> None:
    folder = Path(settings.destination.removeprefix("parquet:"))
    folder.mkdir(parents=True)
    frame.to_parquet(folder / "all.parquet")


def _into_postgres(frame: pd.DataFrame, settings: IngestSettings) -> None:
    from psycopg import sql

    kinds = {"i": "bigint", "f": "double precision", "b": "boolean"}
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(str(name)), sql.SQL(kinds.get(kind.kind, "text")))
        for name, kind in frame.dtypes.items()
    )
    table = sql.Identifier(*settings.table.split("."))
    with contextlib.closing(_postgres(settings)) as connection, connection.transaction():
        connection.execute(sql.SQL("CREATE TABLE {} ({})").format(table, columns))
        statement = sql.SQL("COPY {} FROM STDIN (FORMAT csv)").format(table)
        with connection.cursor().copy(statement) as copy:
            copy.write(frame.to_csv(index=False, header=False))


class _Kind(NamedTuple):
    """A kind of destination: an empty place of it, and one insert into it."""

    place: Callable[[IngestSettings, Path], contextlib.AbstractContextManager[tuple[str, str]]]
    insert: Callable[[pd.DataFrame, IngestSettings], None]


KINDS: dict[str, _Kind] = {
    "duckdb": _Kind(_file, _into_duckdb),
    "sqlite": _Kind(_file, _into_sqlite),
    "postgresql": _Kind(_schema, _into_postgres),
    "postgres": _Kind(_schema, _into_postgres),
    "parquet": _Kind(_folder, _into_parquet),
}


def _kind(destination: str) -> _Kind:
    scheme = scheme_of(destination)
    if scheme not in KINDS:
        raise ConfigError(
            f"--destination {destination}: memory is measured in a temporary place, and there is none for {scheme!r}: "
            f"use one of {', '.join(KINDS)}"
        )
    return KINDS[scheme]
