"""Columns are matched by name; drift is an error that says what to give, or taken in; places count where names lack."""

import pytest

from tests.core.tables.loads.plan_cases import SETTINGS, findings, part, schema
from transforms.core.errors import ConfigError
from transforms.core.tables.columns.column import TEXT
from transforms.core.tables.loads.load_columns import part_names, select

ADD = SETTINGS._replace(add_columns=True)
A_B = SETTINGS._replace(column_names=("a", "b"))

# parts, settings, declared names: the load's columns, and each part's field for each of them
MATCHES = {
    "one file": ([part(0, "a b")], SETTINGS, (), "a b", [(0, 1)]),
    "the first file's order": ([part(0, "a b"), part(1, "b a")], SETTINGS, (), "a b", [(0, 1), (1, 0)]),
    "the schema's order": ([part(0, "a b"), part(1, "b a")], SETTINGS, ("b", "a"), "b a", [(1, 0), (0, 1)]),
    "a new column is added last": ([part(0, "a"), part(1, "b a")], ADD, (), "a b", [(0, -1), (1, 0)]),
    "a missing column is null": ([part(0, "a b"), part(1, "a")], ADD, (), "a b", [(0, 1), (0, -1)]),
    "nothing in common": ([part(0, "a"), part(1, "b")], ADD, (), "a b", [(0, -1), (-1, 0)]),
    "a column beside the schema's": ([part(0, "x a b")], ADD, ("a", "b"), "a b x", [(1, 2, 0)]),
    "columns pick and order": ([part(0, "a b c")], SETTINGS._replace(columns=("c", "a")), (), "c a", [(2, 0)]),
    "columns leave out what differs": (
        [part(0, "a b"), part(1, "c a")],
        SETTINGS._replace(columns=("a",)),
        (),
        "a",
        [(0,), (1,)],
    ),
    "columns beside added ones": (
        [part(0, "a b"), part(1, "c a")],
        ADD._replace(columns=("c", "a")),
        (),
        "c a",
        [(-1, 0), (0, 1)],
    ),
    "no header, names by place": ([part(0, width=2)], A_B, (), "a b", [(0, 1)]),
    "no header beside one": ([part(0, width=2), part(1, "b a")], A_B, (), "a b", [(0, 1), (1, 0)]),
    "a header before none": ([part(0, "b a"), part(1, width=2)], A_B, (), "b a", [(0, 1), (1, 0)]),
    "no header, the schema's places": ([part(0, width=2)], SETTINGS, ("x", "y"), "x y", [(0, 1)]),
    "column_names before the schema": ([part(0, width=2)], A_B, ("b", "a"), "b a", [(1, 0)]),
    "no header, no names": ([part(0, width=2)], SETTINGS, (), "column_1 column_2", [(0, 1)]),
    "no headers at all": ([part(0, width=2), part(1, width=2)], SETTINGS, (), "column_1 column_2", [(0, 1), (0, 1)]),
    "a narrow file where columns may lack": (
        [part(0, width=2), part(1, width=1)],
        A_B._replace(add_columns=True),
        (),
        "a b",
        [(0, 1), (0, -1)],
    ),
    "an empty file matches anything": ([part(0, width=0), part(1, "a")], SETTINGS, (), "a", [(-1,), (0,)]),
    "names twice": ([part(0, "a a")], SETTINGS, (), "a a_2", [(0, 1)]),
}


@pytest.mark.parametrize(("parts", "settings", "declared", "names", "fields"), MATCHES.values(), ids=MATCHES)
def test_columns_are_matched(parts, settings, declared, names, fields):
    found = findings(schema=schema(*declared) if declared else None)
    selection = select(parts, settings, found)
    assert selection.names == tuple(names.split())
    assert [selection.fields_of(part_names(one, settings, found.schema)) for one in parts] == fields


REFUSED = {
    "missing": ([part(0, "a b"), part(1, "a")], SETTINGS, (), "1.csv lacks 'b', compared with file:///in/0.csv"),
    "extra": ([part(0, "a"), part(1, "a b")], SETTINGS, (), "1.csv has another column 'b'"),
    "both": ([part(0, "a"), part(1, "b")], SETTINGS, (), "lacks 'a' and has another column 'b'"),
    "beside the schema": ([part(0, "a b")], SETTINGS, ("a",), "0.csv has another column 'b', compared with the schema"),
    "not the schema's": ([part(0, "a")], SETTINGS, ("a", "b"), "0.csv lacks 'b', compared with the schema"),
    "chosen and missing": (
        [part(0, "a b"), part(1, "a")],
        SETTINGS._replace(columns=("b",)),
        (),
        "1.csv lacks 'b'",
    ),
    "unknown": ([part(0, "a")], SETTINGS._replace(columns=("z",)), (), "--columns z: no such column; the files have a"),
    "more columns than names": ([part(0, width=3)], A_B, (), "no header, and 3 columns for the 2 names a, b"),
    "wider than the schema": ([part(0, width=2)], SETTINGS, ("a",), "no header, and 2 columns for the 1 names a"),
    "narrower than the names": ([part(0, "a b"), part(1, width=1)], A_B, (), "1.csv lacks 'b'"),
}


@pytest.mark.parametrize(("parts", "settings", "declared", "message"), REFUSED.values(), ids=REFUSED)
def test_columns_that_do_not_match_are_an_error_with_a_remedy(parts, settings, declared, message):
    with pytest.raises(ConfigError) as caught:
        select(parts, settings, findings(schema=schema(*declared) if declared else None))
    assert message in str(caught.value)


def test_drift_names_both_remedies():
    with pytest.raises(ConfigError, match=r"--schema_drift add to take all columns .* or --columns to choose some"):
        select([part(0, "a"), part(1, "b")], SETTINGS, findings())


def test_the_tables_own_spelling_is_taken_where_only_the_case_differs():
    selection = select([part(0, "ID Name")], SETTINGS, findings(target={"id": TEXT, "NAME": TEXT}))
    assert selection.names == ("id", "NAME")
    assert selection.mapping == (("ID", "id"), ("Name", "NAME"))


def test_a_column_that_the_table_lacks_is_an_error_or_added():
    found = findings(target={"a": TEXT})
    with pytest.raises(ConfigError, match="table t has no column 'b'; give --schema_drift add"):
        select([part(0, "a b")], SETTINGS, found)
    assert select([part(0, "a b")], ADD, found).names == ("a", "b")


def test_a_replace_takes_the_place_of_the_rows_and_keeps_the_tables_columns():
    found = findings(target={"a": TEXT})
    with pytest.raises(ConfigError, match="table t has no column 'b'"):
        select([part(0, "a b")], SETTINGS._replace(mode="replace"), found)
    assert select([part(0, "a b")], ADD._replace(mode="replace"), found).names == ("a", "b")


def test_a_column_that_only_the_table_has_stays_null():
    assert select([part(0, "a")], SETTINGS, findings(target={"a": TEXT, "b": TEXT})).names == ("a",)


def test_a_schema_renames_columns_and_columns_takes_either_name():
    declared = schema({"name": "number", "source": "No.", "type": "string"}, "b")
    found = findings(schema=declared)
    one = part(0, "No. b")
    assert select([one], SETTINGS, found).mapping == (("No.", "number"),)
    for name in ("No.", "number"):
        selection = select([one], SETTINGS._replace(columns=(name,)), found)
        assert (selection.sources, selection.names) == (("No.",), ("number",))


def test_provenance_keeps_its_names_for_itself():
    settings = SETTINGS._replace(provenance=True)
    assert select([part(0, "_source_file a")], settings, findings()).names == ("_source_file_2", "a")
    assert select([part(0, "_source_file a")], SETTINGS, findings()).names == ("_source_file", "a")


def test_names_are_cleaned_by_the_destinations_rules():
    assert select([part(0, "grün 1st")], SETTINGS, findings(rules="bigquery")).names == ("grun", "c1st")
    assert select([part(0, "grün 1st")], SETTINGS, findings()).names == ("grün", "1st")
