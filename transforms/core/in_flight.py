"""One user's share of a pool (a DoFn's bundle, a copy's task): submit, take what is ready, drain."""

from __future__ import annotations

from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from transforms.core.errors import InterruptedRunError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from transforms.core.pool import WorkPool

Context = TypeVar("Context")


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


class InFlight(Generic[Context]):
    """The tasks that one user of the pool has under way. Used by one thread at a time.

    Args:
        pool: The process's pool.
    """

    def __init__(self, pool: WorkPool) -> None:
        self._pool = pool
        self._futures: dict[Future[Any], Context] = {}
        self._ended: deque[Future[Any]] = deque()

    def __len__(self) -> int:
        return len(self._futures)

    def submit(self, work: Callable[[], Any], context: Context, estimated_bytes: int = 0) -> None:
        """Queues a task; waits while the pool is full, so that descriptors don't run ahead of work.

        Args:
            work: Called in a thread of the pool.
            context: Comes back with the result.
            estimated_bytes: Working memory it will take; 0 when small or unknown.
        """
        future = self._pool.run(work, estimated_bytes)
        self._futures[future] = context
        future.add_done_callback(self._ended.append)

    def ready(self) -> Iterator[Finished[Context]]:
        """What came back since the last call, without waiting.

        Raises:
            BaseException: What a task raised, after the others have ended.
        """
        while self._ended:
            future = self._ended.popleft()
            if future in self._futures:
                yield self._take(future)

    def drain(self) -> Iterator[Finished[Context]]:
        """Everything that is under way, as it comes back.

        Raises:
            BaseException: What a task raised, after the others have ended.
        """
        while self._futures:
            ended, _ = wait(self._futures, return_when=FIRST_COMPLETED)
            for future in ended:
                yield self._take(future)

    def abandon(self) -> None:
        """Forgets what has not started and waits for what runs, so that nothing goes on behind a failed bundle."""
        for future in self._futures:
            future.cancel()
        wait(self._futures)
        self._futures.clear()
        self._ended.clear()

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
