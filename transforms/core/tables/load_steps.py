"""The steps of a load as plain functions: open, inspect, scan, plan, load, finish. transforms/tables.py wires them."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from transforms.core import interrupt, progress
from transforms.core.errors import ConfigError, HornbeamError, PermanentError, TransientError
from transforms.core.outcome import ObjectInfo
from transforms.core.retrying import retried
from transforms.core.tables import scan_parts
from transforms.core.tables.find_parts import find_parts
from transforms.core.tables.findings import Failed, Findings, ScannedPart
from transforms.core.tables.load_chunks import LoadTask, load_chunks, tasks
from transforms.core.tables.load_plan import LoadPlan, part_from_json, part_to_json
from transforms.core.tables.load_settings import file_identity, settings_identity
from transforms.core.tables.make_plan import check_keys, make_plan
from transforms.core.tables.open_load import Opened, list_files, open_load, spec_of
from transforms.core.tables.scan_parts import ScanResult
from transforms.core.tables.table_schema import load_table_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from transforms.core.tables.column import Column
    from transforms.core.tables.connections import Connections
    from transforms.core.tables.destination import ChunkTotals, Destination, StoredLoad
    from transforms.core.tables.load_settings import LoadSettings
    from transforms.core.tables.scan import RangeScan


class FileTask(NamedTuple):
    """One file to inspect: its load, its number in it, and `ObjectInfo` as JSON."""

    load_id: str
    number: int
    info: str


class ScanTask(NamedTuple):
    """One range to scan: its load, its part as JSON, first byte, byte behind the last."""

    load_id: str
    part: str
    start: int
    stop: int


class PlanMessage(NamedTuple):
    """What the end of a load must know of its beginning.

    Attributes:
        load_id: The load; "" when no file is left to load.
        plan: The plan as JSON when the destination has none (dry run, error); "" when it is stored.
        skipped: Files that are loaded already, as a JSON list of ObjectInfo.
        earlier: Ids of the loads that brought them in, joined by commas.
        error: Class name of what went wrong; "" for nothing.
        message: Its message.
        statements: Statements sent so far.
        resumed: Rows that earlier runs of this load committed.
    """

    load_id: str
    plan: str = ""
    skipped: str = "[]"
    earlier: str = ""
    error: str = ""
    message: str = ""
    statements: int = 0
    resumed: int = 0


class LoadResult(NamedTuple):
    """What loading some tasks brought: records committed, statements sent, and what went wrong ("" for nothing)."""

    records: int
    statements: int
    error: str = ""
    message: str = ""


class Beginning(NamedTuple):
    """What `begin` found.

    Attributes:
        files: Files to inspect; none when the load is stored already.
        tasks: Chunks that are left of a stored load.
        message: For the end; None when planning will send it.
        head: For planning, beside the scans: the files and what is known of them; None when the load is stored.
    """

    files: tuple[FileTask, ...]
    tasks: tuple[LoadTask, ...]
    message: PlanMessage | None
    head: ScanResult | None = None


_HEAD = -2  # in ScanResult.start: not a scan, but what `begin` hands on to `plan`


def begin(settings: LoadSettings, connections: Connections) -> Beginning:
    """Lists the sources and finds out whether the load is new, half done or done."""
    progress.phase("listing")

    def found(destination: Destination) -> tuple[Opened, StoredLoad | None, dict[int, ChunkTotals]]:
        opened = open_load(files, settings, destination)
        stored = opened.stored
        if stored is not None and stored.status != "completed" and not settings.dry_run:
            stored = destination.create_load(stored.spec)
        return opened, stored, destination.ledger(opened.load_id) if stored is not None else {}

    try:
        files = list_files(settings)
        opened, stored, ledger = connections.use(found)
    except HornbeamError as error:
        return Beginning((), (), PlanMessage("", _no_plan(settings, ()), "[]", "", *_named(error)))
    progress.plan(items=len(files), size_bytes=sum(max(info.size_bytes, 0) for info in files))
    message = _message(opened, connections.statements())
    if not opened.files:
        return Beginning((), (), message._replace(load_id=""))
    if stored is not None:
        plan = LoadPlan.from_json(stored.spec.plan)
        left = () if stored.status == "completed" else tasks(opened.load_id, plan, ledger.keys(), settings.range_bytes)
        _will_load(plan, sum(totals.counted for totals in ledger.values()))
        return Beginning((), tuple(left), message._replace(resumed=sum(totals.loaded for totals in ledger.values())))
    progress.phase("scanning")
    inspected = [FileTask(opened.load_id, number, json.dumps(info)) for number, info in enumerate(opened.files)]
    head = ScanResult("", _HEAD, json.dumps([opened.files, message, opened.gone]), "")
    return Beginning(tuple(inspected), (), None, head)


def _message(opened: Opened, statements: int) -> PlanMessage:
    earlier = ",".join(load.spec.load_id for load in opened.earlier)
    return PlanMessage(opened.load_id, "", json.dumps(opened.skipped), earlier, statements=statements)


def _named(error: BaseException) -> tuple[str, str]:
    return type(error).__name__, str(error)


def _no_plan(settings: LoadSettings, files: Sequence[ObjectInfo]) -> str:
    listed = tuple((file_identity(info), info.uri, info.size_bytes) for info in files)
    return LoadPlan(settings_identity(settings), listed, (), (), (), False, (), (), {}).to_json()


def _will_load(plan: LoadPlan, done: int) -> None:
    progress.plan(rows=sum(planned.counted for planned in plan.parts))
    progress.add(rows=done)
    progress.phase("loading")


def inspect(task: FileTask, settings: LoadSettings) -> tuple[list[ScanTask], list[ScanResult]]:
    """Finds a file's parts and cuts them into ranges; parts without any, and failures, are results already."""
    info = ObjectInfo(*json.loads(task.info))
    try:
        parts = retried(lambda: find_parts(task.number, info, settings))
    except (PermanentError, TransientError) as error:
        return [], [ScanResult(json.dumps([task.number, info.uri]), -1, "", ": ".join(_named(error)))]
    scans, results = [], []
    for index, part in enumerate(parts):
        text = part_to_json(part._replace(number=index))
        ranges = scan_parts.cut(part, settings)
        scans += [ScanTask(task.load_id, text, start, stop) for start, stop in ranges]
        if not ranges:
            results.append(ScanResult(text, -1, "", ""))
    return scans, results


def scan(task: ScanTask, settings: LoadSettings) -> ScanResult:
    """Scans one range."""
    part = part_from_json(task.part)
    try:
        found = retried(lambda: scan_parts.scan(part, task.start, task.stop, settings))
    except (PermanentError, TransientError) as error:
        return ScanResult(json.dumps([part.file, part.info.uri]), -1, "", ": ".join(_named(error)))
    return ScanResult(task.part, task.start, scan_parts.scan_to_json(found), "")


def plan(
    load_id: str, results: Iterable[ScanResult], settings: LoadSettings, connections: Connections
) -> tuple[PlanMessage, list[LoadTask]]:
    """Plans a scanned load and stores it; from now on its chunks are fixed."""
    found = list(results)
    [head] = [json.loads(one.scan) for one in found if one.start == _HEAD]
    files, message = [ObjectInfo(*info) for info in head[0]], PlanMessage(*head[1])
    if interrupt.requested():
        return message._replace(plan=_no_plan(settings, files)), []
    try:
        target = connections.use(lambda destination: destination.describe(settings.table))
        made = _made((one for one in found if one.start != _HEAD), files, settings, target)
        spec = spec_of(load_id, made._replace(gone=head[2]), settings)
        if settings.dry_run:
            return message._replace(plan=spec.plan), []
        stored = connections.use(lambda destination: destination.create_load(spec))
        ledger = connections.use(lambda destination: destination.ledger(load_id))
    except HornbeamError as error:
        name, text = _named(error)
        return message._replace(plan=_no_plan(settings, files), error=name, message=text), []
    kept = LoadPlan.from_json(stored.spec.plan)
    _will_load(kept, sum(totals.counted for totals in ledger.values()))
    sent = message.statements + connections.statements()
    return message._replace(statements=sent), list(tasks(load_id, kept, ledger.keys(), settings.range_bytes))


def _made(
    results: Iterable[ScanResult],
    files: Sequence[ObjectInfo],
    settings: LoadSettings,
    target: tuple[Column, ...] | None,
) -> LoadPlan:
    scans: dict[str, list[ScanResult]] = defaultdict(list)
    failed: dict[int, Failed] = {}
    for result in results:
        if result.error:
            number, _ = json.loads(result.part)
            failed[number] = Failed(number, *result.error.split(": ", 1))
        else:
            scans[result.part].append(result)
    parts = [(part_from_json(text), found) for text, found in scans.items()]
    parts.sort(key=lambda one: (one[0].file, one[0].number))
    scanned = [
        ScannedPart(part._replace(number=number), _in_order(found))
        for number, (part, found) in enumerate(one for one in parts if one[0].file not in failed)
    ]
    listed = tuple((file_identity(info), info.uri, info.size_bytes) for info in files)
    schema = load_table_schema(settings.schema_text, where=settings.schema_where) if settings.schema_text else None
    rules = "bigquery" if settings.destination.startswith("bigquery:") else "sql"
    found = Findings(listed, tuple(scanned), tuple(failed.values()), schema, target, rules)
    made = make_plan(found, settings)
    _check_failed(made, settings)
    if not made.rules:
        raise ConfigError("the sources have no column at all (empty files); there is nothing to load or to create")
    check_keys(made.rules, settings)
    return made


def _check_failed(made: LoadPlan, settings: LoadSettings) -> None:
    """A load that can't be published is not stored: the next run tries its files again."""
    if made.failed and (not made.rules or len(made.failed) == len(made.files)):
        raise PermanentError(f"no file can be read: {made.failed[0][2]}")
    if made.failed and settings.mode == "replace":
        what = f"{len(made.failed)} of {len(made.files)} files can't be read, and a replace takes all or none"
        raise PermanentError(f"nothing was published into {settings.table}: {what}: {made.failed[0][2]}")


def _in_order(results: Iterable[ScanResult]) -> tuple[RangeScan, ...]:
    ordered = sorted((one for one in results if one.scan), key=lambda one: one.start)
    return tuple(scan_parts.scan_from_json(one.scan) for one in ordered)


def load(work: Sequence[LoadTask], settings: LoadSettings, connections: Connections) -> Iterator[LoadResult]:
    """Loads some tasks of one load."""
    try:
        spec, stored_plan = connections.plan_of(work[0].load_id)
        records = connections.use(lambda destination: load_chunks(work, spec, stored_plan, settings, destination))
    except (PermanentError, TransientError, ConfigError) as error:
        yield LoadResult(0, connections.statements(), *_named(error))
        return
    progress.add(size_bytes=sum(task.size_bytes for task in work))
    yield LoadResult(records, connections.statements())
