from __future__ import annotations

import datetime as dt
import io
import struct
import threading
import time
import zipfile
import zlib
from pathlib import Path

import odf.opendocument
import odf.table
import odf.text
import pytest
import xlwt

from tests.core.tables.excel.excel_files import (
    LIMIT_BYTES,
    MAIN,
    Parts,
    encrypted_ole,
    inline,
    rows_of,
    worksheet,
    xlsb,
    xlsx,
    zipped,
)
from transforms.core.errors import PermanentError
from transforms.core.tables.excel.excel_rows import read_sheet, sheet_names

ONE = worksheet('<row r="1"><c r="A1"><v>1</v></c></row>')
SHEET = "xl/worksheets/sheet1.xml"
BOMB = b"<!DOCTYPE w [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;'>]>"


def xls() -> io.BytesIO:
    book = xlwt.Workbook()
    sheet = book.add_sheet("S")
    form = {
        name: xlwt.easyxf(num_format_str=name) for name in ("yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss", "hh:mm:ss", "[h]:mm")
    }
    values = [
        "00123",
        1.0,
        0.1,
        True,
        None,
        "é漢",
        (dt.date(2024, 1, 31), "yyyy-mm-dd"),
        (dt.datetime.fromisoformat("2024-01-31 10:20:30"), "yyyy-mm-dd hh:mm:ss"),
        (dt.time(10, 20, 30), "hh:mm:ss"),
        (1.5, "[h]:mm"),
    ]
    for column, value in enumerate(values, start=2):
        if isinstance(value, tuple):
            sheet.write(4, column, value[0], form[value[1]])
        elif value is not None:
            sheet.write(4, column, value)
    book.add_sheet("Other")
    out = io.BytesIO()
    book.save(out)
    return out


XLS_ROW = [
    None,
    None,
    "00123",
    "1",
    "0.1",
    "true",
    None,
    "é漢",
    "2024-01-31",
    "2024-01-31 10:20:30",
    "10:20:30",
    "36:00:00",
]


def ods(rows: list[list[object]]) -> io.BytesIO:
    book = odf.opendocument.OpenDocumentSpreadsheet()
    table = odf.table.Table(name="S")
    book.spreadsheet.addElement(table)
    for values in rows:
        row = odf.table.TableRow()
        table.addElement(row)
        for value in values:
            cell = {
                str: lambda v: odf.table.TableCell(valuetype="string"),
                float: lambda v: odf.table.TableCell(valuetype="float", value=v),
                bool: lambda v: odf.table.TableCell(valuetype="boolean", booleanvalue=str(v).lower()),
                dt.date: lambda v: odf.table.TableCell(valuetype="date", datevalue=v.isoformat()),
                type(None): lambda v: odf.table.TableCell(),
            }[type(value)](value)
            if value is not None:
                cell.addElement(odf.text.P(text=str(value)))
            row.addElement(cell)
    out = io.BytesIO()
    book.save(out)
    return out


def test_an_xls_sheet_is_read_from_row_and_column_one_on():
    assert sheet_names(xls(), "book") == ["S", "Other"]
    assert rows_of(xls()) == [[], [], [], [], XLS_ROW]
    assert rows_of(xls(), "Other") == []
    assert rows_of(xls(), block_rows=2) == [[], [], [], [], XLS_ROW]


def test_an_xlsb_sheet_is_read():
    book = xlsb(
        {(0, 0): "name", (0, 1): "n", (2, 0): "00123", (2, 1): 1.0, (2, 2): 0.1, (2, 3): True}, sheet="Tabelle é"
    )
    assert sheet_names(book, "book") == ["Tabelle é"]
    assert rows_of(book, "Tabelle é") == [["name", "n"], [], ["00123", "1", "0.1", "true"]]


def test_an_ods_sheet_is_read():
    book = ods([["a", "b"], [1.0, 0.5, "00123"], [None, True, dt.date(2024, 1, 31)]])
    assert sheet_names(book, "book") == ["S"]
    assert rows_of(book) == [["a", "b"], ["1", "0.5", "00123"], [None, "true", "2024-01-31"]]


def test_the_fast_engine_reads_what_the_stream_reads():
    rows = f'<row r="3"><c r="B3" s="1"><v>45322.5</v></c>{inline("C3", "x")}<c r="D3"><v>2.50</v></c></row>'
    book = xlsx(Parts(worksheet(rows), formats=("yyyy-mm-dd hh:mm",)))
    assert rows_of(book, engine="fast") == rows_of(book) == [[], [], [None, "2024-01-31 12:00:00", "x", "2.5"]]


def with_part(name: str, data: bytes | None) -> io.BytesIO:
    return xlsx(Parts(ONE, extra={name: data}))


def damaged(at: int, data: bytes) -> io.BytesIO:
    whole = bytearray(xlsx(Parts(ONE)).getvalue())
    whole[at : at + len(data)] = data
    return io.BytesIO(bytes(whole))


def lying(part: str, claimed: int, real: bytes) -> io.BytesIO:
    """A zip whose directory and local header claim another size for a part than it has."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(real) + packer.flush()
    whole = with_part(part, real).getvalue()
    for signature, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        for match in range(whole.count(signature)):
            start = -1
            for _ in range(match + 1):
                start = whole.index(signature, start + 1)
            name_at = start + (30 if signature == b"PK\x03\x04" else 46)
            if whole[name_at : name_at + len(part)] == part.encode():
                whole = whole[: start + at] + struct.pack("<L", claimed) + whole[start + at + 4 :]
    assert packed
    return io.BytesIO(whole)


def rows_with(cell: str) -> io.BytesIO:
    return xlsx(Parts(worksheet(f'<row r="1">{cell}</row>'), "<si><t>x</t></si>"))


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (io.BytesIO(b""), "is empty; Hornbeam reads .xlsx"),
        (io.BytesIO(b"<html><table>"), "is HTML or XML text, whatever its name says"),
        (io.BytesIO(b"a;b;c\n1;2;3\n"), "is no workbook .*save it as one of them, or as .csv"),
        (zipped({"a.txt": b"a"}), "zip file without a workbook"),
        (io.BytesIO(xlsx(Parts(ONE)).getvalue()[:-40]), "not a whole zip file .*cut off"),
        (io.BytesIO(xlsx(Parts(ONE)).getvalue()[:300]), "not a whole zip file"),
        (io.BytesIO(encrypted_ole()), "encrypted with a password; save it without"),
        (io.BytesIO(encrypted_ole()[:600]), "can't be read"),
        (with_part("xl/workbook.xml", b"<workbook"), r"xl/workbook.xml\): isn't well-formed XML"),
        (with_part("xl/_rels/workbook.xml.rels", None), "part xl/_rels/workbook.xml.rels is missing"),
        (with_part(SHEET, None), f"part {SHEET} is missing"),
        (with_part(SHEET, ONE.encode()[:-20]), "ends within|well-formed"),
        (with_part(SHEET, ONE.replace("<sheetData>", "<sheetData").encode()), "well-formed"),
        (with_part(SHEET, ONE.replace("?>", "?>" + BOMB.decode(), 1).encode()), "DOCTYPE"),
        (with_part("xl/workbook.xml", BOMB + b"<w/>"), "DOCTYPE"),
        (with_part("xl/styles.xml", BOMB + b"<w/>"), "DOCTYPE"),
        (with_part("xl/sharedStrings.xml", BOMB + b"<w/>"), "DOCTYPE"),
        (lying(SHEET, 10, ONE.encode()), "can't be unpacked .*longer than the 10 bytes"),
        (lying(SHEET, 10_000, ONE.encode()), "can't be unpacked .*size or checksum"),
        (lying(SHEET, 2_000_000_000, ONE.encode()), "a zip bomb"),
        (rows_with('<c r="A1" t="s"><v>1</v></c>'), "names a shared string that isn't there .*has 1 of them"),
        (rows_with('<c r="A1" t="s"><v>-1</v></c>'), "names a shared string that isn't there"),
        (rows_with('<c r="A1" t="s"><v>x</v></c>'), "names a shared string that isn't there"),
        (rows_with('<c r="A1" t="zz"><v>1</v></c>'), "row 1 has a cell of type 'zz', which isn't one of n, s"),
        (rows_with('<c r="XFE1"><v>1</v></c>'), "cell 'XFE1' in row 1 .*beyond column 16384"),
        (rows_with('<c r="1"><v>1</v></c>'), "cell '1' in row 1"),
        (rows_with('<c r="A1" t="inlineStr"><is><t>&#xFFFFFFFF;</t></is></c>'), "well-formed"),
        (rows_with('<c r="A1" t="inlineStr"><is><t>&nope;</t></is></c><!-- -->'), "well-formed"),
        (xlsx(Parts(worksheet('<row r="1048577"><c r="A1048577"><v>1</v></c></row>'))), "row '1048577' after row 0"),
        (xlsx(Parts(worksheet('<row r="999999999999"><c><v>1</v></c></row>'))), "rows must rise"),
        (xlsx(Parts(worksheet('<row r="2"/><row r="1"><c r="A1"><v>1</v></c></row>'))), "row '1' after row 2"),
        (with_part("xl/worksheets/sheet1.xml", ONE.encode("utf-8").replace(b"1</v>", b"\xff</v>")), "well-formed"),
    ],
)
def test_a_broken_or_hostile_workbook_is_refused_with_its_name_and_a_remedy(file, message):
    def load():
        sheet = sheet_names(file, "gs://bucket/in/book.xlsx")[0]
        list(read_sheet(file, "gs://bucket/in/book.xlsx", sheet, memory_limit_bytes=LIMIT_BYTES))

    with pytest.raises(PermanentError, match=message) as caught:
        load()
    assert str(caught.value).startswith("gs://bucket/in/book.xlsx")


@pytest.mark.parametrize("book", [xlsx(Parts(ONE)), xls(), xlsb({(0, 0): 1.0}), ods([["x"]])])
def test_an_unknown_sheet_is_refused_with_the_known_ones(book):
    with pytest.raises(PermanentError, match=r"^book: has no worksheet 'T'; it has: 'S'"):
        rows_of(book, "T")


@pytest.mark.parametrize(
    ("file", "limit_bytes", "message"),
    [
        (
            xlsx(Parts(ONE, "<si><t>text</t></si>" * 1000)),
            10_000,
            "shared strings take 20.* raise --memory_threshold_mb",
        ),
        (xls(), 20_000, r"\.xls workbook is loaded whole and needs about \d+ bytes .*save it as .xlsx"),
        (ods([["x"]]), 5_000, r"\.ods workbook is loaded whole and needs about"),
        (xlsb({(0, 0): 1.0, (1_048_575, 16_383): 1.0}), 200 << 20, r"\.xlsb workbook is loaded whole and takes more"),
    ],
)
def test_what_needs_more_memory_than_allowed_is_refused_with_a_remedy(file, limit_bytes, message):
    with pytest.raises(PermanentError, match=message):
        rows_of(file, memory_limit_bytes=limit_bytes)


def test_a_workbook_is_read_by_its_content_whatever_its_name():
    assert rows_of(xlsx(Parts(ONE))) == [["1"]]
    assert sheet_names(xls(), "book.xlsx") == ["S", "Other"]


def children():
    """The numbers of the processes that this one started: a test's server may be among them."""
    lists = [task / "children" for task in Path("/proc/self/task").iterdir()]
    return {pid for path in lists if path.exists() for pid in path.read_text().split()}


def test_closing_the_rows_early_leaves_no_thread_and_no_process():
    before = children()
    rows = "".join(f'<row r="{r}"><c r="A{r}"><v>{r}</v></c></row>' for r in range(1, 100_000))
    for engine in ("stream", "fast"):
        blocks = read_sheet(
            xlsx(Parts(worksheet(rows))), "b", "S", engine=engine, block_rows=10, memory_limit_bytes=10**9
        )
        assert next(blocks).first_row == 1
        blocks.close()
    assert children() <= before
    deadline = time.monotonic() + 120
    while any(thread.name.startswith("inflate") for thread in threading.enumerate()):
        assert time.monotonic() < deadline, threading.enumerate()


def test_a_strict_workbook_and_odd_part_names_are_read():
    strict = ONE.replace(MAIN, "http://purl.oclc.org/ooxml/spreadsheetml/main")
    book = xlsx(Parts(strict))
    renamed = {}
    with zipfile.ZipFile(book) as archive:
        for info in archive.infolist():
            renamed[info.filename.upper() if "sheet1" in info.filename else info.filename] = archive.read(info)
    assert rows_of(zipped(renamed)) == [["1"]]
