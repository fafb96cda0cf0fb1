"""SIGKILL at any point of a copy; the same command again ends in the source's objects, and copies nothing twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from pipelines.copy_job import copy_settings
from pipelines.object_copy import Settings
from tests.pipelines.copy_jobs import Job, bodies, make_job, tree, writes
from tests.pipelines.ingest_jobs import ROOT, wait_until
from tests.services.copy_ends import GcsPrefix
from tests.services.killed_copy import COPYING, LOCAL, POINTS, S3, run
from tests.services.killed_ingest import Point, new_folder, said

if TYPE_CHECKING:
    from tests.servers.fault_proxy import FaultProxy
    from transforms.core.run_folder import RunFolder

TREE = tree()
LARGE = "large.bin"
N, SIZE = len(TREE), sum(map(len, TREE.values()))
CASES = [(kind, point) for kind, points in POINTS.items() for point in points]
IDS = [f"{kind} {point.function.partition(':')[2]} {point.when} {point.nth}" for kind, point in CASES]


@pytest.fixture
def job(request, tmp_path) -> Job:
    found = make_job(request.param, request, tmp_path)
    found.source.put(TREE)
    return found


def versions(job: Job) -> dict[str, tuple[int, int]]:
    """What a file of the destination is, beside its bytes: written again, it would be another one."""
    files = [path for path in job.destination.path.rglob("*") if path.is_file()]
    return {path.name: (path.stat().st_ino, path.stat().st_ctime_ns) for path in files}


def what_was_begun_has_ended(proxy: FaultProxy) -> None:
    """The server ends what a dead client has asked for; an s5cmd whose parent was killed ends at its next answer."""

    def others() -> list[psutil.Process]:
        found = psutil.process_iter(["name", "cmdline"])
        return [one for one in found if one.info["name"] == "s5cmd" and proxy.endpoint in (one.info["cmdline"] or ())]

    wait_until(lambda: not proxy.connections and not others(), "the end of what the dead one began")


def check_account(folder: RunFolder, statuses: set[str]) -> Counter[str]:
    """Every object stands once in the account, and the sums are those of the source."""
    lines = said(folder)
    assert (sum(line["items"] for line in lines["plan"]), sum(line["bytes"] for line in lines["plan"])) == (N, SIZE)
    assert sorted(line["item"].rpartition("/")[2] for line in lines["outcome"]) == sorted(
        key.rpartition("/")[2] for key in TREE
    )
    assert sum(line["size_bytes"] for line in lines["outcome"]) == SIZE
    assert {line["status"] for line in lines["outcome"]} <= statuses
    assert "failure" not in lines
    return Counter(line["status"] for line in lines["outcome"])


@pytest.mark.parametrize(("job", "point"), CASES, ids=IDS, indirect=["job"])
def test_a_copy_killed_at_any_point_is_finished_exactly_by_the_same_command(
    job: Job, point, fault_proxy: FaultProxy, tmp_path
):
    job.through(fault_proxy)
    wanted = copy_settings(Settings(**job.settings(tmp_path / "out", {"max_concurrent": 4, "batch_size": 6})))
    killed, again, once_more = (new_folder(tmp_path / name) for name in ("killed", "again", "once more"))
    assert run(wanted, [killed], point) == -signal.SIGKILL
    what_was_begun_has_ended(fault_proxy)
    copied = {key: data for key, data in job.destination.objects().items() if key in TREE}
    assert copied.items() <= TREE.items(), "whatever has its name is whole"
    before = versions(job) if job.destination.server is None else {}
    # The same command.
    assert run(wanted, [again]) == 0
    assert job.destination.objects() == TREE
    assert job.destination.unfinished() == []
    assert check_account(again, {"done", "skipped"})["skipped"] == len(copied)
    if job.destination.server is None:
        kept = {Path(key).name for key in copied}
        now = versions(job)
        assert {name: now[name] for name in kept} == {name: before[name] for name in kept}
    else:
        put = Counter(path for method, path, status, _ in fault_proxy.log if method == "PUT" and status < 300)
        assert {path: count for path, count in put.items() if count > 1 and LARGE not in path} == {}
    # And once more, when there is nothing left to do.
    fault_proxy.reset()
    assert run(wanted, [once_more]) == 0
    check_account(once_more, {"skipped"})
    assert writes(fault_proxy) == []
    assert bodies(fault_proxy) == [], "only listings, and a HEAD where seconds are too coarse"


@pytest.mark.parametrize("nth", range(1, N + 1))
def test_a_copy_killed_after_any_of_its_objects_is_finished_and_copies_none_twice(tmp_path, nth, request):
    job = make_job("disk", request, tmp_path)
    objects = tree(large=False)
    job.source.put(objects)
    wanted = copy_settings(Settings(**job.settings(tmp_path / "out", {"max_concurrent": 1})))
    killed, again = (new_folder(tmp_path / name) for name in ("killed", "again"))
    last = nth > len(objects)  # all of them are there: it dies before it says so
    point = Point(f"{COPYING}finish_copy:finish") if last else Point(f"{COPYING}attempts:copy_object", nth, "after")
    assert run(wanted, [killed], point) == -signal.SIGKILL
    copied = job.destination.objects()
    assert len(copied) == min(nth, len(objects))
    assert copied.items() <= objects.items()
    before = versions(job)
    assert run(wanted, [again]) == 0
    assert job.destination.objects() == objects
    assert {name: version for name, version in versions(job).items() if name in before} == before
    found = Counter(line["status"] for line in said(again)["outcome"])
    assert found == Counter(done=len(objects) - len(copied), skipped=len(copied))


GCS = "transforms.core.objects.gcs:GcsStore."
WITH_GCS = [
    *(("file", "gs", Point(f"{GCS}put", nth, when)) for nth in (1, 9) for when in ("before", "after")),
    ("file", "gs", Point(f"{GCS}begin", when="after")),
    ("file", "gs", Point(f"{GCS}put_part", 2)),
    ("file", "gs", Point(f"{GCS}complete")),
    ("file", "gs", Point(f"{GCS}complete", when="after")),
    ("gs", "file", Point(f"{LOCAL}put", 9, "after")),
    ("gs", "file", Point(f"{LOCAL}put_part", when="after")),
    ("gs", "file", Point(f"{LOCAL}complete")),
]


@pytest.mark.parametrize(("source", "destination", "point"), WITH_GCS)
def test_a_copy_to_or_from_gcs_killed_at_any_point_is_finished_by_the_same_command(
    new_end, tmp_path, source, destination, point
):
    here, there = new_end(source, "from"), new_end(destination, "to")
    for key, data in TREE.items():
        here.put(key, data)
    given = {"source": here.root, "destination": there.root, "part_size_mb": 5, "max_concurrent": 4}
    given |= here.options("source") | there.options("destination") | {"output": str(tmp_path / "out")}
    wanted = copy_settings(Settings(**given))
    killed, again = (new_folder(tmp_path / name) for name in ("killed", "again"))
    assert run(wanted, [killed], point) == -signal.SIGKILL
    copied = {key: version_of(there, key) for key in there.keys() if key in TREE}  # noqa: SIM118 - no dict
    assert all(there.got(key).body == TREE[key] for key in copied), "whatever has its name is whole"
    assert run(wanted, [again]) == 0
    assert {key: there.got(key).body for key in there.keys()} == TREE  # noqa: SIM118
    # Of four at once three may have been under way, which the server ends though their client is dead.
    assert len(copied) <= check_account(again, {"done", "skipped"})["skipped"] <= len(copied) + 3
    assert {key: version_of(there, key) for key in copied} == copied, "nothing was copied twice"


def version_of(end, key: str) -> object:
    """What would be another one if the object was written again."""
    return end.version(key) if isinstance(end, GcsPrefix) else (end.path / key).stat().st_ino


DELETING = [
    ("to s3", Point(f"{S3}delete_all")),
    ("within", Point(f"{S3}delete_all", 2, "after")),
    ("disk", Point(f"{LOCAL}delete_all", 2)),
    ("from s3", Point(f"{LOCAL}delete_all", when="after")),
    ("from s3", Point(f"{COPYING}extras:ExtrasWriter.finish", 2)),
]


@pytest.mark.parametrize(
    ("job", "point"), DELETING, ids=[f"{kind} {one.when} {one.nth}" for kind, one in DELETING], indirect=["job"]
)
def test_a_copy_killed_while_it_deletes_extras_deletes_the_rest_and_nothing_else(
    job: Job, point, fault_proxy: FaultProxy, tmp_path
):
    job.through(fault_proxy)
    extras = {f"dir {n % 3}/é{n:04}.extra": b"x" for n in range(40)}
    job.destination.put(extras)
    changes = {"delete": True, "max_delete": "100%", "max_concurrent": 4}
    wanted = copy_settings(Settings(**job.settings(tmp_path / "out", changes)))
    killed, again, once_more = (new_folder(tmp_path / name) for name in ("killed", "again", "once more"))
    assert run(wanted, [killed], point) == -signal.SIGKILL
    what_was_begun_has_ended(fault_proxy)
    left = job.destination.objects()
    assert {key: data for key, data in left.items() if key not in extras}.items() <= TREE.items()
    assert run(wanted, [again, once_more]) == 0
    assert job.destination.objects() == TREE
    deletion = [said(folder)["deletion"][0] for folder in (again, once_more)]
    gone = len([key for key in left if key in extras])
    assert [(one["extras"], one["deleted"], one["reason"]) for one in deletion] == [(gone, gone, ""), (0, 0, "")]
    check_account(once_more, {"skipped"})


WHOLE = [
    ("to s3", Point(f"{S3}put_part", 2)),
    ("from s3", Point(f"{LOCAL}put_part", 2)),
    ("s5cmd", Point(f"{COPYING}copy_work:proved")),
]


@pytest.mark.parametrize(("job", "point"), WHOLE, ids=[kind for kind, _ in WHOLE], indirect=["job"])
def test_the_whole_command_killed_and_repeated_ends_with_an_exact_account(
    job: Job, point, fault_proxy: FaultProxy, tmp_path
):
    job.through(fault_proxy)
    words = job.command(tmp_path / "run")

    def command(*module: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", *module, *words]
        return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)

    killed = command("tests.services.killed_copy", json.dumps(point))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    what_was_begun_has_ended(fault_proxy)
    copied = [key for key in job.destination.keys() if key in TREE]  # noqa: SIM118 - no dict
    done = command("pipelines")
    assert done.returncode == 0, done.stderr
    assert job.destination.objects() == TREE
    assert job.destination.unfinished() == []
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    expected = {"planned": N, "done": N - len(copied), "skipped": len(copied), "failed": 0, "not_started": 0}
    assert summary["items"] == expected
    assert summary["bytes"]["planned"] == SIZE
    if LARGE not in copied:
        assert summary["details"]["leftovers_removed"] == 1


def test_the_points_are_at_least_twelve_for_each_way_and_different():
    assert all(len(set(POINTS[kind])) == len(POINTS[kind]) >= 12 for kind in ("to s3", "from s3", "s5cmd"))
