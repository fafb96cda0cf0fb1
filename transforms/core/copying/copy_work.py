"""Works one task of a copy: lists both sides of its key range (or reads its rows), decides, copies, accounts."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from transforms.core import interrupt
from transforms.core.copying import attempts
from transforms.core.copying.copy_tasks import ONE, RANGE, CopyTask, TaskResult
from transforms.core.copying.extras import ExtrasWriter
from transforms.core.copying.key_merge import merged_ahead
from transforms.core.copying.modes import may_fall_back
from transforms.core.copying.named_objects import named_rows
from transforms.core.copying.outcome_lines import Item, exists, tell
from transforms.core.copying.planned_copy import Copied, PlannedCopy
from transforms.core.copying.program_proof import prove
from transforms.core.copying.s5cmd_lines import as_error, why_instead
from transforms.core.copying.server_batches import CERTAIN, ServerBatches, proved, run_batch
from transforms.core.copying.sync_plan import decisions
from transforms.core.copying.task_log import TaskLog
from transforms.core.copying.workshop import Workshop, stores_of
from transforms.core.errors import HornbeamError, InterruptedRunError, PermanentError
from transforms.core.in_flight import Finished, InFlight
from transforms.core.objects.access import AlreadyThereError, UnsupportedError
from transforms.core.objects.details import NO_CHECKSUMS, Listed
from transforms.core.objects.uri import shown
from transforms.core.outcome import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from transforms.core.copying.attempts import Attempt
    from transforms.core.copying.copy_settings import CopySettings
    from transforms.core.copying.s5cmd_lines import LineResult
    from transforms.core.copying.sync_plan import PlannedKey
    from transforms.core.run_folder import RunFolder

STEP = "CopyObjects"


class _Sent(NamedTuple):
    """What stands in a future's context for an object: it, and why it goes by no program that was asked for."""

    item: Item
    instead: str


class _Batch(NamedTuple):
    """What stands in a future's context for a batch of the server-side program."""

    planned: list[PlannedCopy]
    begun: float


def work(task: CopyTask, settings: CopySettings, folder: RunFolder, shop: Workshop) -> TaskResult:
    """Works a task to its end, or until the run is asked to stop.

    Args:
        task: What to work.
        settings: How.
        folder: Takes the task's part (and extras).
        shop: The process's.
    """
    return _Work(task, settings, folder, shop).run()


class _Work:
    """One task under way."""

    def __init__(self, task: CopyTask, settings: CopySettings, folder: RunFolder, shop: Workshop) -> None:
        self.task, self.settings, self.shop = task, settings, shop
        self.stores = stores_of(
            settings, "" if task.kind == RANGE else task.start if task.kind == ONE else settings.manifest
        )
        self.log = TaskLog(folder, task.unit_id, STEP)
        self.flight: InFlight[_Sent] = InFlight(shop.pool)
        self.programs: InFlight[_Batch] = InFlight(shop.programs)
        self.batches = ServerBatches(settings)
        self.extras = ExtrasWriter(folder, task.unit_id) if settings.delete and task.kind == RANGE else None
        self.unproved: dict[str, LineResult] = {}
        self.begun: dict[str, float] = {}
        self.destination_objects = 0

    def run(self) -> TaskResult:
        listed = self._feed()
        self._submit_batch(self.batches.rest())
        self._drain()
        if self.unproved:
            listed = self._prove() and listed
        listed = listed and not interrupt.requested()
        note = self.extras.finish(self.destination_objects) if self.extras is not None and listed else None
        self.log.close()
        counts, proofs = self.log.statuses, self.log.proofs
        return TaskResult(
            number=self.task.number,
            listed=listed,
            failed=counts["failed"],
            not_started=counts["not_started"],
            unverified=proofs["not_checked"] + proofs["uncheckable"],
            done=counts["done"],
            destination_objects=self.destination_objects,
            extras=note.extras if note else 0,
            extra_bytes=note.extra_bytes if note else 0,
        )

    def _feed(self) -> bool:
        """Submits all there is to do; returns whether it came to the end of it."""
        feed = self._keys() if self.task.kind == RANGE else self._rows()
        try:
            for _ in feed:
                self._take_ready()
                if interrupt.requested():
                    return False
        except InterruptedRunError:
            return False
        except HornbeamError as error:
            self._not_listed(error)
            return False
        return True

    def _not_listed(self, error: HornbeamError) -> None:
        """What can't be listed (or read) is one failed item: nobody knows how many it stands for."""
        what = f"{self.settings.source.uri}[{self.task.start!r} to {self.task.stop or 'the end'!r}]"
        item = Item(ObjectInfo(what if self.task.kind == RANGE else self.settings.manifest, 0, "", 0.0), "")
        self.log.plan(item)
        self.log.failed(item, error)

    def _keys(self) -> Iterator[None]:
        source, destination = self.settings.source.uri, self.settings.destination.uri
        span = (self.task.start, self.task.stop)
        ours = self.stores.source.list_range(source, *span)
        theirs = self.stores.destination.list_range(destination, *span)
        with merged_ahead(ours, source, theirs, destination) as pairs:
            for planned in decisions(pairs, self.settings):
                self._decided(planned)
                yield

    def _decided(self, key: PlannedKey) -> None:
        action = key.decision.action
        if key.existing is not None and key.decision.reason != "filtered":
            self.destination_objects += 1
        if action == "ignore":
            return
        if key.source is None:
            if self.extras is not None and key.existing is not None:
                self.extras.add(key.existing.info)
            return
        item = Item(key.source.info, self.settings.destination.uri + key.key)
        self.log.plan(item)
        if action == "skip":
            self.log.skipped(item, key.decision.reason)
        elif action == "fail":
            self.log.failed(item, exists(item))
        elif action == "needs_details" and key.existing is not None:
            call = partial(attempts.look_and_copy, key.source, key.existing)
            self._submit(item, call, instead=self.batches.instead(key.source.info.uri, _planned(item, key)))
        elif self.settings.dry_run:
            self.log.idle(item, "planned", key.decision.reason)
        else:
            self._copy(item, _planned(item, key))

    def _copy(self, item: Item, planned: PlannedCopy) -> None:
        if self.batches.takes(planned):
            self._submit_batch(self.batches.add(planned))
        elif self.batches.missing and self.settings.fallback == "none":
            self.log.failed(item, UnsupportedError(f"{shown(item.uri)} wasn't copied: {self.batches.missing}"))
        else:
            self._submit(item, partial(attempts.copy, planned), instead=self.batches.instead(item.info.uri, planned))

    def _submit(self, item: Item, attempt: Callable[..., Attempt], stores: Any = None, instead: str = "") -> None:
        call = partial(attempt, self.settings, stores or self.stores, self.shop.budget)
        self.flight.submit(call, _Sent(item, instead))

    def _submit_batch(self, batch: list[PlannedCopy]) -> None:
        if batch:
            call = partial(run_batch, batch, self.settings, self.shop.pool)
            self.programs.submit(call, _Batch(batch, time.monotonic()))

    def _rows(self) -> Iterator[None]:
        for row in named_rows(self.task, self.settings):
            item = Item(ObjectInfo(row.source, row.size_bytes, "", 0.0), row.uri)
            self.log.expect(item.uri)
            stores = stores_of(self.settings, row.source)
            self._submit(item, partial(attempts.copy_row, row), stores, self.batches.instead(row.source))
            yield

    def _take_ready(self) -> None:
        for batch in self.programs.ready():
            self._take_batch(batch)
        for finished in self.flight.ready():
            self._take(finished)

    def _drain(self) -> None:
        for batch in self.programs.drain():  # what it hands back goes one by one
            self._take_batch(batch)
        for finished in self.flight.drain():
            self._take(finished)

    def _take(self, finished: Finished[_Sent]) -> None:
        (item, instead), attempt = finished.context, finished.value
        if attempt is not None and attempt.decision.action == "ignore":  # its size or time was known by its details
            self.log.leave_out(item.uri)
            return
        if self.task.kind != RANGE:  # a row's size is known now at the latest
            item = _sized(item, attempt)
            self.log.plan(item)
        if not finished.started:
            self.log.idle(item, "not_started")
        else:
            tell(self.log, item, attempt, instead)

    def _take_batch(self, finished: Finished[_Batch]) -> None:
        if not finished.started:
            for planned in finished.context.planned:
                self.log.idle(Item(planned.source.info, planned.uri), "not_started")
            return
        for result in finished.value:
            item = Item(result.planned.source.info, result.planned.uri)
            if result.word in CERTAIN:
                self.unproved[item.uri] = result
                self.begun[item.uri] = finished.context.begun
                continue
            error = as_error(result)
            if isinstance(error, AlreadyThereError):
                self._submit(item, partial(attempts.settle, result.planned, error))
                continue
            final = isinstance(error, PermanentError) and not may_fall_back("direct_sync", error)
            if self.settings.fallback == "none" or final:
                self.log.failed(item, error)
            else:
                self._submit(item, partial(attempts.copy, result.planned), instead=why_instead(result))

    def _prove(self) -> bool:
        """Accounts for what went by the program; what isn't there, or not proved, is looked at one by one."""
        waiting, self.unproved = self.unproved, {}
        looked_at = proved(waiting, self.task.start, self.task.stop, self.settings, self.stores)
        try:
            for result, found, name in looked_at:
                del waiting[result.planned.uri]
                self._look_at(result, found, name)
        except InterruptedRunError:
            for result in waiting.values():
                self.log.idle(Item(result.planned.source.info, result.planned.uri), "not_started")
            return False
        except HornbeamError:  # each is asked for by its name
            for result in waiting.values():
                self._submit_proof(result, None)
        finally:
            self._drain()
        return True

    def _look_at(self, result: LineResult, found: Listed | None, name: str) -> None:
        item = Item(result.planned.source.info, result.planned.uri)
        if name or (found is not None and self.settings.verify == "none"):
            proof, seconds = "match" if name else "not_checked", time.monotonic() - self.begun[item.uri]
            self.log.copied(item, Copied("direct_sync", proof, name, "", 0, seconds))
        elif found is not None:
            self._submit_proof(result, found)
        elif interrupt.requested():
            self.log.idle(item, "not_started")
        else:
            self._submit(item, partial(attempts.copy, result.planned), instead=why_instead(result))

    def _submit_proof(self, result: LineResult, found: Listed | None) -> None:
        item = Item(result.planned.source.info, result.planned.uri)
        self._submit(item, partial(prove, result, found, self.begun[item.uri]))


def _planned(item: Item, key: PlannedKey) -> PlannedCopy:
    assert key.source is not None
    return PlannedCopy(key.source, item.uri, key.existing, key.decision.reason, NO_CHECKSUMS)


def _sized(item: Item, attempt: Attempt | None) -> Item:
    """With the size that a look at the source told, or (where that tells none) the bytes that came."""
    if attempt is None:
        return item
    size_bytes = attempt.size_bytes
    if size_bytes < 0 and attempt.copied is not None:
        size_bytes = attempt.copied.bytes_through
    return item if size_bytes < 0 else item._replace(info=item.info._replace(size_bytes=size_bytes))
