"""Copies that kill themselves with SIGKILL at a named point; run in a child process, without Beam or with it.

`python -m tests.services.killed_copy POINT WORDS…` is the whole command, killed at that point.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from typing import TYPE_CHECKING

from tests.core.copying.noticed import listed, worked
from tests.services.killed_ingest import Point, arm
from transforms.core.copying import copy_work, finish_copy
from transforms.core.copying.copy_tasks import plan_tasks
from transforms.core.copying.key_ranges import RangeSizes
from transforms.core.copying.workshop import workshop

if TYPE_CHECKING:
    from collections.abc import Callable

    from transforms.core.copying.copy_settings import CopySettings
    from transforms.core.run_folder import RunFolder
    from transforms.core.streams.notice import Notice

    Work = Callable[[CopySettings, RunFolder], None]

COPYING, OBJECTS = "transforms.core.copying.", "transforms.core.objects."
LOCAL, S3 = f"{OBJECTS}local:LocalStore.", f"{OBJECTS}s3:S3Store."
ANYWHERE = (
    Point("tests.services.killed_copy:plan_tasks", when="after"),
    Point(f"{COPYING}attempts:copy_object"),
    Point(f"{COPYING}attempts:copy_object", 2, "after"),
    Point(f"{COPYING}task_log:TaskLog.copied", 5),
    Point(f"{COPYING}task_log:TaskLog.close"),
    Point(f"{COPYING}task_log:TaskLog.close", when="after"),
    Point(f"{COPYING}finish_copy:finish"),
    Point(f"{COPYING}finish_copy:tidied", when="after"),
)
TO_S3 = (
    *(Point(f"{S3}put", nth, when) for nth in (1, 9) for when in ("before", "after")),
    Point(f"{S3}begin", when="after"),
    Point(f"{S3}put_part"),
    Point(f"{S3}put_part", 2, "after"),
    Point(f"{S3}complete"),
    Point(f"{S3}complete", when="after"),
)
TO_DISK = (
    *(Point(f"{LOCAL}put", nth, when) for nth in (1, 9) for when in ("before", "after")),
    Point(f"{OBJECTS}local_write:_take_name", 3),
    Point(f"{LOCAL}begin", when="after"),
    Point(f"{LOCAL}put_part", when="after"),
    Point(f"{LOCAL}complete"),
    Point(f"{LOCAL}complete", when="after"),
)
BY_S5CMD = (
    Point(f"{COPYING}server_batches:copy_batch"),
    Point(f"{COPYING}server_batches:copy_batch", when="after"),
    Point(f"{COPYING}s5cmd:_watched"),
    Point(f"{COPYING}s5cmd:os.read", 3, "after"),
    Point(f"{COPYING}copy_work:proved"),
    Point(f"{S3}copy_within", when="after"),
)
WITHIN = tuple(Point(f"{S3}copy_within", nth, when) for nth in (1, 9) for when in ("before", "after"))
POINTS = {
    "to s3": ANYWHERE + TO_S3,
    "from s3": ANYWHERE + TO_DISK,
    "disk": TO_DISK,
    "within": WITHIN,
    "s5cmd": (*(point for point in ANYWHERE if "copy_object" not in point.function), *BY_S5CMD),
}


def copy(wanted: CopySettings, folder: RunFolder) -> None:
    """A whole copy, one step after the other: what transforms/objects.py wires."""
    tasks = plan_tasks(wanted, RangeSizes(10, 5, 3))
    shop = workshop(wanted, 500)
    results = [copy_work.work(task, wanted, folder, shop) for task in tasks]
    finish_copy.finish(len(tasks), results, wanted, folder)


def stream(wanted: CopySettings, folder: RunFolder) -> None:
    """A stream of what a look at the source finds, in batches of seven."""
    _stream(listed(wanted), 7, wanted, folder)


def stream_otherwise(wanted: CopySettings, folder: RunFolder) -> None:
    """The same as an engine that restarts makes it up: what was told comes again, in other batches."""
    _stream(listed(wanted)[::-1], 5, wanted, folder)


def _stream(notices: list[Notice], size: int, wanted: CopySettings, folder: RunFolder) -> None:
    for start in range(0, len(notices), size):
        worked(notices[start : start + size], wanted, folder)


def _child(
    work: Work, wanted: CopySettings, folders: list[RunFolder], point: Point | None, env: dict[str, str]
) -> None:
    os.environ.update(env)
    if point:
        arm(point)
    for folder in folders:
        work(wanted, folder)


def run(wanted: CopySettings, folders: list[RunFolder], point: Point | None = None, work: Work = copy) -> int:
    """Does a copy, once for each folder, in a process of its own; with `point` it dies there.

    Returns:
        The exit code: 0, 1 for an exception, -9 when it was killed.
    """
    environment = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "transforms.core.objects.s3", "transforms.core.objects.local"])
    process = context.Process(target=_child, args=(work, wanted, folders, point, environment))
    process.start()
    process.join(60)
    if process.is_alive():
        process.kill()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


if __name__ == "__main__":
    from pipelines.__main__ import console

    arm(Point(*json.loads(sys.argv[1])))
    sys.exit(console(sys.argv[2:]))
