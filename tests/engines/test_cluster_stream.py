"""Streams on a Flink cluster of several processes: they survive the loss of TaskManagers, and end when they should."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from pipelines.engines import flink
from pipelines.engines.choice import asked_of
from pipelines.settings import PipelineSettings
from tests.engines.cluster_streams import ROWS, WAIT_SECONDS, Copying, Loading
from tests.engines.conftest import here
from tests.engines.flink_cluster import Cluster, run_flink_cluster
from tests.pipelines.ingest_jobs import records, start, wait_until
from tests.services.copy_ends import S3Prefix, bodies

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(900)  # more than all that is waited for here together
A_ROUND = 40


@pytest.fixture(scope="module")
def environment(s3_server, postgres) -> dict[str, str]:
    """For the commands and for the workers."""
    return {**s3_server.environment, "AWS_ENDPOINT_URL": s3_server.endpoint, "PGPASSWORD": postgres.password}


@pytest.fixture(scope="module")
def cluster(environment) -> Iterator[Cluster]:
    """Each TaskManager has room for all that runs here, so that a job never waits for the other one."""
    here("flink")
    with run_flink_cluster(environment, slots=4) as started:
        yield started


@pytest.fixture
def flags(cluster, environment, monkeypatch, tmp_path) -> list[str]:
    """For a stream whose state is in a folder that the TaskManagers see; its command has the environment."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    words = ["--watch=0.3", "--window_seconds=1", "--checkpointing_interval=1000", "--state_backend=filesystem"]
    return [*words, f"--state_backend_storage_path=file://{tmp_path}/checkpoints", *cluster.flags]


@pytest.fixture
def loading(tmp_path, request) -> Iterator[Loading]:
    (tmp_path / "load").mkdir()
    made = Loading(tmp_path / "load", request)
    yield made
    made.stop()


@pytest.fixture
def copying(tmp_path, request) -> Iterator[Copying]:
    (tmp_path / "copy").mkdir()
    made = Copying(tmp_path / "copy", request)
    yield made
    made.stop()


def test_streams_go_on_by_themselves_when_both_task_managers_are_killed_in_turn(cluster, loading, copying, flags):
    """An `ingest` and a `copy` side by side; each kill meets transactions that wait, and a copy in mid-batch."""
    streams, all_there = (loading, copying), range(3 * A_ROUND)
    written: dict[str, int] = {}
    for stream in streams:
        stream.put(all_there[:A_ROUND])
        stream.start(*flags, "--shared_disk")
    for stream in streams:
        stream.wait_for(A_ROUND)
    for lost, manager in enumerate(list(cluster.task_managers), 1):
        new = all_there[lost * A_ROUND :][:A_ROUND]
        wait_for_checkpoints(cluster, len(streams))
        written |= copying.there()
        loading.put(new)
        with loading.held():
            copying.put(new)
            copying.wait_for_copies(len(written) + 4)
            manager.kill()
            manager.wait()
            written |= copying.there()
            assert len(written) < new.stop, "a batch was under way"
        wait_until_restored(cluster, len(streams), lost)
        cluster.start_task_managers()
        for stream in streams:
            stream.wait_for(new.stop)
    for stream in streams:
        stream.process.send_signal(signal.SIGTERM)
    loads, copies = (stream.ended(143) for stream in streams)
    files, rows = len(all_there), ROWS * len(all_there)
    assert loading.rows() == records(rows)
    assert loading.ledger() == (files, rows)
    assert loading.outcomes() == {f"{number}.csv": "done" for number in all_there}
    assert loads["items"] | {"planned": files, "done": files} == loads["items"]
    assert loads["rows"] | {"counted": rows, "loaded": rows} == loads["rows"]
    assert copying.bodies() == {str(number): copying.body(number) for number in all_there}
    found = copying.there()
    assert {name: found[name] for name in written} == written, "not written again"
    assert set(copying.outcomes()) == set(found)
    assert copies["items"]["done"] + copies["items"]["skipped"] == files == copies["items"]["planned"]
    assert not cluster.jobs()


def wait_for_checkpoints(cluster: Cluster, jobs: int) -> None:
    """So that what was done before needs not be done again."""

    def of_all() -> dict[str, int]:
        found = cluster.checkpoints()  # empty when a busy JobManager didn't answer in time
        return found if len(found) == jobs else {}

    before = wait_until(of_all, "the checkpoints of all jobs", WAIT_SECONDS)

    def passed() -> bool:
        now = cluster.checkpoints()
        return all(now.get(name, 0) > count for name, count in before.items())

    wait_until(passed, "a checkpoint of each job", WAIT_SECONDS)


def wait_until_restored(cluster: Cluster, jobs: int, times: int) -> None:
    """Each job goes on where there is room, so wholly in the other TaskManager: the next kill meets all of both.

    That closed batches tell of all objects says nothing of it: a worker outlives its TaskManager, and ends its batch.
    """

    def passed() -> bool:
        restored = cluster.checkpoints("restored").values()
        return len(restored) == jobs and all(count >= times for count in restored)

    wait_until(passed, "jobs that went on", WAIT_SECONDS)


@pytest.fixture
def job_server(cluster, tmp_path) -> Iterator[str]:
    """One of the cluster, that runs already."""
    with flink.serving(None, asked_of(PipelineSettings(), cluster.flags, "").flags, str(tmp_path)) as endpoint:
        yield f"--job_endpoint={endpoint}"


def test_an_idle_stream_whose_workers_share_no_disk_ends_with_its_folder_in_a_bucket(
    cluster, s3_server, flags, job_server
):
    """Though it was sent through a job server that goes on, nothing of it stays on the cluster."""
    source, to, output = (S3Prefix(s3_server) for _ in range(3))
    for number in range(4):
        source.put(str(number), b"x" * number)
    words = ["copy", f"--source={source.root}", f"--destination={to.root}", f"--output={output.root}"]
    process = start([*words, *flags, job_server, "--stop_after_idle_seconds=5"])
    planned = 4
    try:
        # Something new all the while: what is worked in another worker doesn't keep the one that polls from being idle.
        while process.poll() is None and len(to.keys()) <= 4:
            source.put(str(planned), b"late")
            planned += 1
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.5)
        out, err = process.communicate(timeout=WAIT_SECONDS)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0, err
    assert f"{planned} planned = {planned} done" in out
    assert bodies(to) == bodies(source)
    left = bodies(output)
    summary = json.loads(left["summary.json"])
    assert (summary["status"], summary["items"]["done"]) == ("completed", planned)
    assert len(left["outcomes.jsonl"].splitlines()) == planned
    names = {key.partition("/")[0] for key in left} - {f"stream-ended-{summary['run_id']}"}
    assert names == {"failures.jsonl", "hornbeam.log", "outcomes.jsonl", "parts", "report.html", "summary.json"}
    assert cluster.states()[f"hornbeam-{summary['run_id']}"] == "CANCELED"
    assert not cluster.jobs()
