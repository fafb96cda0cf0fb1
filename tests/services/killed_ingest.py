"""Loads that kill themselves with SIGKILL at a named point; run in a child process, without Beam or with it.

`python -m tests.services.killed_ingest POINT WORDS…` is the whole command, killed at that point.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import signal
import sys
from typing import TYPE_CHECKING, NamedTuple

from transforms.core.run_folder import RunFolder
from transforms.core.tables.loads import finish_steps, load_steps
from transforms.core.tables.loads.connections import Connections

if TYPE_CHECKING:
    from pathlib import Path

    from transforms.core.tables.loads.load_settings import LoadSettings

CORE = "transforms.core.tables"
STEPS, FINISH, DATABASE = f"{CORE}.loads.load_steps:", f"{CORE}.loads.finish_steps:", f"{CORE}.databases."
WRITES = {"duckdb": ".write_long", "postgresql": ".write_chunks"}
CLASSES = {"duckdb": "duckdb:DuckDBDestination.", "postgresql": "postgres:PostgresDestination."}


class Point(NamedTuple):
    """Where a load dies: before or after the nth call of a function, counted from the first call of `since`."""

    function: str
    nth: int = 1
    when: str = "before"
    since: str = ""

    def full(self, kind: str) -> Point:
        """With the functions' addresses: `.name` is a method of the database's class, `.write` its way to write."""
        prefix = DATABASE + CLASSES[kind]
        methods = {name: value for name, value in self._asdict().items() if str(value).startswith(".")}
        return self._replace(
            **{name: prefix + (WRITES[kind] if value == ".write" else value)[1:] for name, value in methods.items()}
        )


POINTS = (
    Point(STEPS + "list_files", when="after"),
    Point(STEPS + "open_load", when="after"),
    Point("._commit", since=".announce_load"),
    Point(".announce_load", when="after"),
    Point(STEPS + "find_parts", 2),
    Point(f"{CORE}.loads.scan_parts:scan", 3, "after"),
    Point(f"{CORE}.loads.plan_of_scans:make_plan", when="after"),
    Point(".create_load"),
    Point("._commit", since=".create_load"),
    Point(".create_load", when="after"),
    Point(".write"),
    Point("._put_rows", since=".write"),
    Point("._put_rows", 2, "after", since=".write"),
    Point("._commit", since=".write"),
    Point("._commit", when="after", since=".write"),
    Point(".write", 3, "after"),
    Point(".write", 6),
    Point(FINISH + "finish"),
    Point(FINISH + "publish"),
    Point("._move"),
    Point("._fill", when="after"),
    Point("._commit", since="._move"),
    Point("._commit", when="after", since="._move"),
    Point(FINISH + "publish", when="after"),
    Point("transforms.core.run_folder:RunFolder.write_part", 2),
)


def arm(point: Point) -> None:
    """Makes this process die at a point: wraps the functions that it names."""
    calls = {"started": not point.since, "count": 0}

    def counted(call, *args, **kwargs):
        if not calls["started"]:
            return call(*args, **kwargs)
        calls["count"] += 1
        fatal = calls["count"] == point.nth
        if fatal and point.when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = call(*args, **kwargs)
        if fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    def started(call, *args, **kwargs):
        calls["started"] = True
        return call(*args, **kwargs)

    if point.since:
        _wrap(point.since, started)
    _wrap(point.function, counted)


def _wrap(address: str, wrapper) -> None:
    module, _, path = address.partition(":")
    owner = importlib.import_module(module)
    *owners, name = path.split(".")
    for one in owners:
        owner = getattr(owner, one)
    call = getattr(owner, name)
    setattr(owner, name, lambda *args, **kwargs: wrapper(call, *args, **kwargs))


def load(settings: LoadSettings, folder: RunFolder) -> None:
    """A whole load, one step after the other: what transforms/tables.py wires, in one thread."""
    connections = Connections(settings)
    begun = load_steps.begin(settings, connections)
    message, tasks = begun.message, list(begun.tasks)
    if begun.head:
        inspected = [load_steps.inspect(file, settings) for file in begun.files]
        found = [begun.head, *(result for _, results in inspected for result in results)]
        found += [load_steps.scan(task, settings) for ranges, _ in inspected for task in ranges]
        message, tasks = load_steps.plan(begun.files[0].load_id, found, settings, connections)
    results = [result for task in tasks for result in load_steps.load([task], settings, connections)]
    finish_steps.finish(message, results, settings, connections, folder)
    connections.close()


def _child(loads: list[tuple[LoadSettings, RunFolder]], point: Point | None, password: str) -> None:
    os.environ["PGPASSWORD"] = password
    for number, (settings, folder) in enumerate(loads):
        if point and number == len(loads) - 1:
            arm(point)
        load(settings, folder)


def run(loads: list[tuple[LoadSettings, RunFolder]], password: str, point: Point | None = None) -> int:
    """Does some loads, one after the other, in a process of their own; the last one dies at `point`.

    Returns:
        The exit code: 0, 1 for an exception, -9 when it was killed.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, f"{DATABASE}duckdb", f"{DATABASE}postgres", "pyarrow.csv"])
    process = context.Process(target=_child, args=(loads, point, password))
    process.start()
    process.join(60)
    if process.is_alive():
        process.kill()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def said(folder: RunFolder) -> dict[str, list[dict]]:
    """What a run's parts say, by kind."""
    lines: dict[str, list[dict]] = {}
    for line in folder.parts():
        lines.setdefault(line.pop("kind"), []).append(line)
    return lines


def new_folder(path: Path) -> RunFolder:
    path.mkdir(parents=True)
    return RunFolder(f"file://{path}", path.name)


if __name__ == "__main__":
    from pipelines.__main__ import console

    arm(Point(*json.loads(sys.argv[1])))
    sys.exit(console(sys.argv[2:]))
