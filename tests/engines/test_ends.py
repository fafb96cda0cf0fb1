"""How runs on an engine end before their time: signals, failures, a dead engine; and what is left of the engine."""

from __future__ import annotations

import json
import os
import signal

import psutil
import pytest

from tests.pipelines import toy
from tests.pipelines.ingest_jobs import start, wait_until
from tests.pipelines.toy import ITEM_BYTES

ITEMS = 400
PROGRAMS = {"prism": "prism", "flink": "java"}
SHOWN = {"prism": "PrismRunner (asked for; started for this run)", "flink": "FlinkRunner, embedded (asked for)"}


@pytest.fixture
def job(engine, tmp_path):
    """A run in a process of its own, at work: 20 s of items, 4 at a time."""
    folder = tmp_path / "run"
    words = [str(folder), str(ITEMS), "0.2", f"--runner={engine}", "--shared_disk"]
    process = start(words, module="tests.pipelines.toy")
    try:
        wait_until(lambda: process.poll() is not None or any(folder.glob("parts/*/00*")), "the first item", 120)
        assert process.poll() is None, process.stderr.read()
        yield process, folder
    finally:
        process.kill()
        process.communicate()


def below(process) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def server_of(process, engine: str) -> psutil.Process:
    [found] = [child for child in below(process) if child.name() == PROGRAMS[engine]]
    return found


def test_ctrl_c_lets_the_job_drain_and_ends_the_engine(job, engine):
    process, folder = job
    left = [*below(process), server_of(process, engine)]
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: it must not reach the engine
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert f": on {SHOWN[engine]}" in err.splitlines()[0]
    assert "SIGINT: asked to stop; asked the " in err
    assert "job to drain: finishing what is under way" in err
    assert "Traceback" not in err
    assert psutil.wait_procs(left, timeout=120)[1] == []
    summary = json.loads((folder / "summary.json").read_text())
    items, size = summary["items"], summary["bytes"]
    assert summary["status"] == "interrupted"
    assert items["planned"] == ITEMS == items["done"] + items["not_started"]
    assert 0 < items["done"] < ITEMS
    assert size["done"] == items["done"] * ITEM_BYTES
    assert not (folder / "running").exists()


def test_the_second_ctrl_c_ends_run_and_engine_at_once(job, engine):
    process, _ = job
    left = [*below(process), server_of(process, engine)]
    server_of(process, engine).suspend()  # so that no drain can end the run before
    os.killpg(process.pid, signal.SIGINT)
    assert any("asked to stop" in line for line in process.stderr)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(10) == 130
    assert psutil.wait_procs(left, timeout=120)[1] == []


def test_an_engine_does_not_outlive_a_killed_run(job, engine):
    process, _ = job
    left = [*below(process), server_of(process, engine)]
    process.kill()
    assert psutil.wait_procs(left, timeout=120)[1] == []


def test_an_engine_that_dies_fails_the_run_with_its_account(job, engine):
    process, folder = job
    server_of(process, engine).kill()
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1, err
    assert "Traceback" not in err
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["status"] == "failed"
    assert summary["items"]["planned"] == ITEMS
    assert summary["error"]["message"]


@pytest.mark.parametrize("items", [0, 20])
def test_a_step_that_breaks_fails_the_run_as_on_the_direct_runner(engine, tmp_path, items):
    broken = {"items": items, "bad": 3, "shared_disk": True}
    direct = toy.run(tmp_path / "direct", **broken)
    other = toy.run(tmp_path / "other", runner=engine, **broken)
    assert (other.status, other.exit_code) == (direct.status, direct.exit_code)
    assert other.error == direct.error
    assert other.items.planned == items


def test_a_run_tells_how_far_it_is_and_may_last_longer_than_beam_waits_for_an_answer(engine, tmp_path, capfd):
    """On Prism the stream of a job's states counts as one answer; Beam's own limit is 300 s."""
    flags, how = ["--job_server_timeout=1"], {"runner": engine, "shared_disk": True, "json_events": True}
    summary = toy.run(tmp_path, items=12, seconds=1, beam_args=flags, **how)
    assert (summary.status, summary.items.done) == ("completed", 12)
    events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert (events[0]["event"], events[0]["runner"]) == ("started", summary.runner)
    shown = [(event["items"], event["items_planned"]) for event in events if event["event"] == "progress"]
    assert shown == sorted(shown)
    assert [items for items, planned in shown if 0 < items < planned == 12], "each second while the work goes on"
