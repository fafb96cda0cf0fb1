"""Counters add up over threads and over processes."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from transforms.core import progress, run_context
from transforms.core.progress import Amounts, Snapshot, Step
from transforms.core.run_context import RunContext


@pytest.fixture(autouse=True)
def _fresh():
    progress.reset()
    yield
    progress.reset()


def test_counters_of_many_threads_add_up():
    with ThreadPoolExecutor(8) as threads:
        for _ in range(500):
            threads.submit(progress.add, items=1, size_bytes=10, rows=3)
    assert progress.snapshot().done == Amounts(500, 5000, 1500)


def test_steps_keep_count_time_and_the_longest():
    progress.step("Load", 1.0)
    progress.step("Scan", 0.5)
    progress.step("Load", 3.0, failed=1)
    assert progress.snapshot().steps == (Step("Load", 2, 1, 4.0, 3.0), Step("Scan", 1, 0, 0.5, 0.5))


def test_the_latest_phase_counts_and_plans_add_up():
    progress.phase("scanning")
    progress.plan(items=2, rows=10)
    progress.phase("loading")
    progress.plan(items=3)
    assert progress.snapshot()[:2] == ("loading", Amounts(5, 0, 10))


def test_of_several_processes_the_one_that_said_its_phase_last_is_right():
    scanning, loading, silent = Snapshot("scanning", phase_at=1.0), Snapshot("loading", phase_at=2.0), Snapshot()
    for order in ((scanning, loading, silent), (silent, loading, scanning), (loading, silent, scanning)):
        assert order[0].plus(order[1]).plus(order[2]) == loading


def test_a_worker_process_tells_of_its_phase_at_once(tmp_path):
    code = "from transforms.core import progress\nprogress.add(items=1); progress.phase('loading')"
    with run_context.active(RunContext("run", os.getpid(), str(tmp_path))):
        subprocess.run([sys.executable, "-c", code], check=True)
        assert progress.snapshot().phase == "loading"


@pytest.mark.parametrize("shared", ["", "shared"])
def test_what_worker_processes_count_is_seen(tmp_path, shared):
    """By this machine's temporary folder, or by one that workers of an engine's own see too."""
    code = (
        "from transforms.core import progress\n"
        "progress.add(items=2, rows=7); progress.step('Load', 0.5); progress.flush()"
    )
    shared_dir = str(tmp_path / shared) if shared else ""
    with run_context.active(RunContext("run", os.getpid(), str(tmp_path / "temp"), shared_dir=shared_dir)) as context:
        assert Path(context.progress_dir) == tmp_path / (shared or "temp") / "progress"
        progress.add(items=1)
        workers = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
        assert [worker.wait(60) for worker in workers] == [0, 0]
        seen = progress.snapshot()
    assert seen.done == Amounts(5, 0, 14)
    assert seen.steps == (Step("Load", 2, 0, 1.0, 0.5),)


def test_this_process_leaves_no_file_for_itself(tmp_path):
    with run_context.active(RunContext("run", os.getpid(), str(tmp_path))) as context:
        progress.add(items=1)
        progress.flush()
        assert list(Path(context.progress_dir).iterdir()) == []
