"""One bounded pool of threads a process: whatever a runner does with bundles, this many units are worked at once.

One user's share of it is `in_flight.InFlight`. Beam is not known here.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from transforms.core import interrupt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

_POLL_SECONDS: Final = 0.1
_mine = threading.local()


class Gate(Protocol):
    """What every task passes before it starts: the memory governor."""

    def admit(self, estimated_bytes: int = 0) -> AbstractContextManager[None]:
        """Waits until the task may start; holds its place while it runs."""


class Ungated:
    """A gate that is open: for tasks that hold little and wait for others, which pass the real one."""

    def admit(self, estimated_bytes: int = 0) -> AbstractContextManager[None]:
        """Always at once."""
        del estimated_bytes
        return nullcontext()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ungated)

    def __hash__(self) -> int:
        return hash(Ungated)


class WorkPool:
    """At most `size` tasks run and `ahead` wait behind them; a further `run` waits for room.

    A thread that ends a task takes the next waiting one by itself. Without one that it can take, each task costs its
    submitter's waking up and another thread's: of 64 KiB objects a fifth of all processor time.

    Args:
        size: Tasks at once, at least 1.
        gate: Passed by each task in its own thread, before it starts.
        ahead: Tasks that may wait, for tasks so short that it matters, and which hold nothing before they start.
    """

    def __init__(self, size: int, gate: Gate, ahead: int = 0) -> None:
        if size < 1:
            raise ValueError(f"a pool of {size} threads can't work; give at least 1")
        self.size = size
        self.gate = gate
        self._ahead = ahead
        self._changed = threading.Condition()
        self._free = size
        self._waiting: deque[Callable[[], None]] = deque()
        self._collecting = 0
        self._taking = threading.Lock()
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="hornbeam")

    def run(self, work: Callable[[], Any], estimated_bytes: int = 0) -> Future[Any]:
        """Queues a task, after waiting for room.

        Args:
            work: Called in a thread of the pool.
            estimated_bytes: Working memory it will take, for the gate; 0 when small or unknown.

        Returns:
            Its future; cancelled when the run was asked to stop before the task began.
        """
        if getattr(_mine, "pool", None) is self:  # a task that waits for a place of its own pool could wait for ever
            raise RuntimeError("a task of the pool submitted to the pool; do the work in the task itself")
        future: Future[Any] = Future()
        task = partial(interrupt.carried(self._work), future, work, estimated_bytes)
        while not interrupt.requested():
            with self._changed:
                if interrupt.requested():  # after `wait_until_idle` of a run that was given up nothing starts
                    break
                if self._free and not self._waiting and not self._collecting:
                    self._start(task)
                    return future
                if len(self._waiting) < self._ahead:
                    self._waiting.append(task)
                    return future
                self._changed.wait(_POLL_SECONDS)
        return _cancelled(future)

    @contextmanager
    def held(self, count: int) -> Iterator[None]:
        """Takes places for work that goes on outside of the pool: so many tasks fewer run in the block.

        Args:
            count: How many, at most `size`.

        Raises:
            InterruptedRunError: The run was asked to stop before they were free.
        """
        taken = 0
        try:
            while not self._taking.acquire(timeout=_POLL_SECONDS):  # two that each have some would wait for ever
                interrupt.check()
            try:
                with self._changed:
                    self._collecting += 1  # no waiting task may take what becomes free
                while taken < count:
                    with self._changed:
                        if self._free or self._changed.wait_for(lambda: self._free, _POLL_SECONDS):
                            self._free -= 1
                            taken += 1
                            continue
                    interrupt.check()
            finally:
                self._give_back(0, collected=True)
                self._taking.release()
            yield
        finally:
            self._give_back(taken)

    def wait_until_idle(self) -> None:
        """Waits until no task is waiting or running; for a moment at which nobody submits."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_busy())

    @property
    def busy(self) -> bool:
        """Whether a task is waiting or running, or a place held."""
        with self._changed:
            return self._is_busy()

    def close(self) -> None:
        """Takes no more tasks; threads end when their tasks have."""
        self._threads.shutdown(wait=False)

    def _is_busy(self) -> bool:
        return self._free < self.size or bool(self._waiting)

    def _start(self, task: Callable[[], None]) -> None:
        self._threads.submit(self._work_through, task)
        self._free -= 1

    def _work_through(self, task: Callable[[], None] | None) -> None:
        while task is not None:
            task()
            task = self._next()

    def _next(self) -> Callable[[], None] | None:
        """The next task for the place of one that ended; without one the place is free."""
        with self._changed:
            if not self._waiting or self._collecting:
                self._free += 1
                self._changed.notify_all()
                return None
            task = self._waiting.popleft()
            if 2 * len(self._waiting) <= self._ahead:  # wake submitters for many tasks, not for each
                self._changed.notify_all()
            return task

    def _give_back(self, count: int, *, collected: bool = False) -> None:
        with self._changed:
            self._free += count
            self._collecting -= collected
            while self._free and self._waiting and not self._collecting:
                self._start(self._waiting.popleft())
            self._changed.notify_all()

    def _work(self, future: Future[Any], work: Callable[[], Any], estimated_bytes: int) -> None:
        _mine.pool = self
        if interrupt.requested():
            future.cancel()
        if not future.set_running_or_notify_cancel():
            return
        try:
            with self.gate.admit(estimated_bytes):
                result = work()
        except BaseException as error:  # noqa: BLE001 - raised again where the result is taken
            future.set_exception(error)
        else:
            future.set_result(result)


class _Shared:
    """The process's pools by name: made when first asked for, made anew when another size is asked for."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pools: dict[str, WorkPool] = {}


_shared = _Shared()


def shared(size: int, gate: Gate, name: str = "units", ahead: int = 0) -> WorkPool:
    """The one pool of this process for one kind of work.

    Args:
        size: Tasks at once; all users of a run ask for the same.
        gate: Passed by each task; the first asker's.
        name: The kind of work. A task may submit to a pool of another kind, never to its own.
        ahead: How many more may wait; all users of a kind say the same.
    """
    with _shared.lock:
        pool = _shared.pools.get(name)
        if pool is None or pool.size != size or pool.gate != gate:
            if pool is not None:
                pool.close()
            pool = _shared.pools[name] = WorkPool(size, gate, ahead)
        return pool


def busy() -> bool:
    """Whether any shared pool of this process has something under way."""
    with _shared.lock:
        pools = list(_shared.pools.values())
    return any(pool.busy for pool in pools)


def wait_until_idle() -> None:
    """Waits until no shared pool has anything under way."""
    with _shared.lock:
        pools = list(_shared.pools.values())
    for pool in pools:
        pool.wait_until_idle()


def _cancelled(future: Future[Any]) -> Future[Any]:
    future.cancel()
    future.set_running_or_notify_cancel()  # otherwise `wait` would not count it as done
    return future
