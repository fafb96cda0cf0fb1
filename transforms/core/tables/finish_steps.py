"""The last step of a load: publish, account for every file, and leave it all in the run folder."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from transforms.core import interrupt, progress
from transforms.core.errors import HornbeamError
from transforms.core.objects.traffic import traffic
from transforms.core.outcome import Failure, ObjectInfo
from transforms.core.run_folder import failure_line, outcome_line, plan_line, rows_line
from transforms.core.tables.finish_load import Ended, Rows, end, publish
from transforms.core.tables.load_plan import SHEET, LoadPlan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from transforms.core.run_folder import RunFolder
    from transforms.core.tables.connections import Connections
    from transforms.core.tables.destination import Destination, StoredLoad
    from transforms.core.tables.load_settings import LoadSettings
    from transforms.core.tables.load_steps import LoadResult, PlanMessage

_REJECTS_A_PART = 5_000
_LOAD_PART = "4-load"


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
    if any(line["kind"] == "load" and line["done"] for line in folder.read_part(_LOAD_PART)):
        return
    skipped = [ObjectInfo(*info) for info in json.loads(message.skipped)]
    error = next(((one.error, one.message) for one in results if one.error), (message.error, message.message))
    ended, details, rejecting = _ended(message, skipped, error, settings, connections)
    earlier = [load for one in message.earlier.split(",") if one and (load := _find(one, connections))]
    rows = [ended.rows, *map(_earlier_rows, earlier)]
    for load_id in [load.spec.load_id for load in earlier] + rejecting:
        connections.use(partial(_write_rejects, load_id, folder))
    sent = message.statements + sum(one.statements for one in results) + connections.statements()
    read = traffic()
    details |= {"statements": sent, "load_id": message.load_id, "bytes_read": read.bytes_read, "reads": read.requests}
    _write(ended, rows, details, folder)
    progress.add(items=len(ended.outcomes))


def _ended(
    message: PlanMessage,
    skipped: Sequence[ObjectInfo],
    error: tuple[str, str],
    settings: LoadSettings,
    connections: Connections,
) -> tuple[Ended, dict[str, Any], list[str]]:
    """The end of the load, its details, and the loads whose rejects are to be written."""
    if message.plan:  # nothing is stored: a dry run, an error before, or an interruption
        plan = LoadPlan.from_json(message.plan)
        idle = "" if error[0] else "not_started" if interrupt.requested() else "planned"
        return end(plan, {}, skipped, published=False, before=False, error=error, idle=idle), _details(plan, None), []
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
    details = _details(plan, stored)
    if not published and ended.rows.loaded:
        details["notes"].append(
            f"{sum(ended.rows[1:]):,} of {stored.spec.counted:,} records are read and kept, unpublished; "
            f"the same command goes on from there"
        )
    return ended, details, [message.load_id]


def _find(load_id: str, connections: Connections) -> StoredLoad | None:
    return connections.use(lambda destination: destination.find_load(load_id))


def _stored_rows(stored: StoredLoad, resumed: int) -> Rows:
    """Rows of a load that this run finished; those that earlier runs committed for it were there already."""
    there = min(resumed, stored.loaded)
    return Rows(stored.spec.counted, stored.loaded - there, stored.rejected, stored.skipped + there)


def _earlier_rows(stored: StoredLoad) -> Rows:
    """Rows of a load that an earlier run finished: nothing is loaded now; what was rejected still is."""
    return Rows(stored.spec.counted, 0, stored.rejected, stored.spec.counted - stored.rejected)


def _details(plan: LoadPlan, stored: StoredLoad | None) -> dict[str, Any]:
    return {
        "load_status": stored.status if stored else "not stored",
        "notes": list(plan.notes),
        "chunks": sum(len(planned.chunks) for planned in plan.parts),
        "counted": sum(planned.counted for planned in plan.parts),
        **plan.details,
    }


def _write_rejects(load_id: str, folder: RunFolder, destination: Destination) -> None:
    rejects, number = destination.rejects(load_id), 0
    while lines := [json.loads(line) for line in islice(rejects, _REJECTS_A_PART)]:
        if any(isinstance(line["file"], int) for line in lines):
            lines = _with_addresses(lines, destination.find_load(load_id))
        folder.write_part(f"3-rejects-{load_id[:12]}-{number:06d}", [{"kind": "reject", **line} for line in lines])
        number += 1


def _with_addresses(lines: list[dict[str, Any]], stored: StoredLoad | None) -> list[dict[str, Any]]:
    """Rejects that a database made itself (`unique`) know their part by its number in the plan only."""
    parts = [planned.part for planned in LoadPlan.from_json(stored.spec.plan).parts] if stored else []
    found = []
    for line in lines:
        part = parts[line["file"]] if isinstance(line["file"], int) else None
        sheet = part.name if part and part.kind == SHEET else ""
        place = {"file": part.info.uri if sheet else part.label, "sheet": sheet} if part else {}
        found.append(line | place)
    return found


def _write(ended: Ended, rows: Iterable[Rows], details: dict[str, Any], folder: RunFolder) -> None:
    size = sum(outcome.size_bytes for outcome in ended.outcomes)
    folder.write_part("0-plan", [plan_line(len(ended.outcomes), size)])
    folder.write_part("1-outcomes", map(outcome_line, ended.outcomes))
    failures = [
        Failure("ingest", outcome.item, ended.error[0] or "PermanentError", outcome.detail, 1, _now())
        for outcome in ended.outcomes
        if outcome.status == "failed"
    ]
    folder.write_part("2-failures", map(failure_line, failures))
    total = Rows(*(sum(column) for column in zip(*rows, strict=True)))
    files = {uri: one._asdict() for uri, one in ended.files}
    done = any(outcome.status == "done" for outcome in ended.outcomes)
    load = {"kind": "load", "details": {**details, "files": files}, "error": list(ended.error), "done": done}
    folder.write_part(_LOAD_PART, [rows_line(*total), load])


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
