"""What crosses a shuffle in a copy, and the planning of it: tasks (key ranges, rows of a manifest) and their results.

Descriptors only: a task lists or reads for itself what it copies, where it is worked.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final, NamedTuple

from transforms.core.copying.key_ranges import plan_ranges
from transforms.core.copying.manifest import Manifest, ManifestTask, checked_tasks, open_manifest
from transforms.core.copying.range_sizes import DEFAULT_SIZES
from transforms.core.errors import SourceChangedError
from transforms.core.objects.store import open_copy_store
from transforms.core.objects.uri import shown

if TYPE_CHECKING:
    from transforms.core.copying.copy_settings import CopySettings
    from transforms.core.copying.range_sizes import RangeSizes
    from transforms.core.objects.access import StoreAccess

RANGE, ROWS, ONE = "range", "rows", "one"
RUN_KEY: Final = "run"
# Ranges have thousands of keys each; only small ones are worked together.
BATCH_TASKS, BATCH_OBJECTS = 100, 1000


class CopyTask(NamedTuple):
    """Some objects that are worked together.

    Attributes:
        kind: RANGE (of relative keys), ROWS (of the manifest) or ONE (an object by its name).
        number: From 0, without gaps.
        start: RANGE: first relative key. ROWS: the manifest's version. ONE: the source's address.
        stop: RANGE: relative key behind the last, "" for no end. ONE: the address that it takes.
        first_byte: ROWS: where the rows begin.
        last_byte: ROWS: where they end.
        first_line: ROWS: the first one's line.
        about: Objects to expect; never relied on.
    """

    kind: str
    number: int
    start: str = ""
    stop: str = ""
    first_byte: int = 0
    last_byte: int = 0
    first_line: int = 0
    about: int = 0

    @property
    def unit_id(self) -> str:
        """The name of its part in the run folder."""
        return f"task-{self.number:08}"


class TaskResult(NamedTuple):
    """What became of a task; totals only, the outcomes stand in its part.

    Attributes:
        number: The task's.
        listed: Whether it came to its end: every object in it is accounted for, extras are written down.
        failed: Objects that failed.
        not_started: Objects that were not started.
        unverified: Objects copied without proof.
        done: Objects copied.
        destination_objects: Objects that the destination holds, as far as the filters let them through.
        extras: Those of them without a source.
        extra_bytes: Their bytes.
    """

    number: int
    listed: bool
    failed: int
    not_started: int
    unverified: int
    done: int
    destination_objects: int
    extras: int
    extra_bytes: int


class CopyPlan(NamedTuple):
    """What the barrier waits for.

    Attributes:
        tasks: How many tasks there are.
    """

    tasks: int


def plan_tasks(settings: CopySettings, sizes: RangeSizes | None = None) -> list[CopyTask]:
    """Cuts a copy into tasks.

    Args:
        settings: What is copied.
        sizes: How finely keys are cut; None for as `settings.range_keys` says.

    Raises:
        ManifestError: With all its bad lines.
        PermanentError: The source (or, when extras are deleted, the destination) can't be listed.
    """
    if settings.manifest:
        return manifest_tasks(settings)
    if is_object(settings):
        return [CopyTask(ONE, 0, settings.source.uri, settings.destination.uri, about=1)]
    sizes = sizes or DEFAULT_SIZES._replace(range_keys=settings.range_keys)
    sides = [settings.source, settings.destination] if settings.delete else [settings.source]
    ranges = [plan_ranges(open_copy_store(side.uri, side.access), side.uri, sizes=sizes) for side in sides]
    finest = max(ranges, key=len)  # a crowd that only one side has is cut too
    return [CopyTask(RANGE, number, one.start, one.stop, about=one.about_keys) for number, one in enumerate(finest)]


def batches_of(tasks: int, objects: int) -> int:
    """How many batches tasks make, about: an engine's bundles cut them further.

    Args:
        tasks: How many.
        objects: How many they hold together.
    """
    return min(tasks, max(-(-tasks // BATCH_TASKS), -(-objects // BATCH_OBJECTS)))


def is_object(settings: CopySettings) -> bool:
    """Whether the source is one object by its name, not everything below a prefix."""
    return not settings.source.uri.endswith("/")


def manifest_tasks(settings: CopySettings) -> list[CopyTask]:
    """The rows of a manifest, checked and cut.

    Args:
        settings: `manifest` is set.

    Raises:
        ManifestError: With all its bad lines.
    """
    manifest = _open_of(settings)
    return [
        CopyTask(ROWS, task.number, manifest.info.etag, "", task.start, task.stop, task.first_line, task.rows)
        for task in checked_tasks(manifest)
    ]


def manifest_of(task: CopyTask, settings: CopySettings) -> tuple[Manifest, ManifestTask]:
    """The manifest that a task is of, and its place there.

    Args:
        task: Of kind ROWS.
        settings: The copy's.

    Raises:
        SourceChangedError: It was written anew since it was checked.
    """
    manifest = _open_of(settings)
    if manifest.info.etag != task.start:
        raise SourceChangedError(f"{shown(settings.manifest)} changed since it was checked: run the command again")
    return manifest, ManifestTask(task.number, task.first_byte, task.last_byte, task.first_line, task.about, 0)


def _open_of(settings: CopySettings) -> Manifest:
    access = settings.manifest_access or settings.source.access
    return _open(settings.manifest, settings.destination.uri, settings.folder, access, as_named=settings.retried)


@functools.lru_cache(maxsize=4)
def _open(uri: str, destination: str, folder: str, access: StoreAccess, *, as_named: bool) -> Manifest:
    return open_manifest(uri, destination, folder, access, as_named=as_named)
