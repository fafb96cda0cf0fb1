"""Which workbook format some bytes are, whatever the file is called; what is none is refused by what it looks like."""

from __future__ import annotations

import struct
from typing import BinaryIO, Literal

from transforms.core.errors import PermanentError
from transforms.core.tables.excel.xlsx_package import Package

Format = Literal["xlsx", "xlsb", "ods", "xls"]
OLE_MAGIC = bytes.fromhex("d0cf11e0a1b11ae1")
_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_MAX_DIRECTORY_SECTORS = 256
_HEADER_FAT_SECTORS = 109
_SUPPORTED = "Hornbeam reads .xlsx, .xlsm, .xls, .xlsb and .ods"
_KEY_PARTS: tuple[tuple[str, Format], ...] = (
    ("xl/workbook.xml", "xlsx"),
    ("xl/workbook.bin", "xlsb"),
    ("content.xml", "ods"),
    ("_rels/.rels", "xlsx"),
)


def workbook_format(file: BinaryIO, name: str) -> Format:
    """The format of a workbook.

    Raises:
        PermanentError: If it is none that is read here, or it is encrypted.
    """
    file.seek(0)
    start = file.read(512)
    if start.startswith(OLE_MAGIC):
        if "EncryptedPackage" in _ole_entries(file, start):
            raise PermanentError(f"{name}: is encrypted with a password; save it without one and run again")
        return "xls"
    if start.startswith(_ZIP_MAGIC):
        package = Package(file, name)
        for part, form in _KEY_PARTS:
            if part in package:
                return form
        raise PermanentError(f"{name}: is a zip file without a workbook in it; {_SUPPORTED}")
    if not start:
        raise PermanentError(f"{name}: is empty; {_SUPPORTED}")
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    looks = "HTML or XML text" if text.startswith(b"<") else f"no workbook (it starts with {start[:8]!r})"
    raise PermanentError(
        f"{name}: is {looks}, whatever its name says; {_SUPPORTED}: save it as one of them, or as .csv"
    )


def _ole_entries(file: BinaryIO, header: bytes) -> set[str]:
    """The names in the directory of an OLE file (MS-CFB), as far as its first 109 FAT sectors lead."""
    try:
        (shift,) = struct.unpack_from("<H", header, 0x1E)
        (sector,) = struct.unpack_from("<L", header, 0x30)
        fat_sectors = struct.unpack_from(f"<{_HEADER_FAT_SECTORS}L", header, 0x4C)
    except struct.error:
        return set()
    size = 1 << min(shift, 12)
    names: set[str] = set()
    for _ in range(_MAX_DIRECTORY_SECTORS):
        data = _sector(file, sector, size)
        for at in range(0, len(data) - 127, 128):
            (length,) = struct.unpack_from("<H", data, at + 64)
            names.add(data[at : at + max(0, min(length, 64) - 2)].decode("utf-16-le", "replace"))
        fat_at, within = divmod(sector * 4, size)
        if not data or fat_at >= _HEADER_FAT_SECTORS:
            break
        fat = _sector(file, fat_sectors[fat_at], size)
        if len(fat) < within + 4:
            break
        (sector,) = struct.unpack_from("<L", fat, within)
    return names


def _sector(file: BinaryIO, sector: int, size: int) -> bytes:
    if sector >= 0xFFFFFFF0:
        return b""
    file.seek((sector + 1) * size)
    return file.read(size)
