"""A workbook's zip: its directory, and each part's bytes, inflated piece by piece under limits.

Members are inflated here with isal rather than by `zipfile`, which takes 1.3 to 3 times as long and silently cuts one
that is longer than it claims. Nothing here knows XML.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, BinaryIO, cast

from isal import isal_zlib

from transforms.core.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Iterator

_READ_BYTES = 256 << 10
_MAX_RATIO = 200
_SMALL_PART_BYTES = 100_000_000
_MAX_DIRECTORY_BYTES = 16 << 20
_END_RECORD_BYTES = 22 + 65_535
_END_RECORD = b"PK\x05\x06"
_ENCRYPTED = 0x1
_READ_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    cast("type[Exception]", isal_zlib.error),
    EOFError,
    NotImplementedError,
    struct.error,
)


class Package:
    """The parts of one workbook.

    Args:
        file: Seekable; read on demand, never closed here.
        name: What messages call it.

    Raises:
        PermanentError: If it is no whole zip, or its directory alone is out of all proportion.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name
        try:
            self._check_directory()
            with zipfile.ZipFile(file) as archive:
                self._members = {info.filename.replace("\\", "/").lower(): info for info in archive.infolist()}
        except (zipfile.BadZipFile, struct.error, NotImplementedError) as e:
            raise PermanentError(f"{name}: not a whole zip file ({e}): it was cut off or damaged; copy it again") from e

    def __contains__(self, part: str) -> bool:
        return part.lower() in self._members

    def size_bytes(self) -> int:
        """The claimed size of all parts together, inflated."""
        return sum(info.file_size for info in self._members.values())

    def part_bytes(self, part: str) -> int:
        """The claimed size of one part, inflated; 0 when it isn't there."""
        info = self._members.get(part.lower())
        return info.file_size if info else 0

    def chunks(self, part: str, chunk_bytes: int) -> Iterator[bytes]:
        """One part's bytes, `chunk_bytes` at a time (the last may be shorter), checked against its size and CRC.

        Raises:
            PermanentError: If the part is missing, encrypted, damaged, or a zip bomb.
        """
        info = self._members.get(part.lower())
        if info is None:
            raise PermanentError(f"{self._name}: its part {part} is missing; open it in Excel and save it again")
        if info.flag_bits & _ENCRYPTED:
            raise PermanentError(f"{self._name}: its part {part} is encrypted; save it without a password")
        _refuse_bomb(self._name, part, info.file_size, info.compress_size)
        try:
            if info.compress_type == zipfile.ZIP_DEFLATED:
                yield from self._inflate(info, chunk_bytes)
            else:
                yield from self._stored(info, chunk_bytes)
        except _READ_ERRORS as e:
            raise PermanentError(f"{self._name}: its part {part} can't be unpacked ({e}); copy the file again") from e

    def _check_directory(self) -> None:
        size = self._file.seek(0, 2)
        self._file.seek(max(0, size - _END_RECORD_BYTES))
        tail = self._file.read(_END_RECORD_BYTES)
        at = tail.rfind(_END_RECORD)
        if at >= 0:
            (directory_bytes,) = struct.unpack_from("<L", tail, at + 12)
            if _MAX_DIRECTORY_BYTES < directory_bytes < 0xFFFFFFFF:
                raise PermanentError(
                    f"{self._name}: its zip directory has {directory_bytes} bytes, far more than a workbook's; refused"
                )

    def _inflate(self, info: zipfile.ZipInfo, chunk_bytes: int) -> Iterator[bytes]:
        self._file.seek(info.header_offset)
        header = self._file.read(30)
        if header[:4] != b"PK\x03\x04":
            raise zipfile.BadZipFile("no local header")
        position = info.header_offset + 30 + sum(struct.unpack("<HH", header[26:30]))
        left, done, crc = info.compress_size, 0, 0
        inflater = isal_zlib.decompressobj(-15)
        chunk = bytearray()
        pending = b""
        while not inflater.eof:
            if not pending:
                self._file.seek(position)
                pending = self._file.read(min(_READ_BYTES, left))
                if not pending:
                    raise EOFError("it ends too early")
                position, left = position + len(pending), left - len(pending)
            piece = inflater.decompress(pending, chunk_bytes - len(chunk))
            pending = inflater.unconsumed_tail
            done, crc = done + len(piece), isal_zlib.crc32(piece, crc)
            if done > info.file_size:
                raise zipfile.BadZipFile(f"it is longer than the {info.file_size} bytes that it claims")
            chunk += piece
            if len(chunk) >= chunk_bytes:
                yield bytes(chunk)
                chunk.clear()
        if done != info.file_size or crc != info.CRC:
            raise zipfile.BadZipFile("its size or checksum is wrong")
        if chunk:
            yield bytes(chunk)

    def _stored(self, info: zipfile.ZipInfo, chunk_bytes: int) -> Iterator[bytes]:
        with zipfile.ZipFile(self._file) as archive, archive.open(info) as member:
            while chunk := member.read(chunk_bytes):
                yield chunk


def _refuse_bomb(name: str, part: str, inflated_bytes: int, packed_bytes: int) -> None:
    if inflated_bytes > _SMALL_PART_BYTES and inflated_bytes > _MAX_RATIO * packed_bytes:
        raise PermanentError(
            f"{name}: its part {part} has {packed_bytes} bytes and claims to unpack to {inflated_bytes}, more than "
            f"{_MAX_RATIO} times as many: a zip bomb; if it is not, save it as .csv"
        )
