"""Counters in a bucket: what can't be written or read now is at the next look."""

import os
import uuid

import pytest

from tests.pipelines.ingest_jobs import wait_until
from tests.servers.fault_proxy import Fault
from tests.services.copy_ends import S3Prefix
from transforms.core import progress, progress_afar
from transforms.core.objects.access import ForbiddenError
from transforms.core.progress_afar import Teller, heard
from transforms.core.run_context import RunContext


@pytest.fixture
def run(s3_environment, fault_proxy, monkeypatch, tmp_path):
    bucket = S3Prefix(s3_environment, bucket=f"afar-{uuid.uuid4().hex[:8]}")  # a process keeps its way to a bucket
    fault_proxy.reset(s3_environment.endpoint)
    monkeypatch.setenv("AWS_ENDPOINT_URL", fault_proxy.endpoint)
    progress.reset()
    yield RunContext("r", os.getpid(), str(tmp_path), is_shared=False, afar=f"{bucket.root}run")
    progress.reset()


def test_what_fails_once_is_told_and_heard_later(run, fault_proxy, monkeypatch):
    monkeypatch.setattr(progress_afar, "LOOK_SECONDS", 0.01)
    progress.add(items=3)
    teller = Teller(run)
    fault_proxy.add(Fault(method="PUT", status=403))
    with pytest.raises(ForbiddenError):
        teller.tell()
    teller.tell()
    fault_proxy.add(Fault(status=403))
    with heard(run):
        wait_until(lambda: progress.snapshot().done.items == 2 * 3, "what was counted here, told as by a worker")
    assert fault_proxy.pending_faults == 0


def test_nothing_is_asked_or_written_twice(run, fault_proxy):
    progress.add(items=3)
    teller, listener = Teller(run), progress_afar.Listener(run)
    for _ in range(2):
        teller.tell()
        listener.listen()
    asked = [method for method, path, *_ in fault_proxy.log if path.endswith(".json")]
    assert sorted(asked) == ["GET", "PUT"]
