"""`CopyStream`: the graph of a copy that goes on: what notices name is copied, batch by batch, and accounted for.

notices -> WindowedBatches -> CopyNotices -> BatchTotals; where notices come from, heads.py says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import apache_beam as beam

from transforms.batching import WindowedBatches
from transforms.core.copying import finish_copy, stream_work
from transforms.core.copying.stream_source import SourceListing, SourceSelects, check_streamable
from transforms.core.copying.workshop import workshop
from transforms.library import folder_of
from transforms.objects import ObjectTasks
from transforms.pooled import PoolLimits
from transforms.stream_types import BatchTotals, Notice

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from transforms.core.copying.copy_settings import CopySettings
    from transforms.core.run_folder import RunFolder

__all__ = ["CopyNotices", "CopyStream", "SourceListing", "SourceSelects"]

# What a batch may hold beside its count: how long a stop waits, and what an engine that restarts looks at again.
BATCH_BYTES = 1 << 30


class CopyStream(beam.PTransform):
    """Copies the objects that notices name, as they stand in the source, verified; leaves its account in the folder.

    Applied to Notices, bounded or not; gives a BatchTotals a batch. There is no barrier: whoever runs it merges the
    batches' parts. Delivery: notices may come again, late, in any order and in other batches; what was copied is found
    at the destination, and its identity (address, version) counts once. Parallelism: 4 open batches, 4 batches and
    `max_concurrent` objects under way in each process. Memory: notices of the open batches; `buffer_bytes`.

    Args:
        settings: What to copy, and how; `batch_size` objects make a batch.
        folder: Where parts go (library.py: `folder_of`).
        limits: Objects at once, and the memory threshold.
        window_seconds: How long a notice waits for others at most, above 0 (unbounded notices only).

    Raises:
        ConfigError: The copy needs an end (`delete`, `manifest`, `dry_run`), or would copy again what comes again.
        ValueError: A limit out of range.
    """

    name = "copy"

    def __init__(
        self,
        settings: CopySettings,
        folder: RunFolder | str | None = None,
        limits: PoolLimits | None = None,
        window_seconds: float = 1.0,
    ) -> None:
        super().__init__()
        check_streamable(settings)
        self.settings, self.folder = settings, folder_of(self.name, folder)
        self.limits = limits or PoolLimits(settings.max_concurrent)
        self.batches = WindowedBatches(
            settings.batch_size, BATCH_BYTES, window_seconds, size_of=notice_bytes, key_of=notice_object
        )

    def expand(self, notices: beam.PCollection[Notice]) -> beam.PCollection[BatchTotals]:
        """Groups, works; beside it, what dead runs left unfinished goes."""
        _ = (
            notices.pipeline
            | "Begin" >> beam.Impulse()
            | "Tidy" >> beam.Map(tidy, self.settings, self.folder).with_output_types(type(None))
        )
        work = CopyNotices(self.settings, self.folder, self.limits)
        return notices | "Batch" >> self.batches | "Work" >> beam.ParDo(work).with_output_types(BatchTotals)


def tidy(_element: bytes, settings: CopySettings, folder: RunFolder) -> None:
    """Removes what dead runs left unfinished, once a run.

    Args:
        settings: The copy's.
        folder: The run's.
    """
    finish_copy.tidy_once(settings, folder)


def notice_bytes(notice: Notice) -> int:
    """What copying an object may cost, as far as it was told."""
    return max(notice.size_bytes, 0)


def notice_object(notice: Notice) -> str:
    """The object: all its versions come to one shard, in whatever order."""
    return notice.uri


class CopyNotices(ObjectTasks):
    """Works batches of notices to their end; the objects of all of them share the process's one pool."""

    phase, finishes = "copying", True

    def work(self, element: Sequence[Notice]) -> Iterable[BatchTotals]:
        """A batch in, what became of it out."""
        shop = workshop(self.settings, self.limits.memory_threshold_mb)
        return [stream_work.copy_batch(element, self.settings, self.folder, shop)]

    def not_started(self, element: Sequence[Notice]) -> Iterable[BatchTotals]:
        """A batch of a run that was given up."""
        return [BatchTotals(told=len(element), not_started=len(element))]

    def counts(self, output: BatchTotals) -> dict[str, int]:
        """Objects copied and failed."""
        return {"done": output.done, "failed": output.failed}
