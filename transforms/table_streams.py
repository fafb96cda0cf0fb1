"""`LoadStream`: the graph of a load that goes on: the files that notices name are loaded, batch by batch.

notices -> WindowedBatches -> LoadFiles -> BatchTotals; where notices come from, heads.py says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import apache_beam as beam

from transforms.batching import WindowedBatches
from transforms.core.tables.loads.connections import acquire, release
from transforms.core.tables.loads.stream_files import check_streamable, load_batch
from transforms.library import folder_of
from transforms.pooled import PooledDoFn, PoolLimits
from transforms.stream_types import BatchTotals, Notice

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from transforms.core.run_folder import RunFolder
    from transforms.core.tables.loads.connections import Connections
    from transforms.core.tables.loads.load_settings import LoadSettings

__all__ = ["LoadFiles", "LoadStream"]

# What a batch may hold beside its count: its small files share transactions of about so much.
BATCH_BYTES = 32 << 20


class LoadStream(beam.PTransform):
    """Loads the CSV and Excel files that notices name into one table, each file exactly once.

    Applied to Notices, bounded or not; gives a BatchTotals a batch. There is no barrier: whoever runs it merges the
    batches' parts. Delivery: notices may come again, late, in any order and in other batches; the destination's ledger
    keeps the effect single, and a file's identity (address, version) counts once. Parallelism: 4 open batches, and
    `limits.max_concurrent` batches under way in each process. Memory: notices of the open batches; a batch under way
    holds one transaction (24 MiB of rows) and one file's text (4 MiB).

    Args:
        settings: What to load where; its sources are not looked at.
        folder: Where parts go (library.py: `folder_of`).
        limits: How many batches are worked at once, and the memory threshold.
        batch_size: Files in a batch, at least 1.
        window_seconds: How long a notice waits for others at most, above 0 (unbounded notices only).

    Raises:
        ConfigError: The load needs an end (`replace`, a dry run).
        ValueError: A limit out of range.
    """

    def __init__(
        self,
        settings: LoadSettings,
        folder: RunFolder | str | None = None,
        limits: PoolLimits = PoolLimits(0),  # noqa: B008 - an immutable value
        batch_size: int = 100,
        window_seconds: float = 1.0,
    ) -> None:
        super().__init__()
        check_streamable(settings)
        self.settings, self.folder, self.limits = settings, folder_of("ingest", folder), limits
        self.batches = WindowedBatches(
            batch_size, BATCH_BYTES, window_seconds, size_of=notice_bytes, key_of=notice_object
        )

    def expand(self, notices: beam.PCollection[Notice]) -> beam.PCollection[BatchTotals]:
        """Groups, loads."""
        work = LoadFiles(self.settings, self.folder, self.limits)
        return notices | "Batch" >> self.batches | "LoadFiles" >> beam.ParDo(work).with_output_types(BatchTotals)


def notice_bytes(notice: Notice) -> int:
    """What loading a file may cost, as far as it was told."""
    return max(notice.size_bytes, 0)


def notice_object(notice: Notice) -> str:
    """The file: all its versions come to one shard, in whatever order."""
    return notice.uri


class LoadFiles(PooledDoFn):
    """Loads batches of files to their end, each in a thread of the process's one pool.

    Args:
        settings: What to load where.
        folder: The run's.
        limits: How many batches at once.
    """

    finishes = True

    def __init__(self, settings: LoadSettings, folder: RunFolder, limits: PoolLimits) -> None:
        super().__init__(limits)
        self.settings, self.folder = settings, folder
        self._connections: Connections | None = None

    def setup(self) -> None:
        """Takes the process's connections; one is opened when it is needed."""
        super().setup()
        self._connections = acquire(self.settings)

    def teardown(self) -> None:
        """Waits for what is under way, then gives the connections back."""
        super().teardown()
        if self._connections is not None:
            self._connections = None
            release(self.settings)

    def work(self, element: Sequence[Notice]) -> Iterable[BatchTotals]:
        """A batch in, what became of it out."""
        assert self._connections is not None, "setup comes first"
        return [load_batch(element, self.settings, self._connections, self.folder)]

    def not_started(self, element: Sequence[Notice]) -> Iterable[BatchTotals]:
        """A batch of a run that was given up."""
        return [BatchTotals(told=len(element), not_started=len(element))]

    def counts(self, output: BatchTotals) -> dict[str, int]:
        """Files loaded and failed."""
        return {"done": output.done, "failed": output.failed}
