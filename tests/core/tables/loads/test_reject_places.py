"""What the rejects of a database itself say of the record: its line and text, found again in whatever file it is."""

import gzip
import io
import zipfile

import openpyxl
import pytest

from tests.core.tables.loads.load_cases import run_load, source
from transforms.core.tables.databases.registry import open_destination
from transforms.core.tables.loads.load_plan import LoadPlan
from transforms.core.tables.loads.load_settings import LoadSettings
from transforms.core.tables.loads.reject_places import with_places

SCHEMA = '{"fields": [{"name": "a", "type": "integer", "constraints": {"unique": true}}, {"name": "b"}]}'
RECORDS = ["1,x", "", "2,y", '1,"two\nlines"', "no,z", "2,y", "3,w", "1,last"]
TEXT = "\n".join(["a,b", *RECORDS, ""]).encode()
# record, line, raw: blank records count, and so do quoted line ends
PLACES = [(4, 5, '1,"two\nlines"'), (6, 8, "2,y"), (8, 10, "1,last")]


def zipped() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("inside.csv", TEXT)
    return content.getvalue()


def sheet() -> bytes:
    book, content = openpyxl.Workbook(), io.BytesIO()
    for row in (["a", "b"], [1, "x"], [], [2, "y"], [1, "two\nlines"], ["no", "z"], [2, "y"], [3, "w"], [1, "last"]):
        book.active.append(row)
    book.save(content)
    return content.getvalue()


SHEET_PLACES = [(3, 5, '["1", "two\\nlines"]'), (5, 7, '["2", "y"]'), (7, 9, '["1", "last"]')]
FILES = {
    "f.csv": (TEXT, PLACES, "", ""),
    "f.csv.gz": (gzip.compress(TEXT), PLACES, "", ""),
    "f.zip": (zipped(), PLACES, "#inside.csv", ""),
    "f.xlsx": (sheet(), SHEET_PLACES, "", "Sheet"),
}


@pytest.mark.parametrize("chunk_rows", [1, 3, 1000])
@pytest.mark.parametrize("name", FILES)
def test_a_repeated_value_is_told_with_its_line_and_record(tmp_path, name, chunk_rows):
    content, places, member, sheet_name = FILES[name]
    path = source(tmp_path, name, content)
    loaded = run_load(tmp_path, schema_text=SCHEMA, chunk_rows=chunk_rows)
    found = [line for line in loaded.rejects if line["rule"] == "unique"]
    assert [(line["record"], line["line"], line["raw"]) for line in found] == places
    assert {(line["file"], line["sheet"]) for line in found} == {(f"file://{path}{member}", sheet_name)}
    assert [row[0] for row in loaded.rows] == [1, 2, 3]


def stored_plan(folder) -> LoadPlan:
    destination = open_destination(f"duckdb:///{folder}/out.duckdb", "")
    destination.open()
    try:
        [load] = destination.loads()
        return LoadPlan.from_json(load.spec.plan)
    finally:
        destination.close()


@pytest.mark.parametrize("change", ["another version", "gone"])
def test_a_file_that_is_not_what_was_loaded_can_not_tell_and_its_rejects_stay(tmp_path, change):
    path = source(tmp_path, "f.csv", TEXT)
    run_load(tmp_path, schema_text=SCHEMA)
    path.write_bytes(b"a,b\n" + b"9,9\n" * 20) if change == "another version" else path.unlink()
    line = {"file": 0, "sheet": "", "record": 4, "line": 0, "column": "a", "value": "1", "rule": "unique", "raw": ""}
    others = {**line, "file": "elsewhere.csv", "rule": "required", "line": 7, "raw": "x"}
    asked = LoadSettings((str(path),), f"duckdb:///{tmp_path}/out.duckdb", "t")
    found = with_places([line, others], stored_plan(tmp_path), asked)
    assert list(found) == [{**line, "file": f"file://{path}"}, others]
