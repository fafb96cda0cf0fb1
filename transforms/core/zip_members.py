"""The CSV files inside a zip archive, listed without trust and read as streams by ranged reads.

zipfile reads the directory; the members' bytes go through compressed.py's bounded decoders (zipfile would need the
file once more, knows no zstd, and gives no bound). No member is ever written to a path: its name is a label.
"""

from __future__ import annotations

import bz2
import struct
import zipfile
import zlib
from itertools import pairwise
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from transforms.core.compressed import CODECS, OUT_BLOCK_BYTES, Decoder, Slices, decode_member, gathered
from transforms.core.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MEMBER_EXTENSIONS = (".csv", ".tsv", ".txt", ".tab")
# Bounds of what a directory may make us hold: its bytes, and a ZipInfo of about 600 bytes for each entry.
DIRECTORY_LIMIT_BYTES = 16 * 1024 * 1024
ENTRIES_LIMIT = 100_000
# Deflate can't do better than 1,032 to 1: no CSV of data comes near it.
BOMB_RATIO = 1_000
BOMB_BYTES = 1024 * 1024 * 1024
READ_BYTES = 1024 * 1024

_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_LOCAL_MAGIC = b"PK\x03\x04"
_DIRECTORY_MAGIC = b"PK\x01\x02"
_ENCRYPTED = 0x1


class ZipMember(NamedTuple):
    """One CSV file in an archive.

    Attributes:
        name: Its name there: a label, never a path.
        size_bytes: Length of its content, as the directory says.
        compressed_bytes: Length of its data in the archive.
        crc32: Checksum of its content.
        offset: Where its local header begins.
        method: The compression method's number.
        archive: The archive's address, for messages.
    """

    name: str
    size_bytes: int
    compressed_bytes: int
    crc32: int
    offset: int
    method: int
    archive: str


def _deflate() -> Decoder:
    from isal import igzip_lib  # noqa: PLC0415

    return cast("Decoder", igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_DEFLATE))


def _zstd() -> Decoder:
    make = CODECS["zst"].decoder
    assert make is not None
    return make()


# None: the bytes are stored as they are.
METHODS: dict[int, Callable[[], Decoder] | None] = {
    zipfile.ZIP_STORED: None,
    zipfile.ZIP_DEFLATED: _deflate,
    zipfile.ZIP_BZIP2: bz2.BZ2Decompressor,
    93: _zstd,
}
_KNOWN = "stored, deflate, bzip2, zstandard"


def csv_members(file: BinaryIO, *, name: str) -> list[ZipMember]:
    """The archive's CSV members, in the order in which the archive has them.

    Directories, macOS's `__MACOSX/` and `._` shadows and files of other kinds are left out.

    Memory: DIRECTORY_LIMIT_BYTES, and about 600 bytes for each of at most ENTRIES_LIMIT entries.

    Args:
        file: The archive, seekable; the directory at its end is all that is read.
        name: Its address, for messages.

    Raises:
        PermanentError: It is no zip archive or damaged; its directory is absurd; entries overlap; a CSV member is
            encrypted, compressed in an unknown way, or a bomb.
    """
    try:
        with zipfile.ZipFile(cast("BinaryIO", _Bounded(file, name))) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, ValueError, struct.error) as error:
        raise PermanentError(f"{name}: not a zip archive, or a damaged one: {error}; fetch it again") from error
    _refuse_overlaps(entries, name)
    wanted = [entry for entry in entries if _is_csv(entry)]
    return [_member(entry, name) for entry in sorted(wanted, key=lambda entry: entry.header_offset)]


def open_member(file: BinaryIO, member: ZipMember, *, out_block_bytes: int = OUT_BLOCK_BYTES) -> Iterator[bytes]:
    """Streams a member's content; length and checksum are verified at the end.

    Args:
        file: The archive, seekable; nobody else may move its position meanwhile.
        member: What `csv_members` said.
        out_block_bytes: Size of each yielded block; only the last one is smaller.

    Raises:
        PermanentError: The data are cut off or damaged, or aren't what the directory says.
    """
    what = f"{member.archive}#{member.name}: zip data"
    data, make = _data(file, member, what), METHODS[member.method]
    pieces = data if make is None else decode_member(make(), Slices(data), what, out_block_bytes)
    yield from gathered(_verified(pieces, member, what), out_block_bytes)


class _Bounded:
    """A file that refuses to read a directory that would fill the memory, before zipfile makes values of it."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(DIRECTORY_LIMIT_BYTES + 1 if size < 0 else min(size, DIRECTORY_LIMIT_BYTES + 1))
        if len(data) > DIRECTORY_LIMIT_BYTES or data.count(_DIRECTORY_MAGIC) > ENTRIES_LIMIT:
            raise PermanentError(
                f"{self._name}: its directory has more than {DIRECTORY_LIMIT_BYTES >> 20} MiB or {ENTRIES_LIMIT}"
                " entries: a zip bomb, or an archive to unpack first"
            )
        return data


def _member(entry: zipfile.ZipInfo, archive: str) -> ZipMember:
    """The entry as a member, if it can be read.

    Raises:
        PermanentError: It can't.
    """
    label = f"{archive}#{entry.filename}"
    if entry.flag_bits & _ENCRYPTED:
        raise PermanentError(f"{label}: is encrypted, and no password is ever asked for; unpack the archive first")
    if entry.compress_type not in METHODS:
        raise PermanentError(
            f"{label}: compression method {entry.compress_type} is unknown ({_KNOWN} are known); unpack it first"
        )
    if entry.file_size > BOMB_BYTES and entry.file_size > BOMB_RATIO * entry.compress_size:
        raise PermanentError(
            f"{label}: claims {entry.file_size} bytes in {entry.compress_size}, more than {BOMB_RATIO} to 1:"
            " no table of data shrinks so far, this is a zip bomb"
        )
    return ZipMember(
        entry.filename,
        entry.file_size,
        entry.compress_size,
        entry.CRC,
        entry.header_offset,
        entry.compress_type,
        archive,
    )


def _is_csv(entry: zipfile.ZipInfo) -> bool:
    base = entry.filename.rpartition("/")[2]
    shadow = entry.filename.startswith("__MACOSX/") or base.startswith("._")
    return not entry.is_dir() and not shadow and base.lower().endswith(MEMBER_EXTENSIONS)


def _refuse_overlaps(entries: list[zipfile.ZipInfo], name: str) -> None:
    """Two entries that share bytes are how a small archive claims petabytes."""
    for first, second in pairwise(sorted(entries, key=lambda entry: entry.header_offset)):
        end = first.header_offset + _LOCAL_HEADER.size + len(first.orig_filename) + first.compress_size
        if end > second.header_offset:
            raise PermanentError(
                f"{name}: the entries {first.filename!r} and {second.filename!r} overlap: a zip bomb, or damage"
            )


def _data(file: BinaryIO, member: ZipMember, what: str) -> Iterator[bytes]:
    """The member's bytes as they are in the archive."""
    file.seek(member.offset)
    header = file.read(_LOCAL_HEADER.size)
    if len(header) < _LOCAL_HEADER.size or not header.startswith(_LOCAL_MAGIC):
        raise PermanentError(f"{what}: no member begins at byte {member.offset}; the archive is damaged or has changed")
    *_, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(header)
    file.seek(name_bytes + extra_bytes, 1)
    left = member.compressed_bytes
    while left and (data := file.read(min(left, READ_BYTES))):
        left -= len(data)
        yield data


def _verified(pieces: Iterator[bytes], member: ZipMember, what: str) -> Iterator[bytes]:
    length = checksum = 0
    for piece in pieces:
        length, checksum = length + len(piece), zlib.crc32(piece, checksum)
        if length > member.size_bytes:
            raise PermanentError(
                f"{what} are longer than the {member.size_bytes} bytes that are declared: a bomb or damage"
            )
        yield piece
    if length != member.size_bytes or checksum != member.crc32:
        raise PermanentError(
            f"{what}: {length} bytes with checksum {checksum:08x}, where the directory says {member.size_bytes} with"
            f" {member.crc32:08x}; the archive is damaged, fetch it again"
        )
