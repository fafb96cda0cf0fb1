"""Whatever the runner does with bundles, a copy leaves the same objects, outcomes and account as the plain run."""

from __future__ import annotations

import itertools
import pickle
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from pipelines.copy_job import copy_settings
from pipelines.object_copy import Settings
from tests.pipelines.copy_jobs import PART_BYTES, Job, between, outcomes, tree
from tests.servers.fault_proxy import Fault
from transforms import objects
from transforms.core.copying import attempts, copy_tasks, copy_work, finish_copy
from transforms.core.copying.copy_tasks import CopyTask
from transforms.core.copying.key_ranges import RangeSizes
from transforms.core.copying.workshop import workshop
from transforms.core.errors import ConfigError
from transforms.core.run_folder import RunFolder
from transforms.core.summary import Counts
from transforms.pooled import PoolLimits

REPEATED = ["--direct_runner_bundle_repeat=1"]
BUNDLES = ["--runner=BundleBasedDirectRunner"]
PROCESSES = ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]
WIRINGS = {"plain": [], "every bundle twice": REPEATED, "bundle-based": BUNDLES}
TREE = tree()
TREE_BYTES = sum(map(len, TREE.values()))
N = len(TREE)


@pytest.fixture(autouse=True)
def small_ranges(monkeypatch):
    """Several tasks for some dozen keys."""
    plan = partial(copy_tasks.plan_tasks, sizes=RangeSizes(10, 5, 3))
    monkeypatch.setattr(objects, "plan_tasks", plan)
    return plan


@pytest.fixture
def task_numbers(monkeypatch):
    """The numbers of the tasks that were worked, repeats among them."""
    work, numbers = copy_work.work, []

    def noted(task, *args):
        numbers.append(task.number)
        return work(task, *args)

    monkeypatch.setattr(copy_work, "work", noted)
    return numbers


@pytest.mark.parametrize("name", WIRINGS)
@between("disk", "to s3", "from s3", "within", "s5cmd")
def test_a_copy_is_the_same_on_each_wiring(copy_job: Job, task_numbers, name):
    copy_job.source.put(TREE)
    run = copy_job.run(beam_args=WIRINGS[name])
    assert (run.summary.status, run.summary.exit_code) == ("completed", 0)
    assert (run.summary.items, run.summary.bytes) == (Counts(N, N, 0, 0, 0), Counts(TREE_BYTES, TREE_BYTES, 0, 0, 0))
    assert outcomes(run) == {copy_job.destination.uri + key: "done" for key in TREE}
    assert copy_job.destination.objects() == TREE
    assert len(set(task_numbers)) > 2
    assert len(task_numbers) == len(set(task_numbers)) * (2 if name == "every bundle twice" else 1)
    again = copy_job.run(beam_args=WIRINGS[name])
    assert (again.summary.items, again.summary.exit_code) == (Counts(N, 0, N, 0, 0), 0)
    assert copy_job.destination.objects() == TREE


@pytest.mark.parametrize("name", WIRINGS)
@between("disk", "to s3", "within")
def test_filters_that_let_nothing_through_are_a_run_without_items(copy_job: Job, name):
    copy_job.source.put(TREE)
    run = copy_job.run(beam_args=WIRINGS[name], include=("no such*",))
    assert (run.summary.status, run.summary.exit_code, run.summary.items) == ("completed", 0, Counts())
    assert run.lines("outcomes.jsonl") == []
    assert copy_job.destination.keys() == []


@pytest.mark.parametrize("name", WIRINGS)
@between("disk", "from s3")
def test_one_object_that_fails_fails_alone_on_each_wiring(copy_job: Job, name):
    copy_job.source.put(TREE)
    bad = "dir 1/é0001.bin"
    copy_job.destination.put({f"{bad}/in the way": b""})  # a folder stands where the file would go
    run = copy_job.run(beam_args=WIRINGS[name])
    assert (run.summary.status, run.summary.exit_code) == ("failed", 1)
    assert run.summary.items == Counts(N, N - 1, 0, 1, 0)
    assert run.summary.bytes == Counts(TREE_BYTES, TREE_BYTES - len(TREE[bad]), 0, len(TREE[bad]), 0)
    assert [line["item"] for line in run.lines("failures.jsonl")] == [copy_job.source.uri + bad]
    expected = TREE | {f"{bad}/in the way": b""}
    del expected[bad]
    assert copy_job.destination.objects() == expected


@pytest.mark.parametrize("name", WIRINGS)
@pytest.mark.parametrize("side", ["source", "destination"])
@between("s5cmd")
def test_ranges_that_cannot_be_listed_fail_alone_on_each_wiring(
    copy_job: Job, fault_proxy, monkeypatch, small_ranges, name, side
):
    copy_job.source.put(TREE)
    copy_job.through(fault_proxy)
    place, planned = getattr(copy_job, side), []

    def plan(settings):
        fault_proxy.reset()
        planned[:] = small_ranges(settings)
        query = f"prefix={place.prefix}&start-after="  # so begins the listing of each range but the first
        fault_proxy.add(Fault(times=100, status=403, query=query))
        return planned

    monkeypatch.setattr(objects, "plan_tasks", plan)
    run = copy_job.run(beam_args=WIRINGS[name])
    assert (run.summary.status, run.summary.exit_code) == ("failed", 1)
    broken = len(planned) - 1
    seen = {key: data for key, data in TREE.items() if key.encode() < planned[0].stop.encode()}
    assert 0 < len(seen) < N - broken
    assert run.summary.items == Counts(len(seen) + broken, len(seen), 0, broken, 0)
    failures = run.lines("failures.jsonl")
    assert [repr(task.start) in line["item"] for task, line in zip(planned[1:], failures, strict=True)] == [
        True
    ] * broken
    assert copy_job.destination.objects() == seen
    fault_proxy.reset()
    monkeypatch.setattr(objects, "plan_tasks", small_ranges)
    assert copy_job.run(beam_args=WIRINGS[name]).summary.items == Counts(N, N - len(seen), len(seen), 0, 0)
    assert copy_job.destination.objects() == TREE


@pytest.mark.parametrize("refused", ["the listing", "each object too"])
@between("s5cmd")
def test_a_proof_that_cannot_be_listed_asks_for_each_object_and_fails_those_that_it_cannot_see(
    copy_job: Job, fault_proxy, monkeypatch, refused
):
    copy_job.source.put(TREE)
    copy_job.through(fault_proxy)
    proved = copy_work.proved

    def unlisted(*args):
        fault_proxy.add(Fault(times=10, status=403, query=f"prefix={copy_job.destination.prefix}"))
        if refused != "the listing":
            fault_proxy.add(Fault(times=1000, status=403, method="HEAD", path=f"{copy_job.destination.prefix}"))
        return proved(*args)

    monkeypatch.setattr(copy_work, "proved", unlisted)
    monkeypatch.setattr(objects, "plan_tasks", copy_tasks.plan_tasks)
    run = copy_job.run()
    by_program = sum(" " not in key for key in TREE)  # the others went one by one, and were proved
    failed = 0 if refused == "the listing" else by_program
    assert run.summary.status == ("failed" if failed else "completed")
    assert run.summary.items == Counts(N, N - failed, 0, failed, 0)
    assert run.summary.error is None
    fault_proxy.reset()
    assert copy_job.run(verify="none").summary.items == Counts(N, 0, N, 0, 0)
    assert copy_job.destination.objects() == TREE


class Breaking:
    """Breaks one call of a function with an error that nobody expects, as a lost worker would."""

    def __init__(self, monkeypatch, module, name, nth=1):
        self.calls, self._step, self._nth = itertools.count(1), getattr(module, name), nth
        self.made = 0
        monkeypatch.setattr(module, name, self)

    def __call__(self, *args, **kwargs):
        self.made = next(self.calls)
        result = self._step(*args, **kwargs)
        if self.made == self._nth:
            raise RuntimeError("injected")
        return result


STEPS = [(objects, "plan_tasks"), (copy_work, "work"), (finish_copy, "finish")]


@pytest.mark.parametrize(("module", "step"), STEPS, ids=lambda one: one if isinstance(one, str) else "")
@between("to s3", "s5cmd")
def test_the_bundle_based_runner_repeats_a_step_that_broke_after_its_work(copy_job: Job, monkeypatch, module, step):
    copy_job.source.put(TREE)
    breaking = Breaking(monkeypatch, module, step)
    run = copy_job.run(beam_args=BUNDLES)
    assert breaking.made >= 2
    assert (run.summary.status, run.summary.exit_code) == ("completed", 0)
    assert (run.summary.items, run.summary.bytes) == (Counts(N, N, 0, 0, 0), Counts(TREE_BYTES, TREE_BYTES, 0, 0, 0))
    assert set(outcomes(run).values()) == {"done"}, "what an attempt told of as done stays done"
    assert copy_job.destination.objects() == TREE


@between("disk", "to s3", "from s3")
def test_a_task_that_broke_half_way_is_finished_by_its_repeat(copy_job: Job, monkeypatch):
    copy_job.source.put(TREE)
    breaking = Breaking(monkeypatch, attempts, "copy", nth=7)
    run = copy_job.run(beam_args=BUNDLES)
    assert breaking.made > 7
    items = run.summary.items
    assert (run.summary.exit_code, items.planned, items.done + items.skipped) == (0, N, N)
    assert items.done >= N - 16  # what was copied and not told of yet is found there, and counts as skipped
    assert copy_job.destination.objects() == TREE


@between("to s3", "s5cmd")
def test_worker_processes_copy_the_same_objects(copy_job: Job):
    copy_job.source.put(TREE)
    run = copy_job.run(beam_args=PROCESSES)
    assert run.summary.runner == "FnApiRunner, 2 processes"
    assert (run.summary.status, run.summary.items) == ("completed", Counts(N, N, 0, 0, 0))
    assert run.summary.bytes == Counts(TREE_BYTES, TREE_BYTES, 0, 0, 0)
    assert copy_job.destination.objects() == TREE
    assert copy_job.run(beam_args=PROCESSES).summary.items == Counts(N, 0, N, 0, 0)


@between("disk", "to s3", "from s3", "within", "s5cmd")
def test_a_task_that_two_workers_work_at_once_ends_well_for_both(copy_job: Job, fault_proxy):
    objects_of_it = tree(60, large=False) | {f"large {n}": b"x" * (PART_BYTES + 1) for n in range(2)}
    copy_job.source.put(objects_of_it)
    if copy_job.destination.server:
        copy_job.through(fault_proxy)
        fault_proxy.add(Fault(times=40, method="PUT", delay_seconds=0.3))  # both have listed before the first arrives
    wanted = copy_settings(Settings(**copy_job.settings(copy_job.folder, {})))
    folder = RunFolder(f"file://{copy_job.folder}", "r")
    with ThreadPoolExecutor(2) as pool:
        call = partial(copy_work.work, CopyTask("range", 0), wanted, folder, workshop(wanted, 500))
        both = [future.result() for future in [pool.submit(call), pool.submit(call)]]
    assert [(one.listed, one.failed, one.not_started, one.unverified) for one in both] == [(True, 0, 0, 0)] * 2
    assert copy_job.destination.objects() == objects_of_it
    assert copy_job.destination.unfinished() == []
    told = {line["destination"]: line["status"] for line in folder.parts() if line["kind"] == "outcome"}
    assert told.keys() == {copy_job.destination.uri + key for key in objects_of_it}
    assert set(told.values()) <= {"done", "skipped"}


def test_what_workers_get_pickles_by_reference(copy_job: Job):
    wanted = copy_settings(Settings(**copy_job.settings(copy_job.folder, {})))
    folder, limits = RunFolder(f"file://{copy_job.folder}", "r"), PoolLimits()
    for step in (
        objects.BeginCopy(wanted),
        objects.CopyTasks(wanted, folder, limits),
        objects.CompareTasks(wanted, folder, limits),
        objects.FinishCopy(wanted, folder),
        CopyTask("range", 1),
    ):
        data = pickle.dumps(step)
        assert f"{type(step).__module__}".encode() in data
        assert len(data) < 3000
        assert type(pickle.loads(data)) is type(step)


def test_a_source_that_holds_nothing_is_refused_before_anything_runs(copy_job: Job):
    with pytest.raises(ConfigError, match="holds nothing"):
        copy_job.run()
