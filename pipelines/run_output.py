"""What a run says while it runs and when it ends: a live bar, a line every 10 s, or JSON events; the closing lines.

Standard output takes the closing lines (or the events) and nothing else; the rest goes to standard error.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from pipelines.logs import LOGGER
from pipelines.run_details import detail_lines
from transforms.core import interrupt, progress
from transforms.core.rates import Pace, pace, progress_line
from transforms.core.summary import closing_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipelines.launch import RunnerChoice
    from transforms.core.memory import MemorySampler
    from transforms.core.run_folder import RunFolder
    from transforms.core.summary import Summary

LINE_SECONDS: Final = 10.0
EVENT_SECONDS: Final = 1.0
STOP_SECONDS: Final = 0.2


class Output:
    """A run's voice.

    Args:
        folder: The run's.
        as_events: Whether a program listens: one JSON object a line on standard output.
    """

    def __init__(self, folder: RunFolder, *, as_events: bool) -> None:
        self._folder = folder
        self._as_events = as_events
        self._stopping = ""

    def started(self, pipeline: str, choice: RunnerChoice) -> None:
        """Says what begins.

        Args:
            pipeline: Its name.
            choice: The engine.
        """
        self._stopping = choice.stopping
        if self._as_events:
            self._event("started", pipeline=pipeline, runner=choice.shown, output=self._folder.shown)

    @contextmanager
    def live(self, sampler: MemorySampler) -> Iterator[None]:
        """Shows progress while the block runs.

        Args:
            sampler: Knows the memory in use.
        """

        def now() -> Pace:
            return pace(progress.snapshot(), time.monotonic() - started, sampler.rss_bytes)

        started = time.monotonic()
        with _every(STOP_SECONDS, _Stop(self._stopping).notice), self._shown(now):
            yield

    @contextmanager
    def _shown(self, now: Callable[[], Pace]) -> Iterator[None]:
        if self._as_events:
            with _every(EVENT_SECONDS, lambda: self._event("progress", **now()._asdict())):
                yield
        elif sys.stderr.isatty():
            from pipelines.progress_bar import live_bar

            with live_bar(now):
                yield
        else:
            with _every(LINE_SECONDS, lambda: LOGGER.info("%s", progress_line(now()), extra={"console": True})):
                yield

    def closed(self, summary: Summary) -> None:
        """Says how it ended.

        Args:
            summary: The run's.
        """
        if self._as_events:
            self._event("finished", exit_code=summary.exit_code, summary=json.loads(summary.to_json()))
        else:
            *account, report = closing_lines(summary)
            sys.stdout.write("\n".join([*account, *detail_lines(summary), report]) + "\n")
            sys.stdout.flush()

    def _event(self, event: str, **values: Any) -> None:
        sys.stdout.write(json.dumps({"event": event, "run_id": self._folder.run_id, **values}) + "\n")
        sys.stdout.flush()


class _Stop:
    """Says once that the run was asked to stop, and what follows: a signal handler itself must not log."""

    def __init__(self, stopping: str) -> None:
        self._stopping = stopping
        self._said = False

    def notice(self) -> None:
        number = interrupt.signalled()
        if number and not self._said:
            self._said = True
            name = signal.Signals(number).name
            LOGGER.warning("%s: asked to stop; %s (the same again ends at once)", name, self._stopping)


@contextmanager
def _every(seconds: float, action: Callable[[], None]) -> Iterator[None]:
    """Does something every so often, in a thread, while the block runs."""
    stop = threading.Event()

    def loop() -> None:
        while not stop.wait(seconds):
            action()

    thread = threading.Thread(target=loop, name="hornbeam-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
