"""The beginning of a load: which files it has, whether it is new, half done or done, and its storing once planned."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from transforms.core.errors import ConfigError
from transforms.core.objects.expansion import expand
from transforms.core.tables.columns.column import Column, ColumnType
from transforms.core.tables.columns.table_schema import load_table_schema
from transforms.core.tables.loads.destination import LoadSpec
from transforms.core.tables.loads.element_sizes import MOST_ELEMENTS
from transforms.core.tables.loads.load_plan import LoadPlan
from transforms.core.tables.loads.load_settings import (
    SOURCE_FILE,
    SOURCE_RECORD,
    file_identity,
    load_identity,
    settings_identity,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from transforms.core.outcome import ObjectInfo
    from transforms.core.tables.loads.destination import Destination, StoredLoad
    from transforms.core.tables.loads.load_settings import LoadSettings

MOST_FILES = MOST_ELEMENTS  # each is an element


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
    loads = list(destination.loads())
    completed = sorted((load for load in loads if load.status == "completed"), key=lambda load: load.finished)
    identify = _Identities(settings, destination.canonical(settings.table), loads).load_id
    there = destination.describe(settings.table) is not None
    gone = completed[-1].spec.load_id if completed and not there else ""
    standing = [] if gone else _standing(completed)
    if settings.mode == "replace":
        load_id = _replacing(files, settings, completed, standing, identify)
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
    load_id = identify([file_identity(info) for info in left], generation)
    return Opened(load_id, left, skipped, destination.find_load(load_id) if left else None, earlier, gone)


class _Identities:
    """The ids that loads of one table get.

    Args:
        settings: What was asked for.
        table: The table, as `canonical` has it.
        loads: The table's loads: one whose id was made of another spelling of the table goes on under that id.
    """

    def __init__(self, settings: LoadSettings, table: str, loads: Iterable[StoredLoad]) -> None:
        written = {load.spec.load_id: load.written for load in loads}
        self._settings, self._known = settings, written.keys()
        self._spellings = [table, *sorted({*written.values()} - {table})]

    def load_id(self, files: Sequence[str], generation: str) -> str:
        """See `load_identity`."""
        named = (self._settings._replace(table=table) for table in self._spellings)
        ids = [load_identity(one, files, generation) for one in named]
        return next((one for one in ids if one in self._known), ids[0])


def is_alike(load: StoredLoad, plan: LoadPlan, settings: LoadSettings) -> bool:
    """Whether a load of the table was asked for by the settings that matter, however it called the table."""
    return plan.settings == _mark(settings, load.written)


@lru_cache(maxsize=64)
def _mark(settings: LoadSettings, table: str) -> str:
    return settings_identity(settings._replace(table=table))


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
    identify: Callable[[Sequence[str], str], str],
) -> str:
    """The load id of a replace: the last load's if that was this very replace, else one that is not done yet."""
    identities = [file_identity(info) for info in files]
    if standing:
        last, plan = standing[-1]
        if is_alike(last, plan, settings) and [one[0] for one in plan.files] == identities:
            return last.spec.load_id
    load_id = identify(identities, "")
    if load_id in {load.spec.load_id for load in completed}:
        return identify(identities, f"after {completed[-1].spec.load_id}")
    return load_id


def _brought_in(standing: Iterable[tuple[StoredLoad, LoadPlan]], settings: LoadSettings) -> dict[str, frozenset[str]]:
    """Which files each load of the same settings brought in."""
    found = {}
    for load, plan in standing:
        if is_alike(load, plan, settings):
            failed = {number for number, _, _ in plan.failed}
            identities = [identity for number, (identity, _, _) in enumerate(plan.files) if number not in failed]
            found[load.spec.load_id] = frozenset(identities)
    return found


def unplanned(load_id: str, settings: LoadSettings) -> LoadSpec:
    """What the destination is told of a load that has no plan yet."""
    return LoadSpec(
        load_id, settings.table, settings.mode, settings.key, (), False, (), 0, 0, settings.add_columns, plan=""
    )


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
