"""Workbooks made by hand, part by part, so that a test says exactly what bytes it is about."""

from __future__ import annotations

import io
import struct
import zipfile
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from transforms.core.tables.excel.excel_rows import read_sheet

if TYPE_CHECKING:
    from collections.abc import Mapping

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
LIMIT_BYTES = 256 << 20


class Parts(NamedTuple):
    """What a handmade .xlsx consists of; `extra` adds or (with None) removes parts."""

    sheet: str
    strings: str = ""
    formats: tuple[str, ...] = ()
    date1904: bool = False
    extra: Mapping[str, bytes | None] = MappingProxyType({})


def worksheet(rows: str, *, before: str = "", after: str = "") -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<worksheet xmlns="{MAIN}" xmlns:r="{RELS}">{before}'
        f"<sheetData>{rows}</sheetData>{after}</worksheet>"
    )


def xlsx(parts: Parts, compression: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    codes = "".join(f"<numFmt numFmtId='{164 + i}' formatCode={quoteattr(c)}/>" for i, c in enumerate(parts.formats))
    xfs = "".join(f"<xf numFmtId='{164 + i}'/>" for i in range(len(parts.formats)))
    files: dict[str, bytes | None] = {
        "[Content_Types].xml": b"<Types/>",
        "_rels/.rels": _rels([("r1", "officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": (
            f"<workbook xmlns='{MAIN}' xmlns:r='{RELS}'><workbookPr date1904='{int(parts.date1904)}'/>"
            "<sheets><sheet name='S' sheetId='1' r:id='r1'/></sheets></workbook>"
        ).encode(),
        "xl/_rels/workbook.xml.rels": _rels(
            [
                ("r1", "worksheet", "worksheets/sheet1.xml"),
                ("r2", "sharedStrings", "/xl/sharedStrings.xml"),
                ("r3", "styles", "styles.xml"),
            ]
        ),
        "xl/styles.xml": (
            f"<styleSheet xmlns='{MAIN}'><numFmts>{codes}</numFmts><cellStyleXfs><xf numFmtId='14'/></cellStyleXfs>"
            f"<cellXfs><xf numFmtId='0'/>{xfs}</cellXfs></styleSheet>"
        ).encode(),
        "xl/sharedStrings.xml": f"<sst xmlns='{MAIN}'>{parts.strings}</sst>".encode(),
        "xl/worksheets/sheet1.xml": parts.sheet.encode(),
        **parts.extra,
    }
    return zipped({name: data for name, data in files.items() if data is not None}, compression)


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out


def _rels(links: list[tuple[str, str, str]]) -> bytes:
    items = "".join(f"<Relationship Id='{i}' Type='{RELS}/{kind}' Target='{target}'/>" for i, kind, target in links)
    return f"<Relationships xmlns='{PACKAGE_RELS}'>{items}</Relationships>".encode()


def inline(reference: str, text: str) -> str:
    return f'<c r="{reference}" t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'


def rows_of(file: io.BytesIO, sheet: str = "S", **settings: object) -> list[list[str | None]]:
    """All rows of a sheet, as lists of texts, cut after each row's last value; blocks are checked to join up."""
    rows: list[list[str | None]] = []
    for block in read_sheet(file, "book", sheet, **{"memory_limit_bytes": LIMIT_BYTES, **settings}):
        assert block.first_row == len(rows) + 1
        rows.extend(map(list, zip(*(column.to_pylist() for column in block.columns), strict=True)))
    return [cut(row) for row in rows]


def cut(row: list[str | None]) -> list[str | None]:
    while row and row[-1] is None:
        row = row[:-1]
    return row


def encrypted_ole() -> bytes:
    """The outside of a password-protected workbook: an OLE file whose directory names an EncryptedPackage."""
    header = bytearray(512)
    header[:8] = bytes.fromhex("d0cf11e0a1b11ae1")
    struct.pack_into("<HHHHH", header, 0x18, 0x3E, 3, 0xFFFE, 9, 6)
    struct.pack_into("<LL", header, 0x2C, 1, 1)  # one FAT sector; the directory starts in sector 1
    struct.pack_into("<109L", header, 0x4C, 0, *[0xFFFFFFFF] * 108)
    fat = struct.pack("<128L", 0xFFFFFFFD, 2, 0xFFFFFFFE, *[0xFFFFFFFF] * 125)
    names = ["Root Entry", "\x06DataSpaces", "Version", "DataSpaceMap", "EncryptionInfo", "EncryptedPackage", "", ""]
    return bytes(header) + fat + b"".join(map(_ole_entry, names))


def _ole_entry(name: str) -> bytes:
    text = name.encode("utf-16-le")
    return text.ljust(64, b"\0") + struct.pack("<H", len(text) + 2 if name else 0) + bytes(62)


def xlsb(cells: dict[tuple[int, int], float | str | bool], *, sheet: str = "S") -> io.BytesIO:
    """A minimal .xlsb (MS-XLSB): no program at hand writes one."""
    last_row, last_column = max(row for row, _ in cells), max(column for _, column in cells)
    data = _record(129) + _record(148, struct.pack("<LLLL", 0, last_row, 0, last_column)) + _record(145)
    for row in sorted({row for row, _ in cells}):
        data += _record(0, struct.pack("<LLHBBBL", row, 0, 300, 0, 0, 0, 0))
        data += b"".join(_xlsb_cell(col, value) for (r, col), value in sorted(cells.items()) if r == row)
    bundle = struct.pack("<LL", 0, 1) + _wide("r1") + _wide(sheet)
    return zipped(
        {
            "[Content_Types].xml": b"<Types/>",
            "_rels/.rels": _rels([("r1", "officeDocument", "xl/workbook.bin")]),
            "xl/workbook.bin": _record(131) + _record(143) + _record(156, bundle) + _record(144) + _record(132),
            "xl/_rels/workbook.bin.rels": _rels([("r1", "worksheet", "worksheets/sheet1.bin")]),
            "xl/worksheets/sheet1.bin": data + _record(146) + _record(130),
        }
    )


def _xlsb_cell(column: int, value: float | str | bool) -> bytes:
    head = struct.pack("<LL", column, 0)
    if isinstance(value, bool):
        return _record(4, head + bytes([value]))
    return _record(6, head + _wide(value)) if isinstance(value, str) else _record(5, head + struct.pack("<d", value))


def _wide(text: str) -> bytes:
    return struct.pack("<L", len(text)) + text.encode("utf-16-le")


def _record(kind: int, data: bytes = b"") -> bytes:
    number = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    size, length = bytearray(), len(data)
    while length > 127:
        size.append(length & 0x7F | 0x80)
        length >>= 7
    return number + bytes(size) + bytes([length]) + data
