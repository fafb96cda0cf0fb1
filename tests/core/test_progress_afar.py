"""Workers that see no folder of the run's machine tell by the run's own how far they are."""

import os
import subprocess
import sys

import pytest

from transforms.core import progress, progress_afar, run_context
from transforms.core.progress import Amounts, Step
from transforms.core.progress_afar import Listener
from transforms.core.run_context import VARIABLE, RunContext

WORKER = """
import sys
from transforms.core import progress, progress_afar
from transforms.core.run_context import RunContext
context = RunContext(*sys.argv[1:4], is_shared=False, afar=sys.argv[3])
progress_afar.tell(context)
progress_afar.tell(context)
for _ in range(2):
    progress.add(items=2, rows=7)
    progress.step("Load", 0.5)
    progress_afar.flush()
    print("told", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def run(tmp_path):
    progress.reset()
    yield RunContext("r", os.getpid(), str(tmp_path / "temp"), is_shared=False, afar=f"file://{tmp_path}/run")
    progress.reset()


@pytest.fixture
def workers(run, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    words = [sys.executable, "-c", WORKER, run.run_id, str(run.pid), run.afar]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    started = [subprocess.Popen(words, text=True, **pipes) for _ in range(2)]
    yield started
    for worker in started:
        worker.kill()
        worker.communicate()


def test_what_workers_count_is_seen_and_replaces_what_they_counted_before(run, workers):
    listener = Listener(run)
    listener.listen()
    assert progress.snapshot().done == Amounts()
    progress.add(items=1)
    for times in (1, 2):
        for worker in workers:
            assert worker.stdout.readline() == "told\n"
            worker.stdin.write("\n")
        listener.listen()
        assert progress.snapshot().done == Amounts(1 + times * 4, 0, times * 14)
        assert progress.snapshot().steps == (Step("Load", times * 2, 0, times * 1.0, 0.5),)
        for worker in workers:
            worker.stdin.flush()


def test_the_last_word_is_heard_when_the_run_ends(run, workers):
    with run_context.active(run), progress_afar.heard(run):
        for worker in workers:
            assert worker.stdout.readline() == "told\n"
    assert progress.snapshot().done == Amounts(4, 0, 14)


def test_a_run_whose_folder_all_see_writes_nothing_there(run, tmp_path):
    with run_context.active(run):  # and its own process tells nothing at all
        progress_afar.tell(run)
    progress_afar.tell(run._replace(afar=""))
    progress_afar.tell(None)
    progress.add(items=1)
    progress_afar.flush()
    assert not (tmp_path / "run").exists()
