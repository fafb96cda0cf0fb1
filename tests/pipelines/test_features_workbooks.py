"""Workbooks of every kind, from the file to the table."""

import io
import zipfile
from decimal import Decimal

import odf.opendocument
import odf.table
import odf.text
import xlwt

from tests.core.tables.excel.excel_files import xlsb
from tests.pipelines.feature_loads import load, workbook

HEADER = ["sku", "qty", "price", "sold"]
ROWS = [["00123", 1.0, 2.5, True], ["A-2", 22.0, 3.25, False], ["é, 3", 333.0, 4.0, True]]
LOADED = [
    ("00123", 1, Decimal("2.50"), True),
    ("A-2", 22, Decimal("3.25"), False),
    ("é, 3", 333, Decimal("4.00"), True),
]
MACROS = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"


def xlsm() -> bytes:
    """A workbook that says of itself that it holds macros, and holds what would be some."""
    plain, content = zipfile.ZipFile(io.BytesIO(workbook({"s": [HEADER, *ROWS]}))), io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in plain.namelist():
            data = plain.read(name)
            if name == "[Content_Types].xml":
                changed = data.replace(
                    b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml", MACROS.encode()
                )
                assert changed != data
                data = changed
            archive.writestr(name, data)
        archive.writestr("xl/vbaProject.bin", b"no program is ever run")
    return content.getvalue()


def xls() -> bytes:
    book, content = xlwt.Workbook(), io.BytesIO()
    sheet = book.add_sheet("s")
    for number, row in enumerate([HEADER, *ROWS]):
        for column, value in enumerate(row):
            sheet.write(number, column, value)
    book.save(content)
    return content.getvalue()


def xlsb_of() -> bytes:
    rows = enumerate([HEADER, *ROWS])
    return xlsb({(number, column): value for number, row in rows for column, value in enumerate(row)}).getvalue()


def ods() -> bytes:
    book, content = odf.opendocument.OpenDocumentSpreadsheet(), io.BytesIO()
    sheet = odf.table.Table(name="s")
    book.spreadsheet.addElement(sheet)
    kinds = {str: ("string", "stringvalue"), float: ("float", "value"), bool: ("boolean", "booleanvalue")}
    for row in [HEADER, *ROWS]:
        line = odf.table.TableRow()
        sheet.addElement(line)
        for value in row:
            kind, name = kinds[type(value)]
            shown = str(value).lower() if kind == "boolean" else str(value)
            cell = odf.table.TableCell(valuetype=kind, **{name: shown})
            cell.addElement(odf.text.P(text=str(value)))
            line.addElement(cell)
    book.save(content)
    return content.getvalue()


BOOKS = {"xlsm": xlsm, "xls": xls, "xlsb": xlsb_of, "ods": ods}


def test_a_workbook_of_any_kind_is_planned_loaded_and_accounted_for(tmp_path):
    loaded = load(tmp_path, {f"book.{kind}": make() for kind, make in BOOKS.items()}, provenance=True)
    assert (loaded.summary.status, loaded.summary.exit_code, loaded.error) == ("completed", 0, "")
    assert loaded.columns == [*HEADER, "_source_file", "_source_record"]
    sheets = {"xlsb": "S"}
    for kind in BOOKS:
        name = f"file://{tmp_path}/book.{kind}#{sheets.get(kind, 's')}"
        found = sorted((row for row in loaded.rows if row[-2] == name), key=lambda row: row[-1])
        assert found == [(*row, name, number) for number, row in enumerate(LOADED, 1)], kind
    assert len(loaded.rows) == loaded.summary.rows.loaded == loaded.summary.rows.counted == 3 * len(BOOKS)
    assert [one["status"] for one in loaded.lines("outcomes.jsonl")] == ["done"] * len(BOOKS)
    assert load(tmp_path, {}, source=[f"{tmp_path}/book.*"], provenance=True).summary.items.skipped == len(BOOKS)
