"""SIGKILL at any point of a stream of copies; what comes again, in other batches, ends exactly, copied once."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.pipelines.copy_jobs import PART_BYTES, Job, make_job, tree
from tests.pipelines.ingest_jobs import wait_until
from tests.services.killed_copy import COPYING, LOCAL, S3, run, stream, stream_otherwise
from tests.services.killed_ingest import Point, new_folder
from tests.services.test_copy_kills import LARGE, versions
from transforms.core.copying.copy_settings import CopySettings, Side
from transforms.core.merging import merge_parts
from transforms.core.objects.access import StoreAccess
from transforms.core.run_folder import parse_lines

TREE = tree(12)
N, SIZE = len(TREE), sum(map(len, TREE.values()))
ANYWHERE = (
    Point(f"{COPYING}attempts:copy_object"),
    Point(f"{COPYING}attempts:copy_object", 9, "after"),
    Point(f"{COPYING}stream_log:StreamLog.copied", 8),
    Point(f"{COPYING}stream_log:write_batch"),
    Point(f"{COPYING}stream_log:write_batch", when="after"),
    Point(f"{COPYING}stream_log:write_batch", 2),
)
TO_S3 = (Point(f"{S3}put", 9, "after"), Point(f"{S3}put_part", 2), Point(f"{S3}complete", when="after"))
POINTS = {
    "to s3": ANYWHERE + TO_S3,
    "from s3": (*ANYWHERE, Point(f"{LOCAL}put", 9, "after"), Point(f"{LOCAL}complete")),
    "within": (Point(f"{S3}copy_within", 9, "after"),),
}
CASES = [(kind, point) for kind, points in POINTS.items() for point in points]
IDS = [f"{kind} {point.function.partition(':')[2]} {point.when} {point.nth}" for kind, point in CASES]


@pytest.fixture
def job(request, tmp_path) -> Job:
    found = make_job(request.param, request, tmp_path)
    found.source.put(TREE)
    return found


def settings(job: Job) -> CopySettings:
    sides = [Side(place.uri, StoreAccess(endpoint_url=place.endpoint)) for place in (job.source, job.destination)]
    return CopySettings(*sides, part_bytes=PART_BYTES, max_concurrent=4)


@pytest.mark.parametrize(("job", "point"), CASES, ids=IDS, indirect=["job"])
def test_a_stream_killed_at_any_point_goes_on_exactly_in_other_batches(job: Job, point, fault_proxy, tmp_path):
    job.through(fault_proxy)
    wanted, folder = settings(job), new_folder(tmp_path / "run")
    assert run(wanted, [folder], point, stream) == -signal.SIGKILL
    wait_until(lambda: not fault_proxy.connections, "the answers to what the dead one asked")
    copied = {key: data for key, data in job.destination.objects().items() if key in TREE}
    assert copied.items() <= TREE.items(), "whatever has its name is whole"
    before = versions(job) if job.destination.server is None else {}
    told = sum(line["kind"] == "outcome" and line["status"] == "done" for line in folder.parts())

    assert run(wanted, [folder], None, stream_otherwise) == 0
    assert {key: data for key, data in job.destination.objects().items() if key in TREE} == TREE
    if job.destination.server is None:
        kept, now = {Path(key).name for key in copied}, versions(job)
        assert {name: now[name] for name in kept} == {name: before[name] for name in kept}
    else:
        put = Counter(path for method, path, status, _ in fault_proxy.log if method == "PUT" and status < 300)
        assert {path: count for path, count in put.items() if count > 1 and LARGE not in path} == {}

    merged = merge_parts(folder, str(tmp_path), unfinished=False, stream=True)
    assert (merged.items.planned, merged.items.done + merged.items.skipped, merged.items.failed) == (N, N, 0)
    assert merged.items.skipped == len(copied) - told, "copied, but killed before it could be told"
    assert merged.bytes.planned == SIZE
    outcomes = list(parse_lines(folder.read("outcomes.jsonl") or ""))
    assert sorted(line["destination"] for line in outcomes) == sorted(job.destination.uri + key for key in TREE)
