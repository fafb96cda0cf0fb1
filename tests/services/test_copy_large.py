"""Objects over 5 GiB: one CopyObject request takes no more, so the server copies them in parts (UploadPartCopy).

SeaweedFS copies the real size in 90 s with 1.4 GiB of memory; the JuiceFS gateway, whose source is sparse and whose
blocks of zeros are compressed, in 12 s of processor with 26 MB of disk. Sizes around the limit: with a lowered one.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.servers.juicefs import run_sparse_s3_server
from tests.servers.s3 import S3Server, run_s3_server
from tests.services.copy_ends import PART, S3Prefix, bodies, copy
from transforms.core.copying import s5cmd_lines
from transforms.core.objects import s3_copying

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE = (5 << 30) + 1
BUCKET, KEY = "hornbeam-large", "sparse"


def join(client, key: str, parts: list[str], end: bytes = b"") -> None:
    """Makes an object of others, on the server."""
    place = {"Bucket": BUCKET, "Key": key}
    upload = client.create_multipart_upload(**place)["UploadId"]
    done = []
    for number, part in enumerate(parts, 1):
        source = {"Bucket": BUCKET, "Key": part}
        sent = client.upload_part_copy(**place, UploadId=upload, PartNumber=number, CopySource=source)
        done.append({"PartNumber": number, "ETag": sent["CopyPartResult"]["ETag"]})
    if end:
        sent = client.upload_part(**place, UploadId=upload, PartNumber=len(parts) + 1, Body=end)
        done.append({"PartNumber": len(parts) + 1, "ETag": sent["ETag"]})
    client.complete_multipart_upload(**place, UploadId=upload, MultipartUpload={"Parts": done})


@pytest.fixture
def large_server(monkeypatch) -> Iterator[S3Server]:
    """A server that holds an object of SIZE bytes, `!` at the end of zeros."""
    if "HORNBEAM_TEST_S3_ENDPOINT" not in os.environ:
        with run_sparse_s3_server(BUCKET, KEY, SIZE) as server:
            for name, value in server.environment.items():
                monkeypatch.setenv(name, value)
            yield server
        return
    with run_s3_server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        client = server.client()
        server.make_bucket(BUCKET)
        client.put_object(Bucket=BUCKET, Key="64 MiB", Body=bytes(64 << 20))
        join(client, "1 GiB", ["64 MiB"] * 16)
        join(client, KEY, ["1 GiB"] * 5, b"!")
        try:
            yield server
        finally:
            for key in ("64 MiB", "1 GiB", KEY):
                client.delete_object(Bucket=BUCKET, Key=key)


@pytest.mark.parametrize("mode", ["auto", "direct_sync"])
@pytest.mark.parametrize("over", [0, 1, PART])
def test_what_is_over_one_requests_limit_is_copied_in_parts_by_the_server(
    new_end, fault_proxy, tmp_path, monkeypatch, mode, over
):
    monkeypatch.setattr(s3_copying, "MAX_COPY_BYTES", PART)
    monkeypatch.setattr(s3_copying, "_PART_BYTES", PART)
    monkeypatch.setattr(s5cmd_lines, "LARGEST_BYTES", PART)
    here, there = (new_end("s3", name, fault_proxy.endpoint) for name in ("here", "there"))
    fault_proxy.reset(here.server.endpoint)
    body = os.urandom(PART + over)
    here.put("k", body)
    run = copy(here, there, tmp_path, mode=mode, part_size_mb=5, verify="full")
    assert (run.summary.exit_code, run.outcomes["k"]["mode"], run.outcomes["k"]["detail"]) == (0, "direct_sync", "")
    assert bodies(there) == {"k": body}
    ranges = {headers.get("x-amz-copy-source-range") for *_, headers in fault_proxy.log} - {None}
    assert len(ranges) == (2 if over else 0)
    assert fault_proxy.total_bytes(f"{here.prefix}k") == len(body), "read to verify in full, not to be copied"
    answers = 2 << 10
    assert len(body) <= fault_proxy.total_bytes(f"{there.prefix}k") <= len(body) + answers
    assert there.uploads() == []


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("new_end")
def test_a_sparse_object_of_5_gib_and_a_byte_is_copied_by_the_server(large_server, fault_proxy, tmp_path):
    fault_proxy.reset(large_server.endpoint)
    there = S3Prefix(large_server, fault_proxy.endpoint)
    source = {"source": f"s3://{BUCKET}/{KEY}", "source_endpoint_url": fault_proxy.endpoint}
    run = copy(None, there, tmp_path, **source, verify="metadata")
    [outcome] = run.lines("outcomes.jsonl")
    assert (run.summary.exit_code, outcome["mode"], outcome["detail"]) == (0, "direct_sync", "")
    assert run.summary.bytes.done == SIZE
    ranges = [headers.get("x-amz-copy-source-range", "") for *_, headers in fault_proxy.log]
    spans = sorted(tuple(map(int, text.removeprefix("bytes=").split("-"))) for text in ranges if text)
    assert [start for start, _ in spans] == [0, *(stop + 1 for _, stop in spans[:-1])]
    assert spans[-1][1] == SIZE - 1
    assert fault_proxy.total_bytes(KEY) < 1 << 20, "no byte of it came through the worker"
    place = {"Bucket": there.bucket, "Key": there.prefix + KEY}
    for start, data in ((0, b"\0" * 9), (5 << 29, b"\0" * 9), (SIZE - 3, b"\0\0!")):
        found = there.client.get_object(**place, Range=f"bytes={start}-{start + len(data) - 1}")
        assert found["ContentRange"] == f"bytes {start}-{start + len(data) - 1}/{SIZE}"
        assert found["Body"].read() == data
    again = copy(None, there, tmp_path, **source, compare_by="size")
    assert (again.summary.exit_code, again.counts) == (0, (0, 1, 0, 0))
    there.delete(KEY)
