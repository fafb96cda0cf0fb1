"""From a source file to its tables: which reader it takes, which members or sheets it has, and each one's dialect."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, cast

from transforms.core.compressed import codec_note, codec_of, decompress
from transforms.core.errors import PermanentError
from transforms.core.objects.ranged_file import RangedFile
from transforms.core.objects.store import open_store, stream
from transforms.core.tables.dialect import SAMPLE_BYTES, detect
from transforms.core.tables.heads import HEADS
from transforms.core.tables.load_plan import CSV, STREAM, Part
from transforms.core.tables.sheet_parts import sheet_parts
from transforms.core.tables.table_schema import load_table_schema
from transforms.core.zip_members import csv_members, open_member

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transforms.core.outcome import ObjectInfo
    from transforms.core.tables.load_settings import LoadSettings

WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
ZIP = "zip"


def find_parts(file: int, info: ObjectInfo, settings: LoadSettings) -> list[Part]:
    """Finds the tables of one file.

    Args:
        file: The file's number in the load.
        info: The file.
        settings: What was asked for.

    Returns:
        Its parts, numbered 0; several for an archive or for `--sheet '*'`.

    Raises:
        PermanentError: The file can't be read; the message says why.
    """
    name = _path(info.uri).lower()
    if name.endswith(WORKBOOKS):
        return sheet_parts(file, info, settings)
    if info.size_bytes == 0:
        return [_text_part(file, info, settings, "", "", b"", whole=True)]
    store = open_store(info.uri, settings.source_access)
    if name.endswith(".zip"):
        members = csv_members(cast("BinaryIO", RangedFile(store, info)), name=info.uri)
        if not members:
            raise PermanentError(f"{info.uri}: no .csv, .tsv or .txt file in this archive")
        return [_stream_part(file, info, settings, member.name, ZIP) for member in members]
    wanted = SAMPLE_BYTES if info.size_bytes < 0 else min(SAMPLE_BYTES, info.size_bytes)
    head = bytes(store.read(info, 0, wanted))
    codec = codec_of(name, head)
    if codec or info.size_bytes < 0:
        return [_stream_part(file, info, settings, "", codec)]
    HEADS.keep((info.uri, info.etag), head, len(head))
    return [_text_part(file, info, settings, "", "", head, whole=info.size_bytes <= SAMPLE_BYTES)]


def open_blocks(part: Part, settings: LoadSettings) -> Iterator[bytes]:
    """The decompressed bytes of a STREAM part, from its beginning, a few MiB at a time."""
    store = open_store(part.info.uri, settings.source_access)
    if part.codec == ZIP:
        file = cast("BinaryIO", RangedFile(store, part.info))
        for member in csv_members(file, name=part.info.uri):
            if member.name == part.name:
                return open_member(file, member)
        raise PermanentError(f"{part.label}: the member is not in the archive any more")
    blocks = stream(store, part.info)
    return decompress(blocks, part.codec, name=part.info.uri) if part.codec else blocks


def _stream_part(file: int, info: ObjectInfo, settings: LoadSettings, name: str, codec: str) -> Part:
    part = Part(file, 0, info, name, STREAM, codec, detect(b"", whole=True, name=""))
    sample = b""
    for block in open_blocks(part, settings):
        sample += block[: SAMPLE_BYTES - len(sample)]
        if len(sample) >= SAMPLE_BYTES:
            break
    return _text_part(file, info, settings, name, codec, sample, whole=len(sample) < SAMPLE_BYTES, kind=STREAM)


def _text_part(
    file: int,
    info: ObjectInfo,
    settings: LoadSettings,
    name: str,
    codec: str,
    sample: bytes,
    *,
    whole: bool,
    kind: str = CSV,
) -> Part:
    label = f"{info.uri}#{name}" if name else info.uri
    path = _path(name or info.uri)
    dialect = detect(sample, whole=whole, overrides=settings.overrides, name=path)
    if not dialect.header and settings.overrides.header == "auto" and (known := _known_names(settings)):
        named = detect(sample, whole=whole, overrides=settings.overrides._replace(header="yes"), name=path)
        dialect = named if set(named.header) <= known else dialect  # its first row is no data: it holds the names
    note = codec_note(info.uri, codec) if codec and codec != ZIP else ""
    if dialect.width == 0:
        note = f"{label}: empty, no column and no record"
    return Part(file, 0, info, name, kind, codec, dialect, note)


def _known_names(settings: LoadSettings) -> set[str]:
    """The names that the user gave the columns of the files."""
    if not settings.schema_text:
        return set(settings.column_names)
    schema = load_table_schema(settings.schema_text, where=settings.schema_where)
    return {rule.column.source for rule in schema.fields}


def _path(uri: str) -> str:
    return uri.split("?", 1)[0] if uri.startswith("http") else uri
