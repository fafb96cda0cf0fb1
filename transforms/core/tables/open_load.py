"""The beginning of a load: which files it has, whether it is new, half done or done, and its storing once planned."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from transforms.core.errors import ConfigError
from transforms.core.objects.store import expand
from transforms.core.tables.column import Column, ColumnType
from transforms.core.tables.destination import LoadSpec
from transforms.core.tables.load_plan import LoadPlan
from transforms.core.tables.load_settings import (
    SOURCE_FILE,
    SOURCE_RECORD,
    file_identity,
    load_identity,
    settings_identity,
)
from transforms.core.tables.table_schema import load_table_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from transforms.core.outcome import ObjectInfo
    from transforms.core.tables.destination import Destination, StoredLoad
    from transforms.core.tables.load_settings import LoadSettings

MOST_FILES = 100_000


class Opened(NamedTuple):
    """A load at its beginning.

    Attributes:
        load_id: The load.
        files: Its files: those that no completed load brought in already.
        skipped: Files that are loaded already.
        stored: What the destination knows of the load, or None when it is new.
        earlier: The completed loads that brought `skipped` in (those without other files).
        gone: The last completed load of a table that isn't there any more; "" when it is there, or never was.
    """

    load_id: str
    files: tuple[ObjectInfo, ...]
    skipped: tuple[ObjectInfo, ...]
    stored: StoredLoad | None
    earlier: tuple[StoredLoad, ...] = ()
    gone: str = ""


def list_files(settings: LoadSettings) -> list[ObjectInfo]:
    """The source files, each once, in the order of the sources and of their names.

    Raises:
        ConfigError: A source matches nothing, can't be listed, or all match too many.
    """
    found: dict[str, ObjectInfo] = {}
    for source in settings.sources:
        for info in expand(source, settings.source_access):
            found.setdefault(info.uri, info)
            if len(found) > MOST_FILES:
                raise ConfigError(f"source {source!r}: more than {MOST_FILES:,} files; load them in several commands")
    return list(found.values())


def open_load(files: Iterable[ObjectInfo], settings: LoadSettings, destination: Destination) -> Opened:
    """Finds out what is left to do.

    `append` and `upsert` leave out files that a completed load of the same settings brought into this table, unless
    its rows went since: by a later replace, or with the table. `replace` is done only if the last completed load of
    the table is this very one. A table that is gone is loaded again.

    Args:
        files: The source files.
        settings: What was asked for.
        destination: Opened.
    """
    files = tuple(files)
    completed = [load for load in destination.loads() if load.spec.table == settings.table]
    completed = sorted((load for load in completed if load.status == "completed"), key=lambda load: load.finished)
    there = destination.describe(settings.table) is not None
    gone = completed[-1].spec.load_id if completed and not there else ""
    standing = [] if gone else _standing(completed)
    if settings.mode == "replace":
        load_id = _replacing(files, settings, completed, standing)
        return Opened(load_id, files, (), destination.find_load(load_id), gone=gone)
    brought = _brought_in(standing, settings)
    loaded = frozenset().union(*brought.values())
    left = tuple(info for info in files if file_identity(info) not in loaded)
    skipped = tuple(info for info in files if file_identity(info) in loaded)
    asked = {file_identity(info) for info in files}
    earlier = tuple(load for load, _ in standing if brought.get(load.spec.load_id, frozenset([""])) <= asked)
    generation = f"gone {gone}" if gone else ""
    if standing and len(standing) < len(completed):
        generation = f"after {standing[0][0].spec.load_id}"
    load_id = load_identity(settings, [file_identity(info) for info in left], generation)
    return Opened(load_id, left, skipped, destination.find_load(load_id) if left else None, earlier, gone)


def _standing(completed: Sequence[StoredLoad]) -> list[tuple[StoredLoad, LoadPlan]]:
    """The loads whose rows may still be there: from the last one on that replaced them all or found no table."""
    found = []
    for load in reversed(completed):
        plan = LoadPlan.from_json(load.spec.plan)._replace(parts=())
        found.append((load, plan))
        if load.spec.mode == "replace" or plan.gone:
            break
    return found[::-1]


def _replacing(
    files: Sequence[ObjectInfo],
    settings: LoadSettings,
    completed: Sequence[StoredLoad],
    standing: Sequence[tuple[StoredLoad, LoadPlan]],
) -> str:
    """The load id of a replace: the last load's if that was this very replace, else one that is not done yet."""
    identities = [file_identity(info) for info in files]
    if standing:
        last, plan = standing[-1]
        if plan.settings == settings_identity(settings) and [one[0] for one in plan.files] == identities:
            return last.spec.load_id
    load_id = load_identity(settings, identities)
    if load_id in {load.spec.load_id for load in completed}:
        return load_identity(settings, identities, f"after {completed[-1].spec.load_id}")
    return load_id


def _brought_in(standing: Iterable[tuple[StoredLoad, LoadPlan]], settings: LoadSettings) -> dict[str, frozenset[str]]:
    """Which files each load of the same settings brought in."""
    mark = settings_identity(settings)
    found = {}
    for load, plan in standing:
        if plan.settings == mark:
            failed = {number for number, _, _ in plan.failed}
            identities = [identity for number, (identity, _, _) in enumerate(plan.files) if number not in failed]
            found[load.spec.load_id] = frozenset(identities)
    return found


def spec_of(load_id: str, plan: LoadPlan, settings: LoadSettings) -> LoadSpec:
    """What the destination must know of a plan."""
    columns = [rule.column for rule in plan.rules]
    if plan.provenance:
        columns.append(Column(SOURCE_FILE, "", ColumnType("text")))
        columns.append(Column(SOURCE_RECORD, "", ColumnType("integer")))
    unique: tuple[str, ...] = ()
    if settings.schema_text:
        declared = load_table_schema(settings.schema_text, where=settings.schema_where)
        once = {rule.column.source for rule in declared.fields if rule.column.name in declared.unique}
        unique = tuple(rule.column.name for rule in plan.rules if rule.column.source in once)
    return LoadSpec(
        load_id,
        settings.table,
        settings.mode,
        settings.key,
        tuple(columns),
        settings.mode == "upsert" or bool(unique),
        unique,
        sum(len(planned.chunks) for planned in plan.parts),
        sum(planned.counted for planned in plan.parts),
        settings.add_columns,
        plan.to_json(),
    )
