"""Being asked to stop: one process-wide mark, set by SIGINT or SIGTERM, that every loop and task looks at.

Handlers only set the mark; what stopping means is decided where work is done (`finishing`: nothing). Worker processes
learn of it from the stop file that the run's context names (run_context.py): a plain `kill` reaches the parent only.
"""

from __future__ import annotations

import atexit
import os
import signal
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from transforms.core import run_context
from transforms.core.errors import InterruptedRunError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_LOOK_SECONDS: Final = 0.1
P = ParamSpec("P")
T = TypeVar("T")


class _State:
    """The signal that asked, and when the stop file was last looked for.

    A plain attribute: `threading.Event.set` takes a lock that the interrupted main thread may hold.
    """

    def __init__(self) -> None:
        self.number = 0
        self.given_up = 0
        self.looked_at = 0.0


_state = _State()


class _Mine(threading.local):
    """Whether what this thread does goes on to its end."""

    finishing = False


_mine = _Mine()


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
    """The signal that asked this run to stop, or 0; within `finishing` only whether it was given up. Cheap."""
    if _mine.finishing:
        if not _state.given_up:
            _look_for_stop_file()
        return _state.given_up
    if not _state.number:
        _look_for_stop_file()
    return _state.number or _state.given_up


@contextmanager
def finishing() -> Iterator[None]:
    """In the block a request to stop isn't seen: what a stream has taken in is finished, only its head ends.

    A run that was given up stops here too, and a second signal ends the process as ever.
    """
    before, _mine.finishing = _mine.finishing, True
    try:
        yield
    finally:
        _mine.finishing = before


def carried(work: Callable[P, T]) -> Callable[P, T]:
    """The same work for another thread, which then sees of a request to stop what this thread sees.

    Args:
        work: What the other thread will call.
    """
    if not _mine.finishing:
        return work

    def finished(*args: P.args, **kwargs: P.kwargs) -> T:
        with finishing():
            return work(*args, **kwargs)

    return finished


def signalled() -> int:
    """The signal that this process got, or 0: what is said of it, where `requested` is what is done about it."""
    return _state.number


def give_up() -> None:
    """Stops what is under way here and in workers as a signal would, though none came: results have nowhere to go."""
    _state.given_up = int(signal.SIGTERM)
    context = run_context.current()
    if context is not None:
        Path(context.stop_file).write_text(str(-_state.given_up), encoding="ascii")


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
    _state.number = _state.given_up = 0
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
    """In a worker process: a signal only asks to stop, so that Ctrl-C doesn't break its connections to the engine.

    An interpreter that ends puts the default actions back in the place of handlers, but not of 'ignore'; so a worker
    that ends ignores them, or a late Ctrl-C would kill it (exit code -2) and the engine report a failure.
    """
    for number in SIGNALS:
        signal.signal(number, lambda number, _frame: request_locally(number))
    atexit.register(_ignore_signals)


def _ignore_signals() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


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
    number = int(text or signal.SIGTERM)
    if number < 0:  # given up, not asked
        _state.given_up = -number
    else:
        request_locally(number)
