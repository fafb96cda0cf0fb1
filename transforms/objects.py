"""`CopyObjects` and `VerifyObjects`: the graph of a copy. Only descriptors cross a shuffle, at most 100,000 of them.

BeginCopy -> tasks -> CopyTasks -> results -+-> FinishCopy
+-------------- plan ------------------+
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import apache_beam as beam
from apache_beam import coders

from transforms.batching import WindowedBatches
from transforms.core import pool, progress
from transforms.core.copying import compare_work, copy_work, finish_copy
from transforms.core.copying.between import copy_between
from transforms.core.copying.copy_settings import CopySettings, Filters
from transforms.core.copying.copy_tasks import (
    BATCH_OBJECTS,
    BATCH_TASKS,
    RUN_KEY,
    CopyPlan,
    CopyTask,
    TaskResult,
    plan_tasks,
)
from transforms.core.copying.copy_totals import CopyTotals, copy_totals
from transforms.core.copying.workshop import workshop
from transforms.core.errors import InterruptedRunError
from transforms.core.objects.access import StoreAccess
from transforms.core.pool import Ungated
from transforms.library import Once, folder_of
from transforms.pooled import PooledDoFn, PoolLimits
from transforms.spread import Spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from transforms.core.pool import WorkPool
    from transforms.core.run_folder import RunFolder

__all__ = [
    "CopyObjects",
    "CopySettings",
    "CopyTotals",
    "Filters",
    "PoolLimits",
    "StoreAccess",
    "VerifyObjects",
    "copy_between",
]

for _type in (CopyTask, TaskResult, CopyPlan, CopyTotals):
    coders.registry.register_coder(_type, coders.RowCoder)

# Tasks of a process at once: while one waits for its last objects, the next ones are listed.
TASKS_AT_ONCE = 4
BATCH_SECONDS = 5.0


class CopyObjects(beam.PTransform):
    """Copies what a source holds to a destination, verified; leaves its account in the run folder.

    Applied to a pipeline, or to what must end before it. Its one element is a CopyTotals, which tells of failures:
    `beam.Map(CopyTotals.complete)` raises them. Bounded. Delivery: a repeated task finds what is there and copies what
    is missing (conditional writes). Parallelism: tasks over workers, `max_concurrent` objects in each. Memory of a
    worker: `buffer_bytes` and a task's listing page.

    Args:
        settings: What to copy, and how.
        folder: Where parts go (library.py: `folder_of`).
        limits: Objects at once, and the memory threshold.
    """

    name, tidies = "copy", True

    def __init__(
        self, settings: CopySettings, folder: RunFolder | str | None = None, limits: PoolLimits | None = None
    ) -> None:
        super().__init__()
        self.settings, self.folder = settings, folder_of(self.name, folder)
        self.limits = limits or PoolLimits(settings.max_concurrent)

    def work(self) -> PooledDoFn:
        """What works the tasks."""
        return CopyTasks(self.settings, self.folder, self.limits)

    def expand(self, root: Any) -> beam.PCollection[CopyTotals]:
        """Plans, works, finishes."""
        begun = (
            root | "Once" >> Once() | "Begin" >> beam.ParDo(BeginCopy(self.settings)).with_outputs("plan", main="tasks")
        )
        results = (
            begun.tasks
            | "SpreadTasks" >> Spread(CopyTask)
            | "Batch" >> WindowedBatches(BATCH_TASKS, BATCH_OBJECTS, BATCH_SECONDS, size_of=task_size, key_of=task_key)
            | "Work" >> beam.ParDo(self.work())
        )
        return (
            {"plan": begun.plan, "results": results}
            | "AfterAll" >> beam.CoGroupByKey()
            | "Finish" >> beam.ParDo(FinishCopy(self.settings, self.folder, tidies=self.tidies))
        )


class VerifyObjects(CopyObjects):
    """Compares what a source holds with a destination, and writes nothing but its account. As `CopyObjects`."""

    name, tidies = "verify", False

    def work(self) -> PooledDoFn:
        """What works the tasks."""
        return CompareTasks(self.settings, self.folder, self.limits)


def task_size(task: CopyTask) -> int:
    """Objects that a task has, roughly."""
    return max(task.about, 1)


def task_key(task: CopyTask) -> str:
    """A task's identity."""
    return task.unit_id


class BeginCopy(beam.DoFn):
    """Cuts the copy into tasks."""

    def __init__(self, settings: CopySettings) -> None:
        super().__init__()
        self.settings = settings

    def process(self, _element: Any) -> Iterator[Any]:
        """One element in; tasks, and the plan for the barrier out."""
        progress.phase("listing")
        try:
            tasks = plan_tasks(self.settings)
        except InterruptedRunError:
            tasks = []  # nothing was begun
        yield from tasks
        yield beam.pvalue.TaggedOutput("plan", (RUN_KEY, CopyPlan(len(tasks))))


class ObjectTasks(PooledDoFn):
    """Works elements that each stand for many objects; the objects of all of them share the process's one pool."""

    phase = ""

    def __init__(self, settings: CopySettings, folder: RunFolder, limits: PoolLimits) -> None:
        super().__init__(limits)
        self.settings, self.folder = settings, folder

    def pool(self) -> WorkPool:
        """Tasks only list and wait: their threads are beside those that the memory governor admits."""
        progress.phase(self.phase)
        return pool.shared(TASKS_AT_ONCE, Ungated(), "tasks")


class CopyTasks(ObjectTasks):
    """Works batches of tasks."""

    phase = "copying"

    def work(self, element: Sequence[CopyTask]) -> Iterable[Any]:
        """Tasks in, what became of them out."""
        for task in element:
            yield RUN_KEY, self.work_task(task)

    def work_task(self, task: CopyTask) -> TaskResult:
        """What becomes of one task."""
        shop = workshop(self.settings, self.limits.memory_threshold_mb)
        return copy_work.work(task, self.settings, self.folder, shop)

    def counts(self, output: tuple[str, TaskResult]) -> dict[str, int]:
        """Objects copied and failed."""
        return {"done": output[1].done, "failed": output[1].failed}


class CompareTasks(CopyTasks):
    """Compares batches of tasks."""

    phase = "comparing"

    def work_task(self, task: CopyTask) -> TaskResult:
        """What becomes of one task."""
        shop = workshop(self.settings, self.limits.memory_threshold_mb)
        return compare_work.work(task, self.settings, self.folder, shop)


class FinishCopy(beam.DoFn):
    """Ends the run: deletes extras if all is well, tidies up after dead runs, and writes the last part."""

    def __init__(self, settings: CopySettings, folder: RunFolder, *, tidies: bool = True) -> None:
        super().__init__()
        self.settings, self.folder, self.tidies = settings, folder, tidies

    def process(self, element: tuple[str, dict[str, Iterable[Any]]]) -> Iterable[CopyTotals]:
        """The plan and all results in; the last part in the run folder, the totals out."""
        _, both = element
        tasks = next(iter(both["plan"])).tasks
        results = list(both["results"])
        finish_copy.finish(tasks, results, self.settings, self.folder, tidies=self.tidies)
        return [copy_totals(results, self.folder)]
