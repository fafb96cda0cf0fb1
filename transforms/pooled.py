"""`PooledDoFn`: a DoFn whose elements are worked by the process's one pool, whatever the runner does with bundles.

A subclass says what to do with one element; timestamps, windows, draining, stopping and timing are done here.
"""

from __future__ import annotations

import os
import time
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput
from apache_beam.utils.windowed_value import WindowedValue

from transforms.core import interrupt, memory, pool, progress, progress_afar, run_context
from transforms.core.in_flight import Finished, InFlight

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from transforms.core.pool import WorkPool


# The Beam distribution of each such DoFn: the process tree's resident memory whenever an element was done.
RESIDENT_MIB: Final = "resident_mib"


class PoolLimits(NamedTuple):
    """How much is worked at once.

    Attributes:
        max_concurrent: Elements at once in a process; 0 = as many as the worker has processors, 2 to 8.
        memory_threshold_mb: How far memory may rise above the start before no new element starts.
    """

    max_concurrent: int = 16
    memory_threshold_mb: float = 500

    @property
    def width(self) -> int:
        """Elements at once on this machine."""
        return self.max_concurrent or min(max(os.cpu_count() or 2, 2), 8)


class _Place(NamedTuple):
    element: Any
    timestamp: Any
    window: Any


class PooledDoFn(beam.DoFn):
    """Works up to `max_concurrent` elements of a process at once. Bounded and unbounded input; repeats are the work's.

    `work` runs in a thread of the pool, several at a time: what it shares must be thread-safe. Its outputs leave with
    the element's own timestamp and window, in whatever order the work ends. Memory: the outputs of at most
    `max_concurrent` elements, so an element's outputs should be few and small.

    Attributes:
        finishes: Whether elements are worked to their end though the run was asked to stop: in a stream, whose head
            alone ends then.

    Args:
        limits: How much is worked at once.
    """

    finishes = False

    def __init__(self, limits: PoolLimits = PoolLimits()) -> None:  # noqa: B008 - an immutable value
        super().__init__()
        self.limits = limits
        self._context = run_context.current()
        self._in_flight: InFlight[_Place] | None = None

    def work(self, element: Any) -> Iterable[Any]:
        """What to do with one element.

        Args:
            element: The element.

        Returns:
            Its outputs, `TaggedOutput` allowed.
        """
        raise NotImplementedError

    def not_started(self, element: Any) -> Iterable[Any]:
        """What to emit for an element that was not started because the run was asked to stop.

        Args:
            element: The element.
        """
        del element
        return ()

    def estimated_bytes(self, element: Any) -> int:
        """Working memory that an element will take, for the governor; 0 when small or unknown.

        Args:
            element: The element.
        """
        del element
        return 0

    def counts(self, output: Any) -> dict[str, int]:
        """What an output adds to the Beam counters of this DoFn, which engines show on their own pages.

        Args:
            output: One of `work`'s outputs.
        """
        del output
        return {}

    def pool(self) -> WorkPool:
        """The pool that works the elements: the process's own, behind the memory governor."""
        gate = memory.governor(self.limits.width, self.limits.memory_threshold_mb)
        return pool.shared(self.limits.width, gate)

    def setup(self) -> None:
        """Learns in a worker that an engine started which run this is: where to look for a stop, and to tell."""
        run_context.adopt(self._context)
        progress_afar.tell(self._context)

    def start_bundle(self) -> None:
        """Makes sure that nothing of an earlier, failed bundle is still under way."""
        if self._in_flight is not None:
            self._in_flight.abandon()
        self._in_flight = InFlight(self.pool())

    def process(
        self, element: Any, timestamp: Any = beam.DoFn.TimestampParam, window: Any = beam.DoFn.WindowParam
    ) -> Iterator[Any]:
        """Queues the element and emits what is ready.

        Args:
            element: The element.
            timestamp: Its timestamp.
            window: Its window.
        """
        assert self._in_flight is not None
        place = _Place(element, timestamp, window)
        with interrupt.finishing() if self.finishes else nullcontext():
            self._in_flight.submit(partial(self._timed, element), place, self.estimated_bytes(element))
        for finished in self._in_flight.ready():
            yield from self._outputs(finished)

    def finish_bundle(self) -> Iterator[Any]:
        """Waits for the rest and emits it."""
        assert self._in_flight is not None
        for finished in self._in_flight.drain():
            yield from self._outputs(finished)
        progress.flush()
        progress_afar.flush()

    def teardown(self) -> None:
        """Waits for what a failed bundle left behind."""
        if self._in_flight is not None:
            self._in_flight.abandon()

    def _timed(self, element: Any) -> list[Any]:
        started = time.perf_counter()
        failed = 1
        try:
            outputs = list(self.work(element))
            failed = 0
        finally:
            progress.step(type(self).__name__, time.perf_counter() - started, failed=failed)
        return outputs

    def _outputs(self, finished: Finished[_Place]) -> Iterator[Any]:
        element, timestamp, window = finished.context
        Metrics.distribution(type(self).__name__, RESIDENT_MIB).update(memory.resident_bytes() >> 20)
        for value in finished.value if finished.started else self.not_started(element):
            for name, count in self.counts(value).items():
                Metrics.counter(type(self).__name__, name).inc(count)
            if isinstance(value, TaggedOutput):
                yield TaggedOutput(value.tag, WindowedValue(value.value, timestamp, (window,)))
            else:
                yield WindowedValue(value, timestamp, (window,))
