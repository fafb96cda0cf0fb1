"""What the processes of one run on one machine know of each other: one environment variable, inherited by workers.

Only places and sizes; never a setting that changes what is done (those travel in the DoFns), never a secret.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE: Final = "HORNBEAM_RUN"


class RunContext(NamedTuple):
    """One run, as its processes see it.

    Attributes:
        run_id: The run's id.
        pid: The process that started the run.
        temp_dir: The run's own temporary folder on this machine.
        processes: How many worker processes share the memory threshold, at least 1.
        shared_dir: A folder that workers on other machines see too; "" when all are on this one.
        is_shared: Whether all workers see the folder that counts; else none joins, those that see it neither: a run
            that some of its workers end and an engine cancels under the others would end one way or the other.
        afar: The run's own folder where workers tell how far they are when they don't see that one; "" when they do.
    """

    run_id: str
    pid: int
    temp_dir: str
    processes: int = 1
    shared_dir: str = ""
    is_shared: bool = True
    afar: str = ""

    @property
    def stop_file(self) -> str:
        """The file whose presence asks the workers to stop; it holds the signal number."""
        return str(Path(self.shared_dir or self.temp_dir) / "stop")

    @property
    def progress_dir(self) -> str:
        """Where worker processes leave their counters."""
        return str(Path(self.shared_dir or self.temp_dir) / "progress")


_lock = threading.Lock()


def current() -> RunContext | None:
    """The run that this process works for, or None (a worker on another machine, or no run at all)."""
    text = os.environ.get(VARIABLE)
    return _parse(text) if text else None


def in_worker() -> bool:
    """Whether this process was started by a run's main process, to work for it."""
    context = current()
    return context is not None and context.pid != os.getpid()


def adopt(context: RunContext | None) -> None:
    """In a worker that an engine started: works for that run from now on, if all see the run's shared folder.

    Args:
        context: The run's, as a step carried it here; None where the graph was built outside of a run.
    """
    if context is not None and context.is_shared and current() is None and Path(context.progress_dir).is_dir():
        os.environ[VARIABLE] = json.dumps(context._asdict())


@contextmanager
def active(context: RunContext) -> Iterator[RunContext]:
    """Makes a run the current one of this process and of the processes it starts; one at a time, others wait.

    Args:
        context: The run.
    """
    with _lock:
        before = os.environ.get(VARIABLE)
        Path(context.progress_dir).mkdir(parents=True, exist_ok=True)
        os.environ[VARIABLE] = json.dumps(context._asdict())
        try:
            yield context
        finally:
            if before is None:
                del os.environ[VARIABLE]
            else:
                os.environ[VARIABLE] = before


@lru_cache(maxsize=4)
def _parse(text: str) -> RunContext:
    return RunContext(**json.loads(text))
