"""The governor: a gate that every concurrent task passes, so that memory stays below its threshold.

Over the threshold no new task starts; how many may run at once follows the samples (width.py), and so does how much
they hold until they write it (batch_divisor.py).
"""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from transforms.core import interrupt
from transforms.core.batch_divisor import BatchDivisor
from transforms.core.errors import HornbeamError
from transforms.core.memory_sampler import MIB
from transforms.core.width import Width

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_POLL_SECONDS: Final = 0.1


class MemoryLimitError(HornbeamError):
    """Memory stays over the threshold though nothing is under way, or one task alone needs more than it."""


class Governor:
    """Admits at most `width` tasks at once, none while memory is over the threshold.

    Args:
        width: Tasks at once when memory is no matter, at least 1.
        threshold_mb: How far above the baseline memory may rise before no new task starts, in MiB.
        above_baseline: Measures: resident bytes above the baseline, now.
        grace_seconds: How long memory may stay over the threshold with nothing in flight.
    """

    def __init__(
        self, width: int, threshold_mb: float, above_baseline: Callable[[], int], grace_seconds: float = 10.0
    ) -> None:
        self._threshold = int(threshold_mb * MIB)
        self._measure = above_baseline
        self._grace_seconds = grace_seconds
        self._changed = threading.Condition()
        self._used = 0
        self._reserved = 0
        self._in_flight = self._busiest = self._ended = 0
        self._width = Width(width, self._threshold, time.monotonic())
        self._divisor = BatchDivisor(self._threshold)
        self._stuck_since: float | None = None

    def has_limits(self, width: int, threshold_mb: float) -> bool:
        """Whether it was made with these limits.

        Args:
            width: Tasks at once.
            threshold_mb: In MiB.
        """
        return (width, int(threshold_mb * MIB)) == (self._width.most, self._threshold)

    @property
    def width(self) -> int:
        """Tasks that may run at once now."""
        return self._width.value

    @property
    def narrowed(self) -> int:
        """How often memory made it narrower."""
        return self._width.narrowed

    @property
    def batch_divisor(self) -> int:
        """By how much a write batch is to be smaller now: 1 while memory is calm."""
        return self._divisor.value

    def heed(self, used_bytes: int) -> None:
        """Takes a sample; the sampler calls it.

        Args:
            used_bytes: Resident bytes above the baseline.
        """
        with self._changed:
            self._used = used_bytes
            narrowed = self._width.sample(used_bytes, self._busiest, self._ended, time.monotonic())
            self._divisor.sample(used_bytes, time.monotonic())
            self._busiest = self._in_flight
            self._changed.notify_all()
        if narrowed:
            release_freed_memory()

    @contextmanager
    def admit(self, estimated_bytes: int = 0) -> Iterator[None]:
        """Waits until a task may start, and holds its place while the block runs.

        Args:
            estimated_bytes: Working memory that the task will take; 0 when small or unknown.

        Raises:
            MemoryLimitError: The task alone needs more than the threshold, or memory doesn't fall.
            InterruptedRunError: The run was asked to stop.
        """
        self._enter(estimated_bytes)
        try:
            yield
        finally:
            with self._changed:
                self._in_flight -= 1
                self._ended += 1
                self._reserved -= estimated_bytes
                self._changed.notify_all()

    def _enter(self, estimated_bytes: int) -> None:
        if estimated_bytes > self._threshold:
            raise MemoryLimitError(
                f"one task needs about {estimated_bytes / MIB:.0f} MiB of memory, more than the threshold of"
                f" {self._threshold / MIB:.0f} MiB: raise --memory_threshold_mb, or make the unit of work smaller"
            )
        while True:
            with self._changed:
                if self._may_start(estimated_bytes):
                    self._in_flight += 1
                    self._busiest = max(self._busiest, self._in_flight)
                    self._reserved += estimated_bytes
                    self._stuck_since = None
                    return
                self._changed.wait(_POLL_SECONDS)
            interrupt.check()
            self._relieve()

    def _may_start(self, estimated_bytes: int) -> bool:
        if self._used > self._threshold or self._in_flight >= self.width:
            return False
        unseen = self._width.unseen_bytes(self._in_flight)
        expected = max(self._used + unseen, self._reserved) + estimated_bytes
        return self._in_flight == 0 or expected <= self._threshold

    def _relieve(self) -> None:
        """Nothing in flight and still over: gives freed pages back, then allows a grace time, then fails."""
        with self._changed:
            if self._in_flight or self._used <= self._threshold:
                self._stuck_since = None
                return
            first = self._stuck_since is None
            self._stuck_since = self._stuck_since or time.monotonic()
            waited = time.monotonic() - self._stuck_since
        if first:
            release_freed_memory()
        self.heed(self._measure())
        if waited > self._grace_seconds and self._used > self._threshold:
            raise MemoryLimitError(
                f"memory stays {self._used / MIB:.0f} MiB above the start, over the threshold of"
                f" {self._threshold / MIB:.0f} MiB, for {self._grace_seconds:.0f} s with no task under way"
                f" ({held_memory()}): raise --memory_threshold_mb, or lower --max_concurrent"
            )


def release_freed_memory() -> None:
    """Gives pages that are free inside the process back to the system: cycles, Arrow's pool, the C heap."""
    gc.collect()
    if arrow := sys.modules.get("pyarrow"):
        arrow.default_memory_pool().release_unused()
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "malloc_trim"):
        library.malloc_trim(0)


def held_memory() -> str:
    """What holds memory, as far as the process can tell, in words."""
    parts = [f"{len(gc.get_objects()):,} Python objects"]
    if arrow := sys.modules.get("pyarrow"):
        parts.append(f"Arrow holds {arrow.total_allocated_bytes() / MIB:.0f} MiB")
    return ", ".join(parts)
