"""Uploads in parts to GCS, against fake-gcs-server; what a real server says beyond it, the fault proxy says."""

import base64
import json
import random

import pytest

from tests.servers.fault_proxy import Fault
from tests.services.gcs_places import AS_JSON, EVERYTHING, PLAIN, Bucket, empty_bucket, sums
from transforms.core.errors import PermanentError
from transforms.core.objects.access import (
    AlreadyThereError,
    ConflictError,
    CorruptedError,
    ForbiddenError,
)
from transforms.core.objects.details import ABSENT, ANY, NO_CHECKSUMS, Condition
from transforms.core.objects.gcs_resumable import QUANTUM_BYTES


@pytest.fixture
def bucket(gcs_server, fault_proxy, monkeypatch) -> Bucket:
    return empty_bucket(gcs_server, fault_proxy, monkeypatch)


@pytest.mark.parametrize("extra", [-1, 0, 1, QUANTUM_BYTES])
@pytest.mark.parametrize("part_bytes", [QUANTUM_BYTES, 2 * QUANTUM_BYTES, 300_000])
def test_parts_of_any_size_become_one_object_that_carries_everything(bucket, extra, part_bytes):
    data = random.Random(1).randbytes(4 * QUANTUM_BYTES + extra)
    upload, parts = bucket.upload("big", data, part_bytes, ABSENT, EVERYTHING)
    assert bucket.keys() == []
    details = bucket.store.complete(upload, parts, sums(data))
    assert bucket.store.read(details.info, 0, len(data)) == data
    assert details.checksums == sums(data)
    assert details.attributes.user == EVERYTHING.user
    assert details.attributes.content_type == EVERYTHING.content_type


def test_an_upload_without_bytes_becomes_an_empty_object(bucket):
    upload, parts = bucket.upload("empty", b"", 1)
    assert bucket.store.complete(upload, parts, NO_CHECKSUMS).info.size_bytes == 0


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 429, "retry_after": "0"}])
def test_a_part_that_is_refused_for_now_is_sent_again(bucket, fault_proxy, fault):
    data = random.Random(2).randbytes(3 * QUANTUM_BYTES)
    upload = bucket.store.begin(f"{bucket.root}big", PLAIN, ABSENT, len(data))
    fault_proxy.add(Fault(method="PUT", **fault))
    fault_proxy.add(Fault(method="PUT", status=308))
    parts = [bucket.store.put_part(upload, 1, 0, data[:QUANTUM_BYTES], NO_CHECKSUMS)]
    fault_proxy.add(Fault(method="PUT", lose_answer=True))
    fault_proxy.add(Fault(method="PUT", status=308, headers={"range": f"bytes=0-{2 * QUANTUM_BYTES - 1}"}))
    parts.append(bucket.store.put_part(upload, 2, QUANTUM_BYTES, data[QUANTUM_BYTES : 2 * QUANTUM_BYTES], NO_CHECKSUMS))
    parts.append(bucket.store.put_part(upload, 3, 2 * QUANTUM_BYTES, data[2 * QUANTUM_BYTES :], NO_CHECKSUMS))
    details = bucket.store.complete(upload, parts, sums(data))
    assert bucket.store.read(details.info, 0, len(data)) == data
    assert fault_proxy.pending_faults == 0


def test_a_server_that_keeps_less_than_it_was_sent_gets_the_rest(bucket, fault_proxy):
    data = random.Random(3).randbytes(4 * QUANTUM_BYTES)
    upload = bucket.store.begin(f"{bucket.root}big", PLAIN, ABSENT, len(data))
    half = {"range": f"bytes=0-{QUANTUM_BYTES - 1}"}
    fault_proxy.add(Fault(method="PUT", status=308, headers=half))
    fault_proxy.add(Fault(method="PUT", status=308, headers=half))
    fault_proxy.add(Fault(method="PUT", status=308, headers={"range": f"bytes=0-{2 * QUANTUM_BYTES - 1}"}))
    bucket.store.put_part(upload, 1, 0, data[: 2 * QUANTUM_BYTES], NO_CHECKSUMS)
    spans = [headers.get("content-range") for method, *_, headers in fault_proxy.log if method == "PUT"]
    assert spans == ["bytes 0-524287/*", "bytes */1048576", "bytes 262144-524287/*"]


def test_a_finished_upload_whose_answer_is_lost_is_found_finished(bucket, fault_proxy):
    data = bytes(10)
    upload, parts = bucket.upload("big", data, 10, ABSENT)
    done = {"name": "big", "size": "10", "generation": "5", "updated": "2026-01-01T00:00:00Z"}
    fault_proxy.add(Fault(method="PUT", lose_answer=True))
    fault_proxy.add(Fault(method="PUT", status=200, body=json.dumps(done).encode(), headers=AS_JSON))
    assert bucket.store.complete(upload, parts, sums(data)).info.etag == "5"


@pytest.mark.parametrize(
    ("status", "condition", "error"),
    [
        (412, ABSENT, AlreadyThereError),
        (412, Condition(etag="7"), ConflictError),
        (404, ANY, PermanentError),
        (410, ANY, PermanentError),
        (403, ANY, ForbiddenError),
    ],
)
def test_an_upload_that_may_not_end_is_an_error_and_can_be_aborted(bucket, fault_proxy, status, condition, error):
    upload, parts = bucket.upload("big", bytes(10), 10, condition)
    fault_proxy.add(Fault(method="PUT", status=status))
    with pytest.raises(error, match="big"):
        bucket.store.complete(upload, parts, NO_CHECKSUMS)
    bucket.store.abort(upload)
    bucket.store.abort(upload)
    assert bucket.keys() == []
    with pytest.raises(PermanentError, match="begun elsewhere or is over"):
        bucket.store.complete(upload, parts, NO_CHECKSUMS)


def test_an_upload_begun_in_vain_is_refused_at_once(bucket, fault_proxy):
    fault_proxy.add(Fault(method="POST", path="/upload/", status=412))
    with pytest.raises(AlreadyThereError):
        bucket.store.begin(f"{bucket.root}a", PLAIN, ABSENT, 10)


def test_parts_out_of_order_missing_or_again_are_told_apart(bucket):
    data = random.Random(5).randbytes(1_000_000)
    upload = bucket.store.begin(f"{bucket.root}a", PLAIN, ANY, len(data))
    first = bucket.store.put_part(upload, 1, 0, data[:600_000], NO_CHECKSUMS)
    assert bucket.store.put_part(upload, 1, 0, data[:600_000], NO_CHECKSUMS) == first
    with pytest.raises(PermanentError, match="from byte 700000 on came, 600000 was due"):
        bucket.store.put_part(upload, 3, 700_000, data[700_000:], NO_CHECKSUMS)
    with pytest.raises(PermanentError, match="600000 of 1000000 bytes were sent"):
        bucket.store.complete(upload, [first], NO_CHECKSUMS)
    last = bucket.store.put_part(upload, 2, 600_000, data[600_000:], NO_CHECKSUMS)
    assert bucket.store.complete(upload, [first, last], sums(data)).info.size_bytes == len(data)


def test_an_upload_that_arrived_wrong_is_deleted_again(bucket, fault_proxy):
    upload, parts = bucket.upload("big", b"damaged", 10)
    with pytest.raises(CorruptedError, match="deleted again"):
        bucket.store.complete(upload, parts, sums(b"sent"))
    sent = [headers for method, *_, headers in fault_proxy.log if method == "PUT"][-1]["x-goog-hash"]
    assert sent == ",".join(
        f"{name}={base64.b64encode(bytes.fromhex(getattr(sums(b'sent'), name))).decode()}" for name in ("crc32c", "md5")
    )
    assert bucket.keys() == []


def test_nothing_is_left_over_by_dead_runs(bucket):
    bucket.upload("big", bytes(10), 10)
    assert bucket.store.abort_leftovers(bucket.root, 0) == 0
    assert bucket.keys() == []
