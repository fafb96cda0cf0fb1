"""What `ingest` takes, and which of its options fit together."""

import pytest
from pydantic import ValidationError

from pipelines.ingest_rules import RULES, rejects_allowed
from pipelines.ingest_settings import IngestSettings
from pipelines.settings_sources import SettingsError, parse
from transforms.core.errors import ConfigError
from transforms.core.secret import resolve

NEEDED = {"source": ["a.csv"], "destination": "duckdb:///out.duckdb", "table": "t"}


def test_three_values_are_enough():
    settings = IngestSettings(**NEEDED)
    assert (settings.write_mode, settings.chunk_rows, settings.range_mb, settings.sheet) == ("append", 10_000, 8, "1")
    assert (settings.delimiter, settings.encoding, settings.max_rejects, settings.key) == ("auto", "auto", None, ())


@pytest.mark.parametrize(
    "uri",
    [
        "duckdb:///out.duckdb",
        "duckdb:////tmp/out with space.duckdb",
        "sqlite:///a.db",
        "postgresql://u@h:5432/db",
        "postgres://h/db",
        "postgresql:///db?host=/tmp",
        "parquet:out",
        "parquet:s3://b/x",
        "parquet:gs://b/x@y",
        "bigquery://example.com:p-1/d_1",
    ],
)
def test_each_kind_of_destination_is_taken(uri):
    assert IngestSettings(**{**NEEDED, "destination": uri}).destination == uri


@pytest.mark.parametrize("uri", ["out.duckdb", "duckdb://out.duckdb", "mysql://h/db", "parquet:", "bigquery://p", ""])
def test_an_unknown_destination_is_an_error_that_lists_the_known(uri):
    with pytest.raises(SettingsError, match="duckdb:///FILE"):
        parse(IngestSettings, ["--source=a", f"--destination={uri}", "--table=t"], {})


def test_a_password_in_the_destination_is_kept_by_reference():
    settings = IngestSettings(**{**NEEDED, "destination": "postgresql://u:ingest-pw-1@h/db"})
    assert settings.destination == "postgresql://u@h/db"
    assert resolve(settings.destination_password) == "ingest-pw-1"
    assert "ingest-pw-1" not in repr(settings) + settings.to_json()


@pytest.mark.parametrize(
    ("option", "typed", "meant"),
    [
        ("delimiter", "\\t", "\t"),
        ("delimiter", "tab", "\t"),
        ("delimiter", "\t", "\t"),
        ("delimiter", ";", ";"),
        ("delimiter", ",", ","),
        ("delimiter", "auto", "auto"),
        ("quote", "none", ""),
        ("quote", "'", "'"),
        ("escape", "\\", "\\"),
        ("encoding", "UTF8", "utf-8"),
        ("encoding", "latin-1", "iso8859-1"),
        ("encoding", "utf-8-sig", "utf-8-sig"),
        ("sheet", "2", "2"),
        ("sheet", "*", "*"),
        ("max_rejects", "0", "0"),
        ("max_rejects", "0.5%", "0.5%"),
        ("missing_values", "NA,-", ("NA", "-")),
        ("missing_values", '"n/a, none",', ("n/a, none", "")),
        ("columns", "b,a", ("b", "a")),
        ("schema", "s.json", "s.json"),
    ],
)
def test_words_mean_what_the_help_says(option, typed, meant):
    settings = parse(IngestSettings, ["--source=a", "--destination=parquet:o", "--table=t", f"--{option}={typed}"], {})
    assert getattr(settings.settings, "schema_file" if option == "schema" else option) == meant
    assert IngestSettings.from_json(settings.settings.to_json()) == settings.settings


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"delimiter": "||"}, "not one character"),
        ({"delimiter": "\n"}, "not one character"),
        ({"encoding": "klingon"}, "no text encoding"),
        ({"encoding": "base64"}, "no text encoding"),
        ({"key": ["a", "a"], "write_mode": "upsert"}, "twice"),
        ({"columns": ["a", " "]}, "empty word"),
        ({"source": ["a.csv", "a.csv"]}, "twice"),
        ({"source": ["https://u:source-pw-2@h/a.csv"]}, "holds a password"),
        ({"schema_file": "https://u:source-pw-2@h/a.json"}, "holds a password"),
        ({"max_rejects": "101%"}, "more than 100%"),
        ({"max_rejects": "-1"}, "max_rejects"),
        ({"table": "a.b.c"}, "table"),
        ({"table": ""}, "table"),
        ({"source_endpoint_url": "https://u:source-pw-2@h"}, "source_endpoint_url"),
        ({"chunk_rows": 0}, "greater than or equal to 1"),
    ],
)
def test_a_wrong_value_is_an_error(wrong, message):
    with pytest.raises((ValidationError, ConfigError), match=message) as caught:
        IngestSettings(**{**NEEDED, **wrong})
    assert "source-pw-2" not in str(caught.value)


CONFLICTS = [
    ("_upsert_needs_a_key", {"write_mode": "upsert"}, ["--write_mode", "--key"]),
    ("_upsert_needs_a_key", {"key": ["a"]}, ["--key", "--write_mode"]),
    (
        "_upsert_needs_a_database",
        {"write_mode": "upsert", "key": ["a"], "destination": "parquet:o"},
        ["--write_mode", "--destination"],
    ),
    ("_destination_stays", {"destination": "duckdb:///:memory:"}, ["--destination"]),
    ("_key_is_loaded", {"write_mode": "upsert", "key": ["a"], "columns": ["b"]}, ["--key", "--columns"]),
    ("_one_source_of_names", {"column_names": ["a"], "schema_file": "s.json"}, ["--column_names", "--schema"]),
    ("_one_source_of_names", {"column_names": ["a"], "header": "yes"}, ["--column_names", "--header"]),
    ("_characters_differ", {"delimiter": ";", "quote": ";"}, ["--delimiter", "--quote"]),
    ("_characters_differ", {"delimiter": "tab", "escape": "\\t"}, ["--delimiter", "--escape"]),
    ("_characters_differ", {"delimiter": "none"}, ["--delimiter"]),
    ("_password_has_a_use", {"destination_password": "env:PW"}, ["--destination_password", "--destination is duckdb"]),
]


@pytest.mark.parametrize(("rule", "values", "named"), CONFLICTS)
def test_options_that_contradict_each_other_are_an_error_that_names_both(rule, values, named):
    with pytest.raises(ValidationError) as caught:
        IngestSettings(**{**NEEDED, **values})
    assert all(name in str(caught.value) for name in named)


def test_every_rule_between_options_has_its_case():
    assert {rule.__name__ for rule in RULES} == {rule for rule, _, _ in CONFLICTS}


def test_several_contradictions_are_told_one_by_one():
    with pytest.raises(SettingsError) as caught:
        parse(
            IngestSettings,
            ["--source=a", "--destination=parquet:o", "--table=t", "--key=a", "--source_anonymous",
             "--source_profile=p"],
            {},
        )  # fmt: skip
    assert len(caught.value.findings) == 2


@pytest.mark.parametrize(
    ("limit", "counted", "allowed"),
    [(None, 10, None), ("100", 10, 100), ("1%", 250, 2), ("1%", 99, 0), ("0%", 10, 0), ("0.1%", 30_000, 30)],
)
def test_a_limit_of_rejects_is_a_count_or_a_share_rounded_down(limit, counted, allowed):
    assert rejects_allowed(limit, counted) == allowed
    assert IngestSettings(**NEEDED, max_rejects=limit).rejects_allowed(counted) == allowed
