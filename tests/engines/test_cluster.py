"""A Flink cluster of several processes, started by templates/flink: same results, and its ways to end before time."""

from __future__ import annotations

import json
import os
import signal

import psutil
import pytest

from pipelines import registry
from tests.ended import ended
from tests.engines import sample_jobs
from tests.engines.conftest import here
from tests.engines.flink_cluster import run_flink_cluster
from tests.engines.test_same_everywhere import run
from tests.pipelines.ingest_jobs import start, wait_until
from tests.pipelines.toy import ITEM_BYTES
from tests.services.copy_ends import S3Prefix, bodies

pytestmark = pytest.mark.timeout(600)  # more than all that is waited for here together
ITEMS = 300


@pytest.fixture(scope="module")
def environment(s3_server):
    """For the command and for the workers: a run's folder may be in a bucket."""
    return {**s3_server.environment, "AWS_ENDPOINT_URL": s3_server.endpoint}


@pytest.fixture(scope="module")
def cluster(environment):
    here("flink")
    with run_flink_cluster(environment) as started:
        yield started


@pytest.fixture
def bucket(s3_environment, environment, monkeypatch):
    """A place for runs that no disk has to hold."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", environment["AWS_ENDPOINT_URL"])
    return S3Prefix(s3_environment)


def test_a_job_ends_on_a_cluster_as_on_the_direct_runner(cluster, stage):
    sample = sample_jobs.ingest_to_parquet(stage)
    direct = run("ingest", sample, stage.folder, "direct")
    other = run("ingest", sample, stage.folder, "flink", cluster.flags)
    assert other.summary.runner.startswith("FlinkRunner, 127.0.0.1:")
    assert other.compared == direct.compared


def test_workers_that_share_no_disk_leave_the_same_whole_run_folder_in_a_bucket(cluster, stage, bucket):
    sample = sample_jobs.copy_between_servers(stage)

    def in_the_bucket(runner, flags=()):
        destination, place = sample.destination(runner), f"{runner}/run/"
        given = {**sample.settings, **destination.settings, "output": bucket.root + place}
        registry.pipeline_module("copy").run(registry.settings_class("copy")(runner=runner, **given), flags)
        left = {key.removeprefix(place): body for key, body in bodies(bucket).items() if key.startswith(place)}
        texts = {name: body.decode() for name, body in left.items()}
        return ended(texts, [destination.name, bucket.root + place], destination.found())

    direct, other = in_the_bucket("direct"), in_the_bucket("flink", cluster.flags)
    told = {name for name in other.files if ".progress/" in name}
    assert told, "workers told how far they were, there too"
    assert {step.name: step.elements for step in other.summary.steps} == {
        step.name: step.elements for step in direct.summary.steps
    }
    other = other._replace(files=other.files - told)
    assert {"summary.json", "report.html", "hornbeam.log", "outcomes.jsonl", "failures.jsonl"} <= other.files
    assert len(other.lines["outcomes.jsonl"]) == len(sample_jobs.BODIES)
    assert other.compared == direct.compared
    assert not list(stage.folder.rglob("*.json*"))


@pytest.fixture
def job(cluster, tmp_path):
    """A run in a process of its own, at work on the cluster."""
    cluster.start_task_managers()
    folder = tmp_path / "run"
    words = [str(folder), str(ITEMS), "0.3", *cluster.flags, "--shared_disk"]
    process = start(words, module="tests.pipelines.toy")
    try:
        wait_until(lambda: process.poll() is not None or any(folder.glob("running/progress/*.json")), "the work", 120)
        assert process.poll() is None, process.stderr.read()
        yield process, folder
    finally:
        process.kill()
        process.communicate()


def test_each_task_manager_has_its_work_done_by_the_pool_beside_it(job, cluster):
    wait_until(lambda: all(map(cluster.workers, cluster.pools)), "a worker of each pool", 120)
    managers = {manager.pid for manager in cluster.task_managers}
    spoken_to = [
        {peer for worker in cluster.workers(pool) for peer in peers_of(worker) if peer in managers}
        for pool in cluster.pools
    ]
    assert [len(found) for found in spoken_to] == [1, 1]
    assert set.union(*spoken_to) == managers


def peers_of(process):
    """The processes to which this one has connections."""
    theirs = {one.raddr for one in process.net_connections("tcp") if one.raddr}
    return {one.pid for one in psutil.net_connections("tcp") if one.laddr in theirs}


def test_ctrl_c_drains_a_job_whose_workers_see_the_run_folder(job):
    process, folder = job
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "asked the FlinkRunner job to drain" in err
    summary = json.loads((folder / "summary.json").read_text())
    items = summary["items"]
    assert items["planned"] == ITEMS == items["done"] + items["not_started"]
    assert 0 < items["done"] < ITEMS
    assert summary["bytes"]["done"] == items["done"] * ITEM_BYTES
    assert not (folder / "running").exists()


def test_ctrl_c_cancels_a_job_whose_workers_see_no_folder_of_the_run(cluster, bucket):
    cluster.start_task_managers()
    process = start([f"{bucket.root}run", str(ITEMS), "0.3", *cluster.flags], module="tests.pipelines.toy")
    try:
        wait_until(lambda: process.poll() is not None or "/00" in " ".join(bucket.keys()), "an item", 120)
        assert process.poll() is None, process.stderr.read()
        os.kill(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=120)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130, err
    assert "SIGINT: asked to stop; asked FlinkRunner to cancel the job: what is under way is broken off" in err
    assert "Traceback" not in err
    summary = json.loads(bucket.got("run/summary.json").body)
    assert cluster.states()[f"hornbeam-{summary['run_id']}"] == "CANCELED"
    items = summary["items"]
    assert summary["status"] == "interrupted"
    assert items["planned"] == ITEMS == items["done"] + items["not_started"]
    assert 0 < items["done"] < ITEMS
    assert len(bucket.got("run/outcomes.jsonl").body.splitlines()) == items["done"]


def test_a_killed_task_manager_fails_the_run_with_its_account(job, cluster):
    process, folder = job
    cluster.kill_task_managers()  # both: whichever has the bundle
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1, err
    assert "Traceback" not in err
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["status"] == "failed"
    assert summary["items"]["planned"] == ITEMS
