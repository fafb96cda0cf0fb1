"""The bytes that a process may hold in flight, whatever part size times concurrency gives: a semaphore of bytes.

Nobody may ask for more while holding some, so holders always finish and waiting never ends in a deadlock.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from transforms.core import interrupt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LOOK_SECONDS: Final = 0.1


class _Waiter:
    def __init__(self, wanted_bytes: int) -> None:
        self.wanted_bytes = wanted_bytes
        self.granted = threading.Event()


class BufferBudget:
    """A number of bytes that threads take and give back, served in the order of asking. Thread-safe.

    What is larger than the whole counts as the whole: it waits until nobody holds anything, and goes alone.

    Args:
        total_bytes: The whole, at least 1.
    """

    def __init__(self, total_bytes: int) -> None:
        if total_bytes < 1:
            raise ValueError(f"a budget of {total_bytes} bytes admits nothing; give at least 1")
        self.total_bytes = total_bytes
        self._free_bytes = total_bytes
        self._lock = threading.Lock()
        self._waiting: deque[_Waiter] = deque()

    @property
    def held_bytes(self) -> int:
        """What is taken now."""
        return self.total_bytes - self._free_bytes

    @contextmanager
    def hold(self, wanted_bytes: int) -> Iterator[None]:
        """Takes bytes for as long as the block runs; waits for them first.

        Args:
            wanted_bytes: How many.

        Raises:
            InterruptedRunError: The run was asked to stop while it waited.
        """
        self.take(wanted_bytes)
        try:
            yield
        finally:
            self.give_back(wanted_bytes)

    def take(self, wanted_bytes: int, give_up: Callable[[], bool] | None = None) -> bool:
        """Waits for bytes and takes them; the taker must not hold any.

        Args:
            wanted_bytes: How many; `give_back` gets the same number.
            give_up: Asked every 0.1 s while waiting, whether to stop waiting.

        Returns:
            Whether they were taken (always, without `give_up`).

        Raises:
            InterruptedRunError: The run was asked to stop while it waited.
        """
        wanted_bytes = min(wanted_bytes, self.total_bytes)
        with self._lock:
            if not self._waiting and wanted_bytes <= self._free_bytes:
                self._free_bytes -= wanted_bytes
                return True
            waiter = _Waiter(wanted_bytes)
            self._waiting.append(waiter)
        while not waiter.granted.wait(_LOOK_SECONDS):
            if interrupt.requested() or (give_up is not None and give_up()):
                self._withdraw(waiter)
                interrupt.check()
                return False
        return True

    def give_back(self, taken_bytes: int) -> None:
        """Returns what `take` took.

        Args:
            taken_bytes: The same number.
        """
        with self._lock:
            self._free_bytes += min(taken_bytes, self.total_bytes)
            self._serve()

    def _withdraw(self, waiter: _Waiter) -> None:
        with self._lock:
            if waiter.granted.is_set():
                self._free_bytes += waiter.wanted_bytes
            else:
                self._waiting.remove(waiter)
            self._serve()

    def _serve(self) -> None:
        while self._waiting and self._waiting[0].wanted_bytes <= self._free_bytes:
            waiter = self._waiting.popleft()
            self._free_bytes -= waiter.wanted_bytes
            waiter.granted.set()
