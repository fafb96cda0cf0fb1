"""SIGKILL at any point of a load; the same command again ends in the source's table, with an exact account."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import table_ingest
from tests.pipelines.ingest_jobs import COLUMNS, csv_bytes, records
from tests.services.destination_cases import Place
from tests.services.killed_ingest import CORE, FINISH, POINTS, Point, new_folder, run, said
from transforms.core.run_folder import RunFolder
from transforms.core.tables.loads.load_settings import LoadSettings

ROOT = Path(__file__).parents[2]
MODES = ("append", "replace", "upsert")
FILES, ROWS, LARGEST = 3, 60, 40
OLD = [(number, f"old {number}", 1.0) for number in range(150, 160)]
SCHEMA = json.dumps(
    {
        "fields": [
            {"name": "id", "type": "integer"},
            {"name": "name", "type": "string"},
            {"name": "amount", "type": "number", "constraints": {"maximum": LARGEST}},
        ]
    }
)


def source(folder: Path) -> list[Path]:
    """Files of ROWS records each; those with an amount over LARGEST are rejected (the last ones)."""
    paths = [folder / f"{number}.csv" for number in range(FILES)]
    for number, path in enumerate(paths):
        path.write_bytes(csv_bytes(records(ROWS, number * ROWS)))
    return paths


GOOD = [row for row in records(FILES * ROWS) if row[2] <= LARGEST]
BAD = [row for row in records(FILES * ROWS) if row[2] > LARGEST]
EXPECTED = {
    "append": sorted(OLD + GOOD),
    "replace": GOOD,
    "upsert": sorted({row[0]: row for row in OLD + GOOD}.values()),
}


def settings(place: Place, sources, mode: str, **changes) -> LoadSettings:
    """Small ranges and chunks: many transactions."""
    return LoadSettings(
        tuple(map(str, sources)),
        place.uri,
        "t",
        mode,
        ("id",) if mode == "upsert" else (),
        schema_text=SCHEMA,
        range_bytes=400,
        **{"chunk_rows": 7} | changes,
    )


def expected_rejects(paths) -> list[tuple]:
    lines = paths[-1].read_bytes().decode().split("\n")
    found = []
    for number, name, amount in BAD:
        record = number - (FILES - 1) * ROWS + 1
        raw = next(row for row in csv_bytes([(number, name, amount)]).decode().split("\n", 1)[1:]).removesuffix("\n")
        line = lines.index(raw.split("\n", maxsplit=1)[0]) + 1
        found.append((f"file://{paths[-1]}", "", record, line, "amount", str(amount), f"maximum {LARGEST}", raw))
    return found


def as_tuples(rejects) -> list[tuple]:
    return [tuple(line.values()) for line in rejects]


@pytest.fixture(params=["duckdb", "postgresql"])
def kill_place(request, tmp_path) -> Place:
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        return Place("postgresql", server.uri(server.new_database()), server.password)
    return Place("duckdb", f"duckdb:///{tmp_path}/out.duckdb", "")


@pytest.mark.parametrize(
    "number", range(len(POINTS)), ids=[f"{p.function.partition(':')[2] or p.function} {p.when} {p.nth}" for p in POINTS]
)
def test_a_load_killed_at_any_point_is_finished_exactly_by_the_same_command(kill_place, tmp_path, number):
    place, point, mode = kill_place, POINTS[number].full(kill_place.kind), MODES[number % len(MODES)]
    old = tmp_path / "old.csv"
    old.write_bytes(csv_bytes(OLD))
    paths = source(tmp_path)
    first = [(settings(place, [old], "append"), new_folder(tmp_path / "old")),
             (settings(place, paths, mode), new_folder(tmp_path / "killed"))]  # fmt: skip
    assert run(first, place.password, point) == -signal.SIGKILL
    assert rows(place) in (OLD, EXPECTED[mode])
    # The same command, whatever its chunks are said to be now; and once more, when there is nothing left to do.
    again, once_more = new_folder(tmp_path / "again"), new_folder(tmp_path / "once more")
    rest = [
        (settings(place, paths, mode, chunk_rows=11), again),
        (settings(place, paths, mode, chunk_rows=3), once_more),
    ]
    assert run(rest, place.password) == 0
    stored = number > POINTS.index(Point("._commit", since=".create_load"))
    check_account(place, tmp_path, paths, mode, 7 if stored else 11)


def rows(place: Place) -> list[tuple]:
    return sorted(place.run(f"SELECT {COLUMNS} FROM t"))


def check_account(place: Place, folder: Path, paths, mode: str, chunk_rows: int) -> None:
    """The table, the ledger, the rejects and what the run says of itself are exact."""
    assert rows(place) == EXPECTED[mode]
    assert not [name for name in place.tables() if "staging" in name]
    with place.destination() as destination:
        newest, _ = destination.loads()
        ledger = destination.ledger(newest.spec.load_id)
        stored = list(map(json.loads, destination.rejects(newest.spec.load_id)))
    assert (newest.status, newest.loaded, newest.rejected, newest.skipped) == ("completed", len(GOOD), len(BAD), 0)
    assert len(ledger) == newest.spec.chunks >= FILES * ROWS // chunk_rows
    assert sum(totals.loaded for totals in ledger.values()) == len(GOOD)
    assert sum(totals.counted for totals in ledger.values()) == FILES * ROWS
    assert as_tuples(stored) == expected_rejects(paths)
    for name in ("again", "once more"):
        lines = said(RunFolder(f"file://{folder / name}", name))
        assert as_tuples(lines["reject"]) == expected_rejects(paths)
        assert {line["status"] for line in lines["outcome"]} <= {"done", "skipped"}
        [counts] = lines["rows"]
        assert (counts["counted"], counts["rejected"]) == (FILES * ROWS, len(BAD))
        assert counts["loaded"] + counts["skipped"] == len(GOOD)
    assert {line["status"] for line in lines["outcome"]} == {"skipped"}


# Where the whole command dies, and in how many chunks the load then ends: those of 10 rows once their plan is stored.
WHOLE = [
    ("before the plan is stored", Point("._commit", since=".create_load"), 9, 0),
    ("before rows are written", Point("._put_rows", since=".write"), 18, 0),
    ("before a commit", Point("._commit", since=".write"), 18, 0),
    ("after a commit", Point(".write", 1, "after"), 18, 1),
    ("between staging and publish", Point(FINISH + "publish"), 18, 180),
    ("at the publish", Point("._move"), 18, 180),
    ("in the publish", Point("._commit", since="._move"), 18, 180),
    ("after the publish", Point("._commit", when="after", since="._move"), 18, 180),
    ("before the account", Point(FINISH + "publish", when="after"), 18, 180),
    ("in the account", Point("transforms.core.run_folder:RunFolder.write_part", 2), 18, 180),
]


@pytest.mark.parametrize(("point", "chunks", "skipped"), [one[1:] for one in WHOLE], ids=[one[0] for one in WHOLE])
def test_the_whole_command_killed_and_repeated_loads_each_record_once(
    kill_place, tmp_path, monkeypatch, point, chunks, skipped
):
    """Ten points for each database: the command as a process of its own, on Beam; then the same load again."""
    place, paths = kill_place, source(tmp_path)
    words = ["ingest", *(f"--source={path}" for path in paths), f"--destination={place.uri}", "--table=t"]
    words += [f"--output={tmp_path / 'run'}", "--chunk_rows=10"]
    line = [sys.executable, "-m", "tests.services.killed_ingest", json.dumps(point.full(place.kind)), *words]
    environment = {**os.environ, "PGPASSWORD": place.password}
    killed = subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    monkeypatch.setenv("PGPASSWORD", place.password)
    given = {"destination": place.uri, "table": "t", "output": str(tmp_path / "run"), "chunk_rows": 25}
    done = table_ingest.run(table_ingest.Settings(source=tuple(map(str, paths)), **given))
    assert (done.status, done.exit_code) == ("completed", 0)
    assert rows(place) == records(FILES * ROWS)
    with place.destination() as destination:
        [load] = destination.loads()
        assert len(destination.ledger(load.spec.load_id)) == chunks
    assert done.rows.skipped >= skipped, "what the killed run committed is not loaded by this one"
    assert (done.rows.counted, done.rows.loaded + done.rows.skipped, done.rows.rejected) == (180, 180, 0)
    assert not [name for name in place.tables() if "staging" in name]


def test_the_points_are_at_least_twenty_and_different():
    assert len(set(POINTS)) == len(POINTS) >= 20
    assert 2 * len({point for _, point, _, _ in WHOLE}) >= 20
    assert CORE in POINTS[0].function
