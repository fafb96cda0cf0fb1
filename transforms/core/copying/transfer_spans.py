"""Several parts of one object at once: each waits for its share of the buffer in order, then is worked by a pool.

A pool of its own: a thread that copies an object waits for its parts, and must not wait for its own pool.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from transforms.core import interrupt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from transforms.core.copying.buffer_budget import BufferBudget

Result = TypeVar("Result")


class Turns:
    """Lets the parts of one object do something one after the other, in their order, each from its own thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._next = 0
        self._broken = False

    def take(self, number: int, work: Callable[[], None]) -> None:
        """Does `work` when all parts before `number` have done theirs.

        Args:
            number: From 0; every number is taken once.
            work: What is done in order.

        Raises:
            AbandonedError: A part before it failed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._broken or self._next == number)
            if self._broken:
                raise AbandonedError
        work()
        with self._changed:
            self._next += 1
            self._changed.notify_all()

    def give_up(self) -> None:
        """Wakes all that wait; nobody gets a turn any more."""
        with self._changed:
            self._broken = True
            self._changed.notify_all()


class AbandonedError(Exception):
    """Another part failed; this one's result is of no use."""


class _Spans:
    """The parts of one object under way."""

    def __init__(self, budget: BufferBudget, turns: Turns) -> None:
        self.budget = budget
        self.turns = turns
        self.errors: list[BaseException] = []

    def work(self, function: Callable[[int, int, int], Result], number: int, span: tuple[int, int]) -> Result:
        """One part, in a thread of the pool; what it holds of the budget is given back."""
        try:
            self.check()
            return function(number, *span)
        except BaseException as e:
            self.fail(e)
            raise
        finally:
            self.budget.give_back(span[1] - span[0])

    def check(self) -> None:
        """Raises when it isn't worth beginning another part."""
        if self.errors:
            raise AbandonedError
        interrupt.check()

    def fail(self, error: BaseException) -> None:
        self.errors.append(error)
        self.turns.give_up()


def each_span(
    spans: Sequence[tuple[int, int]],
    work: Callable[[int, int, int], Result],
    budget: BufferBudget,
    threads: int,
    turns: Turns | None = None,
) -> list[Result]:
    """Works all parts of an object, as many at once as budget and threads allow; returns when none is under way.

    Args:
        spans: (start, stop) of each part, in order.
        work: Called with number (from 0), start and stop; may hold `stop - start` bytes.
        budget: The process's; the caller must hold nothing of it.
        threads: Parts at once in the process; all callers of a run give the same.
        turns: What `work` uses to keep an order; freed when a part fails.

    Returns:
        What `work` returned, in the order of the spans.

    Raises:
        BaseException: The first thing that any part raised.
    """
    pool = _pool(threads)
    state = _Spans(budget, turns or Turns())
    under_way: list[Future[Result]] = []
    try:
        for number, span in enumerate(spans):
            if not budget.take(span[1] - span[0], give_up=lambda: bool(state.errors)):
                break
            under_way.append(pool.submit(interrupt.carried(state.work), work, number, span))
    except BaseException as e:  # noqa: BLE001 - raised below, once nothing is under way
        state.fail(e)
    wait(under_way)
    if state.errors:
        raise state.errors[0]
    return [future.result() for future in under_way]


@lru_cache(maxsize=4)
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="hornbeam-part")
