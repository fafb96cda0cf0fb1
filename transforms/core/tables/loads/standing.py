"""What the completed loads of a table have brought in, folded as they complete: a stream can't read all for each file.

The rules are those of open_load.py; a load of one file that the stream itself would give the same id is not kept here,
since its row tells.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from transforms.core.tables.loads.group_writer import GroupWriter
from transforms.core.tables.loads.load_plan import LoadPlan
from transforms.core.tables.loads.load_settings import file_identity, load_identity
from transforms.core.tables.loads.open_load import is_alike

if TYPE_CHECKING:
    from collections.abc import Iterable

    from transforms.core.outcome import ObjectInfo
    from transforms.core.tables.loads.destination import Destination, StoredLoad
    from transforms.core.tables.loads.load_settings import LoadSettings

# How far back completed loads are looked for again: clocks differ, and a commit comes after the time that it writes.
MARGIN_SECONDS = 60.0
# Reading them takes at most a twentieth of the time.
_EVERY_SECONDS, _SHARE = 5.0, 20


class Standing:
    """What stands in a table. Thread-safe; one a process and settings.

    Args:
        settings: Name the table, and what makes a file's load the same one.
    """

    def __init__(self, settings: LoadSettings) -> None:
        self.altering = threading.RLock()  # held while a file makes the table, or adds columns to it
        self._settings = self._named = settings  # `_named`: by the table's canonical name, once that is known
        self._lock = threading.Lock()
        self._doubted = False
        self._forget()

    def _forget(self) -> None:
        self._looked_at = self._took = 0.0
        self._count = 0
        self._first = self._last = self._newest = ""
        self._recent: dict[str, str] = {}
        self._brought: set[str] = set()

    def doubt(self) -> None:
        """Time has passed, and the destination may be another one by now: the next look is at once, and tells."""
        self._doubted = True

    def refresh(self, destination: Destination, *, now: bool = False) -> None:
        """Takes in the loads that were completed since the last time, if that is some seconds ago.

        Args:
            destination: Opened.
            now: Whether it mustn't wait.
        """
        with self._lock:
            started = time.monotonic()
            self._named = self._settings._replace(table=destination.canonical(self._settings.table))
            if self._doubted and self._last and destination.find_load(self._last) is None:
                self._forget()
            now, self._doubted = now or self._doubted, False
            if self._looked_at and not now and started - self._looked_at < max(_EVERY_SECONDS, self._took * _SHARE):
                return
            since = _before(self._newest)
            if isinstance(destination, GroupWriter):
                found: Iterable[StoredLoad] = destination.completed_since(self._settings.table, since, self._recent)
            else:
                found = sorted(self._completed(destination, since), key=lambda load: load.finished)
            self._take_in(found)
            self._looked_at = time.monotonic()
            self._took = self._looked_at - started

    def load_id(self, info: ObjectInfo, gone: str = "") -> str:
        """The id of the load of one file, as the bounded `ingest` of that file alone has it.

        Args:
            info: The file.
            gone: As `gone` says when the table isn't there.
        """
        generation = f"gone {gone}" if gone else self._generation()
        return load_identity(self._named, [file_identity(info)], generation)

    def gone(self) -> str:
        """The last completed load, for when the table isn't there any more; "" when there never was one."""
        return self._last

    def brought(self, info: ObjectInfo) -> bool:
        """Whether a load with other files brought this one in (its own load's row tells of itself)."""
        return file_identity(info) in self._brought

    def _generation(self) -> str:
        return f"after {self._first}" if self._first else ""

    def _completed(self, destination: Destination, since: str) -> list[StoredLoad]:
        return [
            load
            for load in destination.loads()
            if load.status == "completed" and load.finished >= since and load.spec.load_id not in self._recent
        ]

    def _take_in(self, loads: Iterable[StoredLoad]) -> None:
        for load in loads:
            self._recent[load.spec.load_id] = load.finished
            self._count += 1
            self._fold(load, LoadPlan.from_json(load.spec.plan))
            self._newest = max(self._newest, load.finished)
        oldest = _before(self._newest)
        self._recent = {load_id: finished for load_id, finished in self._recent.items() if finished >= oldest}

    def _fold(self, load: StoredLoad, plan: LoadPlan) -> None:
        self._last = load_id = load.spec.load_id
        if load.spec.mode == "replace" or plan.gone:  # the rows of all before it went
            self._first = load_id if self._count > 1 else ""
            self._brought.clear()
        if not is_alike(load, plan, self._settings):
            return
        failed = {number for number, _, _ in plan.failed}
        identities = [identity for number, (identity, _, _) in enumerate(plan.files) if number not in failed]
        if load_id != load_identity(self._named, identities[:1], self._generation()):
            self._brought.update(identities)


def _before(moment: str) -> str:
    if not moment:
        return ""
    return (datetime.fromisoformat(moment) - timedelta(seconds=MARGIN_SECONDS)).isoformat(timespec="milliseconds")
