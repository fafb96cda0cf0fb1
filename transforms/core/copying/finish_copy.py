"""The end of a copy, behind the barrier: every task is accounted for, extras go if all is well, dead leftovers too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.core import interrupt, progress
from transforms.core.copying.deletion import DeletionFacts, decide_deletion, read_max_delete
from transforms.core.copying.extras import extra_batches, read_note
from transforms.core.copying.outcome_lines import Item
from transforms.core.copying.task_log import TaskLog
from transforms.core.copying.workshop import stores_of
from transforms.core.errors import PermanentError, TransientError
from transforms.core.objects.store import open_copy_store
from transforms.core.objects.uri import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transforms.core.copying.copy_settings import CopySettings
    from transforms.core.copying.copy_tasks import TaskResult
    from transforms.core.copying.deletion import DeletionDecision
    from transforms.core.run_folder import Line, RunFolder

UNIT = "z-end"
LEFTOVER_SECONDS = 7 * 86400.0  # an upload of 5 TiB may take days


def finish(
    tasks: int, results: Sequence[TaskResult], settings: CopySettings, folder: RunFolder, *, tidies: bool = True
) -> None:
    """Ends a copy.

    Args:
        tasks: How many were planned.
        results: Of the tasks, repeats among them.
        settings: The copy's.
        folder: Takes the last part.
        tidies: Whether unfinished writes of dead runs are removed (a comparison removes nothing).

    Raises:
        PermanentError: A task is missing, though nobody stopped the run: who knows what became of its objects.
    """
    by_number = {result.number: result for result in results}
    if len(by_number) != tasks and not interrupt.requested():
        missing = sorted(set(range(tasks)) - by_number.keys())[:5]
        raise PermanentError(
            f"{tasks - len(by_number)} of {tasks} tasks never came to an end (numbers {missing} …): "
            "run the command again"
        )
    log = TaskLog(folder, UNIT, "DeleteExtras")
    more: list[Line] = []
    if settings.delete:
        facts = _facts(tasks, list(by_number.values()))
        decision = decide_deletion(facts, read_max_delete(settings.max_delete))
        if decision.delete and interrupt.requested():
            stays = f"{facts.extras} extra objects stay at the destination: the run was stopped before they went"
            decision = decision._replace(delete=False, reason=f"{stays}; run the command again")
        if decision.delete:
            _delete(sorted(by_number), settings, folder, log)
        more.append(_told(facts, decision, log, dry_run=settings.dry_run))
    if tidies and not settings.dry_run and not interrupt.requested():  # one request, also where nothing was to do
        more.append(tidied(settings))
    log.close(*more)


def tidy_once(settings: CopySettings, folder: RunFolder) -> None:
    """For a stream, which has no end of its own: `tidied`, once a run, whoever comes first.

    Args:
        settings: The copy's.
        folder: Takes the part that says so.
    """
    unit = f"{UNIT}.000000"
    if not folder.read_part(unit):
        folder.write_part(unit, [tidied(settings)])


def tidied(settings: CopySettings) -> Line:
    """Removes unfinished writes of dead runs; a store that doesn't let us look is no fault of the copy, but told.

    Args:
        settings: The copy's.
    """
    uri, note, removed = settings.destination.uri, "", 0
    try:
        store = open_copy_store(uri, settings.destination.access)  # a manifest's source has no address
        removed = store.abort_leftovers(uri, LEFTOVER_SECONDS)
    except (PermanentError, TransientError) as error:
        note = f"what killed runs left unfinished below {shown(uri)} was not looked for: {error}"
    return {"kind": "leftovers", "removed": removed, "note": note}


def _facts(tasks: int, results: Sequence[TaskResult]) -> DeletionFacts:
    return DeletionFacts(
        ranges_planned=tasks,
        ranges_listed=sum(result.listed for result in results),
        failed=sum(result.failed for result in results),
        not_started=sum(result.not_started for result in results),
        unverified=sum(result.unverified for result in results),
        destination_objects=sum(result.destination_objects for result in results),
        extras=sum(result.extras for result in results),
        extra_bytes=sum(result.extra_bytes for result in results),
    )


def _delete(numbers: Sequence[int], settings: CopySettings, folder: RunFolder, log: TaskLog) -> None:
    """Deletes all extras (or says that it would), batch by batch; each is an item of the run."""
    progress.phase("deleting")
    store = stores_of(settings).destination
    for number in numbers:
        note = read_note(folder, f"task-{number:08}")
        if note is None:
            continue
        for batch in extra_batches(folder, note, store.limits.deletes_at_once):
            items = [Item(info._replace(size_bytes=0), info.uri) for info in batch]
            for item in items:
                log.plan(item)
            stopped = bool(interrupt.requested())
            refused = {} if settings.dry_run or stopped else {info.uri: why for info, why in store.delete_all(batch)}
            for item in items:
                if settings.dry_run:
                    log.idle(item, "planned", "no source: would be deleted")
                elif stopped:
                    log.idle(item, "not_started")
                elif item.uri in refused:
                    log.failed(item, PermanentError(f"{item.uri} can't be deleted: {refused[item.uri]}"))
                else:
                    log.deleted(item)


def _told(facts: DeletionFacts, decision: DeletionDecision, log: TaskLog, *, dry_run: bool) -> Line:
    return {
        "kind": "deletion",
        "extras": facts.extras,
        "destination_objects": facts.destination_objects,
        "allowed": decision.allowed,
        "deleted": log.statuses["done"],
        "reason": decision.reason,
        "dry_run": dry_run,
    }
