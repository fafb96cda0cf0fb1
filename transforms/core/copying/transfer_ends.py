"""The two ends of a transfer and the values that its steps share: where bytes come from, what arrived."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from transforms.core import pacing
from transforms.core.errors import PermanentError, SourceChangedError, TransientError
from transforms.core.objects.access import CorruptedError
from transforms.core.objects.details import ABSENT, Condition
from transforms.core.objects.uri import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from transforms.core.copying.buffer_budget import BufferBudget
    from transforms.core.copying.copy_settings import CopySettings
    from transforms.core.copying.planned_copy import PlannedCopy
    from transforms.core.objects.details import ObjectDetails
    from transforms.core.objects.store import CopyStore
    from transforms.core.outcome import ObjectInfo


class Stores(NamedTuple):
    """The stores of one copy.

    Attributes:
        source: Read from (and asked to copy on its own side: direct_sync).
        destination: Written to.
    """

    source: CopyStore
    destination: CopyStore


class Job(NamedTuple):
    """One object on one way, once.

    Attributes:
        planned: What to copy.
        settings: How.
        stores: Between which stores.
        budget: The process's bytes in flight.
        condition: What must hold of the name.
        again: Whether it arrived wrong before: it is held whole then, so that it can be said where it went wrong.
    """

    planned: PlannedCopy
    settings: CopySettings
    stores: Stores
    budget: BufferBudget
    condition: Condition
    again: bool = False


class Origin(NamedTuple):
    """Where the bytes of one version come from: the source itself, or its copy in a temporary file.

    Attributes:
        details: What is known of the source; its size is known.
        read: Bytes from `start` to `stop`, at the process's pace when they come from the source.
    """

    details: ObjectDetails
    read: Callable[[int, int], bytes]


class Arrived(NamedTuple):
    """An object that was written and checked.

    Attributes:
        proof: match, uncheckable or not_checked.
        proved_by: The checksum, or `re-read`; "" when nothing told.
        bytes_through: Bytes that went through this process on their way.
    """

    proof: str
    proved_by: str
    bytes_through: int


class RemovedError(CorruptedError):
    """What arrived was wrong and was deleted again: the name is free."""


def condition_of(planned: PlannedCopy) -> Condition:
    """What must hold of the name: free when it was free, else the version that stood there.

    Args:
        planned: The copy.
    """
    return ABSENT if planned.existing is None else Condition(etag=planned.existing.info.etag)


def check_version(planned: ObjectInfo, found: ObjectInfo) -> None:
    """Makes sure that what is found is what was planned.

    Args:
        planned: As listed; an empty etag and a size of -1 fit everything.
        found: As a HEAD or GET tells now.

    Raises:
        SourceChangedError: It isn't.
    """
    moved = planned.etag and found.etag and planned.etag != found.etag
    resized = planned.size_bytes >= 0 and found.size_bytes >= 0 and planned.size_bytes != found.size_bytes
    if moved or resized:
        raise SourceChangedError(
            f"{shown(planned.uri)} changed since it was planned (was {planned.etag!r}, {planned.size_bytes} bytes; "
            f"is {found.etag!r}, {found.size_bytes} bytes): run the command again"
        )


def source_origin(job: Job) -> Origin:
    """The source itself; asks for its details.

    Args:
        job: The copy.

    Raises:
        SourceChangedError: It isn't the planned version.
    """
    store, info = job.stores.source, job.planned.source.info
    details = store.details(info.uri)
    check_version(info, details.info)
    if details.info.size_bytes < 0:
        details = details._replace(info=details.info._replace(size_bytes=info.size_bytes))

    def read(start: int, stop: int) -> bytes:
        pacing.pace().before_bytes(stop - start)
        return store.read(details.info, start, stop)

    return Origin(details, read)


def read_back(job: Job, written: ObjectInfo, start: int, stop: int) -> bytes:
    """Bytes of what was written, to prove it; at the process's pace, as on their way there.

    Args:
        job: The copy.
        written: The version that we wrote.
        start: First byte.
        stop: Byte behind the last.
    """
    pacing.pace().before_bytes(stop - start)
    return job.stores.destination.read(written, start, stop)


def remove_wrong(job: Job, written: ObjectInfo, why: str) -> NoReturn:
    """Deletes what we wrote and found wrong, that version only, and says so.

    Args:
        job: The copy.
        written: The version that we wrote.
        why: What is wrong with it.

    Raises:
        RemovedError: Always, when it could be deleted.
        CorruptedError: Always otherwise: the wrong object still stands there.
    """
    head = f"{shown(job.planned.source.info.uri)} arrived wrong at {shown(written.uri)}: {why}"
    kept = _not_deleted(job, written)
    if kept:
        raise CorruptedError(f"{head}; it could not be deleted ({kept}): delete it by hand, it is not a copy")
    raise RemovedError(f"{head}; it was deleted again")


@contextmanager
def not_left_unchecked(job: Job, written: ObjectInfo) -> Iterator[None]:
    """Deletes what we wrote when the block, which checks it, can't come to an end (a stop, a lost connection).

    Args:
        job: The copy.
        written: The version that we wrote.
    """
    try:
        yield
    except BaseException as e:
        kept = _not_deleted(job, written)
        if kept:
            e.add_note(f"{shown(written.uri)} was written but not checked, and could not be deleted: {kept}")
        raise


def _not_deleted(job: Job, written: ObjectInfo) -> str:
    """Deletes a version that we wrote; returns why it could not be deleted, "" when it was."""
    try:
        kept = job.stores.destination.delete_all([written])
    except (PermanentError, TransientError) as e:
        return str(e)
    return kept[0][1] if kept else ""
