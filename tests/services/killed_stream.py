"""Batches of a stream in a process of their own, which may kill itself with SIGKILL at a named point."""

from __future__ import annotations

import multiprocessing
import os
import time
from typing import TYPE_CHECKING

from tests.services.killed_ingest import CORE, Point, arm
from transforms.core.objects.store import open_store
from transforms.core.streams.notice import LISTING, Notice
from transforms.core.tables.loads.connections import Connections
from transforms.core.tables.loads.stream_files import load_batch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from transforms.core.run_folder import RunFolder
    from transforms.core.tables.loads.load_settings import LoadSettings

LOADER = f"{CORE}.loads.stream_loader:StreamLoader."
# The names of methods are those of the destination's class.
POINTS = (
    Point(LOADER + "_look", when="after"),
    Point(".write_group"),
    Point("._enter_loads", when="after"),
    Point("._put_rows", since=".write_group"),
    Point("._put_rows", when="after", since=".write_group"),
    Point("._commit", since="._enter_loads"),
    Point("._commit", when="after", since="._enter_loads"),
    Point(".write_group", 2, "after"),
    Point("transforms.core.run_folder:RunFolder.write", 2),
    Point(".create_load", when="after"),
    Point("._commit", since=".write_chunks"),
    Point("._commit", when="after", since="._move"),
)


def notices(paths: Sequence[Path]) -> list[Notice]:
    """Notices of files as they are now."""
    store = open_store("file:///")
    infos = [store.head(f"file://{path}") for path in paths]
    return [Notice(info.uri, info.etag, info.size_bytes, info.modified, time.time(), LISTING) for info in infos]


def work(batches: Sequence[Sequence[Path]], settings: LoadSettings, folder: RunFolder) -> None:
    """Loads some batches, one after the other."""
    connections = Connections(settings)
    for batch in batches:
        load_batch(notices(batch), settings, connections, folder)
    connections.close()


def _child(
    batches: Sequence[Sequence[Path]], settings: LoadSettings, folder: RunFolder, password: str, point: Point | None
) -> None:
    os.environ["PGPASSWORD"] = password
    if point:
        arm(point)
    work(batches, settings, folder)


def run(
    batches: Sequence[Sequence[Path]],
    settings: LoadSettings,
    folder: RunFolder,
    password: str,
    point: Point | None = None,
) -> int:
    """The same in a process of its own, which dies at `point`.

    Returns:
        The exit code: 0, 1 for an exception, -9 when it was killed.
    """
    return ended(begin(batches, settings, folder, password, point))


def begin(
    batches: Sequence[Sequence[Path]],
    settings: LoadSettings,
    folder: RunFolder,
    password: str,
    point: Point | None = None,
) -> multiprocessing.process.BaseProcess:
    """Starts it."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=_child, args=(batches, settings, folder, password, point))
    process.start()
    return process


def ended(process: multiprocessing.process.BaseProcess) -> int:
    """Waits for it."""
    process.join(60)
    if process.is_alive():
        process.kill()
    process.join()
    assert process.exitcode is not None
    return process.exitcode
