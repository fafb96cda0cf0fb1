"""Loads at once: units attempted twice, the same command twice, different loads of one table with readers beside."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.pipelines.ingest_jobs import csv_bytes, records, start
from tests.servers.fault_proxy import Fault
from tests.services.destination_cases import Place
from tests.services.killed_ingest import new_folder, run, said
from transforms.core.tables.loads import finish_steps, load_steps
from transforms.core.tables.loads.connections import Connections
from transforms.core.tables.loads.load_settings import LoadSettings

ROWS = 600


@pytest.fixture(autouse=True)
def password(request, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", request.getfixturevalue("postgres").password)


@pytest.fixture
def server_place(postgres) -> Place:
    return Place("postgresql", postgres.uri(postgres.new_database()), postgres.password)


def settings(place: Place, *sources, mode="append", **changes) -> LoadSettings:
    given = {"chunk_rows": 10, "range_bytes": 1000} | changes
    return LoadSettings(tuple(map(str, sources)), place.uri, "t", mode, **given)


def test_units_attempted_twice_at_once_count_once(place, tmp_path):
    source = tmp_path / "a.csv"
    source.write_bytes(csv_bytes(records(ROWS)))
    asked = settings(place, source)
    connections, folder = Connections(asked), new_folder(tmp_path / "run")

    def twice(step):
        """Calls a step in two threads at the same moment."""
        gate = threading.Barrier(2)

        def attempt(_):
            gate.wait(30)
            return step()

        with ThreadPoolExecutor(2) as threads:
            return list(threads.map(attempt, range(2)))

    begun, _ = twice(lambda: load_steps.begin(asked, connections))
    [(ranges, ready), _] = twice(lambda: load_steps.inspect(begun.files[0], asked))
    found = [begun.head, *ready, *(load_steps.scan(task, asked) for task in ranges)]
    (message, tasks), _ = twice(lambda: load_steps.plan(begun.files[0].load_id, found, asked, connections))
    attempts = [twice(lambda task=task: list(load_steps.load([task], asked, connections))) for task in tasks]
    results = [result for pair in attempts for attempt in pair for result in attempt]
    assert [result.error for result in results] == [""] * len(results)
    assert sum(result.records for result in results) == ROWS
    twice(lambda: finish_steps.finish(message, results, asked, connections, folder))
    connections.close()
    assert sorted(place.run("SELECT id FROM t")) == [(n,) for n in range(ROWS)]
    [rows] = said(folder)["rows"]
    assert rows == {"counted": ROWS, "loaded": ROWS, "rejected": 0, "skipped": 0}
    with place.destination() as destination:
        [load] = destination.loads()
        assert len(destination.ledger(load.spec.load_id)) == load.spec.chunks
    assert (load.status, load.loaded) == ("completed", ROWS)


def test_the_same_command_twice_at_once_shares_the_work(server_place, web_server, fault_proxy, tmp_path):
    data = csv_bytes([(n, f"{n} " + "x" * 300, n) for n in range(12_000)])
    web_server.put("shared.csv", data)
    fault_proxy.reset(web_server.endpoint)
    fault_proxy.add(Fault(times=1000, delay_seconds=0.3))
    words = [f"--source={fault_proxy.endpoint}/plain/shared.csv", f"--destination={server_place.uri}", "--table=t",
             "--range_mb=1", "--chunk_rows=100", "--max_concurrent=1"]  # fmt: skip
    processes = [start(["ingest", *words, f"--output={tmp_path / name}"]) for name in ("one", "two")]
    try:
        ends = [process.communicate(timeout=120) for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], ends
    assert server_place.run("SELECT count(*), count(DISTINCT id) FROM t") == [(12_000, 12_000)]
    with server_place.destination() as destination:
        [load] = destination.loads()
        assert len(destination.ledger(load.spec.load_id)) == load.spec.chunks
    for name in ("one", "two"):
        summary = json.loads((tmp_path / name / "summary.json").read_text())
        assert (summary["status"], summary["items"]["planned"]) == ("completed", 1)
        assert summary["items"]["done"] + summary["items"]["skipped"] == 1
        assert summary["rows"]["counted"] == 12_000


def states(place: Place, stop: threading.Event, seen: set) -> None:
    """Reads what the table holds, by name, until told to stop."""
    with psycopg.connect(place.uri, password=place.password, autocommit=True) as connection:
        while not stop.is_set():
            rows = connection.execute("SELECT name, count(*) FROM t GROUP BY name ORDER BY name").fetchall()
            seen.add(tuple(rows))


@pytest.mark.parametrize("mode", ["append", "replace"])
def test_different_loads_of_a_table_meet_only_at_publish(server_place, tmp_path, mode):
    counts = {"a": 300, "b": 200, "c": 250}
    for name, count in {"old": 10, **counts}.items():
        (tmp_path / f"{name}.csv").write_bytes(csv_bytes([(n, name, n) for n in range(count)]))
    old = settings(server_place, tmp_path / "old.csv")
    assert run([(old, new_folder(tmp_path / "run old"))], server_place.password) == 0
    seen, stop = set(), threading.Event()
    reader = threading.Thread(target=states, args=(server_place, stop, seen))
    reader.start()

    def load(name: str) -> int:
        one = settings(server_place, tmp_path / f"{name}.csv", mode=mode)
        return run([(one, new_folder(tmp_path / f"run {name}"))], server_place.password)

    try:
        with ThreadPoolExecutor(3) as threads:
            codes = list(threads.map(load, counts))
    finally:
        stop.set()
        reader.join(30)
    assert codes == [0, 0, 0]
    end = tuple(server_place.run("SELECT name, count(*) FROM t GROUP BY name ORDER BY name"))
    whole = {("old", 10), *counts.items()}
    assert all(set(state) <= whole for state in seen)
    if mode == "append":
        assert set(end) == whole
        assert all(("old", 10) in state for state in seen)
    else:
        assert len(end) == 1
        assert {len(state) for state in seen} == {1}
    with server_place.destination() as destination:
        assert [load.status for load in destination.loads()] == ["completed"] * 4
