"""The settings of `ingest`; the rules between them stand in ingest_rules.py. Importing this imports no Beam."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import field_validator, model_validator

from pipelines import ingest_rules, store_options
from pipelines.settings import MEMORY, STREAM, option
from pipelines.stream_settings import StreamSettings
from transforms.core.secret import FORMS, REFERENCE

SOURCE, FORMAT, SCHEMA = "Source", "File format", "Schema and rejects"
DESTINATION, CHUNKS = "Destination", "Chunks"
ONE_CHARACTER = "auto, none, or one character"


class IngestSettings(StreamSettings):
    """What `ingest` loads, from where to where, and how."""

    source: tuple[str, ...] = option(
        "Files to load; wildcards *, ?, [...] and ** are expanded.",
        group=SOURCE,
        values="local path, s3://, gs:// or http(s):// address, with or without wildcards",
        metavar="URI",
        address=True,
        min_length=1,
        repeat_only=True,
    )
    source_endpoint_url: str | None = store_options.endpoint(SOURCE, "read from")
    source_region: str | None = store_options.region(SOURCE)
    source_profile: str | None = store_options.profile(SOURCE)
    source_access_key_id: str | None = store_options.access_key_id(SOURCE)
    source_secret_access_key: str | None = store_options.secret_access_key(SOURCE)
    source_session_token: str | None = store_options.session_token(SOURCE)
    source_anonymous: bool = store_options.anonymous(SOURCE, "Read")
    source_requester_pays: bool = store_options.requester_pays(SOURCE, "reading")

    destination: str = option(
        "Database that is loaded.",
        group=DESTINATION,
        values="duckdb:///FILE, sqlite:///FILE (four slashes: absolute), postgresql://USER@HOST:PORT/DB, "
        "parquet:FOLDER (local, s3:// or gs://), bigquery://PROJECT/DATASET",
        metavar="URI",
        pattern=ingest_rules.DESTINATION,
        address=True,
        password_field="destination_password",  # noqa: S106 - a field's name
    )
    destination_password: str | None = option(
        "Reference to the destination's password; a password in --destination is taken out and kept in this way.",
        group=DESTINATION,
        default=None,
        default_text="the driver's own (.pgpass, PGPASSWORD)",
        values=FORMS,
        metavar="REF",
        pattern=REFERENCE,
        secret=True,
    )
    table: str = option(
        "Table that is loaded. NAME alone is in the schema that the user searches first.",
        group=DESTINATION,
        values="NAME or SCHEMA.NAME",
        metavar="NAME",
        pattern=r"^[^.\x00-\x1f]+(\.[^.\x00-\x1f]+)?$",
    )
    write_mode: Literal["append", "replace", "upsert"] = option(
        "Add the rows, put them in the place of all rows, or update those whose --key is there and add the others.",
        group=DESTINATION,
        default="append",
    )
    key: tuple[str, ...] = option(
        "Columns that identify a row (upsert only).", group=DESTINATION, default=(), values="column names"
    )
    allow_empty: bool = option("Let an input without any record replace a table.", group=DESTINATION, default=False)
    provenance: bool = option(
        "Add a column for the source file and one for the record number.", group=DESTINATION, default=False
    )
    destination_endpoint_url: str | None = option(
        "Address of an S3-, GCS- or BigQuery-compatible service to write to.",
        group=DESTINATION,
        default=None,
        default_text="the cloud's own",
        values="http(s):// address",
        metavar="URL",
        pattern=ingest_rules.HTTP,
    )
    destination_region: str | None = option(
        "Region of the destination's bucket, location of its dataset.",
        group=DESTINATION,
        default=None,
        default_text="from the environment",
        values="a region's name",
    )
    destination_profile: str | None = store_options.profile(DESTINATION)
    destination_access_key_id: str | None = store_options.access_key_id(DESTINATION)
    destination_secret_access_key: str | None = store_options.secret_access_key(DESTINATION)
    destination_session_token: str | None = store_options.session_token(DESTINATION)

    delimiter: str = option(
        "What separates fields.",
        group=FORMAT,
        default="auto",
        values="auto, tab (or \\t), space, or one character",
        metavar="CHAR",
    )
    quote: str = option(
        "What encloses fields that hold delimiters or line ends.",
        group=FORMAT,
        default="auto",
        values=ONE_CHARACTER,
        metavar="CHAR",
    )
    escape: str = option(
        "What takes the next character's meaning, where a doubled quote doesn't.",
        group=FORMAT,
        default="auto",
        values=ONE_CHARACTER,
        metavar="CHAR",
    )
    encoding: str = option(
        "Encoding of text files.",
        group=FORMAT,
        default="auto",
        values="auto, or a name that Python knows (utf-8, utf-16, cp1252, latin-1, ...)",
        metavar="NAME",
    )
    line_end: Literal["auto", "lf", "crlf", "cr"] = option(
        "What alone ends a record; the other line ends are data then. auto: all three end one.",
        group=FORMAT,
        default="auto",
    )
    header: Literal["auto", "yes", "no"] = option(
        "Whether the first record names the columns.", group=FORMAT, default="auto"
    )
    skip_rows: int = option(
        "Rows before the header, or before the data, that are not read.",
        group=FORMAT,
        default=0,
        ge=0,
        le=1_000_000,
    )
    sheet: str = option(
        "Sheet of a workbook.",
        group=FORMAT,
        default="1",
        default_text="1 (the first)",
        values="a name, a number (1 is the first), or * for all",
        metavar="NAME",
        pattern=r"^[^\x00-\x1f]+$",
    )
    excel_engine: Literal["stream", "fast"] = option(
        "How workbooks are read: in constant memory, or whole sheets at a time.", group=FORMAT, default="stream"
    )

    columns: tuple[str, ...] = option(
        "Columns that are loaded, in this order.",
        group=SCHEMA,
        default=(),
        default_text="all",
        values="column names",
    )
    column_names: tuple[str, ...] = option(
        "Names by position for files without a header.", group=SCHEMA, default=(), values="column names"
    )
    schema_file: str | None = option(
        "Frictionless Table Schema that declares names, types and rules.",
        name="schema",
        group=SCHEMA,
        default=None,
        default_text="inferred over the whole input",
        values="local path, s3://, gs:// or http(s):// address of a JSON file",
        metavar="FILE",
        address=True,
    )
    schema_drift: Literal["error", "add"] = option(
        "What a missing or extra column is: an error, or a new column that may be empty.",
        group=SCHEMA,
        default="error",
    )
    missing_values: tuple[str, ...] = option(
        "Texts that mean NULL, besides the unquoted empty field.", group=SCHEMA, default=(), values="words"
    )
    date_order: Literal["auto", "dmy", "mdy", "ymd"] = option(
        "How 03/04/2024 is read; auto lets each column decide as a whole.", group=SCHEMA, default="auto"
    )
    max_rejects: str | None = option(
        "Rejected records up to which the run succeeds; above, nothing is published.",
        group=SCHEMA,
        default=None,
        default_text="no limit, but any reject ends with exit 1",
        values="a count (100) or a share of the records from 0% to 100% (1%)",
        metavar="N|P%",
        pattern=r"^([0-9]+|[0-9]+(\.[0-9]+)?%)$",
    )

    chunk_rows: int = option(
        "Most records of one chunk: what is parsed, held and committed at a time. In streams a chunk also ends at "
        "--range_mb, in sheets at 8 MiB of text.",
        group=CHUNKS,
        default=10_000,
        ge=1,
        le=1_000_000,
    )
    range_mb: int = option(
        "Bytes of one range: what one scan reads of an uncompressed file.", group=CHUNKS, default=8, ge=1, le=1024
    )
    max_record_mb: int = option(
        "Longest record; a longer one is an error (an unclosed quote, mostly).",
        group=CHUNKS,
        default=64,
        ge=1,
        le=1024,
    )
    max_concurrent: int = option(
        "Ranges or chunks worked at the same time in each worker process; 0: as many as it has processors, 2 to 8.",
        group=MEMORY,
        default=0,
        ge=0,
        le=256,
    )

    batch_size: int = option(
        "In a stream: files that are loaded in one transaction at most.", group=STREAM, default=100, ge=1, le=10_000
    )

    @field_validator("delimiter", "quote", "escape")
    @classmethod
    def _one_character(cls, value: str) -> str:
        return ingest_rules.character(value)

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        return ingest_rules.encoding(value)

    @field_validator("source", "key", "columns", "column_names")
    @classmethod
    def _distinct_words(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return ingest_rules.distinct(value)

    @field_validator("source")
    @classmethod
    def _no_password_in_sources(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(ingest_rules.without_password(uri) for uri in value)

    @field_validator("schema_file")
    @classmethod
    def _no_password_in_schema(cls, value: str | None) -> str | None:
        return None if value is None else ingest_rules.without_password(value)

    @field_validator("max_rejects")
    @classmethod
    def _share_up_to_all(cls, value: str | None) -> str | None:
        return ingest_rules.share(value)

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        found = [problem for rule in ingest_rules.RULES if (problem := rule(self)) is not None]
        found += filter(None, (store_options.contradiction(self, side) for side in ("source", "destination")))
        if found:
            raise ValueError("; ".join(found))
        return self

    def _finite(self) -> list[tuple[str, bool]]:
        return [*super()._finite(), ("--write_mode=replace", self.write_mode == "replace")]

    def rejects_allowed(self, counted: int) -> int | None:
        """How many of this many records may be rejected; None when no limit was given."""
        return ingest_rules.rejects_allowed(self.max_rejects, counted)
