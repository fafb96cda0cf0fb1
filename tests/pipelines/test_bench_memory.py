"""`hornbeam bench memory`: both ways load the same rows, in a place of their own, and each has its own figures."""

import re
from pathlib import Path

import psycopg
import pytest

from pipelines import registry
from pipelines.__main__ import console
from pipelines.bench_memory import LOAD_IT_ALL, MIB, Measured, Way, main, measure, table_of
from pipelines.ingest_at_once import KINDS, load, temporary_place
from pipelines.table_ingest import Settings

EXAMPLES = Path(__file__).parents[2] / "examples"
SOURCES = tuple(str(EXAMPLES / pattern) for pattern in ("*.csv", "*.csv.gz", "*.xlsx"))
ROWS = 1100


def test_both_ways_load_the_same_rows_and_leave_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = [f"--source={source}" for source in SOURCES]
    assert console(["bench", "memory", "ingest", *words, "--destination=duckdb:///out.duckdb", "--table=t"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"ingest: {ROWS:,} rows streaming, {ROWS:,} rows load-it-all"
    figures = {line.split()[0]: [float(cell) for cell in line.split()[1:]] for line in lines[3:5]}
    for peak, idle, above, seconds in figures.values():
        assert peak > idle > 20
        assert abs(peak - idle - above) <= 2
        assert seconds > 0
    assert re.fullmatch(r"load-it-all takes \d+\.\d x the memory above idle and \d+\.\d x the time", lines[-1])
    assert list(tmp_path.iterdir()) == []


def test_a_temporary_schema_takes_the_bench_and_its_bookkeeping(tmp_path, postgres):
    name = postgres.new_database()
    settings = Settings(
        source=SOURCES, destination=postgres.uri(name).replace("@", f":{postgres.password}@"), table="untouched"
    )
    ways = measure("ingest", settings)
    assert [(way.work.problem, way.work.rows) for way in ways] == [("", ROWS)] * 2
    with postgres.connect(name) as connection:
        left = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'hornbeam%'"
        assert connection.execute(left).fetchall() == []
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("SELECT 1 FROM untouched")


@pytest.mark.parametrize("destination", ["duckdb:///a.duckdb", "sqlite:///a.sqlite", "parquet:folder"])
def test_the_load_it_all_way_knows_each_kind_of_file(tmp_path, destination):
    asked = Settings(source=SOURCES, destination=destination, table="untouched")
    with temporary_place(asked, tmp_path) as placed:
        assert str(tmp_path) in placed.destination
        assert placed.table != "untouched"
        assert load(placed) == ROWS


@pytest.mark.parametrize("name", ["copy", "verify"])
def test_both_ways_move_the_same_objects(tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    for folder in ("from", "to") if name == "verify" else ("from",):
        for number in range(5):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / f"{number}.bin").write_bytes(bytes([number]) * 1000)
    assert console(["bench", "memory", name, "--source=from/", "--destination=to/"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == f"{name}: 5 objects streaming, 5 objects load-it-all"
    assert (tmp_path / "to").exists() == (name == "verify")


def test_a_way_that_fails_is_told_and_ends_with_1(tmp_path, capsys):
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(b"PK not a workbook")
    words = [f"--source={broken}", f"--destination=duckdb:///{tmp_path}/x.duckdb", "--table=t"]
    assert main(["ingest", *words]) == 1
    out = capsys.readouterr().out
    assert "load-it-all failed: exit 1: " in out
    assert "broken.xlsx" in out


def test_a_table_shows_peaks_ratio_and_seconds():
    idle = Measured(100 * MIB, 1.0, 0, "")
    ways = [
        Way("streaming", Measured(150 * MIB, 4.0, 10, ""), idle),
        Way("load-it-all", Measured(600 * MIB, 6.0, 10, ""), idle),
    ]
    lines = table_of("ingest", ways)
    assert lines[3].split() == ["streaming", "150", "100", "50", "4.0"]
    assert lines[4].split() == ["load-it-all", "600", "100", "500", "6.0"]
    assert lines[-1] == "load-it-all takes 10.0 x the memory above idle and 1.5 x the time"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "bench memory knows ingest, copy, verify, not ''"),
        (["ingests"], "bench memory knows ingest, copy, verify, not 'ingests'"),
        (["ingest"], "--source is required"),
        (["ingest", "--source=no.csv", "--destination=duckdb:///x", "--table=t"], "no.csv"),
        (["ingest", "--source=no.csv", "--destination=bigquery://p/d", "--table=t"], "there is none for 'bigquery'"),
    ],
)
def test_a_wrong_command_ends_with_2(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    assert console(["bench", "memory", *words]) == 2
    assert message in capsys.readouterr().err


def test_every_pipeline_has_its_load_it_all_way():
    assert set(LOAD_IT_ALL) == set(registry.PIPELINES)
    assert {"duckdb", "sqlite", "postgresql", "parquet"} <= set(KINDS)
