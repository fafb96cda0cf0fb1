"""Ctrl-C and SIGTERM end a run cleanly: what is done stays done, the account is written, the exit code tells."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]
ITEMS = 2000


def start(folder, *flags, seconds=0.05):
    words = [sys.executable, "-m", "tests.pipelines.toy", str(folder), str(ITEMS), str(seconds), *flags]
    return subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def wait_until_items_are_done(folder, process, count=4):
    deadline = time.monotonic() + 120
    while len(list(folder.glob("parts/*/0*.jsonl"))) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "nothing was done in two minutes"
        time.sleep(0.02)


CASES = [
    ("Ctrl-C in one process", [], signal.SIGINT, False),
    ("SIGTERM in one process", [], signal.SIGTERM, False),
    ("Ctrl-C reaches the worker processes too", PROCESSES, signal.SIGINT, True),
    ("SIGTERM reaches the main process only", PROCESSES, signal.SIGTERM, False),
]


@pytest.mark.parametrize(("flags", "number", "to_group"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_signal_ends_a_run_with_its_account(tmp_path, flags, number, to_group):
    process = start(tmp_path, *flags)
    try:
        wait_until_items_are_done(tmp_path, process)
        (os.killpg if to_group else os.kill)(process.pid, number)
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 128 + number, err
    summary = json.loads((tmp_path / "summary.json").read_text())
    items = summary["items"]
    assert (summary["status"], items["planned"]) == ("interrupted", ITEMS)
    assert items["done"] == len(list(tmp_path.glob("parts/*/0*.jsonl"))) >= 4
    assert items["not_started"] == ITEMS - items["done"] > 0
    assert len(out.splitlines()) == 4
    assert "interrupted" in out
    assert "Traceback" not in err


def test_a_second_signal_ends_the_run_at_once_and_leaves_no_process_behind(tmp_path):
    process = start(tmp_path, *PROCESSES, seconds=20)
    try:
        deadline = time.monotonic() + 120
        workers = []
        while len(workers) < 2 or not list(tmp_path.glob("parts/*/plan.jsonl")):
            assert time.monotonic() < deadline, "no worker process was started in two minutes"
            workers = psutil.Process(process.pid).children(recursive=True)
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        wait_for_log(tmp_path / "hornbeam.log", process)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 143
    _, alive = psutil.wait_procs(workers, timeout=120)
    assert alive == []


def wait_for_log(log, process):
    """Until the first signal was noticed: the log is the only thing that a run of sleeping items changes."""
    deadline = time.monotonic() + 60
    while "asked to stop" not in log.read_text():
        assert process.poll() is None
        assert time.monotonic() < deadline, "the first signal was not noticed in a minute"
        time.sleep(0.02)
