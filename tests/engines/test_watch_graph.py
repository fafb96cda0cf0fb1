"""A watched folder as one streaming job: what comes later is batched and worked, and the job ends when it should."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.pipelines.ingest_jobs import start, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

FLAGS = {"prism": [], "flink": ["--checkpointing_interval=1000"]}
EVERY_SECONDS, HOUR = 0.3, 3600


class Stream:
    """A run of stream_toy.py in a process of its own."""

    def __init__(self, folder: Path, engine: str, flags: Sequence[str]) -> None:
        self.folder, self.engine, self.flags = folder, engine, flags
        (folder / "in").mkdir()

    def put(self, *names: str, size: int = 10, age: float = 0.0) -> None:
        """Files appear whole, as a rename makes them."""
        for name in names:
            beside = self.folder / f".{name}"
            beside.write_text("x" * size)
            if age:
                then = beside.stat().st_mtime - age
                os.utime(beside, (then, then))
            beside.rename(self.folder / "in" / name)

    def start(self, window_seconds: float, idle_seconds: float = 0) -> None:
        words = [f"--watch={EVERY_SECONDS}", f"--window_seconds={window_seconds}", f"--runner={self.engine}"]
        words += [f"--stop_after_idle_seconds={idle_seconds}", *self.flags]
        self.process = start([str(self.folder), *words], module="tests.engines.stream_toy")

    def batches(self, name: str = "out") -> list[str]:
        return [path.read_text() for path in sorted((self.folder / name).glob("*"))]

    def lives(self) -> bool:
        assert self.process.poll() is None, self.process.stderr.read()
        return True

    def wait_for(self, *batches: str, name: str = "out") -> None:
        wait_until(lambda: self.lives() and set(batches) <= set(self.batches(name)), f"{batches} in {name}", 120)

    def ended(self, code: int) -> tuple[dict, str]:
        """Its summary and what it said, once it has ended by itself."""
        _, err = self.process.communicate(timeout=120)
        assert self.process.returncode == code, err
        assert code == 1 or "Traceback" not in err
        return json.loads((self.folder / "run" / "summary.json").read_text()), err


@pytest.fixture
def stream(engine, tmp_path) -> Iterator[Stream]:
    made = Stream(tmp_path, engine, FLAGS[engine])
    yield made
    made.process.kill()
    made.process.communicate()


def test_what_appears_is_worked_in_batches_and_a_stream_that_has_nothing_to_do_ends(stream):
    stream.put("a", "b", "c", age=60)
    (stream.folder / "grow").touch()  # what is being written keeps a stream from being idle, however slow this test is
    stream.start(window_seconds=1, idle_seconds=1)
    stream.wait_for("a b c")  # by count
    stream.put("d", "e", size=600)
    stream.wait_for("d", "e")  # by bytes: one window would hold both; the last of them by time, since nothing follows
    stream.put("a", size=20)
    stream.wait_for("a")  # changed
    (stream.folder / "grow").unlink()  # each poll saw another size; now it rests
    summary, _ = stream.ended(0)
    grown = (stream.folder / "in" / "growing").stat().st_size
    assert sorted(stream.batches()) == ["a", "a b c", "d", "e", "growing"]
    assert summary["status"] == "completed"
    assert summary["items"] | {"planned": 7, "done": 7} == summary["items"]
    assert summary["bytes"]["done"] == 3 * 10 + grown + 2 * 600 + 20, "of what grew, only the last size"


def test_sigterm_finishes_what_the_stream_has_taken_in(stream):
    (stream.folder / "wait").touch()
    stream.put("a", "b", "c", "d", age=60)
    stream.start(window_seconds=HOUR)
    wait_until(lambda: stream.lives() and stream.batches("started"), "the first batch at work", 120)
    os.kill(stream.process.pid, signal.SIGTERM)
    assert any("job to drain: finishing what is under way" in line for line in stream.process.stderr)
    stream.put("too late", age=60)
    (stream.folder / "wait").unlink()
    summary, _ = stream.ended(143)
    assert [len(batch.split()) for batch in sorted(stream.batches(), key=len)] == [1, 3], "the open batch, too"
    assert summary["status"] == "interrupted"
    assert summary["items"] | {"planned": 4, "done": 4} == summary["items"]


def test_a_listing_that_breaks_fails_the_run_and_says_why(stream):
    stream.put("a", age=60)
    stream.start(window_seconds=0.1)
    stream.wait_for("a")
    (stream.folder / "broken").touch()
    summary, err = stream.ended(1)
    assert summary["error"]["type"] == "PermanentError"
    assert summary["error"]["message"].startswith("the listing is broken")
    assert "the listing is broken" in err
    assert summary["items"] | {"planned": 1, "done": 1} == summary["items"]
