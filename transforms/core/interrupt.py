"""Being asked to stop: one process-wide mark, set by SIGINT or SIGTERM, that every loop and task looks at.

Handlers only set the mark; what stopping means is decided where work is done. Worker processes learn of it from
the stop file that the run's context names (run_context.py), since a plain `kill` reaches the parent only.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from transforms.core import run_context
from transforms.core.errors import InterruptedRunError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_LOOK_SECONDS: Final = 0.1


class _State:
    """The signal that asked, and when the stop file was last looked for.

    A plain attribute: `threading.Event.set` takes a lock that the interrupted main thread may hold.
    """

    def __init__(self) -> None:
        self.number = 0
        self.looked_at = 0.0


_state = _State()


def request(number: int) -> None:
    """Asks this process, and the run's worker processes, to stop.

    Args:
        number: The signal number that the exit code tells (`signal.SIGINT`, `signal.SIGTERM`).
    """
    request_locally(number)
    context = run_context.current()
    if context is not None:
        Path(context.stop_file).write_text(str(_state.number), encoding="ascii")


def requested() -> int:
    """The signal that asked this run to stop, or 0. Cheap enough to ask before every task."""
    if not _state.number:
        _look_for_stop_file()
    return _state.number


def wait(seconds: float) -> int:
    """Sleeps, and wakes soon (within 0.1 s) when the run is asked to stop.

    Args:
        seconds: How long to sleep at most.

    Returns:
        What `requested()` says.
    """
    until = time.monotonic() + seconds
    while not requested() and (left := until - time.monotonic()) > 0:
        time.sleep(min(left, _LOOK_SECONDS))
    return requested()


def check() -> None:
    """Stops the caller when the run was asked to stop.

    Raises:
        InterruptedRunError: It was.
    """
    if number := requested():
        raise InterruptedRunError(f"stopped by {signal.Signals(number).name}")


def reset() -> None:
    """Forgets an earlier run's request (a program may run several pipelines, one after the other)."""
    _state.number = 0
    _state.looked_at = 0.0


@contextmanager
def handling(before_hard_exit: Callable[[], None]) -> Iterator[None]:
    """Lets SIGINT and SIGTERM ask for a stop while the block runs; the second one ends the process at once.

    Outside the main thread no handler can be set: there the program's own handlers stay, and `request` is its way in.

    Args:
        before_hard_exit: Called before the hard exit (130 or 143); ends the processes that the run started.
    """

    def handle(number: int, _frame: Any) -> None:
        if _state.number:
            before_hard_exit()
            os._exit(128 + number)
        request(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def handle_in_worker() -> None:
    """In a worker process: a signal only asks to stop, so that Ctrl-C doesn't break its connections to the engine."""
    for number in SIGNALS:
        signal.signal(number, lambda number, _frame: request_locally(number))


def request_locally(number: int) -> None:
    """Asks this process only to stop.

    Args:
        number: The signal number.
    """
    _state.number = _state.number or int(number)


def _look_for_stop_file() -> None:
    context = run_context.current()
    now = time.monotonic()
    if context is None or context.pid == os.getpid() or now - _state.looked_at < _LOOK_SECONDS:
        return
    _state.looked_at = now
    try:
        text = Path(context.stop_file).read_text(encoding="ascii")
    except FileNotFoundError:
        return
    request_locally(int(text or signal.SIGTERM))
