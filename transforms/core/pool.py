"""One bounded pool of threads a process: whatever a runner does with bundles, this many units are worked at once.

`InFlight` is one user's share of it (a DoFn's bundle): submit, take what is ready, drain. Beam is not known here.
"""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, Protocol, TypeVar

from transforms.core import interrupt
from transforms.core.errors import InterruptedRunError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

Context = TypeVar("Context")
_POLL_SECONDS: Final = 0.1
_mine = threading.local()


class Gate(Protocol):
    """What every task passes before it starts: the memory governor."""

    def admit(self, estimated_bytes: int = 0) -> AbstractContextManager[None]:
        """Waits until the task may start; holds its place while it runs."""


class Finished(NamedTuple, Generic[Context]):
    """A task that came back.

    Attributes:
        context: What it was submitted with.
        value: What it returned; None when it was not started.
        started: False when the run was asked to stop before it began.
    """

    context: Context
    value: Any
    started: bool = True


class WorkPool:
    """At most `size` tasks are queued or running; a further `run` waits for a place.

    Args:
        size: Tasks at once, at least 1.
        gate: Passed by each task in its own thread, before it starts.
    """

    def __init__(self, size: int, gate: Gate) -> None:
        if size < 1:
            raise ValueError(f"a pool of {size} threads can't work; give at least 1")
        self.size = size
        self.gate = gate
        self._places = threading.BoundedSemaphore(size)
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="hornbeam")

    def run(self, work: Callable[[], Any], estimated_bytes: int = 0) -> Future[Any]:
        """Queues a task, after waiting for a free place.

        Args:
            work: Called in a thread of the pool.
            estimated_bytes: Working memory it will take, for the gate; 0 when small or unknown.

        Returns:
            Its future; cancelled when the run was asked to stop before the task began.
        """
        if getattr(_mine, "inside", False):  # a task that waits for a place of its own pool could wait for ever
            raise RuntimeError("a task of the pool submitted to the pool; do the work in the task itself")
        future: Future[Any] = Future()
        while not self._places.acquire(timeout=_POLL_SECONDS):
            if interrupt.requested():
                return _cancelled(future)
        try:
            self._threads.submit(self._work, future, work, estimated_bytes)
        except BaseException:
            self._places.release()
            raise
        return future

    def close(self) -> None:
        """Takes no more tasks; threads end when their tasks have."""
        self._threads.shutdown(wait=False)

    def _work(self, future: Future[Any], work: Callable[[], Any], estimated_bytes: int) -> None:
        _mine.inside = True
        try:
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
        finally:
            self._places.release()


class InFlight(Generic[Context]):
    """The tasks that one user of the pool has under way. Used by one thread at a time.

    Args:
        pool: The process's pool.
    """

    def __init__(self, pool: WorkPool) -> None:
        self._pool = pool
        self._futures: dict[Future[Any], Context] = {}

    def __len__(self) -> int:
        return len(self._futures)

    def submit(self, work: Callable[[], Any], context: Context, estimated_bytes: int = 0) -> None:
        """Queues a task; waits while the pool is full, so that descriptors don't run ahead of work.

        Args:
            work: Called in a thread of the pool.
            context: Comes back with the result.
            estimated_bytes: Working memory it will take; 0 when small or unknown.
        """
        self._futures[self._pool.run(work, estimated_bytes)] = context

    def ready(self) -> Iterator[Finished[Context]]:
        """What came back since the last call, without waiting.

        Raises:
            BaseException: What a task raised, after the others have ended.
        """
        for future in [future for future in self._futures if future.done()]:
            yield self._take(future)

    def drain(self) -> Iterator[Finished[Context]]:
        """Everything that is under way, as it comes back.

        Raises:
            BaseException: What a task raised, after the others have ended.
        """
        while self._futures:
            wait(self._futures, return_when=FIRST_COMPLETED)
            yield from self.ready()

    def abandon(self) -> None:
        """Forgets what has not started and waits for what runs, so that nothing goes on behind a failed bundle."""
        for future in self._futures:
            future.cancel()
        wait(self._futures)
        self._futures.clear()

    def _take(self, future: Future[Any]) -> Finished[Context]:
        context = self._futures.pop(future)
        if future.cancelled():
            return Finished(context, None, started=False)
        error = future.exception()
        if error is None:
            return Finished(context, future.result())
        if isinstance(error, InterruptedRunError):
            return Finished(context, None, started=False)
        self.abandon()
        raise error


class _Shared:
    """The process's pool: made when first asked for, made anew when another size is asked for."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pool: WorkPool | None = None


_shared = _Shared()


def shared(size: int, gate: Gate) -> WorkPool:
    """The one pool of this process.

    Args:
        size: Tasks at once; all users of a run ask for the same.
        gate: Passed by each task; the first asker's.
    """
    with _shared.lock:
        pool = _shared.pool
        if pool is None or pool.size != size or pool.gate is not gate:
            if pool is not None:
                pool.close()
            pool = _shared.pool = WorkPool(size, gate)
        return pool


def _cancelled(future: Future[Any]) -> Future[Any]:
    future.cancel()
    future.set_running_or_notify_cancel()  # otherwise `wait` would not count it as done
    return future
