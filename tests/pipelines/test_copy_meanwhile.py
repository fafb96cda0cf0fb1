"""What others do between a listing and the copy of an object: it fails alone, with its reason; no bytes are lost."""

from __future__ import annotations

import pytest

from tests.pipelines.copy_jobs import Job, between, outcomes, tree
from transforms.core.copying import attempts
from transforms.core.summary import Counts

TREE = tree(large=False)
KEY = "dir 1/é0004.bin"
N = len(TREE)
THEIRS = b"theirs"
EVENTS = {
    "its source vanished": lambda job: job.source.delete(KEY),
    "its source changed": lambda job: job.source.put({KEY: b"another version"}),
    "its source was written again": lambda job: job.source.put({KEY: bytes(len(TREE[KEY]))}),
    "its name was taken": lambda job: job.destination.put({KEY: THEIRS}),
    "its name was taken by as many bytes": lambda job: job.destination.put({KEY: bytes(len(TREE[KEY]))}),
}


@pytest.fixture
def meanwhile(monkeypatch):
    """Lets something happen right before KEY is copied."""

    def arrange(event):
        copy = attempts.copy_object

        def copy_object(planned, *args):
            if planned.uri.endswith(KEY):
                event()
            return copy(planned, *args)

        monkeypatch.setattr(attempts, "copy_object", copy_object)
        return lambda: monkeypatch.setattr(attempts, "copy_object", copy)

    return arrange


@pytest.mark.parametrize("name", EVENTS)
@between("disk", "to s3", "from s3", "within")
def test_an_object_that_others_touch_fails_alone(copy_job: Job, meanwhile, name):
    copy_job.source.put(TREE)
    undo = meanwhile(lambda: EVENTS[name](copy_job))
    run = copy_job.run()
    assert (run.summary.status, run.summary.items) == ("failed", Counts(N, N - 1, 0, 1, 0))
    [failure] = run.lines("failures.jsonl")
    assert (failure["item"], KEY in failure["message"]) == (copy_job.source.uri + KEY, True)
    there = copy_job.destination.objects()
    taken = there.pop(KEY, None)
    assert there == {key: data for key, data in TREE.items() if key != KEY}
    assert taken == (None if "source" in name else THEIRS if name.endswith("taken") else bytes(len(TREE[KEY])))
    undo()
    # The same command again looks again; as many bytes that are younger than the source only a checksum tells apart.
    again = copy_job.run(compare_by="checksum" if "as many" in name else "auto")
    assert again.summary.items.failed == 0
    assert copy_job.destination.objects().get(KEY) == copy_job.source.objects().get(KEY)


@between("disk", "to s3", "from s3", "within")
def test_an_object_that_came_there_meanwhile_from_somebody_else_is_the_same_object(copy_job: Job, meanwhile):
    copy_job.source.put(TREE)
    meanwhile(lambda: copy_job.destination.put({KEY: TREE[KEY]}))
    run = copy_job.run(verify="metadata" if copy_job.destination.server and copy_job.source.server else "auto")
    assert (run.summary.status, run.summary.items) == ("completed", Counts(N, N - 1, 1, 0, 0))
    assert outcomes(run)[copy_job.destination.uri + KEY] == "skipped"
    assert copy_job.destination.objects() == TREE
