"""Streams into PostgreSQL (and beside it the embedded ones): batches at once, after a kill, beside bounded loads."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.services import killed_ingest
from tests.services.destination_cases import Place
from tests.services.killed_ingest import DATABASE, Point
from tests.services.killed_stream import POINTS, begin, ended, notices, run
from transforms.core.run_folder import RunFolder
from transforms.core.streams.winners import Winners
from transforms.core.tables.loads.connections import Connections
from transforms.core.tables.loads.load_settings import LoadSettings
from transforms.core.tables.loads.stream_files import load_batch

SCHEMA = json.dumps({"fields": [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}]})


@pytest.fixture
def server(postgres) -> Place:
    return Place("postgresql", postgres.uri(postgres.new_database()), postgres.password)


@pytest.fixture(autouse=True)
def password(request, monkeypatch):
    if "place" in request.fixturenames or "server" in request.fixturenames:
        kind = "server" if "server" in request.fixturenames else "place"
        monkeypatch.setenv("PGPASSWORD", request.getfixturevalue(kind).password)


def settings_of(place: Place, **changes) -> LoadSettings:
    return LoadSettings((), place.uri, "t", schema_text=SCHEMA)._replace(**changes)


def write(folder, number: int, rows: int = 3):
    path = folder / f"{number:03}.csv"
    path.write_text("id,name\n" + "".join(f"{number * 1000 + row},n{number}\n" for row in range(rows)))
    return path


def expected(numbers, rows: int = 3) -> list[tuple]:
    return [(number * 1000 + row, f"n{number}") for number in numbers for row in range(rows)]


def rows_of(place: Place) -> list[tuple]:
    return place.run("SELECT id, name FROM t ORDER BY id, name")


def account(folder: RunFolder) -> tuple[int, int, int]:
    """Objects done, rows loaded, and rows rejected, of a run as it is merged."""
    winners, lines = Winners(), []
    for part, text in folder.part_texts():
        line = json.loads(text)
        lines.append((part, line))
        if line["kind"] == "outcome":
            winners.see(part, line)
    told = [line for part, line in lines if winners.tells(part, line) and line["kind"] == "outcome"]
    done = [line for line in told if line["status"] == "done"]
    return len(done), sum(line["rows_loaded"] for line in done), sum(line["rows_rejected"] for line in done)


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_batches_at_once_that_share_files_load_each_of_them_once(place: Place, tmp_path, mode):
    key = ("id",) if mode == "upsert" else ()
    paths = [write(tmp_path, number) for number in range(24)]
    batches = [paths[start : start + 8][:: (-1) ** start] for start in range(0, 20, 4)] * 2
    settings, folder = settings_of(place, mode=mode, key=key), RunFolder(f"file://{tmp_path}/run", "r")
    connections = Connections(settings)
    with ThreadPoolExecutor(4) as threads:
        totals = list(threads.map(lambda batch: load_batch(notices(batch), settings, connections, folder), batches))
    connections.close()
    assert sum(one.failed for one in totals) == 0
    assert rows_of(place) == expected(range(24))
    assert place.run("SELECT count(*), sum(loaded) FROM hornbeam_loads WHERE status = 'completed'") == [(24, 72)]
    assert account(folder) == (24, 72, 0)
    assert place.tables() == {"t", "hornbeam_loads", "hornbeam_ledger", "hornbeam_rejects"}


def test_one_batch_attempted_twice_at_once_in_two_processes_is_loaded_once(server: Place, tmp_path):
    paths = [write(tmp_path, number) for number in range(20)]
    settings, folder = settings_of(server), RunFolder(f"file://{tmp_path}/run", "r")
    processes = [begin([paths], settings, folder, server.password) for _ in range(2)]
    assert [ended(process) for process in processes] == [0, 0]
    assert rows_of(server) == expected(range(20))
    assert account(folder) == (20, 60, 0)


def fatal(point: Point, kind: str) -> Point:
    """With the methods of the destination's class."""
    owner = {"postgresql": "postgres:PostgresDestination", "duckdb": "duckdb:DuckDBDestination"}[kind]
    named = {name: f"{DATABASE}{owner}{value}" for name, value in point._asdict().items() if str(value).startswith(".")}
    return point._replace(**named)


@pytest.mark.parametrize(
    "point", POINTS, ids=lambda point: f"{point.when} {point.function.rpartition('.')[2]} {point.nth}"
)
def test_a_stream_killed_in_a_batch_ends_exact_though_other_batches_follow(server: Place, tmp_path, point):
    paths = [write(tmp_path, number) for number in range(12)]
    bad = tmp_path / "900.csv"
    bad.write_text("id,name\n900000,n900\nx,y\n")
    settings, folder = settings_of(server), RunFolder(f"file://{tmp_path}/run", "r")
    files = [*paths[:4], bad, *paths[4:]]
    assert (
        run([files[:3], files[3:8], files[8:11]], settings, folder, server.password, fatal(point, "postgresql")) == -9
    )
    assert run([files[1:7], files[7:], files[:1]], settings, folder, server.password) == 0
    assert rows_of(server) == [*expected(range(12)), (900000, "n900")]
    assert server.run("SELECT count(*) FROM hornbeam_rejects") == [(1,)]
    assert account(folder) == (13, 37, 1)
    assert server.tables() == {"t", "hornbeam_loads", "hornbeam_ledger", "hornbeam_rejects"}


def bounded(place: Place, folder, *paths) -> None:
    settings = settings_of(place, sources=tuple(map(str, paths)))
    assert killed_ingest.run([(settings, RunFolder(f"file://{folder}/run", uuid.uuid4().hex))], place.password) == 0


def test_a_bounded_load_and_a_stream_leave_out_what_the_other_brought_in(place: Place, tmp_path):
    paths = [write(tmp_path, number) for number in range(6)]
    settings, folder = settings_of(place), RunFolder(f"file://{tmp_path}/run", "r")
    bounded(place, tmp_path, *paths[:2])
    bounded(place, tmp_path, paths[2])
    for batch, loaded in ((paths[:4], 1), (paths[3:5], 1)):
        connections = Connections(settings)
        totals = load_batch(notices(batch), settings, connections, folder)
        connections.close()
        assert (totals.done, totals.duplicates) == (loaded, len(batch) - loaded)
    bounded(place, tmp_path, *paths)
    assert rows_of(place) == expected(range(6))
    assert account(folder) == (2, 6, 0)


def test_files_are_loaded_again_after_a_replace_or_when_the_table_is_gone(place: Place, tmp_path):
    paths = [write(tmp_path, number) for number in range(3)]
    settings, folder = settings_of(place), RunFolder(f"file://{tmp_path}/run", "r")

    def stream(batch) -> tuple[int, int]:
        connections = Connections(settings)
        totals = load_batch(notices(batch), settings, connections, folder)
        connections.close()
        return totals.done, totals.duplicates

    assert stream(paths) == (3, 0)
    replacing = settings_of(place, sources=(str(paths[0]),), mode="replace")
    assert killed_ingest.run([(replacing, RunFolder(f"file://{tmp_path}/run", "replace"))], place.password) == 0
    assert rows_of(place) == expected(range(1))
    assert stream(paths[1:]) == (2, 0)
    assert stream(paths[1:]) == (2, 0)  # the same batch of the same run: what it did stays done
    assert rows_of(place) == expected(range(3))
    place.run("DROP TABLE t")
    assert stream(paths) == (3, 0)
    assert stream(paths[:2]) == (0, 2)
    assert rows_of(place) == expected(range(3))


def test_files_that_add_the_same_column_at_once_agree_on_its_type(server: Place, tmp_path):
    server.run("CREATE TABLE t (id bigint, name text)")
    paths = []
    for number in range(8):
        paths.append(tmp_path / f"{number}.csv")
        value = number if number % 2 else "tall"
        paths[-1].write_text(f"id,name,size\n{number},n,{value}\n")
    settings, folder = settings_of(server, schema_text="", add_columns=True), RunFolder(f"file://{tmp_path}/run", "r")
    processes = [begin([[path] for path in paths[part::2]], settings, folder, server.password) for part in range(2)]
    assert [ended(process) for process in processes] == [0, 0]
    done, loaded, rejected = account(folder)
    assert (done, loaded + rejected) == (8, 8)
    kind = server.run(
        "SELECT data_type::text FROM information_schema.columns WHERE table_name = 't' AND column_name = 'size'"
    )
    assert (loaded, kind) in ((8, [("text",)]), (4, [("bigint",)]))


def test_a_lost_server_connection_costs_no_row_and_no_double(server: Place, tmp_path):
    paths = [write(tmp_path, number) for number in range(6)]
    settings, folder = settings_of(server), RunFolder(f"file://{tmp_path}/run", "r")
    connections = Connections(settings)
    load_batch(notices(paths[:3]), settings, connections, folder)
    others = "pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
    server.run(f"SELECT pg_terminate_backend(pid) FROM {others}")
    assert load_batch(notices(paths), settings, connections, folder).done == 3
    connections.close()
    assert rows_of(server) == expected(range(6))


def test_a_unique_index_fails_only_the_file_that_violates_it(server: Place, tmp_path):
    server.run("CREATE TABLE t (id bigint PRIMARY KEY, name text)")
    paths = [write(tmp_path, number) for number in range(3)]
    paths.append(tmp_path / "twice.csv")
    paths[-1].write_text("id,name\n1001,again\n")
    settings, folder = settings_of(server), RunFolder(f"file://{tmp_path}/run", "r")
    connections = Connections(settings)
    totals = load_batch(notices(paths), settings, connections, folder)
    connections.close()
    assert (totals.done, totals.failed) == (3, 1)
    assert rows_of(server) == expected(range(3))
    assert server.run("SELECT status FROM hornbeam_loads WHERE status <> 'completed'") == [("failed",)]
