"""Copies from, to and between real S3 buckets: every size and way, what is kept, and what it costs."""

import os
from collections.abc import Iterator

import boto3
import pytest

from tests.core.copying.copies import MIB, copy, error_of, listed, plan, stores_of
from tests.servers.fault_proxy import Fault
from tests.services.s3_transfers import PART, Buckets, fresh_process
from transforms.core import run_context
from transforms.core.copying.verify_stored import check_object
from transforms.core.errors import TransientError
from transforms.core.objects.access import (
    CorruptedError,
    ForbiddenError,
)
from transforms.core.retrying import RETRY


@pytest.fixture
def buckets(s3_environment, fault_proxy, tmp_path) -> Iterator[Buckets]:
    with fresh_process():
        yield Buckets(s3_environment, fault_proxy, tmp_path)


SIZES = (0, 1, PART - 1, PART, PART + 1, 2 * PART + 7)


@pytest.mark.parametrize("size", SIZES)
class TestEverySize:
    @pytest.mark.parametrize("mode", ["hybrid", "traditional"])
    def test_from_disk_to_s3(self, buckets, size, mode):
        data = os.urandom(size)
        (buckets.folder / "f").write_bytes(data)
        copied = copy(buckets.settings("file s3", mode=mode), "f")
        assert copied[:2] == (mode, "match")
        assert copied.proved_by in ("crc32c", "md5", "multipart_etag")
        assert buckets.got("f") == data

    @pytest.mark.parametrize("mode", ["hybrid", "traditional"])
    def test_from_s3_to_disk(self, buckets, size, mode):
        data = os.urandom(size)
        buckets.put("f", data)
        copied = copy(buckets.settings("s3 file", mode=mode), "f")
        assert copied[:3] == (mode, "match", "re-read")
        assert (buckets.folder / "f").read_bytes() == data

    @pytest.mark.parametrize("mode", ["hybrid", "traditional"])
    def test_between_two_endpoints(self, buckets, size, mode):
        data = os.urandom(size)
        buckets.put("f", data)
        copied = copy(buckets.settings(mode=mode), "f")
        assert copied[:2] == (mode, "match")
        assert copied.bytes_through == size
        assert buckets.got("f") == data

    def test_on_the_server(self, buckets, size):
        data = os.urandom(size)
        buckets.put("f", data)
        copied = copy(buckets.settings(source_access=buckets.direct), "f")
        assert copied[:5] == ("direct_sync", "match", "md5", "", 0)
        assert buckets.got("f") == data


def test_a_small_object_costs_one_request_on_each_side(buckets):
    buckets.put("f", b"data")
    settings = buckets.settings(destination_access=buckets.apart)
    planned = plan(settings, "f")
    buckets.proxy.log.clear()
    assert copy(settings, "f", planned).proof == "match"
    assert [(method, status) for method, _, status, _ in buckets.proxy.log] == [("GET", 200), ("PUT", 200)]


def test_the_outcome_says_why_the_server_could_not_copy(buckets):
    buckets.put("f", b"data")
    assert copy(buckets.settings(), "f").fell_back == "direct_sync: the two sides have different endpoints"


FORBIDDEN = {"status": 403, "body": b"<Error><Code>AccessDenied</Code></Error>"}
BROKEN = {"status": 500, "retry_after": "0", "times": RETRY.attempts}


@pytest.mark.parametrize("mode", ["auto", "hybrid"])
@pytest.mark.parametrize(("refused", "error"), [(FORBIDDEN, ForbiddenError), (BROKEN, TransientError)])
def test_a_server_side_copy_that_is_refused_for_good_goes_through_here(buckets, mode, refused, error):
    buckets.put("f", b"data")
    settings = buckets.settings(destination_access=buckets.through, mode=mode)
    buckets.proxy.add(Fault(path="/f", method="PUT", **refused))
    copied = copy(settings, "f")
    assert copied[:2] == ("hybrid", "match")
    assert copied.fell_back.startswith("direct_sync: can't ")
    assert f"{refused['status']}" in copied.fell_back
    assert (buckets.got("f"), buckets.proxy.pending_faults) == (b"data", 0)
    buckets.proxy.add(Fault(path="/f", method="PUT", **refused))
    planned = plan(settings, "f")
    with pytest.raises(error):
        copy(settings._replace(fallback="none"), "f", planned)


def test_the_temporary_file_lives_in_the_run_s_folder_and_goes_with_it(buckets):
    buckets.put("f", b"x" * (PART + 1))
    run = buckets.folder / "run"
    with run_context.active(run_context.RunContext("r", os.getpid(), str(run))):
        assert copy(buckets.settings(mode="traditional"), "f").mode == "traditional"
    assert [path.name for path in run.iterdir()] == ["progress"]
    assert buckets.got("f") == b"x" * (PART + 1)


@pytest.mark.parametrize("flips", [0, 1, 99])
@pytest.mark.parametrize("ends", ["s3 s3", "s3 file"])
def test_an_object_in_parts_is_proved_by_its_etag_in_the_same_parts(buckets, ends, flips):
    config = boto3.s3.transfer.TransferConfig(multipart_threshold=1, multipart_chunksize=6 * MIB)
    (buckets.folder / "big").write_bytes(os.urandom(15 * MIB))
    key = f"{buckets.prefix}f"
    buckets.client.upload_file(str(buckets.folder / "big"), buckets.source, key, Config=config)
    settings = buckets.settings(ends, mode="hybrid")
    planned = plan(settings, "f")
    buckets.proxy.add(Fault(path="/f", flip_at=700, times=flips))
    if flips == 99:
        error = error_of(settings, "f", planned)
        assert isinstance(error, CorruptedError)
        assert "the bytes that came have multipart_etag" in str(error)
        return
    assert copy(settings, "f", planned).proof == "match"
    assert buckets.proxy.pending_faults == 0
    if ends == "s3 s3":
        tags = [buckets.client.head_object(Bucket=b, Key=key)["ETag"] for b in (buckets.source, buckets.destination)]
        assert tags[0] == tags[1]
        assert tags[0].endswith('-3"')


def test_attributes_are_kept_and_gzip_goes_as_stored(buckets):
    kept = {
        "ContentType": "text/csv",
        "ContentEncoding": "gzip",
        "ContentDisposition": "attachment",
        "ContentLanguage": "fa",
        "CacheControl": "no-store",
        "Metadata": {"colour": "blue", "mtime": "1600000000.25"},
    }
    body = b"\x1f\x8bstored as it is"
    buckets.put("f", body, **kept)
    for mode in ("direct_sync", "hybrid", "traditional"):
        source = buckets.through if mode == "hybrid" else buckets.direct
        assert copy(buckets.settings(mode=mode, source_access=source), "f").mode == mode
        found = buckets.found("f")
        assert {name: found[name] for name in kept} == kept
        assert found["Body"].read() == body
    copy(buckets.settings("s3 file"), "f")
    assert (buckets.folder / "f").stat().st_mtime == 1600000000.25


def test_tags_are_kept_on_request(buckets):
    buckets.put("f", b"data", Tagging="team=a&cost=b%20c")
    for keep_tags, expected in ((False, []), (True, [{"Key": "cost", "Value": "b c"}, {"Key": "team", "Value": "a"}])):
        copy(buckets.settings(mode="hybrid", keep_tags=keep_tags), "f")
        found = buckets.client.get_object_tagging(Bucket=buckets.destination, Key=f"{buckets.prefix}f")["TagSet"]
        assert sorted(found, key=lambda tag: tag["Key"]) == expected


@pytest.mark.parametrize(("theirs", "said"), [(b"same", ("match", "md5")), (b"sane", ("mismatch", "md5"))])
def test_a_file_is_compared_with_an_object_by_reading_the_file_only(buckets, theirs, said):
    buckets.put("f", b"same")
    (buckets.folder / "f").write_bytes(theirs)
    settings = buckets.settings("s3 file")
    stores = stores_of(settings)
    sides = [listed(store, side.uri + "f") for store, side in zip(stores, settings[:2], strict=True)]
    buckets.proxy.log.clear()
    assert check_object(*sides, settings, stores) == said
    assert [method for method, *_ in buckets.proxy.log] == ["HEAD"]
