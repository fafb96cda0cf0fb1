"""Loading tables: `LoadTables` reads as its sentence; a DoFn opens its destination in `setup` and calls one function.

Only descriptors cross a shuffle: files, ranges, scan results and chunk runs, as NamedTuples with a RowCoder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import apache_beam as beam
from apache_beam import coders
from apache_beam.pvalue import TaggedOutput

from transforms.batching import WindowedBatches
from transforms.core.errors import ConfigError
from transforms.core.objects.access import StoreAccess
from transforms.core.objects.expansion import signed_apart
from transforms.core.tables.delimited.dialect import DialectOverrides
from transforms.core.tables.loads import finish_steps, load_steps
from transforms.core.tables.loads.connections import acquire, release
from transforms.core.tables.loads.load_chunks import LoadTask, batch_bytes
from transforms.core.tables.loads.load_settings import LoadSettings
from transforms.core.tables.loads.load_steps import FileTask, LoadResult, PlanMessage, ScanTask
from transforms.core.tables.loads.load_totals import LoadTotals, load_totals
from transforms.core.tables.loads.read_chunks import RejectedRecordError, read_chunks
from transforms.core.tables.loads.scan_parts import ScanResult
from transforms.library import Once, folder_of
from transforms.pooled import PooledDoFn, PoolLimits
from transforms.spread import Spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from transforms.core.run_folder import RunFolder
    from transforms.core.tables.loads.connections import Connections

__all__ = [
    "DialectOverrides",
    "LoadSettings",
    "LoadTables",
    "LoadTotals",
    "PoolLimits",
    "RejectedRecordError",
    "StoreAccess",
    "read_chunks",
]

for _element in (FileTask, ScanTask, ScanResult, LoadTask, LoadResult, PlanMessage, LoadTotals):
    coders.registry.register_coder(_element, coders.RowCoder)


class LoadTables(beam.PTransform):
    """Loads CSV and Excel files into one table, exactly once. Applied to a pipeline, or to what must end before it.

    Bounded; its one element is a LoadTotals, which tells of failures: `beam.Map(LoadTotals.complete)` raises them.
    Delivery: elements may be worked twice or at once; the destination's ledger keeps the effect single.
    Parallelism: `limits.max_concurrent` ranges or chunk runs a process. Memory a process: that many times
    (4 MiB of text and as much again typed) at most, and one record more if it is longer.

    Args:
        settings: What to load from where to where.
        folder: Where the account goes (library.py: `folder_of`).
        limits: How much is worked at once.

    Raises:
        ConfigError: The sources are a text, not a sequence of texts; or two differ only in their credentials.
    """

    def __init__(
        self,
        settings: LoadSettings,
        folder: RunFolder | str | None = None,
        limits: PoolLimits = PoolLimits(0),  # noqa: B008 - an immutable value
    ) -> None:
        super().__init__()
        if isinstance(settings.sources, str):
            raise ConfigError(f"sources={settings.sources!r}: give a sequence of texts")
        settings = settings._replace(source_access=signed_apart(settings.sources, settings.source_access))
        self.settings, self.folder, self.limits = settings, folder_of("ingest", folder), limits

    def expand(self, pipeline: Any) -> beam.PCollection[LoadTotals]:
        """Opens, inspects, scans, plans, loads, and finishes behind a barrier."""
        settings, limits = self.settings, self.limits
        size = batch_bytes(settings.destination, settings.range_bytes)
        begun = (
            pipeline
            | "Once" >> Once()
            | "Begin" >> beam.ParDo(BeginLoad(settings)).with_outputs("heads", "tasks", "messages", main="files")
        )
        inspected = (
            begun.files
            | "SpreadFiles" >> Spread(FileTask)
            | "Inspect" >> beam.ParDo(InspectFiles(settings, limits)).with_outputs("results", main="ranges")
        )
        scanned = (
            inspected.ranges | "SpreadRanges" >> Spread(ScanTask) | "Scan" >> beam.ParDo(ScanRanges(settings, limits))
        )
        planned = (
            (begun.heads, inspected.results, scanned)
            | "Findings" >> beam.Flatten()
            | "ByLoad" >> beam.GroupByKey()
            | "Plan" >> beam.ParDo(PlanLoad(settings)).with_outputs("tasks", main="messages")
        )
        results = (
            (begun.tasks, planned.tasks)
            | "Tasks" >> beam.Flatten()
            | "SpreadTasks" >> Spread(LoadTask)
            | "Batch" >> WindowedBatches(1000, size, 5.0, size_of=task_bytes, key_of=task_key)
            | "Load" >> beam.ParDo(LoadChunks(settings, limits))
        )
        messages = (begun.messages, planned.messages) | "Messages" >> beam.Flatten()
        return (
            {"messages": messages, "results": results}
            | "AfterAll" >> beam.CoGroupByKey()
            | "Finish" >> beam.ParDo(FinishLoad(settings, self.folder))
        )


def task_bytes(task: LoadTask) -> int:
    """What a task reads."""
    return max(task.size_bytes, 1)


def task_key(task: LoadTask) -> str:
    """A task's identity."""
    return f"{task.load_id}/{task.part}/{task.first}"


class _WithDestination:
    """Takes the process's connections to the destination in `setup`; the last one's `teardown` closes them."""

    settings: LoadSettings
    connections: Connections

    def setup(self) -> None:
        """Takes the pool; a connection is opened when one is needed."""
        self.connections = acquire(self.settings)

    def teardown(self) -> None:
        """Gives the pool back."""
        release(self.settings)


class BeginLoad(_WithDestination, beam.DoFn):
    """Lists the sources; emits files to inspect, or what is left of a load that is stored already."""

    def __init__(self, settings: LoadSettings) -> None:
        super().__init__()
        self.settings = settings

    def process(self, _element: Any) -> Iterator[Any]:
        """One element in; files, a head, tasks and a message out."""
        begun = load_steps.begin(self.settings, self.connections)
        yield from begun.files
        yield from (TaggedOutput("tasks", task) for task in begun.tasks)
        if begun.head:
            yield TaggedOutput("heads", (begun.files[0].load_id, begun.head))
        if begun.message:
            yield TaggedOutput("messages", (begun.message.load_id, begun.message))


class InspectFiles(PooledDoFn):
    """Finds each file's tables and dialects, and cuts them into ranges."""

    def __init__(self, settings: LoadSettings, limits: PoolLimits) -> None:
        super().__init__(limits)
        self.settings = settings

    def work(self, element: FileTask) -> Iterable[Any]:
        """A file in; ranges out, and results for what has none."""
        ranges, results = load_steps.inspect(element, self.settings)
        yield from ranges
        yield from (TaggedOutput("results", (element.load_id, result)) for result in results)


class ScanRanges(PooledDoFn):
    """Pass 1: counts, cuts and infers one range."""

    def __init__(self, settings: LoadSettings, limits: PoolLimits) -> None:
        super().__init__(limits)
        self.settings = settings

    def work(self, element: ScanTask) -> Iterable[Any]:
        """A range in, its result out."""
        return [(element.load_id, load_steps.scan(element, self.settings))]

    def counts(self, output: tuple[str, ScanResult]) -> dict[str, int]:
        """Ranges scanned, and those that failed."""
        return {"failed" if output[1].error else "ranges": 1}


class PlanLoad(_WithDestination, beam.DoFn):
    """Resolves the scans into a plan and stores it; emits its chunk runs."""

    def __init__(self, settings: LoadSettings) -> None:
        super().__init__()
        self.settings = settings

    def process(self, element: tuple[str, Iterable[ScanResult]]) -> Iterator[Any]:
        """All scans of a load in; its tasks and the message for the end out."""
        load_id, results = element
        message, tasks = load_steps.plan(load_id, results, self.settings, self.connections)
        yield load_id, message
        yield from (TaggedOutput("tasks", task) for task in tasks)


class LoadChunks(_WithDestination, PooledDoFn):
    """Pass 2: reads, coerces and writes chunks, a batch to a transaction."""

    def __init__(self, settings: LoadSettings, limits: PoolLimits) -> None:
        super().__init__(limits)
        self.settings = settings

    def work(self, element: Sequence[LoadTask]) -> Iterable[Any]:
        """A batch of chunk runs in, what became of it out."""
        for result in load_steps.load(element, self.settings, self.connections):
            yield element[0].load_id, result

    def counts(self, output: tuple[str, LoadResult]) -> dict[str, int]:
        """Records committed and statements sent."""
        return {"records": output[1].records, "statements": output[1].statements}

    def setup(self) -> None:
        """Takes the connections; learns of the run."""
        PooledDoFn.setup(self)
        _WithDestination.setup(self)

    def teardown(self) -> None:
        """Waits for what is under way, then closes the connections."""
        PooledDoFn.teardown(self)
        _WithDestination.teardown(self)


class FinishLoad(_WithDestination, beam.DoFn):
    """Publishes a load and writes its account, once everything is loaded."""

    def __init__(self, settings: LoadSettings, folder: RunFolder) -> None:
        super().__init__()
        self.settings, self.folder = settings, folder

    def process(self, element: tuple[str, dict[str, Iterable[Any]]]) -> Iterable[LoadTotals]:
        """A load's message and results in; its parts in the run folder, its totals out."""
        _, both = element
        messages = list(both["messages"])
        finish_steps.finish(messages[0], list(both["results"]), self.settings, self.connections, self.folder)
        return [load_totals(self.folder)]
