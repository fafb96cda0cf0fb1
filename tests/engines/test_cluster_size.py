"""Large jobs on a Flink cluster that loses a TaskManager half-way: the same command finishes, nothing is done twice."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.engines.conftest import here
from tests.engines.flink_cluster import Cluster, run_flink_cluster
from tests.pipelines.ingest_jobs import start, wait_until
from tests.servers.juicefs import run_juicefs_server
from tests.services.copy_ends import S3Prefix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(1200)  # more than all that is waited for here together
ROWS, FILES = 5_000_000, 5
OBJECTS = 5_000
SUM = ROWS * (ROWS - 1) // 2


@pytest.fixture(scope="module")
def credentials(s3_server, postgres) -> dict[str, str]:
    """For the command and for the workers."""
    return {**s3_server.environment, "PGPASSWORD": postgres.password}


@pytest.fixture(scope="module")
def cluster(credentials) -> Iterator[Cluster]:
    here("flink")
    with run_flink_cluster(credentials) as started:
        yield started


@pytest.fixture(autouse=True)
def known_credentials(credentials, monkeypatch) -> None:
    for name, value in credentials.items():
        monkeypatch.setenv(name, value)


def summary(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "summary.json").read_text())


def outcomes(folder: Path, root: str) -> dict[str, str]:
    """What became of each item, by its name below `root`; one line each."""
    lines = [json.loads(line) for line in (folder / "outcomes.jsonl").read_text().splitlines()]
    found = {line["item"].removeprefix(root): line["status"] for line in lines}
    assert len(found) == len(lines)
    return found


def run_to_the_end(words: list[str], folder: Path, code: int) -> dict[str, Any]:
    process = start([*words, f"--output={folder}"])
    return end_of(process, folder, code)


def end_of(process: Any, folder: Path, code: int) -> dict[str, Any]:
    out, err = process.communicate(timeout=240)
    assert process.returncode == code, out + err
    assert "Traceback" not in err
    return summary(folder)


def at_work(cluster: Cluster, port: int) -> int:
    """Which TaskManager's worker speaks most to a server: a small job may be at work on one only."""

    def spoken(pool: Any) -> int:
        connections = [one for worker in cluster.workers(pool) for one in worker.net_connections("tcp")]
        return sum(bool(one.raddr) and one.raddr.port == port for one in connections)

    found = [spoken(pool) for pool in cluster.pools]
    return found.index(max(found))


def lose_a_task_manager(
    cluster: Cluster, words: list[str], folder: Path, begun: Callable[[], bool], port: int
) -> dict[str, Any]:
    """Runs a command, kills a TaskManager once it is at work; returns when no worker does anything any more."""
    process = start([*words, f"--output={folder}"])
    try:
        wait_until(lambda: process.poll() is not None or begun(), "the work", 240)
        assert process.poll() is None, process.communicate()
        lost = cluster.task_managers[at_work(cluster, port)]
        lost.kill()
        lost.wait()
        failed = end_of(process, folder, 1)
    finally:
        process.kill()
        process.communicate()
    cluster.wait_until_idle()
    cluster.start_task_managers()
    return failed


def test_five_million_rows_are_loaded_once_though_a_task_manager_is_lost(cluster, postgres, tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    for number in range(FILES):
        of_file = range(number, ROWS, FILES)
        lines = "".join(f"{row},{row % 1000}\n" for row in of_file)
        (source / f"{number}.csv").write_text(f"id,value\n{lines}")
    database = postgres.new_database()
    words = ["ingest", f"--source={source}/*.csv", f"--destination={postgres.uri(database)}", "--table=t"]
    words += [*cluster.flags, "--shared_disk"]

    def ledger() -> tuple[int, int]:
        with postgres.connect(database) as connection:
            if connection.execute("SELECT to_regclass('hornbeam_ledger')").fetchone() == (None,):
                return 0, 0
            return connection.execute(
                "SELECT count(*), coalesce(sum(counted), 0)::int8 FROM hornbeam_ledger"
            ).fetchone()

    failed = lose_a_task_manager(cluster, words, tmp_path / "first", lambda: ledger()[0] > 50, postgres.port)
    assert failed["status"] == "failed"
    _, committed = ledger()
    assert 0 < committed < ROWS
    done = run_to_the_end(words, tmp_path / "second", 0)
    rows = done["rows"]
    assert (rows["counted"], rows["rejected"]) == (ROWS, 0)
    assert (rows["skipped"], rows["loaded"]) == (committed, ROWS - committed), "only what was not yet there"
    assert outcomes(tmp_path / "second", f"file://{source}/") == {f"{number}.csv": "done" for number in range(FILES)}
    with postgres.connect(database) as connection:
        found = connection.execute("SELECT count(*), count(DISTINCT id), sum(id)::int8 FROM t").fetchone()
    assert found == (ROWS, ROWS, SUM)
    assert ledger()[1] == ROWS


def test_five_thousand_objects_are_copied_once_though_a_task_manager_is_lost(cluster, s3_server, tmp_path):
    with run_juicefs_server(s3_server.access_key, s3_server.secret_key) as far:
        source, destination = S3Prefix(s3_server), S3Prefix(far)
        keys = [f"{number:05}" for number in range(OBJECTS)]
        with ThreadPoolExecutor(16) as threads:
            list(threads.map(lambda key: source.put(key, body(key)), keys))
        words = ["copy", f"--source={source.root}", f"--destination={destination.root}", "--requests_per_second=400"]
        words += [f"--source_endpoint_url={source.endpoint}", f"--destination_endpoint_url={destination.endpoint}"]
        words += [*cluster.flags, "--shared_disk"]
        port = int(far.endpoint.rpartition(":")[2])
        failed = lose_a_task_manager(cluster, words, tmp_path / "first", lambda: len(destination.keys()) > 100, port)
        assert failed["status"] == "failed"
        there = listed(destination)
        assert 0 < len(there) < OBJECTS
        done = run_to_the_end(words, tmp_path / "second", 0)
        items = done["items"]
        assert (items["skipped"], items["done"]) == (len(there), OBJECTS - len(there))
        told = outcomes(tmp_path / "second", source.root)
        assert told == {key: "skipped" if key in there else "done" for key in keys}
        found = listed(destination)
        assert {key: etag for key, (_, etag) in found.items()} == {key: md5_of(body(key)) for key in keys}
        assert {key: found[key] for key in there} == there  # not written again


def body(key: str) -> bytes:
    return key.encode() * 40


def md5_of(body: bytes) -> str:
    return f'"{hashlib.md5(body).hexdigest()}"'


def listed(end: S3Prefix) -> dict[str, tuple[Any, str]]:
    """When each object was written, and its MD5 as its ETag."""
    pages = end.client.get_paginator("list_objects_v2").paginate(Bucket=end.bucket, Prefix=end.prefix)
    return {
        one["Key"].removeprefix(end.prefix): (one["LastModified"], one["ETag"])
        for page in pages
        for one in page.get("Contents", ())
    }
