"""Loads the files of a batch, each its own load: small ones share transactions, the others go one by one, in order."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from transforms.core.errors import (
    HornbeamError,
    InterruptedRunError,
    PermanentError,
    SourceChangedError,
    TransientError,
)
from transforms.core.objects.access import MissingError
from transforms.core.objects.store import open_store
from transforms.core.outcome import ObjectInfo
from transforms.core.tables.loads.destination import BadRowsError
from transforms.core.tables.loads.finish_load import rejects_allowed
from transforms.core.tables.loads.group_writer import GroupWriter, TargetMovedError, WholeLoad
from transforms.core.tables.loads.load_chunks import is_full
from transforms.core.tables.loads.open_load import spec_of
from transforms.core.tables.loads.stream_ends import StreamEnds
from transforms.core.tables.loads.stream_plan import ScannedFile, is_small, plan_file, read_rows, scan_file
from transforms.core.tables.loads.stream_single import load_single

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from transforms.core.tables.columns.column import Column
    from transforms.core.tables.loads.connections import Connections
    from transforms.core.tables.loads.destination import Destination, LoadSpec, StoredLoad
    from transforms.core.tables.loads.load_plan import LoadPlan
    from transforms.core.tables.loads.load_settings import LoadSettings
    from transforms.core.tables.loads.standing import Standing
    from transforms.core.tables.loads.stream_account import FileEnd

GROUP_FILES = 500
_LOOKS = 3  # at a file that changes while it is read
_PLANS = 5  # of loads whose table changes


class Held(NamedTuple):
    """A small load that waits for its transaction; scanned, so that it can be planned again if the table changes."""

    scanned: ScannedFile
    load: WholeLoad
    seconds: float


class StreamLoader:
    """Loads files into one table. Used by one thread, for one batch.

    Args:
        settings: What was asked for.
        connections: To the destination.
        standing: What stands in the table, as far as this process knows.
        run_id: The run.
    """

    def __init__(self, settings: LoadSettings, connections: Connections, standing: Standing, run_id: str) -> None:
        self._settings, self._connections, self._standing, self._run_id = settings, connections, standing, run_id
        self._target: tuple[Column, ...] | None = None
        self._groups = False
        self._known: dict[str, StoredLoad] = {}
        self._held: list[Held] = []
        self._ends = StreamEnds(settings, connections, run_id)
        self._moved = 0

    def load(self, infos: Sequence[ObjectInfo]) -> list[FileEnd]:
        """Loads files in their order; what fails stands in its end.

        Args:
            infos: The files, each address once.

        Raises:
            InterruptedRunError: The run was given up.
        """
        try:
            self._look()
            self._known = self._connections.use(partial(self._find, infos))
            for info in infos:
                self._take(info)
            self._flush()
        except InterruptedRunError:
            raise
        except HornbeamError as error:  # the destination itself is away
            for info in infos:
                if info not in self._ends:
                    self._fail(info, error)
        return self._ends.of(infos)

    def _look(self, *, now: bool = False) -> None:
        """Learns how the table is, and what was loaded into it."""

        def look(destination: Destination) -> tuple[Column, ...] | None:
            self._groups = isinstance(destination, GroupWriter)
            self._standing.refresh(destination, now=now)
            return destination.describe(self._settings.table)

        self._target = self._connections.use(look)

    def _find(self, infos: Iterable[ObjectInfo], destination: Destination) -> dict[str, StoredLoad]:
        load_ids = [self._load_id(info) for info in infos]
        if isinstance(destination, GroupWriter):
            return destination.find_loads(self._settings.table, load_ids)
        found = ((load_id, destination.find_load(load_id)) for load_id in load_ids)
        return {load_id: load for load_id, load in found if load is not None}

    def _gone(self) -> str:
        return self._standing.gone() if self._target is None else ""

    def _load_id(self, info: ObjectInfo) -> str:
        return self._standing.load_id(info, self._gone())

    def _take(self, info: ObjectInfo) -> None:
        """One file, as it is now: one that changes while it is read is looked at again."""
        for left in reversed(range(_LOOKS)):
            try:
                self._take_version(info)
            except InterruptedRunError:
                raise
            except (SourceChangedError, MissingError) as error:
                now = self._now(info) if left else error
                if not isinstance(now, ObjectInfo):
                    self._end_badly(info, now)
                    return
                self._ends.outdated(info)
                info = now
            except HornbeamError as error:
                self._fail(info, error)
                return
            else:
                return

    def _now(self, info: ObjectInfo) -> ObjectInfo | HornbeamError:
        """A file as it is now, or why that can't be told."""
        try:
            return open_store(info.uri, self._settings.source_access).head(info.uri)
        except HornbeamError as error:
            return error

    def _end_badly(self, info: ObjectInfo, error: HornbeamError) -> None:
        if isinstance(error, MissingError):
            self._ends.gone(info)
        else:
            self._fail(info, error)

    def _take_version(self, info: ObjectInfo) -> None:
        if not self._settled(info):
            started = time.perf_counter()
            scanned = scan_file(info, self._settings)
            self._place(scanned, time.perf_counter() - started)

    def _settled(self, info: ObjectInfo) -> bool:
        """Ends a file that is loaded, or begun and planned; False for a new one."""
        stored = self._known.get(self._load_id(info))
        if self._target is not None and self._standing.brought(info):
            self._ends.duplicate(info)
        elif stored is not None and stored.status == "completed":
            self._ends.stored(info, stored, before=True)
        elif stored is not None:
            self._flush()
            self._load_alone(info, stored.spec)
        else:
            return False
        return True

    def _place(self, scanned: ScannedFile, seconds: float) -> None:
        """Gives a scanned file its place: in the group, or alone where it changes the table or is big."""
        spec, plan = self._planned(scanned)
        if self._target is None or (spec.add_columns and self._adds(spec)):
            self._flush()
            with self._standing.altering:
                self._look(now=True)
                self._known |= self._connections.use(partial(self._find, [scanned.info]))
                if not self._settled(scanned.info):  # by somebody who had the lock before
                    spec, plan = self._planned(scanned)
                    self._bring_in(scanned, spec, plan, seconds)
                self._flush()
                self._look(now=True)
        else:
            self._bring_in(scanned, spec, plan, seconds)

    def _bring_in(self, scanned: ScannedFile, spec: LoadSpec, plan: LoadPlan, seconds: float) -> None:
        if self._target is None or not self._groups or spec.unique or not is_small(plan):
            self._flush()
            self._load_alone(scanned.info, spec)
            return
        chunks = read_rows(plan, self._settings, ordered=spec.ordered)
        rejected = sum(chunk.totals.rejected for chunk in chunks)
        allowed = rejects_allowed(self._settings.max_rejects, spec.counted)
        if allowed is not None and rejected > allowed:
            raise PermanentError(
                f"nothing was published into {self._settings.table}: {rejected:,} of {spec.counted:,} records were "
                f"rejected, more than --max_rejects {self._settings.max_rejects}"
            )
        self._held.append(Held(scanned, WholeLoad(spec, chunks), seconds))
        if self._is_full():
            self._flush()

    def _is_full(self) -> bool:
        tables = [chunk.rows for held in self._held for chunk in held.load.chunks]
        rows, size = sum(table.num_rows for table in tables), sum(table.nbytes for table in tables)
        return len(self._held) >= GROUP_FILES or is_full(rows, size)

    def _planned(self, scanned: ScannedFile) -> tuple[LoadSpec, LoadPlan]:
        plan = plan_file(scanned, self._settings, self._target, self._run_id, self._gone())
        return spec_of(self._load_id(scanned.info), plan, self._settings), plan

    def _adds(self, spec: LoadSpec) -> bool:
        there = {column.name for column in self._target or ()}
        return any(column.name not in there for column in spec.columns)

    def _load_alone(self, info: ObjectInfo, spec: LoadSpec) -> None:
        started = time.perf_counter()
        stored, before = load_single(spec, self._settings, self._connections)
        self._ends.stored(info, stored, time.perf_counter() - started, before=before)

    def _flush(self) -> None:
        """Commits the group; what the destination refuses of it goes one by one, so that only the bad ones fail."""
        held, self._held = self._held, []
        if not held:
            return
        target = self._target
        assert target is not None, "nothing is held for a table that isn't there"

        def write(destination: Destination) -> frozenset[str]:
            assert isinstance(destination, GroupWriter)
            return destination.write_group([one.load for one in held], target)

        try:
            written = self._connections.use(write)
        except TargetMovedError:
            try:
                self._again(held)
            except TransientError as error:
                self._fail_all(held, error)
        except TransientError as error:
            self._fail_all(held, error)
        except InterruptedRunError:
            raise
        except (BadRowsError, HornbeamError):
            for one in held:
                self._alone(one)
        else:
            self._commit(held, written)

    def _fail(self, info: ObjectInfo, error: HornbeamError) -> None:
        self._ends.failed(info, self._load_id(info), error)

    def _fail_all(self, held: Iterable[Held], error: HornbeamError) -> None:
        for one in held:
            if one.scanned.info not in self._ends:
                self._fail(one.scanned.info, error)

    def _commit(self, held: Sequence[Held], written: frozenset[str]) -> None:
        for one in held:
            if one.load.spec.load_id not in written:  # somebody else has it, or had it before
                self._alone(one)
            else:
                self._ends.written(one.scanned.info, one.load.chunks, one.seconds)

    def _again(self, held: Sequence[Held]) -> None:
        """The table has changed: plans the loads as it is now."""
        self._moved += 1
        self._look(now=True)
        for one in held:
            if self._moved < _PLANS:
                self._try(one, lambda held: self._place(held.scanned, held.seconds))
            else:
                self._alone(one)
        self._flush()

    def _alone(self, one: Held) -> None:
        self._try(one, lambda held: self._load_alone(held.scanned.info, held.load.spec))

    def _try(self, one: Held, step: Callable[[Held], None]) -> None:
        try:
            step(one)
        except InterruptedRunError:
            raise
        except HornbeamError as error:
            self._fail(one.scanned.info, error)
