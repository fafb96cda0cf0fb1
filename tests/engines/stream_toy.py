"""A small stream on the run frame: what appears in FOLDER/in is batched, and each batch tells in FOLDER/out of itself.

`python -m tests.engines.stream_toy FOLDER [--setting=value…] [Beam's flags]`. FOLDER/polls tells of every poll; a file
FOLDER/wait holds batches, FOLDER/broken breaks polls, FOLDER/grow lets in/growing grow at each poll.
"""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apache_beam as beam

from pipelines.running import run_pipeline
from pipelines.stream_settings import StreamSettings
from transforms.batching import WindowedBatches
from transforms.core.errors import PermanentError
from transforms.core.objects.access import StoreAccess
from transforms.core.objects.store import open_store
from transforms.core.objects.uri import last_name
from transforms.core.outcome import Outcome
from transforms.core.run_folder import outcome_line
from transforms.core.streams.stream_part import BatchTotals, unit_id, write_batch
from transforms.heads import WatchObjects
from transforms.pooled import PooledDoFn, PoolLimits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transforms.core.outcome import ObjectInfo
    from transforms.stream_types import Notice

MAX_ITEMS, MAX_BYTES = 3, 1000


class Listing:
    """Yields the files, and tells that it was asked."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __call__(self) -> Iterator[ObjectInfo]:
        found = sorted(open_store("file:///", StoreAccess()).list(f"file://{self.folder}/in/"))
        with Path(self.folder, "polls").open("a") as polls:
            polls.write(" ".join(last_name(info.uri) for info in found) + "\n")
        if Path(self.folder, "broken").exists():
            raise PermanentError("the listing is broken")
        self._grow()
        return iter(found)

    def _grow(self) -> None:
        """After it was listed, so that no two polls see the same."""
        if Path(self.folder, "grow").exists():
            with Path(self.folder, "in", "growing").open("a") as growing:
                growing.write("x")


class NoteBatch(PooledDoFn):
    """Says what is in a batch."""

    finishes = True

    def __init__(self, folder: str, run: Any, seconds: float = 0.0) -> None:
        super().__init__(PoolLimits(2))
        self.folder, self.run, self.seconds = Path(folder), run, seconds

    def work(self, batch: tuple[Notice, ...]) -> Iterator[BatchTotals]:
        self._note("started", batch)
        while (self.folder / "wait").exists():
            time.sleep(0.02)
        time.sleep(self.seconds)
        lines = [
            outcome_line(Outcome(one.uri, "done", one.size_bytes, 0.0, "")) | {"of": one.identity} for one in batch
        ]
        totals = BatchTotals(told=len(batch), done=len(batch), bytes=sum(one.size_bytes for one in batch))
        write_batch(self.run, batch, lines, totals)
        self._note("out", batch)
        yield totals

    def _note(self, name: str, batch: Sequence[Notice]) -> None:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        beside = self.folder / f".{os.getpid()}-{time.time_ns()}"
        beside.write_text(" ".join(sorted(last_name(one.uri) for one in batch)))
        beside.rename(folder / f"{time.time_ns()}-{unit_id(batch)}")


def size_of(notice: Notice) -> int:
    return notice.size_bytes


def uri_of(notice: Notice) -> str:
    return notice.uri


def build(folder: str, seconds: float, pipeline: Any, settings: StreamSettings, context: Any) -> None:
    _ = (
        pipeline
        | WatchObjects(Listing(folder), settings.watch, settings.stop_after_idle_seconds or None, context.folder)
        | WindowedBatches(MAX_ITEMS, MAX_BYTES, settings.window_seconds, size_of, uri_of, shards=1)
        | "NoteBatch" >> beam.ParDo(NoteBatch(folder, context.folder, seconds))
    )


def run(folder: Path, words: Sequence[str]) -> Any:
    given = dict(word.removeprefix("--").split("=", 1) for word in words)
    seconds = float(given.pop("seconds", "0"))
    own = {name: value for name, value in given.items() if name in StreamSettings.model_fields}
    settings = StreamSettings(**{"output": str(folder / "run"), "shared_disk": True, **own})
    flags = [f"--{name}={value}" for name, value in given.items() if name not in own]
    return run_pipeline("toy", settings, flags, partial(build, str(folder), seconds))


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), sys.argv[2:]).exit_code)
