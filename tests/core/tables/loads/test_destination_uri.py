"""Destinations as URIs: what each form means, and that no password is ever shown."""

import pytest

from transforms.core.errors import ConfigError
from transforms.core.tables.databases.registry import DATABASES, find_database, open_destination
from transforms.core.tables.loads.destination_uri import parse_destination, scheme_of, without_password


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("duckdb:///out.duckdb", "out.duckdb"),
        ("duckdb:////data/out.duckdb", "/data/out.duckdb"),
        ("sqlite:///../a%20b.db", "../a b.db"),
        ("SQLite:///x", "x"),
    ],
)
def test_a_file_is_relative_after_three_slashes_and_absolute_after_four(uri, path):
    parsed = parse_destination(uri)
    assert (parsed.scheme, parsed.path, parsed.shown) == (scheme_of(uri), path, uri)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_a_server_has_user_host_port_database_and_settings(scheme):
    parsed = parse_destination(f"{scheme}://j%40x:se%2Fsame@db.example:6543/my%20data?sslmode=require")
    assert (parsed.scheme, parsed.user, parsed.host, parsed.port) == ("postgresql", "j@x", "db.example", 6543)
    assert (parsed.database, parsed.options, parsed.password) == ("my data", (("sslmode", "require"),), "se/same")


def test_what_a_server_uri_leaves_out_is_left_to_the_client_library():
    parsed = parse_destination("postgresql:///shop")
    assert (parsed.user, parsed.host, parsed.port, parsed.database, parsed.password) == ("", "", 0, "shop", "")


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgresql://u:sesame@h:1/d", "postgresql://u@h:1/d"),
        ("postgresql://u:ses@me@h/d", "postgresql://u@h/d"),
        ("postgresql://u:s/esame@h/d", "postgresql://u@h/d"),
        ("postgresql://u:s?esame@h/d", "postgresql://u@h/d"),
        ("postgresql://u:s#esame@h/d", "postgresql://u@h/d"),
        ("postgresql://:sesame@h/d", "postgresql://@h/d"),
        ("postgresql://u@h/d?password=sesame&sslmode=require", "postgresql://u@h/d?sslmode=require"),
        ("postgresql://u@h/d?sslpassword=sesame", "postgresql://u@h/d"),
        ("postgresql://h/d", "postgresql://h/d"),
        ("mysql://u:sesame@h/d", "mysql://u@h/d"),
        ("duckdb:///a@b.duckdb", "duckdb:///a@b.duckdb"),
    ],
)
def test_a_password_is_left_out_of_what_is_shown(uri, shown):
    assert without_password(uri) == shown


@pytest.mark.parametrize(
    ("uri", "finding"),
    [
        ("out.duckdb", "unknown scheme ''.*known are .*duckdb.*sqlite"),
        ("mysql://u:sesame@h/d", "unknown scheme 'mysql'"),
        ("duckdb://out.duckdb", "names a host"),
        ("duckdb:///", "names no file"),
        ("duckdb:///folder/", "names no file"),
        ("duckdb:out.duckdb", "names no file"),
        ("sqlite:///:memory:", "gone when the command ends"),
        ("sqlite:///a%00b", "NUL"),
        ("postgresql://u:sesame@h:port/d", "no valid host and port"),
        ("postgresql://u:sesame@h:99999/d", "no valid host and port"),
        ("postgresql://u:sesame@[h/d", "no valid host and port"),
        ("postgresql://u:s/esame@h/d", "no valid host and port"),
        ("postgresql://u:sesame@h/d?passfile=/x", "unknown setting 'passfile'"),
        ("postgresql://u:sesame@h/d?password=sesame", "unknown setting 'password'"),
        ("postgresql://u:sesame@h/d?options=-c%20x", "unknown setting 'options'"),
        ("postgresql://u:sesame@h/d#f", "raw '#'"),
    ],
)
def test_a_uri_that_is_wrong_is_refused_without_its_password(uri, finding):
    with pytest.raises(ConfigError, match=finding) as caught:
        open_destination(uri)
    assert "esame" not in f"{caught.value} {caught.value.__cause__} {caught.value.__context__ and ''}"


def test_a_parsed_uri_shows_no_password_in_its_repr():
    assert "sesame" not in repr(parse_destination("postgresql://u:sesame@h/d"))


def test_every_scheme_says_whether_one_process_must_do_the_writing():
    assert {scheme for scheme, database in DATABASES.items() if database.single_process} == {"duckdb", "sqlite"}
    assert find_database("parquet+s3://bucket/prefix") is DATABASES["parquet"]


@pytest.mark.parametrize("uri", ["duckdb:///x", "sqlite:///x", "postgresql://h/d"])
def test_a_destination_is_made_without_opening_anything(uri, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    destination = open_destination(uri)
    assert destination.single_process is find_database(uri).single_process
    assert destination.statements == 0
    assert list(tmp_path.iterdir()) == []
