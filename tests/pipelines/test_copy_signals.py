"""Ctrl-C and SIGTERM: a copy ends soon with an exact account, nothing half is left, and the same command goes on."""

from __future__ import annotations

import itertools
import json
import signal
from collections import Counter
from functools import partial

import pytest

from tests.pipelines.copy_jobs import PART_BYTES, Job, between, tree
from tests.pipelines.ingest_jobs import end_by_signal, start, wait_until
from tests.servers.fault_proxy import Fault, FaultProxy
from transforms import objects
from transforms.core import interrupt
from transforms.core.copying import copy_tasks, copy_work
from transforms.core.copying.key_ranges import RangeSizes
from transforms.core.summary import Counts

SMALL = tree(120, large=False)
TREE = SMALL | {f"aa large {n}": bytes(2 * PART_BYTES + 1) for n in range(2)}
PROCESSES = ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]
CASES = [
    ("from s3", "listing", signal.SIGINT, []),
    ("within", "listing", signal.SIGTERM, []),
    ("to s3", "copying", signal.SIGINT, []),
    ("from s3", "copying", signal.SIGTERM, []),
    ("within", "copying", signal.SIGTERM, []),
    ("s5cmd", "copying", signal.SIGINT, []),
    ("to s3", "copying", signal.SIGINT, PROCESSES),
]
FOUR = {"max_concurrent": 4, "batch_size": 20}


def successes(proxy: FaultProxy, method: str) -> Counter[str]:
    """How often each small object was written (or read)."""
    found = (path for verb, path, status, _ in list(proxy.log) if verb == method and status in (200, 206))
    return Counter(path for path in found if "/from/" in path or "/to/" in path)


def slow(proxy: FaultProxy, phase: str, method: str) -> None:
    """Lets a phase take half a minute."""
    if phase == "listing":
        proxy.add(Fault(times=1000, delay_seconds=4, query="max-keys=2000&"))  # not the looks before it
    else:
        proxy.add(Fault(times=10, path="/from/" if method == "GET" else "/to/", method=method))
        proxy.add(Fault(times=1000, path="/from/" if method == "GET" else "/to/", method=method, delay_seconds=1))


@pytest.mark.parametrize(("copy_job", "phase", "number", "flags"), CASES, indirect=["copy_job"])
def test_a_signal_ends_a_copy_with_its_account_and_the_same_command_goes_on(
    copy_job: Job, fault_proxy, phase, number, flags
):
    copy_job.source.put(TREE)
    copy_job.through(fault_proxy)
    method = "PUT" if copy_job.destination.server else "GET"
    slow(fault_proxy, phase, method)
    pending, folder = fault_proxy.pending_faults, copy_job.new_folder()
    process = start([*copy_job.command(folder, json=True, **FOUR), *flags])
    begun, least = pending - (1 if phase == "listing" else 13), 0 if phase == "listing" else 5

    def under_way() -> bool:
        there = copy_job.destination
        return fault_proxy.pending_faults <= begun and len({*there.keys()} - {*there.unfinished()}) >= least

    ready = partial(wait_until, under_way, phase)
    out = end_by_signal(process, ready, number, to_group=bool(flags))
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["status"] == "interrupted"
    assert json.loads(out.splitlines()[-1])["summary"]["items"] == summary["items"]
    there = copy_job.destination.objects()
    check_account(copy_job, folder, summary, there)
    assert (len(there) == 0) if phase == "listing" else (5 <= len(there) < len(TREE))
    written = successes(fault_proxy, "PUT")
    fault_proxy.reset()
    run = copy_job.run(**FOUR)
    assert (run.summary.status, run.summary.exit_code) == ("completed", 0)
    assert run.summary.items == Counts(len(TREE), len(TREE) - len(there), len(there), 0, 0)
    assert copy_job.destination.objects() == TREE
    written += successes(fault_proxy, "PUT")
    assert {path: count for path, count in written.items() if count > 1 and "large" not in path} == {}


def check_account(job: Job, folder, summary, there) -> None:
    """What is told of as done is there and whole, what is there is told of, and nothing else is."""
    assert there.items() <= TREE.items()
    assert job.destination.unfinished() == []
    lines = [json.loads(line) for line in (folder / "outcomes.jsonl").open()]
    done = [line["destination"].removeprefix(job.destination.uri) for line in lines if line["status"] == "done"]
    assert sorted(done) == sorted(there)
    assert {line["status"] for line in lines} <= {"done", "not_started"}
    for what, size in (("items", len), ("bytes", lambda keys: sum(len(TREE[key]) for key in keys))):
        counts = summary[what]
        assert counts["done"] == size(done)
        assert counts["planned"] == counts["done"] + counts["not_started"]
        assert counts["failed"] == counts["skipped"] == 0


@between("disk", "to s3")
def test_tasks_that_were_not_begun_when_the_run_was_stopped_are_no_failures(copy_job: Job, monkeypatch):
    plan = partial(copy_tasks.plan_tasks, sizes=RangeSizes(4, 4, 3))
    monkeypatch.setattr(objects, "plan_tasks", plan)
    monkeypatch.setattr(objects, "BATCH_TASKS", 1)
    work, calls = copy_work.work, itertools.count(1)

    def stopping(*args):
        if next(calls) == 3:
            interrupt.request(signal.SIGTERM)
        return work(*args)

    monkeypatch.setattr(copy_work, "work", stopping)
    copy_job.source.put(SMALL)
    copy_job.destination.put({"extra": b""})
    run = copy_job.run(delete=True, max_delete="100%")
    interrupt.reset()
    assert (run.summary.status, run.summary.exit_code, run.summary.error) == ("interrupted", 143, None)
    assert run.lines("failures.jsonl") == []
    there = copy_job.destination.objects()
    assert there.pop("extra") == b""
    check_account(copy_job, run.folder, json.loads(run.summary.to_json()), there)
    assert len(there) < len(SMALL)
    assert copy_job.run(delete=True, max_delete="100%").summary.exit_code == 0
    assert copy_job.destination.objects() == SMALL
