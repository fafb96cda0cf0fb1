"""Sources of `ingest`: several of them, wildcards, encodings, archives, sheets, headers and title blocks."""

import gzip
import io
import zipfile

import pytest

from tests.pipelines.feature_loads import load, workbook, write
from transforms.core.errors import ConfigError

BOOK = {"first": [["a", "b"], [1, "x"], [2, "y"]], "second": [["a", "b"], [3, "z"]]}


def zipped(members):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return content.getvalue()


def test_several_sources_and_wildcards_load_each_file_once(tmp_path):
    write(tmp_path / "in", {"a.csv": "n\n1\n", "deep/er/b.csv": "n\n2\n", "c.tsv": "n\n3\n", "no.log": "n\n4\n"})
    sources = [f"{tmp_path}/in/**/*.csv", f"{tmp_path}/in/*.tsv", f"{tmp_path}/in/a.csv"]
    loaded = load(tmp_path, {}, source=sources)
    assert sorted(loaded.rows) == [(1,), (2,), (3,)]
    assert loaded.summary.items.done == 3


def test_a_file_of_any_compression_and_a_zip_are_one_table(tmp_path):
    files = {
        "a.csv": "n,w\n1,a\n",
        "b.csv.gz": gzip.compress(b"n,w\n2,b\n"),
        "c.zip": zipped({"x.csv": "n,w\n3,c\n", "y/z.csv": "n;w\n4;d\n", "readme.md": "no table"}),
    }
    loaded = load(tmp_path, files, provenance=True)
    assert sorted(row[:2] for row in loaded.rows) == [(1, "a"), (2, "b"), (3, "c"), (4, "d")]
    assert loaded.columns[2:] == ["_source_file", "_source_record"]
    assert {row[2].rpartition("/")[2] for row in loaded.rows if row[0] >= 3} == {"c.zip#x.csv", "z.csv"}
    assert all(row[3] == 1 for row in loaded.rows)


def test_files_of_different_encodings_are_one_table(tmp_path):
    files = {
        "utf16.csv": "name;n\nÄrger;1\n".encode("utf-16"),
        "cp1252.csv": "name;n\nRâpe à légumes: 5 €;2\n".encode("cp1252"),
        "bom.csv": "\ufeffname,n\nzoë,3\n",
    }
    loaded = load(tmp_path, files)
    assert sorted(loaded.rows) == [("Râpe à légumes: 5 €", 2), ("zoë", 3), ("Ärger", 1)]
    found = {uri.rpartition("/")[2]: dialect["encoding"] for uri, dialect in loaded.summary.details["dialects"].items()}
    assert found["cp1252.csv"] == "cp1252"
    assert found["utf16.csv"].startswith("utf-16")


def test_an_encoding_that_is_given_goes_before_what_is_seen(tmp_path):
    loaded = load(tmp_path, {"a.csv": "a,b\né,1\n".encode("cp1252")}, encoding="cp437")
    assert loaded.rows == [("Θ", 1)]


@pytest.mark.parametrize(
    ("sheet", "rows"),
    [("1", [(1, "x"), (2, "y")]), ("2", [(3, "z")]), ("second", [(3, "z")]), ("*", [(1, "x"), (2, "y"), (3, "z")])],
)
def test_sheets_are_chosen_by_number_name_or_all(tmp_path, sheet, rows):
    loaded = load(tmp_path, {"a.xlsx": workbook(BOOK)}, sheet=sheet)
    assert sorted(loaded.rows) == rows


def test_a_sheet_that_is_not_there_is_an_error_that_lists_those_that_are(tmp_path):
    loaded = load(tmp_path, {"a.xlsx": workbook(BOOK)}, sheet="third")
    assert loaded.summary.exit_code == 1
    assert "no sheet 'third'; it has 'first', 'second'" in loaded.lines("failures.jsonl")[0]["message"]


TITLED = [["Sales report 2024"], [], ["sku", "qty", "price"], ["A1", 1, 2.5], ["A2", 2, 3.5], ["A3", 3, 4.5]]


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx"])
def test_a_header_is_found_below_a_title_block(tmp_path, name):
    text = "\n".join(",".join(map(str, row)) for row in TITLED) + "\n"
    loaded = load(tmp_path, {name: workbook({"s": TITLED}) if name == "a.xlsx" else text})
    assert loaded.columns == ["sku", "qty", "price"]
    assert [tuple(map(str, row)) for row in loaded.rows] == [("A1", "1", "2.5"), ("A2", "2", "3.5"), ("A3", "3", "4.5")]


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx"])
def test_rows_that_are_told_to_be_skipped_are_not_looked_at(tmp_path, name):
    rows = [["x", "y"], ["p", "q"], ["a", "b"], [1, 2]]
    text = "\n".join(",".join(map(str, row)) for row in rows) + "\n"
    loaded = load(tmp_path, {name: workbook({"s": rows}) if name == "a.xlsx" else text}, skip_rows=2)
    assert loaded.columns == ["a", "b"]
    assert loaded.rows == [(1, 2)]


def test_files_with_and_without_a_header_are_mixed(tmp_path):
    files = {"a.csv": "id,word\n1,x\n2,y\n", "b.csv": "3,4.5\n4,5.5\n"}
    loaded = load(tmp_path, files, column_names=["id", "word"])
    assert sorted(loaded.rows) == [(1, "x"), (2, "y"), (3, "4.5"), (4, "5.5")]


def test_files_without_a_header_take_the_names_of_the_schema(tmp_path):
    schema = '{"fields": [{"name": "id", "type": "integer"}, {"name": "w", "type": "string"}]}'
    [path] = write(tmp_path, {"s.json": schema})
    loaded = load(tmp_path, {"a.csv": "1,2\n3,4\n"}, schema_file=path)
    assert loaded.columns == ["id", "w"]
    assert loaded.rows == [(1, "2"), (3, "4")]


def test_too_few_names_for_a_file_without_a_header_are_an_error_with_the_remedy(tmp_path):
    loaded = load(tmp_path, {"a.csv": "1,2,3\n4,5,6\n"}, column_names=["a"], header="no")
    assert loaded.summary.exit_code == 2
    assert "no header, and 3 columns for the 1 names a" in loaded.error
    assert "--column_names" in loaded.error


@pytest.mark.parametrize(("line_end", "bare"), [("lf", "\r"), ("crlf", "\n"), ("crlf", "\r"), ("cr", "\n")], ids=repr)
def test_a_line_end_that_is_given_leaves_the_others_in_the_values(tmp_path, line_end, bare):
    end = {"lf": "\n", "crlf": "\r\n", "cr": "\r"}[line_end]
    lines = [f"id,no{bare}te", *(f"{number},first{bare}{number}" for number in range(1, 301)), ""]
    files = {
        "a.csv": end.join(lines),
        "b.csv.gz": gzip.compress(end.join(lines).encode()),
    }
    other = "id,x\n\r1,2\n\r" if line_end == "crlf" else "id,x\r\n1,2\r\n"
    loaded = load(tmp_path, files | {"other.csv": other}, line_end=line_end, chunk_rows=7)
    assert sorted(loaded.rows) == sorted((number, f"first{bare}{number}") for number in [*range(1, 301)] * 2)
    assert loaded.summary.exit_code == 1
    [failed] = loaded.lines("failures.jsonl")
    assert f"--line_end {line_end}, but its records end in" in failed["message"]
    dialects = loaded.summary.details["dialects"].values()
    assert {(one["line_end"], one["line_end_given"]) for one in dialects} == {(end, True)}
    assert loaded.columns == ["id", "no te"]


def test_a_source_that_is_not_there_stops_the_command_before_anything(tmp_path):
    with pytest.raises(ConfigError, match=r"no\.csv"):
        load(tmp_path, {}, source=[f"{tmp_path}/no.csv"])
    assert list(tmp_path.glob("out*")) == []
