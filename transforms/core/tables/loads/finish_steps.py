"""The last step of a load: publish, account for every file, and leave it all in the run folder."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from transforms.core import interrupt, memory, progress
from transforms.core.errors import ConfigError, HornbeamError
from transforms.core.objects.traffic import traffic
from transforms.core.outcome import Failure, ObjectInfo
from transforms.core.run_folder import failure_line, outcome_line, plan_line, rows_line
from transforms.core.tables.loads.finish_load import Ended, Rows, end, publish
from transforms.core.tables.loads.load_chunks import batch_bytes, tasks
from transforms.core.tables.loads.load_plan import LoadPlan
from transforms.core.tables.loads.reject_places import with_places

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from transforms.core.run_folder import RunFolder
    from transforms.core.tables.loads.connections import Connections
    from transforms.core.tables.loads.destination import Destination, StoredLoad
    from transforms.core.tables.loads.load_settings import LoadSettings
    from transforms.core.tables.loads.load_steps import LoadResult, PlanMessage

_REJECTS_A_PART, _CHARACTERS_A_PART = 5_000, 4 << 20
FAILURES_PART, LOAD_PART = "2-failures", "4-load"


def finish(
    message: PlanMessage,
    results: Sequence[LoadResult],
    settings: LoadSettings,
    connections: Connections,
    folder: RunFolder,
) -> None:
    """Publishes what is whole, and writes the load's parts into the run folder.

    An engine may repeat this step: what this run has reported as done stays so.
    """
    if _told_as_done(folder):
        return
    skipped = [ObjectInfo(*info) for info in json.loads(message.skipped)]
    error = next(((one.error, one.message) for one in results if one.error), (message.error, message.message))
    ended, details, rejecting = _ended(message, skipped, error, settings, connections)
    earlier = [load for one in message.earlier.split(",") if one and (load := _find(one, connections))]
    rows = [ended.rows, *map(_earlier_rows, earlier)]
    for load_id in [load.spec.load_id for load in earlier if load.rejected] + rejecting:
        connections.use(partial(_write_rejects, load_id, settings, folder))
    sent = message.statements + sum(one.statements for one in results) + connections.statements()
    read = traffic()
    details |= {"statements": sent, "load_id": message.load_id, "bytes_read": read.bytes_read, "reads": read.requests}
    published_here = any(outcome.status == "done" for outcome in ended.outcomes)
    if published_here or not _told_as_done(folder):  # an attempt beside takes this one's publish for an earlier run's
        _write(ended, rows, details, folder)
        progress.add(items=len(ended.outcomes))


def _told_as_done(folder: RunFolder) -> bool:
    return any(line["kind"] == "load" and line["done"] for line in folder.read_part(LOAD_PART))


def _ended(
    message: PlanMessage,
    skipped: Sequence[ObjectInfo],
    error: tuple[str, str],
    settings: LoadSettings,
    connections: Connections,
) -> tuple[Ended, dict[str, Any], list[str]]:
    """The end of the load, its details, and the loads whose rejects are to be written."""
    if message.plan:  # no plan is stored: a dry run, an error before, or an interruption
        plan = LoadPlan.from_json(message.plan)
        idle = "" if error[0] else "not_started" if interrupt.requested() else "planned"
        details = _details(plan, _unplanned_status(message, error[0], settings)) | _work(plan, frozenset(), settings)
        return end(plan, {}, skipped, published=False, before=False, error=error, idle=idle), details, []
    if not message.load_id:
        nothing = LoadPlan("", (), (), (), (), False, (), (), {})
        return end(nothing, {}, skipped, published=True, before=True), {}, []
    stored = _find(message.load_id, connections)
    assert stored is not None, "a load without a plan in its message is stored"
    plan = LoadPlan.from_json(stored.spec.plan)
    before = stored.status == "completed"
    if before:
        error = ("", "")  # the same command beside this one has finished the load that both worked at
    if not error[0] and not before and not interrupt.requested() and not settings.dry_run:
        progress.phase("publishing")
        memory.snapshot("publishing")
        try:
            stored = connections.use(partial(publish, stored.spec, settings))
        except HornbeamError as problem:
            error = (type(problem).__name__, str(problem))
    published = stored.status == "completed"
    idle = "" if error[0] else "not_started" if interrupt.requested() else "planned" if settings.dry_run else ""
    ledger = connections.use(lambda destination: destination.ledger(message.load_id))
    ended = end(plan, ledger, skipped, published=published, before=before, error=error, idle="" if published else idle)
    if published:
        ended = ended._replace(rows=_earlier_rows(stored) if before else _stored_rows(stored, message.resumed))
    details = _details(plan, stored.status) | _work(plan, ledger.keys(), settings)
    if not published and ended.rows.loaded:
        details["notes"].append(
            f"{sum(ended.rows[1:]):,} of {stored.spec.counted:,} records are read and kept, unpublished; "
            f"the same command goes on from there"
        )
    return ended, details, [message.load_id]


def _unplanned_status(message: PlanMessage, error: str, settings: LoadSettings) -> str:
    """What the destination says of a load without a stored plan.

    | run                                                           | status     |
    |---------------------------------------------------------------|------------|
    | dry run, no load at all, a wrong command (ConfigError)        | not stored |
    | any other error                                               | failed     |
    | asked to stop; it was announced                               | pending    |
    | asked to stop; there is no file or folder to announce it in   | not stored |
    """
    if settings.dry_run or not message.load_id or error == ConfigError.__name__:
        return "not stored"
    return "failed" if error else "pending" if message.announced else "not stored"


def _find(load_id: str, connections: Connections) -> StoredLoad | None:
    return connections.use(lambda destination: destination.find_load(load_id))


def _stored_rows(stored: StoredLoad, resumed: int) -> Rows:
    """Rows of a load that this run finished; those that earlier runs committed for it were there already."""
    there = min(resumed, stored.loaded)
    return Rows(stored.spec.counted, stored.loaded - there, stored.rejected, stored.skipped + there)


def _earlier_rows(stored: StoredLoad) -> Rows:
    """Rows of a load that an earlier run finished: nothing is loaded now; what was rejected still is."""
    return Rows(stored.spec.counted, 0, stored.rejected, stored.spec.counted - stored.rejected)


def _details(plan: LoadPlan, status: str) -> dict[str, Any]:
    return {
        "load_status": status,
        "notes": list(plan.notes),
        "chunks": sum(len(planned.chunks) for planned in plan.parts),
        "counted": sum(planned.counted for planned in plan.parts),
        **plan.details,
    }


def _work(plan: LoadPlan, done: AbstractSet[int], settings: LoadSettings) -> dict[str, Any]:
    """For the estimate of a dry run: what is left."""
    if not settings.dry_run:
        return {}
    left = list(tasks("", plan, done, settings.range_bytes))
    size = sum(task.size_bytes for task in left)
    batches = -(-size // batch_bytes(settings.destination, settings.range_bytes))
    rows = sum(
        chunk.records
        for planned in plan.parts
        for number, chunk in enumerate(planned.chunks, planned.first_chunk)
        if number not in done
    )
    return {"work": {"rows": rows, "elements": len(left), "batches": min(max(batches, 1), len(left))}}


def _write_rejects(load_id: str, settings: LoadSettings, folder: RunFolder, destination: Destination) -> None:
    number = 0
    plan: LoadPlan | None = None
    for some in _portions(map(json.loads, destination.rejects(load_id))):
        lines: Iterable[dict[str, Any]] = some
        if any(isinstance(line["file"], int) for line in some):  # a database made them itself
            plan = plan or _plan_of(load_id, destination)
            lines = with_places(some, plan, settings)
        for portion in _portions(lines):
            unit = f"3-rejects-{load_id[:12]}-{number:06d}"
            folder.write_part(unit, [{"kind": "reject", **line} for line in portion])
            number += 1


def _portions(lines: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Rejects, as many at a time as a part holds: not too many, nor too long ones."""
    portion: list[dict[str, Any]] = []
    characters = 0
    for line in lines:
        portion.append(line)
        characters += len(line["raw"])
        if len(portion) == _REJECTS_A_PART or characters >= _CHARACTERS_A_PART:
            yield portion
            portion, characters = [], 0
    if portion:
        yield portion


def _plan_of(load_id: str, destination: Destination) -> LoadPlan:
    stored = destination.find_load(load_id)
    assert stored is not None, "a load that has rejects is stored"
    return LoadPlan.from_json(stored.spec.plan)


def _write(ended: Ended, rows: Iterable[Rows], details: dict[str, Any], folder: RunFolder) -> None:
    size = sum(outcome.size_bytes for outcome in ended.outcomes)
    folder.write_part("0-plan", [plan_line(len(ended.outcomes), size)])
    folder.write_part("1-outcomes", map(outcome_line, ended.outcomes))
    failures = [
        Failure("ingest", outcome.item, ended.error[0] or "PermanentError", outcome.detail, 1, _now())
        for outcome in ended.outcomes
        if outcome.status == "failed"
    ]
    folder.write_part(FAILURES_PART, map(failure_line, failures))
    total = Rows(*(sum(column) for column in zip(*rows, strict=True)))
    files = {uri: one._asdict() for uri, one in ended.files}
    done = any(outcome.status == "done" for outcome in ended.outcomes)
    load = {"kind": "load", "details": {**details, "files": files}, "error": list(ended.error), "done": done}
    folder.write_part(LOAD_PART, [rows_line(*total), load])


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
