"""`WindowedBatches`: groups elements by count, bytes and (unbounded input) time; what a batch holds is no identity.

Beam's own fall short: `BatchElements` has one limit, not two, and `GroupIntoBatches` knows no bytes.
"""

# ruff: noqa: B008 - states and timers are declared as default values: Beam asks for that

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

import apache_beam as beam
from apache_beam import typehints
from apache_beam.coders import FastPrimitivesCoder, TupleCoder, VarIntCoder
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.typehints import KV
from apache_beam.utils.timestamp import Duration, Timestamp
from apache_beam.utils.windowed_value import WindowedValue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class BatchLimits(NamedTuple):
    """When a batch is closed, whichever comes first.

    Attributes:
        max_items: Elements, at least 1.
        max_bytes: Bytes by `size_of`, at least 1; a bigger element is a batch of its own.
        window_seconds: Real time since the batch's first element, above 0 (unbounded input only).
    """

    max_items: int
    max_bytes: int
    window_seconds: float


class WindowedBatches(beam.PTransform):
    """Groups elements into tuples. Bounded: within a bundle and window; unbounded: by state and timers, a shard each.

    Delivery: every element is in exactly one batch of an attempt; a repeated bundle or a restart may group them
    differently. Parallelism: as the input's bundles; unbounded: `shards`. Memory: one open batch a window (and shard).

    Args:
        max_items: Elements in a batch, at least 1.
        max_bytes: Bytes in a batch by `size_of`, at least 1; a bigger element is a batch of its own.
        window_seconds: Real time that an element waits at most (unbounded input only), above 0.
        size_of: An element's bytes; a function that pickles by reference.
        key_of: An element's text, from which its shard follows; likewise.
        shards: Batches open at once (unbounded input only), at least 1.

    Raises:
        ValueError: A limit out of range.
    """

    def __init__(
        self,
        max_items: int,
        max_bytes: int,
        window_seconds: float,
        size_of: Callable[[Any], int],
        key_of: Callable[[Any], str] = str,
        shards: int = 4,
    ) -> None:
        super().__init__()
        if min(max_items, max_bytes, shards) < 1 or window_seconds <= 0:
            raise ValueError(
                f"max_items={max_items}, max_bytes={max_bytes}, shards={shards}, window_seconds={window_seconds}:"
                " the first three must be at least 1, the last above 0"
            )
        self.limits = BatchLimits(max_items, max_bytes, window_seconds)
        self.size_of, self.key_of, self.shards = size_of, key_of, shards

    def expand(self, elements: beam.PCollection) -> beam.PCollection:
        """Batches within bundles, or by shard."""
        if elements.is_bounded:
            return elements | "BatchBundle" >> beam.ParDo(BatchBundle(self.limits, self.size_of))
        sharded = elements | "Shard" >> beam.Map(keyed, self.key_of, self.shards)
        sharded.element_type = KV[
            int, typehints.Any
        ]  # said here, since Beam infers nothing where it doesn't check types
        return sharded | "BatchStream" >> beam.ParDo(BatchStream(self.limits, self.size_of))


def keyed(element: Any, key_of: Callable[[Any], str], shards: int) -> tuple[int, Any]:
    """An element with its shard: the same one in every process and run.

    Args:
        element: The element.
        key_of: Its text.
        shards: How many there are.
    """
    return zlib.crc32(key_of(element).encode("utf-8", "surrogatepass")) % shards, element


class BatchBundle(beam.DoFn):
    """Groups the elements of a bundle, window by window; what is left is flushed when the bundle ends.

    Args:
        limits: When a batch is closed.
        size_of: An element's bytes.
    """

    def __init__(self, limits: BatchLimits, size_of: Callable[[Any], int]) -> None:
        super().__init__()
        self.limits, self.size_of = limits, size_of

    def start_bundle(self) -> None:
        """Starts with nothing: a failed bundle's rest is repeated by the engine."""
        self._open: dict[Any, tuple[list[Any], int]] = {}

    def process(self, element: Any, window: Any = beam.DoFn.WindowParam) -> Iterator[WindowedValue]:
        """Adds the element to its window's batch.

        Args:
            element: The element.
            window: Its window.
        """
        size = self.size_of(element)
        batch, filled = self._open.get(window, ([], 0))
        if batch and filled + size > self.limits.max_bytes:
            yield _batch(batch, window)
            batch, filled = [], 0
        batch.append(element)
        filled += size
        if len(batch) >= self.limits.max_items or filled >= self.limits.max_bytes:
            yield _batch(batch, window)
            self._open.pop(window, None)
        else:
            self._open[window] = (batch, filled)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Flushes what is left."""
        for window, (batch, _) in self._open.items():
            yield _batch(batch, window)


class BatchStream(beam.DoFn):
    """Groups the elements of a shard and window over bundles, with a third limit: real time.

    Args:
        limits: When a batch is closed.
        size_of: An element's bytes.
    """

    ELEMENTS = BagStateSpec("elements", FastPrimitivesCoder())
    FILLED = ReadModifyWriteStateSpec("filled", TupleCoder((VarIntCoder(), VarIntCoder())))
    DUE = TimerSpec("due", TimeDomain.REAL_TIME)
    WINDOW_END = TimerSpec("window_end", TimeDomain.WATERMARK)

    def __init__(self, limits: BatchLimits, size_of: Callable[[Any], int]) -> None:
        super().__init__()
        self.limits, self.size_of = limits, size_of

    def process(
        self,
        keyed_element: tuple[int, Any],
        window: Any = beam.DoFn.WindowParam,
        elements: Any = beam.DoFn.StateParam(ELEMENTS),
        filled: Any = beam.DoFn.StateParam(FILLED),
        due: Any = beam.DoFn.TimerParam(DUE),
        window_end: Any = beam.DoFn.TimerParam(WINDOW_END),
    ) -> Iterator[tuple[Any, ...]]:
        """Adds the element to its shard's batch.

        Args:
            keyed_element: (shard, element).
            window: Its window.
            elements: The open batch.
            filled: Its count and bytes.
            due: Fires when the batch has waited long enough.
            window_end: Fires when the window is over.
        """
        _, element = keyed_element
        size = self.size_of(element)
        count, total = filled.read() or (0, 0)
        if count and total + size > self.limits.max_bytes:
            yield from _flush(elements, filled)
            due.clear()
            count, total = 0, 0
        elements.add(element)
        if count + 1 >= self.limits.max_items or total + size >= self.limits.max_bytes:
            yield from _flush(elements, filled)
            due.clear()
            return
        filled.write((count + 1, total + size))
        window_end.set(window.end)
        if not count:
            due.set(Timestamp.now() + Duration(self.limits.window_seconds))

    @on_timer(DUE)
    def when_due(
        self, elements: Any = beam.DoFn.StateParam(ELEMENTS), filled: Any = beam.DoFn.StateParam(FILLED)
    ) -> Iterator[tuple[Any, ...]]:
        """Closes a batch that has waited long enough.

        Args:
            elements: The open batch.
            filled: Its count and bytes.
        """
        yield from _flush(elements, filled)

    @on_timer(WINDOW_END)
    def when_window_ends(
        self,
        elements: Any = beam.DoFn.StateParam(ELEMENTS),
        filled: Any = beam.DoFn.StateParam(FILLED),
        due: Any = beam.DoFn.TimerParam(DUE),
    ) -> Iterator[tuple[Any, ...]]:
        """Closes the last batch of a window.

        Args:
            elements: The open batch.
            filled: Its count and bytes.
            due: Has nothing to wait for any more.
        """
        due.clear()
        yield from _flush(elements, filled)


def _batch(elements: list[Any], window: Any) -> WindowedValue:
    return WindowedValue(tuple(elements), window.max_timestamp(), (window,))


def _flush(elements: Any, filled: Any) -> Iterator[tuple[Any, ...]]:
    batch = tuple(elements.read())
    elements.clear()
    filled.clear()
    if batch:
        yield batch
