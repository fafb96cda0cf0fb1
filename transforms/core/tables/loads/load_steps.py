"""The steps of a load as plain functions: open, inspect, scan, plan, load, finish. transforms/tables.py wires them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from transforms.core import interrupt, memory, progress
from transforms.core.errors import ConfigError, HornbeamError, PermanentError, TransientError
from transforms.core.outcome import ObjectInfo
from transforms.core.retrying import retried
from transforms.core.scrubbing import scrub
from transforms.core.tables.loads import scan_parts
from transforms.core.tables.loads.element_sizes import least_bytes
from transforms.core.tables.loads.find_parts import find_parts
from transforms.core.tables.loads.load_chunks import LoadTask, load_chunks, tasks
from transforms.core.tables.loads.load_plan import LoadPlan, part_from_json, part_to_json
from transforms.core.tables.loads.load_settings import file_identity, settings_identity
from transforms.core.tables.loads.open_load import Opened, list_files, open_load, spec_of, unplanned
from transforms.core.tables.loads.plan_of_scans import plan_of_scans
from transforms.core.tables.loads.scan_parts import ScanResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from transforms.core.tables.loads.connections import Connections
    from transforms.core.tables.loads.destination import ChunkTotals, Destination, StoredLoad
    from transforms.core.tables.loads.load_settings import LoadSettings


class FileTask(NamedTuple):
    """One file to inspect: its load, its number in it, `ObjectInfo` as JSON, and what a range has at least."""

    load_id: str
    number: int
    info: str
    least_bytes: int = 2


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
        announced: Whether the destination keeps the load as pending: not where the first load is to make it.
    """

    load_id: str
    plan: str = ""
    skipped: str = "[]"
    earlier: str = ""
    error: str = ""
    message: str = ""
    statements: int = 0
    resumed: int = 0
    announced: bool = False


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


_TOLD = (PermanentError, TransientError, ConfigError)  # become results of a step, for the load's end to tell of
_HEAD = -2  # in ScanResult.start: not a scan, but what `begin` hands on to `plan`


def begin(settings: LoadSettings, connections: Connections) -> Beginning:
    """Lists the sources and finds out whether the load is new, half done or done."""
    progress.phase("listing")

    def found(destination: Destination) -> tuple[Opened, StoredLoad | None, dict[int, ChunkTotals], bool]:
        opened = open_load(files, settings, destination)
        stored = opened.stored
        announced = stored is None and bool(opened.files) and not settings.dry_run and destination.is_there()
        if announced:
            destination.announce_load(unplanned(opened.load_id, settings))
        elif stored is not None and stored.status != "completed" and not settings.dry_run:
            stored = destination.create_load(stored.spec)
        return opened, stored, destination.ledger(opened.load_id) if stored is not None else {}, announced

    try:
        files = list_files(settings)
        opened, stored, ledger, announced = connections.use(found)
    except HornbeamError as error:
        return Beginning((), (), PlanMessage("", _no_plan(settings, ()), "[]", "", *_named(error)))
    progress.plan(items=len(files), size_bytes=sum(max(info.size_bytes, 0) for info in files))
    message = _message(opened, connections.statements())._replace(announced=announced)
    if not opened.files:
        return Beginning((), (), message._replace(load_id=""))
    if stored is not None:
        plan = LoadPlan.from_json(stored.spec.plan)
        left = () if stored.status == "completed" else tasks(opened.load_id, plan, ledger.keys(), settings.range_bytes)
        _will_load(plan, sum(totals.counted for totals in ledger.values()))
        return Beginning((), tuple(left), message._replace(resumed=sum(totals.loaded for totals in ledger.values())))
    progress.phase("scanning")
    memory.snapshot("scanning")
    least = least_bytes(len(opened.files), sum(max(info.size_bytes, 0) for info in opened.files))
    inspected = [FileTask(opened.load_id, number, json.dumps(info), least) for number, info in enumerate(opened.files)]
    head = ScanResult("", _HEAD, json.dumps([opened.files, message, opened.gone]), "")
    return Beginning(tuple(inspected), (), None, head)


def _message(opened: Opened, statements: int) -> PlanMessage:
    earlier = ",".join(load.spec.load_id for load in opened.earlier)
    return PlanMessage(opened.load_id, "", json.dumps(opened.skipped), earlier, statements=statements)


def _named(error: BaseException) -> tuple[str, str]:
    kind = ConfigError if isinstance(error, ConfigError) else type(error)  # the exit code goes by that name
    return kind.__name__, str(error)


def _no_plan(settings: LoadSettings, files: Sequence[ObjectInfo]) -> str:
    listed = tuple((file_identity(info), info.uri, info.size_bytes) for info in files)
    return LoadPlan(settings_identity(settings), listed, (), (), (), False, (), (), {}).to_json()


def _will_load(plan: LoadPlan, done: int) -> None:
    progress.plan(rows=sum(planned.counted for planned in plan.parts))
    progress.add(rows=done)
    progress.phase("loading")
    memory.snapshot("loading")


def inspect(task: FileTask, settings: LoadSettings) -> tuple[list[ScanTask], list[ScanResult]]:
    """Finds a file's parts and cuts them into ranges; small files' first ones, and failures, are results already."""
    info = ObjectInfo(*json.loads(task.info))
    try:
        parts = retried(lambda: find_parts(task.number, info, settings))
    except _TOLD as error:
        return [], [ScanResult(json.dumps([task.number, info.uri]), -1, "", ": ".join(_named(error)))]
    scans, results = [], []
    for index, part in enumerate(parts):
        text = part_to_json(part._replace(number=index))
        ranges = [ScanTask(task.load_id, text, *span) for span in scan_parts.cut(part, settings, task.least_bytes)]
        if not ranges:
            results.append(ScanResult(text, -1, "", ""))
        elif scan_parts.at_once(part):
            results.append(scan(ranges.pop(0), settings))
        scans += ranges
    return scans, results


def scan(task: ScanTask, settings: LoadSettings) -> ScanResult:
    """Scans one range."""
    part = part_from_json(task.part)
    try:
        found = retried(lambda: scan_parts.scan(part, task.start, task.stop, settings))
    except _TOLD as error:
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
        made = plan_of_scans((one for one in found if one.start != _HEAD), files, settings, target)
        spec = spec_of(load_id, made._replace(gone=head[2]), settings)
        if settings.dry_run:
            return message._replace(plan=spec.plan), []
        stored = connections.use(lambda destination: destination.create_load(spec))
        ledger = connections.use(lambda destination: destination.ledger(load_id))
    except HornbeamError as error:
        name, text = _named(error)
        text += _keep_failure(load_id, error, settings, connections)
        return message._replace(plan=_no_plan(settings, files), error=name, message=text), []
    kept = LoadPlan.from_json(stored.spec.plan)
    _will_load(kept, sum(totals.counted for totals in ledger.values()))
    sent = message.statements + connections.statements()
    return message._replace(statements=sent), list(tasks(load_id, kept, ledger.keys(), settings.range_bytes))


def _keep_failure(load_id: str, error: HornbeamError, settings: LoadSettings, connections: Connections) -> str:
    """Keeps in the destination what became of a load that gets no plan, and how its command will end.

    | error       | exit code | what stands                                     |
    |-------------|-----------|-------------------------------------------------|
    | ConfigError | 2         | nothing: a wrong command is no load              |
    | any other   | 1         | the load as failed, with the error; also where   |
    |             |           | there was no file or folder to announce it in    |

    Returns:
        What is to be added to the error if that can't be kept; "" otherwise.
    """

    def keep(destination: Destination) -> None:
        if isinstance(error, ConfigError):
            destination.forget_load(load_id)
        else:
            destination.announce_load(unplanned(load_id, settings), scrub(str(error)))

    if settings.dry_run:
        return ""
    try:
        connections.use(keep)
    except HornbeamError as problem:
        return f" (nor could the destination keep that as the load's error: {problem})"
    return ""


def load(work: Sequence[LoadTask], settings: LoadSettings, connections: Connections) -> Iterator[LoadResult]:
    """Loads some tasks of one load."""
    try:
        spec, stored_plan = connections.plan_of(work[0].load_id)
        records = connections.use(lambda destination: load_chunks(work, spec, stored_plan, settings, destination))
    except _TOLD as error:
        yield LoadResult(0, connections.statements(), *_named(error))
        return
    progress.add(size_bytes=sum(task.size_bytes for task in work))
    yield LoadResult(records, connections.statements())
