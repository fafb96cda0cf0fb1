"""Streams of the pipelines on Prism and Flink, as a user starts them: one job each, the same account as on a laptop."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

from tests.pipelines.ingest_jobs import start, wait_until
from tests.stream_jobs import StreamJob, ask_to_stop, ended, make_stream, summary, until, with_heads

if TYPE_CHECKING:
    from pathlib import Path

KINDS = [("copy to s3", signal.SIGINT), ("ingest from s3 to postgresql", signal.SIGTERM)]
FLAGS = {"prism": ["--runner=prism"], "flink": ["--runner=flink", "--shared_disk", "--checkpointing_interval=500"]}


@pytest.fixture
def stream(request: pytest.FixtureRequest, tmp_path: Path) -> StreamJob:
    return make_stream(request.param, tmp_path, request)


@pytest.mark.parametrize(("stream", "number"), KINDS, indirect=["stream"])
def test_what_appears_and_changes_is_done_once_and_both_ends_leave_an_exact_account(
    stream: StreamJob, number: int, engine: str
) -> None:
    first, second = stream.folder / "first", stream.folder / "second"
    words = ["--watch=0.2", "--window_seconds=0.2", *FLAGS[engine]]
    stream.put("0.csv")
    process = start(stream.command(first, *words))
    until(process, first, "done", 1)
    for name in range(1, 20):
        stream.put(f"{name}.csv")
    stream.spoil("99.csv")
    until(process, first, "done", 20)
    until(process, first, "failed", 1)
    held = stream.hold()
    stream.put("3.csv", version=1)
    held.wait_for(process)
    ask_to_stop(process, number)
    held.release.set()
    ended(process, 128 + number)
    found = summary(first)
    assert (found["status"], found["items"]["done"], found["items"]["failed"]) == ("interrupted", 21, 1)
    assert "99.csv" in json.loads((first / "failures.jsonl").read_text())["item"]
    assert stream.is_exact()
    stream.source.delete("99.csv")
    stream.put("20.csv")
    ended(start(stream.command(second, *words, "--stop_after_idle_seconds=1")), 0)
    again = summary(second)
    assert (again["status"], again["items"]["done"], again["items"]["failed"]) == ("completed", 1, 0)
    assert stream.is_exact()


LOOKS = 15


@pytest.mark.parametrize(("stream", "engine"), [("ingest from s3 to postgresql", "prism")], indirect=True)
def test_nothing_is_lost_while_a_batch_takes_longer_than_an_engine_would_wait_before_it_splits(
    stream: StreamJob, engine: str
) -> None:
    for name in range(20):
        stream.put(f"{name}.csv")
    held, output = stream.hold(), stream.folder / "run"
    words = ["--watch=0.2", "--window_seconds=1", "--batch_size=3", "--max_concurrent=1", *FLAGS[engine]]
    process = start(stream.command(output, *words, "--stop_after_idle_seconds=2"))
    held.wait_for(process)
    seen = stream.looks()
    wait_until(lambda: stream.looks() >= seen + LOOKS, f"{LOOKS} looks while a batch is at work", 120)
    held.release.set()
    ended(process, 0)
    assert summary(output)["items"]["done"] == 20
    assert stream.is_exact()


def test_every_pipeline_with_a_head_is_tested_here() -> None:
    assert {which.split()[0] for which, _ in KINDS} == with_heads()
