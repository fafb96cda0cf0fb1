"""Which sheets of a workbook are loaded, and where each one's table begins."""

import pytest
import xlsxwriter

from tests.core.tables.loads.load_cases import run_load
from tests.core.tables.loads.plan_cases import SETTINGS
from transforms.core.errors import PermanentError
from transforms.core.tables.delimited.dialect import DialectOverrides
from transforms.core.tables.loads.load_plan import SHEET
from transforms.core.tables.loads.open_load import list_files
from transforms.core.tables.loads.sheet_parts import sheet_parts

SHEETS = {
    "plain": [("id", "name"), (1, "x")],
    "titled": [("Report of May",), (), ("id", "name"), (2, "y")],
    "bare": [(3, "z"), (4, "w")],
    "empty": [],
    "2": [("id", "name"), (5, "v")],
}


@pytest.fixture
def path(tmp_path):
    book = xlsxwriter.Workbook(tmp_path / "a.xlsx")
    for name, rows in SHEETS.items():
        sheet = book.add_worksheet(name)
        for row, cells in enumerate(rows):
            sheet.write_row(row, 0, cells)
    book.close()
    return tmp_path / "a.xlsx"


def parts(path, **changes):
    load = SETTINGS._replace(sources=(str(path),), **changes)
    [info] = list_files(load)
    return sheet_parts(0, info, load)


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("1", ["plain"]),
        ("3", ["bare"]),
        ("titled", ["titled"]),
        ("2", ["2"]),  # a name before a number
        ("*", list(SHEETS)),
    ],
)
def test_a_sheet_is_asked_for_by_name_by_number_or_all(path, asked, names):
    found = parts(path, sheet=asked)
    assert [part.name for part in found] == names
    assert {part.kind for part in found} == {SHEET}
    assert [part.label for part in found] == [f"file://{path}#{name}" for name in names]


@pytest.mark.parametrize("asked", ["6", "0", "Plain", "-1"])
def test_a_sheet_that_is_not_there_is_an_error_that_lists_them(path, asked):
    with pytest.raises(PermanentError, match=f"no sheet '{asked}'; it has 'plain', 'titled', 'bare', 'empty', '2'"):
        parts(path, sheet=asked)


@pytest.mark.parametrize(
    ("name", "overrides", "header", "first_row", "width"),
    [
        ("plain", DialectOverrides(), ("id", "name"), 2, 2),
        ("titled", DialectOverrides(), ("id", "name"), 4, 2),
        ("titled", DialectOverrides(skip_rows=2), ("id", "name"), 4, 2),
        ("bare", DialectOverrides(), (), 1, 2),
        ("bare", DialectOverrides(header="yes"), ("3", "z"), 2, 2),
        ("plain", DialectOverrides(header="no"), (), 1, 2),
        ("plain", DialectOverrides(header="no", skip_rows=1), (), 2, 2),
        ("empty", DialectOverrides(), (), 1, 0),
    ],
)
def test_a_table_begins_below_its_header(path, name, overrides, header, first_row, width):
    [part] = parts(path, sheet=name, overrides=overrides)
    assert (part.dialect.header, part.dialect.data_line, part.dialect.width) == (header, first_row, width)
    assert part.note == (f"file://{path}#empty: empty sheet" if name == "empty" else "")


def test_all_sheets_become_one_table(path, tmp_path):
    found = run_load(tmp_path, path, sheet="*", column_names=("id", "name"))
    assert sorted(found.rows) == [(1, "x"), (2, "y"), (3, "z"), (4, "w"), (5, "v")]
    assert found.outcomes == {"a.xlsx": ("done", "")}
    assert any("#empty: empty sheet" in note for note in found.details["notes"])
