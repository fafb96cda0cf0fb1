"""Columns of `ingest`: matched by name, drift, order, renames, cleaned names, hostile ones."""

import json

import pytest

from tests.pipelines.feature_loads import load, write


def test_columns_are_matched_by_name_not_by_place(tmp_path):
    loaded = load(tmp_path, {"a.csv": "id,word\n1,x\n", "b.csv": "word,id\ny,2\n"})
    assert sorted(loaded.rows) == [(1, "x"), (2, "y")]


def test_a_file_with_other_columns_is_an_error_that_names_them(tmp_path):
    loaded = load(tmp_path, {"a.csv": "a,b\n1,2\n", "b.csv": "a,c\n3,x\n"})
    assert loaded.summary.exit_code == 2
    for part in ("b.csv lacks 'b' and has another column 'c'", "a.csv", "--schema_drift add", "--columns"):
        assert part in loaded.error
    assert not loaded.database.exists()


def test_drift_that_is_wanted_adds_columns_that_may_be_empty(tmp_path):
    loaded = load(tmp_path, {"a.csv": "a,b\n1,2\n", "b.csv": "a,c\n3,x\n"}, schema_drift="add")
    assert loaded.columns == ["a", "b", "c"]
    assert sorted(loaded.rows) == [(1, 2, None), (3, None, "x")]


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_a_table_that_lacks_a_column_gets_it_only_when_that_is_wanted(tmp_path, kind):
    load(tmp_path, {"a.csv": "a,b\n1,2\n"}, kind=kind)
    refused = load(tmp_path, {"b.csv": "a,b,c\n3,4,5\n"}, kind=kind)
    assert refused.summary.exit_code == 2
    assert "table t has no column 'c'; give --schema_drift add" in refused.error
    assert refused.rows == [(1, 2)]
    added = load(tmp_path, {"b.csv": "a,b,c\n3,4,5\n"}, kind=kind, schema_drift="add")
    assert sorted(added.rows) == [(1, 2, None), (3, 4, 5)]


def test_columns_are_picked_and_ordered(tmp_path):
    loaded = load(tmp_path, {"a.csv": "a,b,c\n1,2,3\n"}, columns=["c", "a"])
    assert loaded.columns == ["c", "a"]
    assert loaded.rows == [(3, 1)]


def test_a_column_that_no_file_has_is_an_error_that_lists_those_there_are(tmp_path):
    loaded = load(tmp_path, {"a.csv": "a,b\n1,2\n"}, columns=["d"])
    assert loaded.summary.exit_code == 2
    assert "--columns d: no such column; the files have a, b" in loaded.error


def test_a_schema_renames_columns(tmp_path):
    schema = {"fields": [{"name": "id", "source": "Ident No."}, {"name": "w", "hornbeam:source": "Wort"}]}
    [path] = write(tmp_path, {"s.json": json.dumps(schema)})
    loaded = load(tmp_path, {"a.csv": "Ident No.,Wort\n7,x\n8,y\n"}, schema_file=path)
    assert loaded.columns == ["id", "w"]
    assert loaded.rows == [("7", "x"), ("8", "y")]
    assert loaded.summary.details["column_mapping"] == {"Ident No.": "id", "Wort": "w"}


def test_names_are_cleaned_and_the_mapping_is_reported(tmp_path):
    loaded = load(tmp_path, {"a.csv": "id,id,,  Unit\tPrice ,ID\n1,2,3,4,5\n6,7,8,9,10\n"}, delimiter=",")
    assert loaded.columns == ["id", "id_2", "column_3", "Unit Price", "ID_3"]
    assert loaded.rows[0] == (1, 2, 3, 4, 5)
    mapping = loaded.summary.details["column_mapping"]
    assert list(mapping.values()) == ["id_2", "column_3", "Unit Price", "ID_3"]
    assert mapping["(column 3)"] == "column_3"
    assert mapping["id (column 2)"] == "id_2"
    assert any("without a name in the header: column_3" in note for note in loaded.summary.details["notes"])


HOSTILE = ('x"; DROP TABLE t; --', "Robert'); DROP TABLE t;--", "$1", "%s", "{x}", "select", "a\\b", "日本")


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_hostile_headers_are_column_names_and_nothing_else(tmp_path, kind):
    header = ",".join('"' + name.replace('"', '""') + '"' for name in HOSTILE)
    values = ",".join(str(number) for number in range(len(HOSTILE)))
    loaded = load(tmp_path, {"a.csv": f"{header}\n{values}\n{values}\n"}, kind=kind, delimiter=",")
    assert loaded.columns == list(HOSTILE)
    assert loaded.rows == [tuple(range(len(HOSTILE)))] * 2


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_a_hostile_table_name_is_a_table_name(tmp_path, kind):
    loaded = load(tmp_path, {"a.csv": "a\n1\n2\n"}, table='t"; DROP TABLE x; --', kind=kind)
    assert loaded.rows == [(1,), (2,)]
