from __future__ import annotations

import io
import re
import zipfile

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.tables.excel.excel_files import worksheet
from tests.core.tables.excel.test_xlsx_stream import CELLS
from transforms.core.errors import PermanentError
from transforms.core.tables.excel.xlsx_exact import ExactReader
from transforms.core.tables.excel.xlsx_items import ItemReader
from transforms.core.tables.excel.xlsx_kinds import Kind, SheetState
from transforms.core.tables.excel.xlsx_strings import ExactStrings, read_plain_strings
from transforms.core.tables.excel.xlsx_tags import TagReader

STYLES = [Kind.NUMBER, Kind.DATE, Kind.DATETIME, Kind.TIME]
TEXTS = [cell for cell, _ in CELLS if len(cell) < 1000]
ROWS = st.lists(st.tuples(st.integers(1, 3), st.lists(st.sampled_from(TEXTS), max_size=5)), min_size=1, max_size=8)


def rows_xml(rows: list[tuple[int, list[str]]]) -> str:
    xml, number = "", 0
    for step, cells in rows:
        number += step
        named = [re.sub(r"\bA1\b(?!:)", f"{'ABCDE'[i]}{number}", cell, count=1) for i, cell in enumerate(cells)]
        xml += f'<row r="{number}">{"".join(named)}</row>'
    return xml


def exact(xml: str) -> list[tuple[int, int, int, str]]:
    reader = ExactReader(SheetState(STYLES, "sheet"))
    reader.feed(xml.encode(), last=True)
    return listed(reader.take())


def listed(cells) -> list[tuple[int, int, int, str]]:
    found = zip(
        cells.rows.tolist(), cells.columns.tolist(), cells.kinds.tolist(), cells.values.to_pylist(), strict=True
    )
    return [cell for cell in found if cell[3] != ""]


@settings(max_examples=300, deadline=None)
@given(ROWS)
def test_the_vectorised_reader_says_what_the_exact_one_says_or_nothing(rows):
    xml = rows_xml(rows)
    fast = TagReader(SheetState(STYLES, "s")).read(xml.encode())
    if fast is not None:
        assert listed(fast) == exact(worksheet(xml))


@settings(max_examples=100, deadline=None)
@given(ROWS, st.integers(1, 400), st.sampled_from(["", "<!-- x -->", "<mergeCells count='0'/>"]))
def test_where_the_chunks_are_cut_changes_nothing(rows, size, after):
    xml = worksheet(rows_xml(rows), before="<cols><col min='1' max='2'/></cols>", after=after)
    state = SheetState(STYLES, "s")
    reader = ItemReader(b"sheetData", b"row", TagReader(state).read, lambda: ExactReader(state), "s")
    data = xml.encode()
    chunks = (data[i : i + size] for i in range(0, len(data), size))
    assert [cell for cells in reader.read(chunks) for cell in listed(cells)] == exact(xml)


@pytest.mark.parametrize("size", [7, 100, 1 << 20])
def test_a_sheet_that_ends_within_its_rows_is_refused(size):
    data = worksheet('<row r="1"><c r="A1"><v>1</v></c></row>').encode()[:-30]
    state = SheetState(STYLES, "s")
    reader = ItemReader(b"sheetData", b"row", TagReader(state).read, lambda: ExactReader(state), "book (sheet)")
    with pytest.raises(PermanentError, match="book \\(sheet\\): ends within its <sheetData>"):
        list(reader.read(data[i : i + size] for i in range(0, len(data), size)))


def openpyxl_file(*, write_only: bool) -> bytes:
    book = openpyxl.Workbook(write_only=write_only)
    sheet = book.create_sheet("S")
    for i in range(200):
        sheet.append([i, f"text {i}", i / 7, i % 2 == 0, None, " spaced ", "=1+1"])
    out = io.BytesIO()
    book.save(out)
    return sheet_xml(out)


def xlsxwriter_file(*, constant_memory: bool) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"constant_memory": constant_memory, "in_memory": True}) as book:
        sheet = book.add_worksheet()
        bold = book.add_format({"bold": True})
        for i in range(200):
            sheet.write_row(i, 0, [i, f"text {i}", i / 7, i % 2 == 0, None, " spaced ", "=1+1"])
            sheet.write_blank(i, 8, None, bold)
            sheet.write_formula(i, 9, '="x"&1', None, "x1")
    return sheet_xml(out)


def sheet_xml(out: io.BytesIO) -> bytes:
    with zipfile.ZipFile(out) as archive:
        return archive.read([name for name in archive.namelist() if "worksheets/sheet" in name][-1])


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(openpyxl_file(write_only=False), id="openpyxl"),
        pytest.param(openpyxl_file(write_only=True), id="openpyxl write-only"),
        pytest.param(xlsxwriter_file(constant_memory=False), id="XlsxWriter"),
        pytest.param(xlsxwriter_file(constant_memory=True), id="XlsxWriter constant memory"),
        pytest.param(
            b'<sheetData><row r="1" spans="1:3" x14ac:dyDescent="0.25"><c r="A1" s="1" t="s"><v>0</v></c>'
            b'<c r="B1" s="12"><f t="shared" ref="B1:B9" si="0">A1*2</f><v>1.1000000000000001</v></c>'
            b'<c r="C1" s="3"/></row></sheetData>',
            id="Excel",
        ),
    ],
)
def test_what_the_usual_writers_write_never_needs_the_exact_reader(data):
    rows = data[data.index(b"<row") : data.index(b"</sheetData>")]
    assert TagReader(SheetState(STYLES, "s")).read(rows) is not None


@pytest.mark.parametrize(
    ("xml", "strings"),
    [
        ("<si><t>a</t></si><si><t>b &amp; c</t></si>", ["a", "b & c"]),
        ('<si><t xml:space="preserve"> a </t></si>', [" a "]),
        ("<si><t></t></si>", [""]),
        ("<si><t/></si><si><t>x</t></si>", ["", "x"]),
        ("<si/><si><t>x</t></si>", ["", "x"]),
        ("<si>\n <t>x</t>\n</si>", ["x"]),
        ("<si><r><t>a</t></r><r><rPr><b/></rPr><t>b</t></r></si>", ["ab"]),
        ("<si><t>x</t><rPh sb='0' eb='1'><t>y</t></rPh></si>", ["x"]),
        ("<si><t>é漢😀</t></si>", ["é漢😀"]),
    ],
)
def test_shared_strings_are_read_alike_by_both_readers(xml, strings):
    fast = read_plain_strings(xml.encode())
    reader = ExactStrings("strings")
    reader.feed(f"<sst>{xml}</sst>".encode(), last=True)
    assert reader.take().to_pylist() == strings
    assert fast is None or fast.to_pylist() == strings
