"""One planned load of a stream by the way that every load can go: stored, chunk by chunk, published."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from transforms.core.errors import HornbeamError, PermanentError
from transforms.core.scrubbing import scrub
from transforms.core.tables.loads.finish_load import publish
from transforms.core.tables.loads.load_chunks import batch_bytes, load_chunks, tasks
from transforms.core.tables.loads.load_plan import LoadPlan
from transforms.core.tables.loads.open_load import unplanned
from transforms.core.tables.loads.reject_places import with_places

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from transforms.core.tables.loads.connections import Connections
    from transforms.core.tables.loads.destination import Destination, LoadSpec, StoredLoad
    from transforms.core.tables.loads.load_chunks import LoadTask
    from transforms.core.tables.loads.load_settings import LoadSettings


def load_single(spec: LoadSpec, settings: LoadSettings, connections: Connections) -> tuple[StoredLoad, bool]:
    """Loads what is missing of a load and publishes it; whoever else works at it shares the work.

    Args:
        spec: The load with its plan; a stored plan goes before it.
        settings: What was asked for.
        connections: To the destination.

    Returns:
        The completed load, and whether somebody else completed it.

    Raises:
        HornbeamError: It can't be loaded or published; nothing of it is in the table, and its row says why.
    """
    try:
        return _loaded(spec, settings, connections)
    except HornbeamError as error:
        now = connections.use(lambda destination: destination.find_load(spec.load_id))
        if now is not None and now.status == "completed":  # by another attempt, beside this one
            return now, True
        if isinstance(error, PermanentError):
            message = scrub(str(error)).encode(errors="backslashreplace").decode()
            connections.use(lambda destination: destination.fail(spec.load_id, message))
        raise


def _loaded(spec: LoadSpec, settings: LoadSettings, connections: Connections) -> tuple[StoredLoad, bool]:
    stored = connections.use(lambda destination: destination.create_load(spec))
    if stored.status == "completed":
        return stored, True
    plan = LoadPlan.from_json(stored.spec.plan)
    committed = connections.use(lambda destination: destination.ledger(spec.load_id))
    left = tasks(spec.load_id, plan, committed.keys(), settings.range_bytes)
    for work in _batches(left, batch_bytes(settings.destination, settings.range_bytes)):
        connections.use(partial(load_chunks, work, stored.spec, plan, settings))
    return connections.use(partial(publish, stored.spec, settings)), False


def _batches(left: Iterable[LoadTask], most_bytes: int) -> Iterator[list[LoadTask]]:
    batch: list[LoadTask] = []
    for task in left:
        if batch and sum(one.size_bytes for one in batch) + task.size_bytes > most_bytes:
            yield batch
            batch = []
        batch.append(task)
    if batch:
        yield batch


def keep_failure(load_id: str, message: str, settings: LoadSettings, connections: Connections) -> None:
    """Keeps in the destination that a load without a plan failed.

    Raises:
        HornbeamError: It can't be kept.
    """
    connections.use(lambda destination: destination.announce_load(unplanned(load_id, settings), scrub(message)))


def rejects_of(stored: StoredLoad, settings: LoadSettings, destination: Destination) -> tuple[str, ...]:
    """The rejected records of a completed load, as JSON lines."""
    if not stored.rejected:
        return ()
    lines = [json.loads(line) for line in destination.rejects(stored.spec.load_id)]
    if any(isinstance(line["file"], int) for line in lines):  # a database made them itself
        lines = list(with_places(lines, LoadPlan.from_json(stored.spec.plan), settings))
    return tuple(json.dumps(line, ensure_ascii=False) for line in lines)
