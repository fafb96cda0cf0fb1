"""What a copy keeps beside the bytes: headers, user metadata, times, tags, storage class, stored encodings."""

import gzip
import json
import os

import pytest

from tests.servers.s3 import run_moto_server
from tests.services.copy_ends import PART, S3Prefix, apart, copy, set_time, verify

EVERYTHING = {
    "ContentType": "text/x-notes",
    "ContentDisposition": 'attachment; filename="n.txt"',
    "ContentLanguage": "de, en",
    "CacheControl": "max-age=60",
}
USER = {"author": "ada", "mtime": "1700000000.25", "two-words": "a b"}
MTIME = 1_700_000_000.25
BUCKETS = [("s3", "s3"), ("s3", "gs"), ("gs", "s3"), ("gs", "gs")]


@pytest.fixture
def moto(monkeypatch):
    """Another S3 server: it knows storage classes and tags, and takes every key."""
    with run_moto_server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.mark.parametrize(
    ("source", "destination", "mode"),
    [
        *((*pair, "auto") for pair in BUCKETS),
        ("s3", "s3", "direct_sync"),
        ("s3", "s3", "hybrid"),
        ("gs", "gs", "hybrid"),
        ("s3", "gs", "traditional"),
    ],
)
def test_headers_and_user_metadata_are_kept(new_end, tmp_path, source, destination, mode):
    here, there = new_end(source), new_end(destination)
    here.put("small", b"text", **EVERYTHING, Metadata=USER)
    here.put("large", os.urandom(PART + 1), **EVERYTHING, Metadata=USER)
    run = copy(here, there, tmp_path, mode=mode, part_size_mb=5, **(apart(here) if mode == "hybrid" else {}))
    assert run.summary.exit_code == 0
    for key in ("small", "large"):
        assert there.got(key) == here.got(key)._replace(storage_class=there.got(key).storage_class)
        assert (there.got(key).headers, there.got(key).user) == (EVERYTHING, USER)


@pytest.mark.parametrize(("source", "destination"), [*BUCKETS, ("s3", "file"), ("gs", "file")])
def test_what_is_stored_packed_stays_packed(new_end, tmp_path, source, destination):
    here, there = new_end(source), new_end(destination, "there")
    packed = gzip.compress(b"many words " * 10_000)
    here.put("page.html", packed, ContentType="text/html", ContentEncoding="gzip")
    run = copy(here, there, tmp_path)
    assert (run.summary.exit_code, run.summary.bytes.done) == (0, len(packed))
    assert there.got("page.html").body == packed
    if destination != "file":
        assert there.got("page.html").headers["ContentEncoding"] == "gzip"
        assert verify(here, there, tmp_path, verify="full").summary.exit_code == 0


@pytest.mark.parametrize("kind", ["s3", "gs"])
def test_a_files_time_goes_to_a_bucket_and_back(new_end, tmp_path, kind):
    here, bucket, back = new_end("file", "here"), new_end(kind), new_end("file", "back")
    here.put("a.csv", b"a,b")
    set_time(here.path / "a.csv", MTIME)
    assert copy(here, bucket, tmp_path).summary.exit_code == 0
    assert float(bucket.got("a.csv").user["mtime"]) == MTIME
    assert bucket.got("a.csv").headers["ContentType"] == "text/csv"
    assert copy(bucket, back, tmp_path).summary.exit_code == 0
    assert (back.path / "a.csv").stat().st_mtime == MTIME


def test_a_files_time_is_kept_on_another_disk_folder(new_end, tmp_path):
    here, there = new_end("file", "here"), new_end("file", "there")
    here.put("a.csv", b"a,b")
    set_time(here.path / "a.csv", MTIME)
    assert copy(here, there, tmp_path).summary.exit_code == 0
    assert (there.path / "a.csv").stat().st_mtime == MTIME


TAGS = {"team": "blue", "cost": "+1"}


@pytest.mark.parametrize(
    ("mode", "unasked"), [("auto", TAGS), ("direct_sync", TAGS), ("hybrid", TAGS), ("apart", {}), ("traditional", {})]
)
def test_tags_are_kept_on_request_and_by_what_a_server_copies_unasked(moto, tmp_path, mode, unasked):
    here = S3Prefix(moto)
    here.put("k", b"x", Tagging="team=blue&cost=%2B1")
    with_tags, without = S3Prefix(moto), S3Prefix(moto)
    given = {"mode": mode} if mode != "apart" else apart(here)
    assert copy(here, with_tags, tmp_path, keep_tags=True, **given).summary.exit_code == 0
    assert copy(here, without, tmp_path, **given).summary.exit_code == 0
    assert (with_tags.tags("k"), without.tags("k")) == (TAGS, unasked)


@pytest.mark.parametrize("mode", ["auto", "apart", "traditional"])
def test_the_storage_class_is_the_buckets_own_the_one_asked_for_or_the_sources(moto, tmp_path, mode):
    here = S3Prefix(moto)
    here.put("k", b"x", StorageClass="ONEZONE_IA")
    found = {}
    for asked in ("", "STANDARD_IA", "keep"):
        there = S3Prefix(moto)
        given = {"mode": mode} if mode != "apart" else apart(here)
        assert copy(here, there, tmp_path, storage_class=asked, **given).summary.exit_code == 0
        found[asked] = there.got("k").storage_class
    assert found == {"": "", "STANDARD_IA": "STANDARD_IA", "keep": "ONEZONE_IA"}


@pytest.mark.parametrize(
    ("source", "mode"),
    [("file", "auto"), ("gs", "auto"), ("s3", "traditional")],
)
def test_the_storage_class_asked_for_reaches_a_gcs_bucket(new_end, fault_proxy, tmp_path, source, mode):
    """fake-gcs-server keeps that of simple uploads only: of others, what it was told is looked at."""
    here = new_end(source, "here", fault_proxy.endpoint if source == "gs" else "")
    here.put("small", b"x")
    here.put("large", os.urandom(PART + 1))
    found = {}
    for asked in ("", "NEARLINE"):
        there = new_end("gs", "there", fault_proxy.endpoint)
        fault_proxy.reset(there.server.endpoint)
        run = copy(here, there, tmp_path, mode=mode, storage_class=asked, part_size_mb=5)
        assert (run.summary.exit_code, run.counts) == (0, (2, 0, 0, 0))
        found[asked] = [json.loads(body).get("storageClass") for _, body in fault_proxy.described]
        if mode != "auto" or source != "gs":
            found[asked].append(there.got("small").storage_class)
    assert found["NEARLINE"] == ["NEARLINE"] * 2, "of an upload in parts, and the small one; of two rewrites"
    assert "NEARLINE" not in found[""]


def test_user_metadata_that_would_be_lost_fails_its_object_and_no_other(new_end, tmp_path):
    here, there = new_end("gs"), new_end("s3")
    here.put("good", b"x", Metadata={"a": "b"})
    here.put("bad", b"x", Metadata={"not a header name": "b"})
    run = copy(here, there, tmp_path)
    assert (run.summary.exit_code, run.statuses()) == (1, {"good": "done", "bad": "failed"})
    assert "'not a header name'" in run.failures["bad"]["message"]
    assert there.keys() == {"good"}
