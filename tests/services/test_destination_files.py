"""What only the embedded databases have: a file, its other users, and what SQLite's catalogue can't tell."""

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import threading

import duckdb
import pytest

from tests.services.destination_cases import ID, NAME, Place, load, make_chunk, make_spec
from transforms.core.errors import ConfigError, PermanentError, TransientError
from transforms.core.tables.databases import duckdb_files, sqlite
from transforms.core.tables.databases.duckdb_types import DIALECT
from transforms.core.tables.databases.registry import open_destination
from transforms.core.tables.databases.sql import TableName, bookkeeping_ddl
from transforms.core.tables.loads.destination import BadRowsError

ROWS = [(1, "a"), (2, "b")]


def at(kind: str, path) -> Place:
    return Place(kind, f"{kind}:///{path}", "")


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_a_file_that_is_something_else_is_refused_and_left_alone(kind, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("these are not rows\n" * 1000)
    with pytest.raises(ConfigError, match="name another file"), at(kind, path).destination():
        pass
    assert path.read_text().startswith("these are not rows")


@pytest.mark.parametrize(("name", "text"), [("two.csv", "id,name\n1,ann\n"), ("two.json", '{"id": 1}\n')])
def test_duckdb_does_not_load_into_the_view_that_it_makes_of_a_data_file(name, text, tmp_path):
    path = tmp_path / name
    path.write_text(text)
    with (
        pytest.raises(ConfigError, match="is not a DuckDB database: name another file"),
        at("duckdb", path).destination(),
    ):
        pass
    assert path.read_text() == text


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_a_folder_that_is_not_there_is_refused_at_open(kind, tmp_path):
    with pytest.raises(ConfigError, match="make it first"), at(kind, tmp_path / "nowhere" / "x.db").destination():
        pass


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_a_file_that_may_not_be_written_is_found_by_the_check(kind, tmp_path, monkeypatch):
    load(at(kind, tmp_path / "x.db"), make_spec(), ROWS)
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with at(kind, tmp_path / "x.db").destination() as destination:
        assert "change its permissions" in destination.check("products")[0]


def test_a_duckdb_file_in_another_process_is_refused_by_that_process_number(tmp_path):
    path = tmp_path / "x.duckdb"
    script = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "open\n"
        with pytest.raises(ConfigError, match=f"PID {other.pid}.*wait until it ends"), at("duckdb", path).destination():
            pass
        other.stdin.close()


def test_destinations_of_one_process_share_the_connection_and_the_last_one_closes_the_file(tmp_path):
    place = at("duckdb", tmp_path / "x.duckdb")
    load(place, make_spec(), ROWS)
    with place.destination(), place.destination():
        assert [path for _, path in duckdb_files._FILES if path == str(tmp_path / "x.duckdb")] != []
        assert len({path for _, path in duckdb_files._FILES if path.startswith(str(tmp_path))}) == 1
    assert [path for _, path in duckdb_files._FILES if path.startswith(str(tmp_path))] == []
    assert not (tmp_path / "x.duckdb.wal").exists()
    check = "import duckdb, sys; print(duckdb.connect(sys.argv[1]).execute('SELECT count(*) FROM products').fetchone())"
    seen = subprocess.run([sys.executable, "-c", check, str(tmp_path / "x.duckdb")], capture_output=True, check=True)
    assert seen.stdout == b"(2,)\n"


def test_closing_twice_does_no_harm(tmp_path):
    for kind in ("duckdb", "sqlite"):
        destination = open_destination(f"{kind}:///{tmp_path}/x.{kind}")
        destination.open()
        destination.create_load(make_spec())
        destination.close()
        destination.close()


def test_duckdb_keeps_a_targets_checks_in_staging(tmp_path):
    place = at("duckdb", tmp_path / "x.duckdb")
    place.run("CREATE TABLE products (id BIGINT CHECK (id > 0), name VARCHAR, CHECK (id < 100 OR name IS NOT NULL))")
    spec = make_spec()
    with place.destination() as destination:
        destination.create_load(spec)
        for wrong in ((0, "a"), (200, None)):
            with pytest.raises(BadRowsError):
                destination.write_chunks(spec, [make_chunk(0, [wrong], spec)])
        destination.write_chunks(spec, [make_chunk(0, ROWS, spec)])


@pytest.mark.parametrize(
    ("hanging", "way"),
    [
        ("SELECT 1", True),
        ("CREATE INDEX i ON products (id)", False),
        ("COMMENT ON TABLE products IS 'c'", False),
        ("ALTER TABLE products ALTER id SET DEFAULT 1", False),
        ("ALTER TABLE products ADD PRIMARY KEY (id)", False),
    ],
)
def test_a_duckdb_table_is_dropped_for_a_replacement_only_when_nothing_hangs_on_it(tmp_path, hanging, way):
    place = at("duckdb", tmp_path / "x.duckdb")
    place.run("CREATE TABLE products (id BIGINT, name VARCHAR)")
    place.run(hanging)
    with place.destination() as destination:
        assert destination._replaceable(destination._resolve("products")) is way
    load(place, make_spec(1, mode="replace"), ROWS)
    load(place, make_spec(2, mode="replace"), [(2, "c"), (3, "d")])
    assert sorted(place.run("SELECT * FROM products")) == [(2, "c"), (3, "d")]


def test_duckdb_loads_more_than_its_memory_holds(tmp_path):
    place = at("duckdb", tmp_path / "x.duckdb")
    spec = make_spec(mode="upsert", key=("id",), ordered=True, chunks=4, counted=400_000)
    with place.destination() as destination:
        destination.create_load(spec)
        for number in range(4):
            rows = [(n, f"{number} " + "x" * 200) for n in range(100_000)]
            destination.write_chunks(spec, [make_chunk(number, rows, spec, file=number)])
        assert destination._query("SELECT current_setting('memory_limit')") == [("45.7 MiB",)]
        destination.publish(spec)
    assert place.run("SELECT count(*), min(name[:2]), max(name[:2]) FROM products") == [(100_000, "3 ", "3 ")]


@pytest.mark.parametrize("apart", [DIALECT.apart, ""])
def test_duckdb_returns_more_rejects_than_its_memory_holds(tmp_path, apart):
    place = at("duckdb", tmp_path / "x.duckdb")
    for statement in bookkeeping_ddl(TableName("main", ""), DIALECT._replace(apart=apart)):  # "": an earlier version's
        place.run(statement)
    spec, beside = (make_spec(number, chunks=10, counted=120) for number in (1, 2))
    lines = [json.dumps({"record": n, "raw": f"{n:05}" * 100_000}) for n in range(120)]
    with place.destination() as destination:
        destination.create_load(spec)
        destination.create_load(beside)
        for number in range(9, -1, -1):
            destination.write_chunks(spec, [make_chunk(number, [], spec, tuple(lines[12 * number : 12 * number + 12]))])
            destination.write_chunks(beside, [make_chunk(number, [], beside, ('{"record": 7}',) * 12)])
    with place.destination() as destination:
        for expected, found in zip(lines, destination.rejects(spec.load_id), strict=True):
            assert expected == found
        assert list(destination.rejects(beside.load_id)) == ['{"record": 7}'] * 120
        limit = destination._query("SELECT current_setting('memory_limit')")
        assert limit == [("45.7 MiB",)] or not apart


def test_a_long_transaction_of_duckdb_writes_all_or_nothing(tmp_path):
    place = at("duckdb", tmp_path / "x.duckdb")
    spec = make_spec(chunks=4, counted=4 * len(ROWS))
    chunks = [make_chunk(number, ROWS, spec) for number in range(4)]

    def broken():
        yield chunks[0]
        raise TransientError("the source is away")

    with place.destination() as destination, place.destination() as other:
        destination.create_load(spec)
        with pytest.raises(TransientError, match="away"):
            destination.write_long(spec, broken())
        assert destination.ledger(spec.load_id) == {}
        assert other.write_chunks(spec, [chunks[2]]) == {2}
        assert destination.write_long(spec, iter(chunks)) is False
        assert destination.ledger(spec.load_id).keys() == {2}
        assert destination.write_long(spec, iter([chunks[0], chunks[1], chunks[3]])) is True
        destination.publish(spec)
        assert destination.find_load(spec.load_id).loaded == 4 * len(ROWS)


def test_a_long_transaction_of_duckdb_may_have_very_many_chunks(tmp_path):
    place = at("duckdb", tmp_path / "x.duckdb")
    spec = make_spec(chunks=1203, counted=1203)
    with place.destination() as destination:
        destination.create_load(spec)
        before = destination.statements
        chunks = (make_chunk(number, [(number, "a")], spec) for number in range(1203))
        assert destination.write_long(spec, chunks) is True
        assert destination.statements - before == 1203 + 3 + 3, "rows of each, the ledger by 500, begin, look, commit"
        assert destination.ledger(spec.load_id).keys() == set(range(1203))
        destination.publish(spec)
    assert place.run("SELECT count(*), count(DISTINCT id) FROM products") == [(1203, 1203)]


def test_a_busy_sqlite_file_is_transient(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "_BUSY_SECONDS", 0.05)
    place, spec = at("sqlite", tmp_path / "x.sqlite"), make_spec()
    with place.destination() as destination:
        destination.create_load(spec)
        with contextlib.closing(sqlite3.connect(tmp_path / "x.sqlite", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(TransientError, match="locked"):
                destination.write_chunks(spec, [make_chunk(0, ROWS, spec)])
            other.execute("ROLLBACK")
        assert destination.write_chunks(spec, [make_chunk(0, ROWS, spec)]) == {0}


def test_sqlite_readers_are_not_kept_waiting_by_a_writer(tmp_path):
    place, spec = at("sqlite", tmp_path / "x.sqlite"), make_spec(2)
    load(place, make_spec(1), ROWS)
    with place.destination() as destination:
        destination.create_load(spec)
        with destination._transaction():
            destination._change("DELETE FROM products")
            assert sorted(place.run("SELECT * FROM products")) == ROWS


def test_a_strict_sqlite_table_refuses_at_write_and_a_check_at_publish(tmp_path):
    place = at("sqlite", tmp_path / "x.sqlite")
    place.run("CREATE TABLE products (id INTEGER, name INTEGER) STRICT")
    spec = make_spec(1)
    with place.destination() as destination:
        destination.create_load(spec)
        with pytest.raises(BadRowsError):
            destination.write_chunks(spec, [make_chunk(0, ROWS, spec)])
        destination.write_chunks(spec, [make_chunk(0, [(1, "5"), (2, None)], spec)])
        destination.publish(spec)
    assert place.run("SELECT * FROM products") == [(1, 5), (2, None)]
    place.run("CREATE TABLE checked (id INTEGER CHECK (id > 0), name TEXT)")
    with pytest.raises(PermanentError, match="CHECK constraint failed"):
        load(place, make_spec(2, table="checked"), [(0, "a")])


def test_a_sqlite_view_on_a_table_that_is_not_there_yet_does_not_stop_its_load(tmp_path):
    place = at("sqlite", tmp_path / "x.sqlite")
    place.run("CREATE VIEW names AS SELECT name FROM products")
    load(place, make_spec(1), ROWS)
    load(place, make_spec(2, mode="replace", columns=(ID, NAME)), [(3, "c")])
    assert place.run("SELECT * FROM names") == [("c",)]


def test_duckdb_attempts_in_threads_write_each_row_once(tmp_path):
    place, spec = at("duckdb", tmp_path / "x.duckdb"), make_spec(chunks=6, counted=60_000)
    errors = []

    def work(numbers):
        try:
            with place.destination() as destination:
                destination.create_load(spec)
                for number in numbers:
                    rows = [(number * 10_000 + n, "x") for n in range(10_000)]
                    destination.write_chunks(spec, [make_chunk(number, rows, spec)])
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(numbers,)) for numbers in ((0, 1, 2), (3, 4, 5))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    with place.destination() as destination:
        destination.publish(spec)
    with duckdb.connect(str(tmp_path / "x.duckdb")) as connection:
        assert connection.execute("SELECT count(*), count(DISTINCT id) FROM products").fetchone() == (60_000, 60_000)
