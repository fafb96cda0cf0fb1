"""What proves a copy, and what a damaged or contested one comes to, as whole commands."""

import base64
import os

import google_crc32c
import pytest

from tests.servers.fault_proxy import Fault
from tests.servers.s3 import run_moto_server
from tests.services.copy_ends import PART, S3Prefix, bodies, copy, verify

LARGE = os.urandom(2 * PART + 1)
NO_KEYS = (
    b'<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>'
    b"<Prefix></Prefix><KeyCount>0</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>"
    b"<EncodingType>url</EncodingType></ListBucketResult>"
)
PROOFS = [
    ("file", "s3", "auto", {"match": 2}),
    ("file", "s3", "metadata", {"match": 2}),
    ("file", "s3", "full", {"match": 2}),
    ("file", "s3", "none", {"not_checked": 2}),
    ("s3", "s3", "none", {"not_checked": 2}),
    ("s3", "s3", "full", {"match": 2}),
    ("gs", "file", "auto", {"match": 2}),
    ("gs", "file", "metadata", {"uncheckable": 2}),
    ("gs", "file", "none", {"not_checked": 2}),
    ("file", "gs", "full", {"match": 2}),
]


@pytest.mark.parametrize(("source", "destination", "how", "proofs"), PROOFS)
def test_what_was_proved_is_counted_apart_from_what_was_not_checked(
    new_end, tmp_path, source, destination, how, proofs
):
    here, there = new_end(source), new_end(destination, "there")
    here.put("small", b"small")
    here.put("large", LARGE)
    run = copy(here, there, tmp_path, verify=how, part_size_mb=5)
    assert (run.summary.exit_code, run.summary.details["proofs"]) == (0, proofs)
    assert {line["proof"] for line in run.outcomes.values()} == set(proofs)
    assert bodies(there) == {"small": b"small", "large": LARGE}


@pytest.mark.parametrize("key", ["small", "large"])
@pytest.mark.parametrize(("source", "destination"), [("s3", "file"), ("s3", "gs"), ("gs", "s3"), ("gs", "file")])
def test_a_byte_flipped_once_on_its_way_is_healed_and_flipped_twice_fails(
    new_end, fault_proxy, tmp_path, source, destination, key
):
    here, there = new_end(source, "here", fault_proxy.endpoint), new_end(destination, "there")
    fault_proxy.reset(here.server.endpoint)
    body = LARGE if key == "large" else LARGE[:20_000]
    here.put(key, body)

    asked_before = 1 if source == "gs" else 0  # GCS describes an object under the same path; that has no byte 15,000
    fault_proxy.add(Fault(path=key, flip_at=15_000, times=1 + asked_before))
    healed = copy(here, there, tmp_path, part_size_mb=5)
    assert (healed.summary.exit_code, bodies(there), fault_proxy.pending_faults) == (0, {key: body}, 0)

    there.delete(key)
    fault_proxy.add(Fault(path=key, flip_at=15_000, times=99))
    failed = copy(here, there, tmp_path, part_size_mb=5)
    assert (failed.summary.exit_code, failed.counts, bodies(there)) == (1, (0, 0, 1, 0), {})
    assert failed.failures[key]["error"] in ("CorruptedError", "RemovedError")
    assert 2 <= 99 - fault_proxy.pending_faults <= 2 * (3 + asked_before)  # two tries, of three parts at most


@pytest.mark.parametrize("key", ["small", "large"])
def test_what_reads_back_wrong_is_removed_and_copied_again(new_end, fault_proxy, tmp_path, key):
    here, there = new_end("file"), new_end("s3", "there", fault_proxy.endpoint)
    fault_proxy.reset(there.server.endpoint)
    body = LARGE if key == "large" else b"a small object"
    here.put(key, body)
    fault_proxy.add(Fault(path=key, flip_at=7))
    healed = copy(here, there, tmp_path, part_size_mb=5, verify="full")
    assert (healed.summary.exit_code, bodies(there), fault_proxy.pending_faults) == (0, {key: body}, 0)

    there.delete(key)
    fault_proxy.add(Fault(path=key, flip_at=7, times=99))
    failed = copy(here, there, tmp_path, part_size_mb=5, verify="full")
    fault_proxy.reset()
    assert (failed.summary.exit_code, bodies(there)) == (1, {})
    assert "arrived wrong" in failed.failures[key]["message"]


@pytest.mark.parametrize("kind", ["s3", "gs"])
def test_what_the_server_copied_wrong_is_removed_and_copied_by_it_again(new_end, fault_proxy, tmp_path, kind):
    here, there = (new_end(kind, name, fault_proxy.endpoint) for name in ("here", "there"))
    fault_proxy.reset(here.server.endpoint)
    body = b"a small object"
    here.put("k", body)
    its_bytes = "alt=media" if kind == "gs" else ""  # GCS describes an object under the same path
    asks = "PUT" if kind == "s3" else "POST"

    def written(method):
        return sum(one[0] == method and f"{there.prefix}k" in one[1] for one in fault_proxy.log)

    fault_proxy.add(Fault(path=f"{there.prefix}k", flip_at=7, query=its_bytes))
    healed = copy(here, there, tmp_path, verify="full")
    assert (healed.summary.exit_code, bodies(there), fault_proxy.pending_faults) == (0, {"k": body}, 0)
    assert healed.summary.details["modes"] == {"direct_sync": 1}
    assert written(asks) == 2

    there.delete("k")
    fault_proxy.reset()
    fault_proxy.add(Fault(path=f"{there.prefix}k", flip_at=7, query=its_bytes, times=99))
    failed = copy(here, there, tmp_path, verify="full")
    assert (failed.summary.exit_code, failed.counts, bodies(there)) == (1, (0, 0, 1, 0), {})
    assert failed.failures["k"]["error"] == "RemovedError"
    assert written(asks) == 2


def composite_of(parts):
    """As S3 tells it of an object in parts: the checksum of their checksums, and how many there are."""
    digests = b"".join(google_crc32c.Checksum(part).digest() for part in parts)
    return f"{base64.b64encode(google_crc32c.Checksum(digests).digest()).decode()}-{len(parts)}"


def by_composite(value):
    """What a server tells of an object that is encrypted by a key of its own, so that its ETag is no MD5."""
    return {
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-checksum-crc32c": value,
        "x-amz-checksum-type": "COMPOSITE",
    }


COMPOSITE = composite_of([LARGE[:PART], LARGE[PART : 2 * PART], LARGE[2 * PART :]])
OTHER = composite_of([LARGE[:PART], LARGE[PART : 2 * PART], b"?"])


def test_an_object_in_parts_is_proved_by_the_composite_of_its_parts_checksums(moto, fault_proxy, tmp_path, new_end):
    here, there = new_end("file"), S3Prefix(moto, fault_proxy.endpoint)
    fault_proxy.reset(moto.endpoint)
    here.put("k", LARGE)

    def told(*values):
        """What the server says of the object, each time that it is asked in turn."""
        there.delete("k")
        fault_proxy.reset()
        fault_proxy.add(Fault(query="uploadId", method="POST", headers=by_composite(COMPOSITE), times=9))
        for value in values:
            fault_proxy.add(Fault(path=f"{there.prefix}k", method="HEAD", headers=by_composite(value)))
        return copy(here, there, tmp_path, part_size_mb=5)

    proved = told(COMPOSITE)
    assert (proved.summary.exit_code, bodies(there)) == (0, {"k": LARGE})
    assert (proved.outcomes["k"]["proof"], proved.outcomes["k"]["proved_by"]) == ("match", "composite")
    assert fault_proxy.body_bytes[f"/{there.bucket}/{there.prefix}k"] < 10_000, "nothing was read again"

    failed = told(*[OTHER] * 9)
    assert (failed.summary.exit_code, failed.counts, bodies(there)) == (1, (0, 0, 1, 0), {})
    assert "composite differs" in failed.failures["k"]["message"]
    assert there.uploads() == []


@pytest.mark.parametrize(
    ("theirs", "code", "counts"), [(COMPOSITE, 0, (1, 0, 0, 0)), (OTHER, 1, (0, 0, 1, 0))], ids=["same", "other"]
)
def test_verify_compares_objects_in_parts_by_their_composites(moto, fault_proxy, tmp_path, theirs, code, counts):
    here, there = S3Prefix(moto, fault_proxy.endpoint), S3Prefix(moto, fault_proxy.endpoint)
    fault_proxy.reset(moto.endpoint)
    for end, value, etag in ((here, COMPOSITE, f"{'a' * 32}-3"), (there, theirs, f"{'b' * 32}-3")):
        upload = {"Bucket": end.bucket, "Key": f"{end.prefix}k"}
        upload["UploadId"] = end.client.create_multipart_upload(**upload)["UploadId"]
        parts = [
            {"PartNumber": number, "ETag": end.client.upload_part(**upload, PartNumber=number, Body=body)["ETag"]}
            for number, body in ((1, LARGE[:PART]), (2, LARGE[PART : 2 * PART]), (3, LARGE[2 * PART :]))
        ]
        end.client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        seen = (
            f"<Contents><Key>{end.prefix}k</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f"<ETag>&quot;{etag}&quot;</ETag><Size>{len(LARGE)}</Size></Contents><EncodingType>"
        )
        listing = NO_KEYS.replace(b"<EncodingType>", seen.encode())
        fault_proxy.add(Fault(query=f"prefix={end.prefix}", status=200, body=listing, times=9))
        headers = {**by_composite(value), "etag": f'"{etag}"'}
        fault_proxy.add(Fault(path=f"{end.prefix}k", method="HEAD", headers=headers, times=9))
    run = verify(here, there, tmp_path)
    assert (run.summary.exit_code, run.counts) == (code, counts)
    if code == 0:
        assert run.outcomes["k"]["proved_by"] == "composite"
    else:
        assert "by its composite" in run.failures["k"]["message"]
    assert fault_proxy.total_bytes(f"{here.prefix}k") == fault_proxy.total_bytes(f"{there.prefix}k") == 0


@pytest.fixture
def moto(monkeypatch):
    """An S3 server that keeps conditions on every kind of write."""
    with run_moto_server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.mark.parametrize("size", [5, len(LARGE)])
def test_what_appeared_at_the_destination_meanwhile_is_left_alone(moto, fault_proxy, tmp_path, size):
    here, there = S3Prefix(moto), S3Prefix(moto, fault_proxy.endpoint)
    fault_proxy.reset(moto.endpoint)
    here.put("taken", LARGE[:size])
    here.put("same", LARGE[:size])
    here.put("free", LARGE[:size])
    there.put("taken", b"somebody's")
    there.put("same", LARGE[:size])
    fault_proxy.add(Fault(path=f"/{there.bucket}", status=200, body=NO_KEYS, times=2))  # as they were a moment ago
    run = copy(here, there, tmp_path, part_size_mb=5)
    assert run.statuses() == {"taken": "failed", "same": "skipped", "free": "done"}
    assert run.failures["taken"]["error"] in ("AlreadyThereError", "ConflictError")
    assert bodies(there) == {"taken": b"somebody's", "same": LARGE[:size], "free": LARGE[:size]}
    assert there.uploads() == []


def test_what_was_replaced_at_the_destination_meanwhile_is_left_alone(moto, fault_proxy, tmp_path):
    here, there = S3Prefix(moto), S3Prefix(moto, fault_proxy.endpoint)
    fault_proxy.reset(moto.endpoint)
    here.put("k", b"ours")
    there.put("k", b"somebody's")
    seen = (
        f"<Contents><Key>{there.prefix}k</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
        "<ETag>&quot;0123456789abcdef0123456789abcdef&quot;</ETag><Size>3</Size></Contents><EncodingType>"
    )
    fault_proxy.add(
        Fault(path=f"/{there.bucket}", status=200, body=NO_KEYS.replace(b"<EncodingType>", seen.encode()), times=2)
    )
    run = copy(here, there, tmp_path, part_size_mb=5)
    assert (run.summary.exit_code, run.statuses()) == (1, {"k": "failed"})
    assert run.failures["k"]["error"] == "ConflictError"
    assert bodies(there) == {"k": b"somebody's"}


def test_what_appeared_in_a_gcs_bucket_meanwhile_is_left_alone(new_end, fault_proxy, tmp_path):
    here, there = new_end("file"), new_end("gs", "there", fault_proxy.endpoint)
    fault_proxy.reset(there.server.endpoint)
    here.put("taken", b"ours")
    there.put("taken", b"somebody's")
    nothing = Fault(path="/o", status=200, body=b'{"kind": "storage#objects"}', times=2)
    fault_proxy.add(nothing)
    run = copy(here, there, tmp_path)
    assert (run.summary.exit_code, run.statuses(), bodies(there)) == (1, {"taken": "failed"}, {"taken": b"somebody's"})
