"""What makes two commands the same load, and two files the same file."""

import pickle

import pytest

from tests.core.tables.loads.plan_cases import SETTINGS, info
from transforms.core.objects.access import StoreAccess
from transforms.core.tables.delimited.dialect import DialectOverrides
from transforms.core.tables.loads.load_settings import LoadSettings, file_identity, load_identity, settings_identity

# Another value for every field; those of MATTERS make another load of it, the others don't.
OTHERS = {
    "sources": ("elsewhere/*.csv",),
    "destination": "duckdb:///other.duckdb",
    "table": "u",
    "mode": "replace",
    "key": ("id",),
    "columns": ("id",),
    "column_names": ("id",),
    "schema_text": "{}",
    "schema_where": "s.json",
    "add_columns": True,
    "missing_values": ("NA",),
    "date_order": "dmy",
    "overrides": DialectOverrides(delimiter=";"),
    "sheet": "2",
    "excel_engine": "fast",
    "provenance": True,
    "allow_empty": True,
    "max_rejects": "1%",
    "chunk_rows": 1,
    "range_bytes": 1,
    "max_record_bytes": 1,
    "memory_limit_bytes": 1,
    "source_access": StoreAccess("http://localhost:1"),
    "destination_access": StoreAccess("http://localhost:1"),
    "password": "env:PASSWORD",
    "dry_run": True,
}
MATTERS = {
    "table", "mode", "key", "columns", "column_names", "schema_text", "add_columns", "missing_values", "date_order",
    "overrides", "sheet", "provenance",
}  # fmt: skip


def test_every_setting_is_in_this_table():
    assert set(OTHERS) == set(LoadSettings._fields)


@pytest.mark.parametrize("name", OTHERS)
def test_what_changes_rows_or_where_they_go_makes_another_load(name):
    changed = SETTINGS._replace(**{name: OTHERS[name]})
    assert changed != SETTINGS
    assert (load_identity(changed, ["file"]) != load_identity(SETTINGS, ["file"])) == (name in MATTERS)
    assert (settings_identity(changed) != settings_identity(SETTINGS)) == (name in MATTERS)


def test_an_option_that_came_later_changes_no_load_that_was_stored_before():
    given = [("delimiter", ";"), ("line_end", "lf")]
    assert load_identity(SETTINGS, []) == "0cd94ef7f16514b5cb104d340a39a7f7"
    found = {load_identity(SETTINGS._replace(overrides=DialectOverrides(**{name: value})), []) for name, value in given}
    assert len(found | {load_identity(SETTINGS, [])}) == 3


def test_a_load_is_its_files_in_their_order():
    identities = {load_identity(SETTINGS, files) for files in (["a"], ["a", "b"], ["b", "a"], ["ab"], [])}
    assert len(identities) == 5


def test_a_generation_makes_another_load():
    assert load_identity(SETTINGS, ["a"], "after x") != load_identity(SETTINGS, ["a"])


def test_an_identity_is_the_same_in_every_process_and_version():
    """Stored in destinations: a change here would load everything again."""
    assert load_identity(SETTINGS, ["a"]) == "d59d2524d6c402a942bc0415a26087f1"
    assert file_identity(info(1)) == "dd7f3d49d81fa94505b3b269beb07a8f"


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"uri": "file:///in/2.csv"}, False),
        ({"size_bytes": 101}, False),
        ({"etag": "other"}, False),
        ({"modified": 5.0}, True),  # the etag knows better
    ],
)
def test_a_file_is_its_uri_size_and_etag(changes, same):
    assert (file_identity(info(1)._replace(**changes)) == file_identity(info(1))) == same


def test_without_an_etag_the_time_of_modification_counts():
    plain = info(1)._replace(etag="", modified=5.0)
    assert file_identity(plain) != file_identity(plain._replace(modified=6.0))
    assert file_identity(plain) == file_identity(plain._replace(modified=5.0001))


def test_settings_cross_a_process_border():
    assert pickle.loads(pickle.dumps(SETTINGS)) == SETTINGS
