"""Works one task of `hornbeam verify`: compares what both sides hold under each key; writes nothing but its account.

What each finding means for the run stands in `_Work.take`; how two objects are compared in findings.py.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from transforms.core import interrupt
from transforms.core.copying.copy_tasks import RANGE, TaskResult
from transforms.core.copying.filters import admission
from transforms.core.copying.findings import compared, compared_row
from transforms.core.copying.key_merge import merged_ahead
from transforms.core.copying.named_objects import named_rows
from transforms.core.copying.outcome_lines import Item
from transforms.core.copying.task_log import TaskLog
from transforms.core.copying.workshop import Workshop, stores_of
from transforms.core.errors import HornbeamError, InterruptedRunError, PermanentError
from transforms.core.in_flight import Finished, InFlight
from transforms.core.objects.access import MissingError
from transforms.core.objects.uri import shown
from transforms.core.outcome import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transforms.core.copying.copy_settings import CopySettings
    from transforms.core.copying.copy_tasks import CopyTask
    from transforms.core.run_folder import RunFolder

STEP = "VerifyObjects"


class MismatchError(PermanentError):
    """Two objects differ."""


class UncheckableError(PermanentError):
    """Nothing can tell whether two objects are the same."""


class ExtraError(PermanentError):
    """The destination holds an object that the source doesn't."""


def work(task: CopyTask, settings: CopySettings, folder: RunFolder, shop: Workshop) -> TaskResult:
    """Works a task to its end, or until the run is asked to stop.

    Args:
        task: What to compare.
        settings: Both sides, filters, `verify`.
        folder: Takes the task's part.
        shop: The process's.
    """
    return _Work(task, settings, folder, shop).run()


class _Work:
    """One task under way."""

    def __init__(self, task: CopyTask, settings: CopySettings, folder: RunFolder, shop: Workshop) -> None:
        self.task, self.settings, self.shop = task, settings, shop
        self.log = TaskLog(folder, task.unit_id, STEP)
        self.flight: InFlight[Item] = InFlight(shop.pool)

    def run(self) -> TaskResult:
        listed = True
        try:
            for _ in self._keys() if self.task.kind == RANGE else self._rows():
                for finished in self.flight.ready():
                    self.take(finished)
                if interrupt.requested():
                    break
        except InterruptedRunError:
            listed = False
        except HornbeamError as error:
            listed = False
            item = Item(ObjectInfo(f"{self.settings.source.uri}[{self.task.start!r}…]", 0, "", 0.0), "")
            self.log.plan(item)
            self.log.failed(item, error)
        for finished in self.flight.drain():
            self.take(finished)
        self.log.close()
        counts = self.log.statuses
        return TaskResult(self.task.number, listed, counts["failed"], counts["not_started"], 0, counts["done"], 0, 0, 0)

    def _keys(self) -> Iterator[None]:
        stores, span = stores_of(self.settings), (self.task.start, self.task.stop)
        ours, theirs = self.settings.source.uri, self.settings.destination.uri
        admits = admission(self.settings.filters)
        source_keys, existing_keys = stores.source.list_range(ours, *span), stores.destination.list_range(theirs, *span)
        with merged_ahead(source_keys, ours, existing_keys, theirs) as pairs:
            for key, source, existing in pairs:
                judged = source or existing
                if judged is None or not admits(key, judged):
                    continue
                item = Item(judged.info, theirs + key)
                self.log.plan(item)
                if source is None:
                    extra = ExtraError(f"{shown(item.uri)}: extra, the source holds no such object")
                    self.lacks(item, extra, "extra")
                elif existing is None:
                    self.lacks(item, _missing(item), "missing")
                else:
                    call = partial(compared, source, existing, self.settings, stores, self.shop)
                    self.flight.submit(call, item)
                yield

    def _rows(self) -> Iterator[None]:
        for row in named_rows(self.task, self.settings):
            item = Item(ObjectInfo(row.source, -1, "", 0.0), row.uri)
            self.log.expect(item.uri)
            stores = stores_of(self.settings, row.source)
            self.flight.submit(partial(compared_row, row, self.settings, stores, self.shop), item)
            yield

    def take(self, finished: Finished[Item]) -> None:
        """Accounts for a comparison.

        | it said              | outcome                                              |
        |----------------------|------------------------------------------------------|
        | match                | done                                                 |
        | not_checked          | done (only with `--verify none`: sizes were compared)  |
        | mismatch             | failed                                               |
        | uncheckable          | failed                                               |
        | missing (or extra)   | failed                                               |
        | it couldn't be made  | failed, with the reason                              |
        | planned              | planned (a dry run, which looks into no object)      |
        | filtered             | none: it is no part of the run                       |
        """
        item, found = finished.context, finished.value
        if found is not None and found.word == "filtered":
            self.log.leave_out(item.uri)
            return
        if self.task.kind != RANGE:
            item = item._replace(info=found.info) if found is not None else item
            self.log.plan(item)
        if not finished.started:
            self.log.idle(item, "not_started")
        elif found.error is not None:
            self.log.failed(item, found.error)
        elif found.word == "planned":
            self.log.idle(item, "planned")
        elif found.word in ("match", "not_checked"):
            self.log.compared(item, found.word, found.name)
        elif found.word == "missing":
            self.lacks(item, _missing(item), "missing")
        elif found.word == "mismatch":
            why = found.why or f"it differs from {shown(item.info.uri)} by its {found.name}"
            self.log.failed(item, MismatchError(f"{shown(item.uri)}: mismatch, {why}"), proof="mismatch")
        else:
            why = found.why or "no checksum that both sides know"
            error = UncheckableError(f"{shown(item.uri)}: uncheckable, {why}: --verify auto reads them")
            self.log.failed(item, error, proof="uncheckable")

    def lacks(self, item: Item, error: HornbeamError, word: str) -> None:
        """Tells of an object that one side lacks; a dry run only plans, and says in the object's line what it saw."""
        if self.settings.dry_run:
            self.log.idle(item, "planned", str(error))
        else:
            self.log.failed(item, error, proof=word)


def _missing(item: Item) -> MissingError:
    return MissingError(f"{shown(item.uri)}: missing, the source holds {shown(item.info.uri)}")
