from __future__ import annotations

import io

import openpyxl
import pyarrow.compute as pc
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.utils import get_column_letter

from tests.core.tables.excel.excel_files import Parts, cut, inline, rows_of, worksheet, xlsx
from transforms.core.errors import PermanentError
from transforms.core.tables.excel.excel_rows import read_sheet, sheet_names

LONG = "ä" * 32_767
STRINGS = (
    "<si><t>plain</t></si><si><t xml:space='preserve'> kept </t></si><si><r><t>rich </t></r><r><rPr><b/></rPr><t>text"
    "</t></r></si><si><t>漢字</t><rPh sb='0' eb='2'><t>かんじ</t></rPh><phoneticPr fontId='1'/></si><si><t/></si>"
    "<si><t>a_x000D_b_x005F_x000D_</t></si><si><t>&lt;&amp;&#x263A;&gt;</t></si>"
)
CELLS = [
    ("<c r='A1'><v>1</v></c>", "1"),
    ('<c r="A1"><v>1.0</v></c>', "1"),
    ('<c r="A1" s="0" t="n"><v>1.0000000000000001E-2</v></c>', "0.01"),
    ('<c r="A1" s="1"><v>45322</v></c>', "2024-01-31"),
    ('<c r="A1" t="n" s="1"><v>45322</v></c>', "2024-01-31"),
    ('<c r="A1" s="2"><v>45322.5</v></c>', "2024-01-31 12:00:00"),
    ('<c r="A1" s="3"><v>0.5</v></c>', "12:00:00"),
    ('<c r="A1" s="99"><v>45322</v></c>', "45322"),
    ('<c r="A1" t="s"><v>0</v></c>', "plain"),
    ('<c r="A1" t="s"><v>1</v></c>', " kept "),
    ('<c r="A1" s="1" t="s"><v>2</v></c>', "rich text"),
    ('<c r="A1" t="s"><v>3</v></c>', "漢字"),
    ('<c r="A1" t="s"><v>4</v></c>', None),
    ('<c r="A1" t="s"><v>5</v></c>', "a\rb_x000D_"),
    ('<c r="A1" t="s"><v>6</v></c>', "<&☺>"),
    ('<c r="A1" t="b"><v>1</v></c>', "true"),
    ('<c r="A1" t="b"><v>0</v></c>', "false"),
    ('<c r="A1" t="e"><v>#N/A</v></c>', None),
    ('<c r="A1" t="e"><v>#DIV/0!</v></c>', "#DIV/0!"),
    ('<c r="A1" t="str"><v>#N/A</v></c>', "#N/A"),
    ('<c r="A1" t="d"><v>2024-01-31T10:20:30</v></c>', "2024-01-31 10:20:30"),
    ('<c r="A1" t="str"><f>"0"&amp;1</f><v>01</v></c>', "01"),
    ('<c r="A1"><f t="shared" ref="A1:A2" si="0">1+1</f><v>2</v></c>', "2"),
    ('<c r="A1"><f t="shared" si="0"/><v>3</v></c>', "3"),
    ('<c r="A1"><f>1+1</f><v></v></c>', None),
    ('<c r="A1"><f>1+1</f><v/></c>', None),
    ('<c r="A1"><f>1+1</f><v /></c>', None),
    ('<c r="A1"><f>1+1</f></c>', None),
    ('<c r="A1" s="1"/>', None),
    ('<c r="A1" s="1"></c>', None),
    ('<c r="A1" t="inlineStr"><is><t>in &amp; line</t></is></c>', "in & line"),
    ('<c r="A1" t="inlineStr"><is><t xml:space="preserve"> in\n</t></is></c>', " in\n"),
    ('<c r="A1" t="inlineStr"><is><t>a\r\nb\rc</t></is></c>', "a\nb\nc"),
    ('<c r="A1" t="inlineStr"><is><t>a&#13;&#10;b</t></is></c>', "a\r\nb"),
    ('<c r="A1" t="inlineStr"><is><r><t>ri</t></r><r><rPr><i/></rPr><t>ch</t></r></is></c>', "rich"),
    ('<c r="A1" t="inlineStr"><is><t>x</t><rPh sb="0" eb="1"><t>no</t></rPh></is></c>', "x"),
    ('<c r="A1" t="inlineStr"><is><t/></is></c>', None),
    ('<c r="A1" t="inlineStr"><is></is></c>', None),
    ('<c r="A1" t="inlineStr"><is><t><![CDATA[<c>&amp;]]></t></is></c>', "<c>&amp;"),
    ('<c r="A1"><!-- </row> --><v>7</v></c>', "7"),
    ('<c r="A1"><?pi </row>?><v>7</v></c>', "7"),
    ('<c   r = "A1"  cm="1" ><v >8</v ></c >', "8"),
    ('<c s="1" r="A1"><v>45322</v></c>', "2024-01-31"),
    ("<c r='A1' s='1' t='n'>\n  <v>45322</v>\n</c>", "2024-01-31"),
    ("<c><v>9</v></c>", "9"),
    ('<c r="A1" cm="1" vm="2" ph="0" s="1" t="str"><v>long tag</v></c>', "long tag"),
    ('<c r="A1" t="str"><v>a>b"c\'d</v></c>', "a>b\"c'd"),
    ('<c r="A1" foo="a>b"><v>5</v></c>', "5"),
    ('<c r="A1" t="inlineStr"><is><t>' + LONG + "</t></is></c>", LONG),
    ('<c r="A1" t="s"><v> 0 </v></c>', "plain"),
    ('<c r="A1"><v>&#49;2</v></c>', "12"),
]
FORMATS = ("yyyy-mm-dd", "yyyy-mm-dd hh:mm", "hh:mm")
MARK = '<row r="2"><c r="A2"><v>-1</v></c><c r="B2" t="str"><v>end</v></c></row>'


@pytest.mark.parametrize(("cell", "text"), CELLS)
def test_a_cell_has_the_text_that_a_csv_would_have(cell, text):
    book = xlsx(Parts(worksheet(f'<row r="1">{cell}<c r="B1"><v>7</v></c></row>{MARK}'), STRINGS, FORMATS))
    assert rows_of(book) == [[text, "7"], ["-1", "end"]]


@pytest.mark.parametrize(("cell", "text"), CELLS)
@pytest.mark.parametrize("form", ["prefixed", "utf-16", "behind a comment", "stored", "BOM"])
def test_the_wrapping_of_the_xml_changes_nothing(cell, text, form):
    sheet = worksheet(f'<row r="1">{cell}</row>{MARK}')
    if form == "prefixed":
        if "is>" in cell or "CDATA" in cell or "<!--" in cell or "<?" in cell:
            return
        for tag in ("worksheet", "sheetData", "row", "c", "v", "f"):
            for end in (" ", ">", "/"):
                sheet = sheet.replace(f"<{tag}{end}", f"<x:{tag}{end}").replace(f"</{tag}{end}", f"</x:{tag}{end}")
        sheet = sheet.replace("xmlns=", "xmlns:x=")
    raw = sheet.encode()
    if form == "utf-16":
        raw = sheet.replace("UTF-8", "UTF-16").encode("utf-16")
    elif form == "BOM":
        raw = b"\xef\xbb\xbf" + raw
    elif form == "behind a comment":
        raw = sheet.replace("<sheetData>", "<!-- <sheetData> --><sheetData>").encode()
    parts = Parts("", STRINGS, FORMATS, extra={"xl/worksheets/sheet1.xml": raw})
    assert rows_of(xlsx(parts, compression=0 if form == "stored" else 8)) == [cut([text]), ["-1", "end"]]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("", []),
        ('<row r="1"/><row r="2" s="1"/>', []),
        ('<row r="1"><c r="A1" s="1"/></row>', []),
        ('<row r="5"><c r="C5"><v>1</v></c></row>', [[], [], [], [], [None, None, "1"]]),
        (
            '<row r="1"><c r="A1"><v>1</v></c></row><row r="3"/><row r="4"><c r="B4"><v>2</v></c></row><row r="9"/>',
            [["1"], [], [], [None, "2"]],
        ),
        (
            "<row><c><v>1</v></c><c/></row><row r='3'><c r='B3'><v>3</v></c></row><row/><row><c><v>5</v></c></row>",
            [["1"], [], [None, "3"], [], ["5"]],
        ),
        ('<row r="1"><c r="B1"><v>2</v></c><c r="A1"><v>1</v></c></row>', [["1", "2"]]),
        ('<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>', [["2"]]),
        (
            '<row r="1"><c r="XFD1"><v>1</v></c><c r="AA1"><v>27</v></c></row>',
            [[*[None] * 26, "27", *[None] * 16356, "1"]],
        ),
        ('<row spans="1:1" r="1"><c r="A1"><v>1</v></c></row>', [["1"]]),
    ],
)
def test_rows_stand_where_the_sheet_has_them(rows, expected):
    assert rows_of(xlsx(Parts(worksheet(rows)))) == expected


def test_a_sheet_without_data_has_no_rows():
    assert rows_of(xlsx(Parts(worksheet("").replace("<sheetData></sheetData>", "<sheetData/>")))) == []


@pytest.mark.parametrize("block_rows", [1, 3, 10_000])
@pytest.mark.parametrize("width", [None, 2, 9])
def test_blocks_keep_to_their_size_and_width(block_rows, width):
    rows = "".join(f'<row r="{r}"><c r="A{r}"><v>{r}</v></c><c r="D{r}"><v>0</v></c></row>' for r in (2, 3, 8, 20))
    blocks = list(
        read_sheet(xlsx(Parts(worksheet(rows))), "b", "S", block_rows=block_rows, width=width, memory_limit_bytes=10**8)
    )
    assert all(1 <= len(block.columns[0]) <= block_rows for block in blocks)
    assert {len(block.columns) for block in blocks} == {max(4, width or 0)}
    assert sum(len(block.columns[0]) for block in blocks) == 20
    assert [text for block in blocks for text in block.columns[0].to_pylist() if text] == ["2", "3", "8", "20"]


def repeated(cells: int, text: str) -> io.BytesIO:
    """A workbook whose cells all show one shared string, so many to a row."""
    columns = [get_column_letter(number + 1) for number in range(cells)]
    rows = (
        f'<row r="{r}">' + "".join(f'<c r="{one}{r}" t="s"><v>1</v></c>' for one in columns) + "</row>"
        for r in range(1, 1001)
    )
    return xlsx(Parts(worksheet("".join(rows)), f"<si><t>short</t></si><si><t>{text}</t></si>"))


@pytest.mark.parametrize("engine", ["stream", "fast"])
def test_a_long_text_that_many_cells_share_makes_small_blocks(engine):
    book, most = repeated(2, "x" * 10_000), 8 << 20
    sizes = []
    for block in read_sheet(book, "b", "S", engine=engine, memory_limit_bytes=10**9):
        assert all(column.to_pylist() == ["x" * 10_000] * len(column) for column in block.columns)
        sizes.append(sum(int(pc.sum(pc.binary_length(column)).as_py()) for column in block.columns))
    assert sum(sizes) == 20_000_000
    assert all(most <= size < most + 20_000 for size in sizes[:-1])


def test_a_row_of_more_text_than_can_be_held_is_refused():
    with pytest.raises(PermanentError, match=r"b: row 1 has 67200000 bytes of text, over the limit of 67108864 for"):
        next(read_sheet(repeated(2, "x" * 33_600_000), "b", "S", memory_limit_bytes=10**9))


def test_a_sheet_with_all_16384_columns_is_read():
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"constant_memory": True, "in_memory": True}) as book:
        sheet = book.add_worksheet("S")
        for i in range(3):
            sheet.write_row(i, 0, range(16_384))
    assert rows_of(out) == [[str(i) for i in range(16_384)]] * 3


def test_merged_cells_have_their_value_once_and_rich_text_is_joined():
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "S"
    sheet["A1"] = "merged"
    sheet.merge_cells("A1:B2")
    sheet["C1"] = CellRichText("a", TextBlock(InlineFont(b=True), "b"), " c")
    out = io.BytesIO()
    book.save(out)
    assert rows_of(out) == [["merged", None, "a" + "b" + " c"]]


def test_only_worksheets_are_listed_hidden_ones_too():
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        data = book.add_worksheet("Zahlen & Daten")
        data.write(0, 0, 1)
        chart = book.add_chart({"type": "line"})
        chart.add_series({"values": "='Zahlen & Daten'!$A$1:$A$1"})
        book.add_chartsheet("Chart").set_chart(chart)
        book.add_worksheet("Hidden").hide()
    assert sheet_names(out, "book") == ["Zahlen & Daten", "Hidden"]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text("ab<&>\r\n_x0D é漢", max_size=30), min_size=1, max_size=30), st.integers(1, 5))
def test_inline_texts_are_read_as_they_are(texts, step):
    rows = "".join(f'<row r="{i * step + 1}">{inline(f"B{i * step + 1}", text)}</row>' for i, text in enumerate(texts))
    found = rows_of(xlsx(Parts(worksheet(rows.replace("\r", "&#13;")))))
    expected = [[None, text or None] if i % step == 0 else [] for text in texts for i in range(step)]
    expected = [cut(row) for row in expected]
    while expected and not expected[-1]:
        expected.pop()
    assert found == expected
