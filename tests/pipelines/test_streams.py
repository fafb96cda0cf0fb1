"""Streams on this machine, as a user starts them: what appears is worked once, every end leaves an exact account."""

from __future__ import annotations

import json
import signal
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.pipelines.ingest_jobs import start
from tests.stream_jobs import STREAMS, StreamJob, ask_to_stop, ended, make_stream, summary, until, with_heads

if TYPE_CHECKING:
    from pathlib import Path

KINDS = [
    "copy",
    "copy from s3",
    "ingest to sqlite",
    "ingest to postgresql",
    "ingest to parquet",
    "ingest from s3 to duckdb",
]
IN_FLIGHT = [
    ("copy from s3", signal.SIGINT),
    ("copy to s3", signal.SIGTERM),
    ("ingest from s3 to duckdb", signal.SIGINT),
    ("ingest from s3 to postgresql", signal.SIGTERM),
]
WATCH = "--watch=0.1"


@pytest.fixture
def stream(request: pytest.FixtureRequest, tmp_path: Path) -> StreamJob:
    return make_stream(request.param, tmp_path, request)


on_each = pytest.mark.parametrize("stream", KINDS, indirect=True)


def test_every_pipeline_with_a_head_is_tested_here() -> None:
    assert set(STREAMS) == with_heads()
    assert {which.split()[0] for which in KINDS} == with_heads()
    assert {which.split()[0] for which, _ in IN_FLIGHT} == with_heads()


@on_each
def test_what_is_there_is_done_once_and_a_stream_with_nothing_to_do_ends(stream: StreamJob) -> None:
    for number in range(12):
        stream.put(f"{number}.csv")
    words = [WATCH, "--stop_after_idle_seconds=0.5", "--batch_size=5"]
    first, second = stream.folder / "first", stream.folder / "second"
    out = ended(start(stream.command(first, *words)), 0)
    assert "12 planned = 12 done + 0 skipped + 0 failed + 0 not started" in out
    assert "stream: told of 12 objects" in out
    assert stream.is_exact()
    ended(start(stream.command(second, *words)), 0)
    again = summary(second)
    assert (again["status"], again["items"]["done"], again["bytes"]["done"]) == ("completed", 0, 0)
    assert stream.is_exact()


@on_each
def test_what_appears_and_changes_later_is_done_and_sigterm_ends_it_with_its_account(stream: StreamJob) -> None:
    output = stream.folder / "run"
    stream.put("0.csv")
    process = start(stream.command(output, WATCH))
    until(process, output, "done", 1)
    for number in range(1, 6):
        stream.put(f"{number}.csv")
    stream.spoil("99.csv")
    until(process, output, "done", 6)
    until(process, output, "failed", 1)
    stream.put("3.csv", version=1)
    until(process, output, "done", 7)
    process.send_signal(signal.SIGTERM)
    ended(process, 143)
    found = summary(output)
    assert (found["status"], found["items"]["done"], found["items"]["failed"]) == ("interrupted", 7, 1)
    [failure] = [json.loads(line) for line in (output / "failures.jsonl").read_text().splitlines()]
    assert "99.csv" in failure["item"]
    assert stream.is_exact()


@pytest.mark.parametrize(("stream", "number"), IN_FLIGHT, indirect=["stream"])
def test_a_signal_lets_what_was_taken_in_end_takes_no_more_and_the_account_is_exact(
    stream: StreamJob, number: int
) -> None:
    """Seven objects, each a batch of its own: one is at work when the signal comes, some wait, some aren't begun."""
    output = stream.folder / "run"
    stream.spoil("99.csv")
    for name in range(6):
        stream.put(f"{name}.csv")
    held = stream.hold()
    process = start(stream.command(output, WATCH, "--batch_size=1", "--max_concurrent=1"))
    held.wait_for(process)
    ask_to_stop(process, number)
    assert process.poll() is None, "it ended with an object at work"
    stream.source.put("6.csv", stream.body("6.csv", 0))
    held.release.set()
    out = ended(process, 128 + number)
    assert "7 planned = 6 done + 0 skipped + 1 failed + 0 not started" in out
    assert summary(output)["status"] == "interrupted"
    statuses = Counter(json.loads(line)["status"] for line in (output / "outcomes.jsonl").open())
    assert statuses == {"done": 6, "failed": 1}
    assert stream.is_exact()


@on_each
def test_a_stream_that_is_killed_and_started_again_is_exact(stream: StreamJob) -> None:
    for number in range(40):
        stream.put(f"{number}.csv")
    killed, again = stream.folder / "killed", stream.folder / "again"
    words = [WATCH, "--batch_size=3", "--max_concurrent=1"]
    process = start(stream.command(killed, *words))
    until(process, killed, "done", 6)
    process.kill()
    process.communicate()
    stream.put("40.csv")
    ended(start(stream.command(again, *words, "--stop_after_idle_seconds=0.5")), 0)
    assert stream.is_exact()
    assert summary(again)["items"]["failed"] == 0
