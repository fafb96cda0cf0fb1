"""`hornbeam status`: what it prints of each kind of destination, and that it makes nothing."""

import contextlib
import gzip
import io
import json
import random
import re
import secrets
import shutil
import sqlite3

import duckdb
import pytest

from pipelines.__main__ import console
from pipelines.load_status import LoadLine, table_of
from pipelines.table_ingest import Settings, run
from transforms.core.tables.databases.registry import open_destination
from transforms.core.tables.loads.load_settings import LoadSettings
from transforms.core.tables.loads.open_load import unplanned

FULL_ID, SHORT_ID = r"^[0-9a-f]{32}$", r"^[0-9a-f]{12}$"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def ingest(tmp_path, destination, name, text, table="t", **more):
    source = tmp_path / f"{name}.csv"
    if not source.exists():  # written anew, it would be another version
        source.write_text(text)
    return run(
        Settings(source=str(source), destination=destination, table=table, output=tmp_path / "runs" / name, **more)
    )


@pytest.mark.parametrize("form", ["duckdb:///{}/d.duckdb", "sqlite:///{}/d.sqlite", "parquet:{}/folder"])
def test_the_loads_of_a_destination_are_listed_newest_first(tmp_path, capsys, form):
    destination = form.format(tmp_path)
    ingest(tmp_path, destination, "one", "a,b\n1,2\n3,4\n")
    ingest(tmp_path, destination, "two", "a,b\n5,6\n", table="other")
    capsys.readouterr()
    assert console(["status", destination]) == 0
    head, *rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert head == list(LoadLine._fields[:-2])
    assert [row[1:8] for row in rows] == [
        ["other", "append", "completed", "1", "1", "0", "0"],
        ["t", "append", "completed", "2", "2", "0", "0"],
    ]
    assert all(re.match(SHORT_ID, row[0]) for row in rows)


def test_a_postgresql_password_is_taken_out_of_the_address(tmp_path, capsys, postgres, monkeypatch):
    name = postgres.new_database()
    with_password = postgres.uri(name).replace("@", f":{postgres.password}@")
    ingest(tmp_path, with_password, "one", "a\n1\n")
    capsys.readouterr()
    assert console(["status", with_password, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "completed"
    monkeypatch.setenv("BY_REFERENCE", postgres.password)
    assert console(["status", postgres.uri(name), "--destination-password=env:BY_REFERENCE"]) == 0
    assert "completed" in capsys.readouterr().out


def test_a_wrong_password_ends_with_2_and_is_never_shown(capsys, postgres):
    wrong = secrets.token_hex(8)
    assert console(["status", postgres.uri().replace("@", f":{wrong}@")]) == 2
    printed = capsys.readouterr()
    assert "password" in printed.err
    assert wrong not in printed.out + printed.err


def test_json_prints_one_whole_load_a_line(tmp_path, capsys):
    destination = f"duckdb:///{tmp_path}/d.duckdb"
    for number in range(3):
        ingest(tmp_path, destination, f"f{number}", f"a\n{number}\n", table=f"t{number}")
    capsys.readouterr()
    assert console(["status", destination, "--json", "--limit=2"]) == 0
    loads = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [load["table"] for load in loads] == ["t2", "t1"]
    assert set(loads[0]) == set(LoadLine._fields)
    assert re.match(FULL_ID, loads[0]["load"])
    assert loads[0]["seconds"] >= 0
    assert console(["status", destination, "--table", "t0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["table"] == "t0"


def test_more_loads_than_the_limit_are_said_to_be_there(tmp_path, capsys):
    destination = f"sqlite:///{tmp_path}/d.sqlite"
    for number in range(2):
        ingest(tmp_path, destination, f"f{number}", f"a\n{number}\n", table=f"t{number}")
    capsys.readouterr()
    assert console(["status", destination, "--limit", "1"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 of 2 loads; --limit 2 shows all"


def test_a_failed_load_shows_its_error_and_fits_a_terminal(tmp_path, capsys, monkeypatch):
    destination = f"duckdb:///{tmp_path}/d.duckdb"
    summary = ingest(tmp_path, destination, "bad", "a,b\n1,2\n3,4\n5,6\n7\n", table="t" * 40, max_rejects="0")
    assert summary.exit_code == 1
    capsys.readouterr()
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    assert console(["status", destination]) == 0
    lines = terminal.getvalue().splitlines()
    assert "failed" in lines[1]
    assert "--max_rejects" in lines[2]
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("form", ["duckdb:///{}/d.duckdb", "sqlite:///{}/d.sqlite", "parquet:{}/folder"])
def test_a_load_that_is_not_complete_says_where_its_rows_wait_and_dropping_that_gives_it_up(tmp_path, capsys, form):
    destination = form.format(tmp_path)
    ingest(tmp_path, destination, "bad", "a,b\n1,2\n3\n", max_rejects="0")
    capsys.readouterr()
    assert console(["status", destination, "--json"]) == 0
    load = json.loads(capsys.readouterr().out)
    staging = load["staging"]
    assert load["load"].startswith(staging[-16:]) or load["load"] in staging
    assert console(["status", destination]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith(f"{staging} holds its rows")
    drop(tmp_path, destination, staging)
    summary = ingest(tmp_path, destination, "bad", "a,b\n1,2\n3\n", max_rejects="1")
    assert (summary.status, summary.rows) == ("completed", (2, 1, 1, 0)), "it began anew"
    capsys.readouterr()
    assert console(["status", destination, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["staging"] == ""


@pytest.mark.parametrize("form", ["duckdb:///{}/d.duckdb", "sqlite:///{}/d.sqlite", "parquet:{}/folder"])
def test_a_load_without_a_plan_is_listed_as_pending_or_failed_with_no_rows_to_drop(tmp_path, capsys, form):
    destination = form.format(tmp_path)
    settings = LoadSettings(("a.csv",), destination, "t")
    opened = open_destination(destination)
    opened.open()
    opened.announce_load(unplanned("a" * 32, settings))
    opened.announce_load(unplanned("b" * 32, settings._replace(table="other")), "no file can be read: a.csv")
    opened.close()
    assert console(["status", destination]) == 0
    lines = capsys.readouterr().out.splitlines()
    [pending, failed] = [next(n for n, line in enumerate(lines) if line.startswith(i * 12)) for i in "ab"]
    assert lines[pending].split()[1:8] == ["t", "append", "pending", "0", "0", "0", "0"]
    assert lines[pending + 1].split()[:3] == ["its", "sources", "are"]
    assert lines[failed].split()[1:4] == ["other", "append", "failed"]
    assert lines[failed + 1].strip() == "no file can be read: a.csv"
    assert len(lines) == 5
    assert console(["status", destination, "--json"]) == 0
    assert [json.loads(line)["staging"] for line in capsys.readouterr().out.splitlines()] == ["", ""]


@pytest.mark.parametrize("form", ["duckdb:///{}/d.duckdb", "sqlite:///{}/d.sqlite", "parquet:{}/folder"])
@pytest.mark.parametrize("there", [False, True])
def test_a_load_that_fails_before_its_plan_is_listed_and_a_wrong_command_is_not(tmp_path, capsys, form, there):
    destination = form.format(tmp_path)
    place = tmp_path / destination.rpartition("/")[2]
    if there:
        ingest(tmp_path, destination, "one", "a\n1\n")
    wrong = ingest(tmp_path, destination, "wrong", "a,b\n1,2\n", columns=["d"])
    assert (wrong.exit_code, place.exists()) == (2, there)
    (tmp_path / "broken.csv.gz").write_bytes(gzip.compress(random.Random(1).randbytes(9000).hex().encode())[:4000])
    source = {"source": str(tmp_path / "broken.csv.gz"), "table": "other"}
    assert run(Settings(destination=destination, output=tmp_path / "runs" / "broken", **source)).exit_code == 1
    capsys.readouterr()
    assert console(["status", destination, "--json"]) == 0
    loads = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(load["table"], load["status"]) for load in loads] == [("other", "failed"), ("t", "completed")][: 1 + there]
    assert "no file can be read" in loads[0]["error"]


def drop(tmp_path, destination, staging):
    if destination.startswith("parquet"):
        for name in ("staging", "ledger"):
            shutil.rmtree(tmp_path / "folder" / staging.replace("{staging,ledger}", name))
        return
    path = tmp_path / destination.rpartition("/")[2]
    with contextlib.closing((duckdb if path.suffix == ".duckdb" else sqlite3).connect(str(path))) as connection:
        connection.execute(f"DROP TABLE {staging}")


def test_a_table_cuts_only_what_a_terminal_has_no_room_for():
    load = LoadLine(
        *("a" * 32, "t" * 60, "replace", "processing", *[99_999_999] * 4, "2026-01-02T03:04:05Z", None),
        *("hornbeam_staging_0123456789abcdef", "x" * 200),
    )
    assert [len(line) <= 100 for line in table_of([load], 100)] == [True] * 4
    wide = table_of([load], None)
    assert "t" * 60 in wide[1]
    assert "x" * 200 in wide[2]
    assert table_of([], 100) == ["no loads"]


@pytest.mark.parametrize(
    ("destination", "missing"),
    [
        ("duckdb:///{}/no.duckdb", "there is no file"),
        ("sqlite:///{}/no.sqlite", "there is no file"),
        ("parquet:{}/no", "there is no folder"),
        ("oracle:///{}/x", "unknown scheme"),
    ],
)
def test_what_is_not_there_is_not_made(tmp_path, capsys, destination, missing):
    assert console(["status", destination.format(tmp_path)]) == 2
    assert missing in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_database_without_loads_is_left_as_it_is(tmp_path, capsys):
    path = tmp_path / "d.duckdb"
    duckdb.connect(str(path)).close()
    before = path.read_bytes()
    assert console(["status", f"duckdb:///{path}"]) == 0
    assert capsys.readouterr().out == "no loads\n"
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "required: destination"),
        (["duckdb:///x", "--limit=0"], "--limit"),
        (["duckdb:///x", "--wat"], "--wat"),
        (["duckdb:///x", "--destination_password=hunter2secret"], "takes a reference"),
        (["parquet:s3://b/x", "--destination_secret_access_key=hunter2secret"], "takes a reference"),
        (["parquet:s3://b/x", "--destination_access_key_id=env:A"], "--destination_secret_access_key is missing"),
        (["postgresql://u:secretword1@h/d", "--destination_password=env:A"], "keep one of them"),
        (["postgresql://u:secretword1@h/d", "--wat=postgresql://u:secretword1@h/d"], "--wat"),
    ],
)
def test_a_wrong_command_ends_with_2_and_shows_no_secret(capsys, words, message):
    assert console(["status", *words]) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert "hunter2secret" not in printed.err
    assert "secretword1" not in printed.err
