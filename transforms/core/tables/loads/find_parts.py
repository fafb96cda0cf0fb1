"""From a source file to its tables: which reader it takes, which members or sheets it has, and each one's dialect."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

from transforms.core.compressed import codec_note, codec_of, decompress
from transforms.core.errors import PermanentError
from transforms.core.objects.ranged_file import RangedFile
from transforms.core.objects.store import STREAM_BLOCK_BYTES, open_store, stream
from transforms.core.tables.columns.table_schema import load_table_schema
from transforms.core.tables.delimited.dialect import SAMPLE_BYTES, detect
from transforms.core.tables.excel.excel_format import OLE_MAGIC
from transforms.core.tables.loads.heads import ARCHIVES, HEADS, MOST_HEAD_BYTES, take_head
from transforms.core.tables.loads.load_plan import CSV, STREAM, Part
from transforms.core.tables.loads.sheet_parts import sheet_parts
from transforms.core.zip_members import csv_members, open_member

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transforms.core.objects.store import Store
    from transforms.core.outcome import ObjectInfo
    from transforms.core.tables.loads.load_settings import LoadSettings

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
        return _zip_parts(file, info, settings)
    wanted = SAMPLE_BYTES if info.size_bytes < 0 else min(SAMPLE_BYTES, info.size_bytes)
    head = bytes(store.read(info, 0, wanted))
    codec = codec_of(name, head)
    if codec == ZIP or head.startswith(OLE_MAGIC):
        tables = _zip_parts(file, info, settings) if codec == ZIP else []
        return tables or sheet_parts(file, info, settings)
    if codec or info.size_bytes < 0:
        return [_packed_part(file, info, settings, codec, head)]
    HEADS.keep((info.uri, info.etag), head, len(head))
    return [_text_part(file, info, settings, "", "", head, whole=info.size_bytes <= SAMPLE_BYTES)]


def _zip_parts(file: int, info: ObjectInfo, settings: LoadSettings) -> list[Part]:
    """The tables of an archive; none for a workbook, which is a zip file too, under another name."""
    with _opened(info, settings, again=True) as archive:
        members = csv_members(archive, name=info.uri)
        if not members and _path(info.uri).lower().endswith(".zip"):
            raise PermanentError(f"{info.uri}: no .csv, .tsv or .txt file in this archive")
        opened = [(one.name, open_member(archive, one, out_block_bytes=SAMPLE_BYTES)) for one in members]
        return [_stream_part(file, info, settings, name, ZIP, blocks) for name, blocks in opened]


@contextmanager
def _opened(info: ObjectInfo, settings: LoadSettings, *, again: bool) -> Iterator[BinaryIO]:
    """An archive; what was read of it is at hand for its next member, but not for pass 2, as in `take_head`."""
    key = info.uri, info.etag, again
    archive = ARCHIVES.take(key) or RangedFile(open_store(info.uri, settings.source_access), info)
    try:
        yield cast("BinaryIO", archive)
    finally:
        ARCHIVES.keep(key, archive, archive.most_bytes)


def open_blocks(part: Part, settings: LoadSettings, *, again: bool = False) -> Iterator[bytes]:
    """The decompressed bytes of a STREAM part, from its beginning, a few MiB at a time.

    Args:
        part: The part.
        settings: How the source is reached.
        again: Whether pass 2 is still to come, as in `take_head`.
    """
    if part.codec == ZIP:
        return _member_blocks(part, settings, again=again)
    store = open_store(part.info.uri, settings.source_access)
    blocks = _stored(store, part.info, take_head(part.info, again=again), STREAM_BLOCK_BYTES)
    return decompress(blocks, part.codec, name=part.info.uri)


def _member_blocks(part: Part, settings: LoadSettings, *, again: bool) -> Iterator[bytes]:
    with _opened(part.info, settings, again=again) as archive:
        member = next((one for one in csv_members(archive, name=part.info.uri) if one.name == part.name), None)
        if member is None:
            raise PermanentError(f"{part.label}: the member is not in the archive any more")
        yield from open_member(archive, member)


def _stored(store: Store, info: ObjectInfo, head: bytes, block_bytes: int) -> Iterator[bytes]:
    """A file's bytes as they are stored, of which the first are at hand; a short head is all of them."""
    yield head
    if not 0 < len(head) < SAMPLE_BYTES:
        yield from stream(store, info, len(head), block_bytes=block_bytes)


def _packed_part(file: int, info: ObjectInfo, settings: LoadSettings, codec: str, head: bytes) -> Part:
    """The table of a file that is read as a stream; what is read for its sample is kept for its scan."""
    read = bytearray()

    def stored() -> Iterator[bytes]:
        for block in _stored(open_store(info.uri, settings.source_access), info, head, SAMPLE_BYTES):
            if len(read) < MOST_HEAD_BYTES:
                read.extend(block)
            yield block

    unpacked = decompress(stored(), codec, name=info.uri, out_block_bytes=SAMPLE_BYTES)
    part = _stream_part(file, info, settings, "", codec, unpacked)
    HEADS.keep((info.uri, info.etag), bytes(read), len(read))
    return part


def _stream_part(
    file: int, info: ObjectInfo, settings: LoadSettings, name: str, codec: str, blocks: Iterator[bytes]
) -> Part:
    sample = b""
    while len(sample) < SAMPLE_BYTES and (block := next(blocks, b"")):
        sample += block[: SAMPLE_BYTES - len(sample)]
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
