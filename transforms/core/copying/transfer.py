"""Copies one object: the cheapest open way, once more when it arrived wrong, the next way when that one is closed.

What a way does stands in transfer_direct, _small, _parts and _file; which one in modes.py; the proof in verify.py. Its
own processor time for a small object, without the stores: 36 microseconds.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from transforms.core import interrupt
from transforms.core.copying import bucket_names
from transforms.core.copying.demands import check_size
from transforms.core.copying.modes import choose_mode, may_fall_back
from transforms.core.copying.planned_copy import Copied
from transforms.core.copying.transfer_direct import copy_on_server
from transforms.core.copying.transfer_ends import (
    Arrived,
    Job,
    RemovedError,
    Stores,
    check_version,
    condition_of,
    source_origin,
)
from transforms.core.copying.transfer_file import downloaded
from transforms.core.copying.transfer_parts import part_plan, send_parts
from transforms.core.copying.transfer_passing import may_pass_on, pass_on
from transforms.core.copying.transfer_small import fetch_and_put, read_and_put
from transforms.core.errors import PermanentError, TransientError
from transforms.core.objects.access import CorruptedError, MissingError, UnsupportedError
from transforms.core.objects.details import ABSENT
from transforms.core.objects.uri import shown

if TYPE_CHECKING:
    from transforms.core.copying.buffer_budget import BufferBudget
    from transforms.core.copying.copy_settings import CopySettings, Mode
    from transforms.core.copying.planned_copy import PlannedCopy

__all__ = ["TRIES", "Stores", "copy_object"]
TRIES: Final = 2


def copy_object(
    planned: PlannedCopy, settings: CopySettings, stores: Stores, budget: BufferBudget, tries: int = TRIES
) -> Copied:
    """Copies one object, verified, all or nothing. Called from many threads.

    Args:
        planned: What to copy.
        settings: How.
        stores: Between which stores.
        budget: The process's bytes in flight; the caller holds nothing of it.
        tries: How often it may arrive wrong by one way: 1 where it did so before.

    Raises:
        PermanentError: It can't be copied: ConflictError (the name holds another version than planned),
            SourceChangedError, CorruptedError (arrived wrong twice), ForbiddenError, MissingError, UnsupportedError.
        TransientError: The retries were used up.
        InterruptedRunError: The run was asked to stop; nothing of the object became visible.
    """
    begun = time.monotonic()
    if wrong := bucket_names.refusal(planned.uri, stores.destination.limits):
        raise PermanentError(f"can't write {shown(planned.uri)}: {wrong}")
    planned = _with_size(planned, stores)
    tried: dict[Mode, str] = {}
    while True:
        interrupt.check()
        choice = choose_mode(planned.source.info, planned.uri, settings, tried)
        if choice.mode is None:
            raise UnsupportedError(
                f"{shown(planned.source.info.uri)} can't be copied to {shown(planned.uri)} as asked ({choice.why}): "
                "allow other modes (--mode auto, --fallback any)"
            )
        job = Job(planned, settings, stores, budget, condition_of(planned), again=tries < TRIES)
        try:
            arrived = _tried(choice.mode, job, tries)
        except (PermanentError, TransientError) as e:
            if settings.fallback == "none" or not may_fall_back(choice.mode, e):
                raise
            tried[choice.mode] = str(e)
        else:
            return Copied(choice.mode, *arrived[:2], choice.why, arrived.bytes_through, time.monotonic() - begun)


def _tried(mode: Mode, job: Job, tries: int) -> Arrived:
    """What came or arrived wrong is tried once more; a wrong object was deleted by then, so its name is free."""
    try:
        return _WAYS[mode](job)
    except CorruptedError as e:
        if tries < TRIES:
            raise
        if isinstance(e, RemovedError) or _is_free(job):
            job = job._replace(condition=ABSENT)
    interrupt.check()
    return _WAYS[mode](job._replace(again=True))


def _is_free(job: Job) -> bool:
    """Whether a store deleted by itself what came wrong to it."""
    try:
        job.stores.destination.details(job.planned.uri)
    except MissingError:
        return True
    return False


def _with_size(planned: PlannedCopy, stores: Stores) -> PlannedCopy:
    """A manifest may name objects without their size."""
    if planned.source.info.size_bytes >= 0:
        return planned
    details = stores.source.details(planned.source.info.uri)
    check_version(planned.source.info, details.info)
    check_size(details.info, planned.expected_bytes)
    return planned._replace(source=planned.source._replace(info=details.info))


def _hybrid(job: Job) -> Arrived:
    """Small objects in one piece (the larger of them are sent on while they arrive), larger ones by parts."""
    info, limits = job.planned.source.info, job.stores.destination.limits
    if info.size_bytes <= min(job.settings.part_bytes, limits.max_put_bytes):
        return (pass_on(job) or fetch_and_put(job, paid=True)) if may_pass_on(job) else fetch_and_put(job)
    origin = source_origin(job)
    return send_parts(job, origin, part_plan(origin.details, job.planned.uri, job))


def _traditional(job: Job) -> Arrived:
    """By a temporary file, whatever the size."""
    with downloaded(job) as origin:
        check_size(origin.details.info, job.planned.expected_bytes)
        plan = part_plan(origin.details, job.planned.uri, job)
        return send_parts(job, origin, plan) if plan.part_bytes else read_and_put(job, origin)


_WAYS = {"direct_sync": copy_on_server, "hybrid": _hybrid, "traditional": _traditional}
