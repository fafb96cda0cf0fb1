"""Multipart writes to S3: parts, checksums, conditions, lost answers, and what dead runs leave behind."""

import hashlib
import itertools
import random
import time

import pytest

from tests.pipelines.ingest_jobs import wait_until
from tests.servers.fault_proxy import Fault
from tests.services.s3_places import Place, checksums_of, crc32c_of, new_place
from transforms.core.copying.checksums import ALGORITHMS
from transforms.core.errors import PermanentError
from transforms.core.objects import s3_multipart
from transforms.core.objects.access import (
    AlreadyThereError,
    ConflictError,
    CorruptedError,
    ForbiddenError,
    MissingError,
)
from transforms.core.objects.details import ABSENT, ANY, NO_CHECKSUMS, Attributes, Checksums, Condition, Upload
from transforms.core.objects.s3_leftovers import started

PART_BYTES = 5 << 20
DATA = random.Random(5).randbytes(PART_BYTES + 1)
ATTRIBUTES = Attributes(content_type="text/csv", user=(("a", "b"),), tags=(("x", "y"),))


@pytest.fixture
def place(s3_environment) -> Place:
    return new_place(s3_environment)


@pytest.fixture
def proxied(s3_environment, fault_proxy) -> Place:
    fault_proxy.reset(s3_environment.endpoint)
    return new_place(s3_environment, fault_proxy.endpoint)


def sent(place: Place, upload: Upload, data: bytes = DATA) -> list:
    """All parts, the last one first."""
    parts = []
    for number, start in reversed(list(enumerate(range(0, len(data), PART_BYTES), 1))):
        part = data[start : start + PART_BYTES]
        parts.append(place.store.put_part(upload, number, start, part, checksums_of(part)))
    return parts[::-1]


def etag_of(data: bytes) -> str:
    digests = [hashlib.md5(data[start : start + PART_BYTES]).digest() for start in range(0, len(data), PART_BYTES)]
    return f"{hashlib.md5(b''.join(digests)).hexdigest()}-{len(digests)}"


@pytest.mark.parametrize("size_bytes", [1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1])
def test_parts_become_one_object_with_one_checksum(place, size_bytes):
    data, uri = DATA[:size_bytes], place.uri("deep/a b")
    upload = place.store.begin(uri, ATTRIBUTES, ABSENT, size_bytes)
    parts = sent(place, upload, data)
    with pytest.raises(MissingError):
        place.store.head(uri)
    written = place.store.complete(upload, parts, checksums_of(data))
    assert written.info[:3] == (uri, size_bytes, etag_of(data))
    assert written.checksums == Checksums(crc32c=crc32c_of(data), multipart_etag=etag_of(data))
    assert written.part_bytes == min(size_bytes, PART_BYTES)
    found = place.store.details(uri)
    assert (found.checksums, found.part_bytes) == (written.checksums, written.part_bytes)
    assert found.attributes == ATTRIBUTES._replace(tags=())
    assert place.store.tags(found.info) == ATTRIBUTES.tags
    assert place.store.read(found.info, 0, size_bytes) == data
    assert list(started(place.store._bucket, place.root)) == []


def test_a_part_sent_again_replaces_the_earlier_one(place):
    upload = place.store.begin(place.uri("k"), Attributes(), ANY, 3)
    place.store.put_part(upload, 1, 0, b"old", NO_CHECKSUMS)
    part = place.store.put_part(upload, 1, 0, b"new", Checksums(md5=hashlib.md5(b"new").hexdigest()))
    assert place.store.fetch(place.store.complete(upload, [part], NO_CHECKSUMS).info)[0] == b"new"


@pytest.mark.parametrize("wrong", [Checksums(crc32c="0" * 8), Checksums(md5="0" * 32)])
def test_a_part_that_is_not_what_its_checksum_says_is_refused(place, wrong):
    upload = place.store.begin(place.uri("k"), Attributes(), ANY, 3)
    with pytest.raises(CorruptedError):
        place.store.put_part(upload, 1, 0, b"abc", wrong)
    place.store.abort(upload)


def test_a_whole_that_is_not_what_its_checksum_says_never_shows(place):
    upload = place.store.begin(place.uri("k"), Attributes(), ANY, len(DATA))
    with pytest.raises(PermanentError):
        place.store.complete(upload, sent(place, upload), Checksums(crc32c="0" * 8))
    with pytest.raises(MissingError):
        place.store.head(place.uri("k"))
    place.store.abort(upload)


def test_the_condition_is_asked_when_the_object_would_show(place):
    uri = place.uri("k")
    absent = place.store.begin(uri, Attributes(), ABSENT, 1)
    parts = [place.store.put_part(absent, 1, 0, b"1", NO_CHECKSUMS)]
    theirs = place.store.put(uri, b"theirs", Attributes(), NO_CHECKSUMS, ANY)
    with pytest.raises(AlreadyThereError):
        place.store.complete(absent, parts, NO_CHECKSUMS)
    place.store.abort(absent)
    for etag, error in ((theirs.info.etag, None), (theirs.info.etag, ConflictError)):
        upload = place.store.begin(uri, Attributes(), Condition(etag=etag), 1)
        parts = [place.store.put_part(upload, 1, 0, b"1", NO_CHECKSUMS)]
        if error is None:
            assert place.store.fetch(place.store.complete(upload, parts, NO_CHECKSUMS).info)[0] == b"1"
        else:
            with pytest.raises(error, match="another version"):
                place.store.complete(upload, parts, NO_CHECKSUMS)
            place.store.abort(upload)


@pytest.mark.parametrize("condition", [ANY, ABSENT])
def test_a_completion_whose_answer_is_lost_is_settled(proxied, fault_proxy, condition):
    upload = proxied.store.begin(proxied.uri("k"), Attributes(), condition, len(DATA))
    parts = sent(proxied, upload)
    fault_proxy.add(Fault(method="POST", lose_answer=True))
    written = proxied.store.complete(upload, parts, checksums_of(DATA))
    assert written.info.etag == etag_of(DATA)
    assert written.part_bytes == PART_BYTES
    assert fault_proxy.pending_faults == 0


def test_an_upload_that_is_gone_does_not_claim_what_others_wrote(place):
    upload = place.store.begin(place.uri("k"), Attributes(), ANY, 3)
    parts = [place.store.put_part(upload, 1, 0, b"one", NO_CHECKSUMS)]
    place.store.abort(upload)
    place.store.abort(upload)
    place.store.put(place.uri("k"), b"two", Attributes(), NO_CHECKSUMS, ANY)
    with pytest.raises(MissingError, match="no such upload"):
        place.store.complete(upload, parts, NO_CHECKSUMS)


def test_an_error_behind_a_200_is_one(proxied, fault_proxy):
    upload = proxied.store.begin(proxied.uri("k"), Attributes(), ANY, 1)
    parts = [proxied.store.put_part(upload, 1, 0, b"1", NO_CHECKSUMS)]
    body = b"<?xml version='1.0'?>\n<Error><Code>InternalError</Code></Error>"
    fault_proxy.add(Fault(method="POST", status=200, body=body))
    assert proxied.store.fetch(proxied.store.complete(upload, parts, NO_CHECKSUMS).info)[0] == b"1"
    assert fault_proxy.pending_faults == 0


def test_a_conflict_underway_ends_the_upload(proxied, fault_proxy):
    upload = proxied.store.begin(proxied.uri("k"), Attributes(), ABSENT, 1)
    parts = [proxied.store.put_part(upload, 1, 0, b"1", NO_CHECKSUMS)]
    fault_proxy.add(Fault(method="POST", status=409, body=b"<Error><Code>ConditionalRequestConflict</Code></Error>"))
    with pytest.raises(ConflictError):
        proxied.store.complete(upload, parts, NO_CHECKSUMS)
    proxied.store.abort(upload)


def test_an_upload_that_can_not_be_marked_as_ours_is_given_up_at_once(proxied, fault_proxy):
    fault_proxy.add(Fault(method="PUT", status=403, body=b"<Error><Code>AccessDenied</Code></Error>"))
    with pytest.raises(ForbiddenError):
        proxied.store.begin(proxied.uri("k"), Attributes(), ANY, 1)
    assert list(started(proxied.store._bucket, proxied.root)) == []


def test_an_upload_whose_answer_was_lost_is_found_by_the_end_of_the_run_and_no_other(proxied, fault_proxy):
    client, key = proxied.server.client(), "in/k"
    foreign = [client.create_multipart_upload(Bucket=proxied.bucket, Key=name)["UploadId"] for name in (key, f"{key}2")]
    client.upload_part(Bucket=proxied.bucket, Key=key, UploadId=foreign[0], PartNumber=1, Body=b"theirs")
    fault_proxy.add(Fault(method="POST", lose_answer=True))
    upload = proxied.store.begin(proxied.uri(key), Attributes(), ANY, 1)
    assert fault_proxy.pending_faults == 0
    assert len(list(started(proxied.store._bucket, proxied.root))) == 4
    proxied.store.complete(upload, [proxied.store.put_part(upload, 1, 0, b"1", NO_CHECKSUMS)], NO_CHECKSUMS)
    assert proxied.store.abort_leftovers(proxied.root, 3600) == 1
    assert {item.token for item in started(proxied.store._bucket, proxied.root)} == set(foreign)


def test_leftovers_of_ours_are_aborted_and_no_others(place):
    ours = [place.store.begin(place.uri(f"in/{n} ä"), Attributes(), ANY, 1) for n in range(3)]
    place.store.put_part(ours[0], 1, 0, b"1", NO_CHECKSUMS)
    beside = place.store.begin(place.uri("out/k"), Attributes(), ANY, 1)
    client = place.server.client()
    foreign = client.create_multipart_upload(Bucket=place.bucket, Key="in/theirs")["UploadId"]
    client.upload_part(Bucket=place.bucket, Key="in/theirs", UploadId=foreign, PartNumber=10_000, Body=b"theirs")
    assert place.store.abort_leftovers(place.uri("in/"), 3600) == 0
    assert place.store.abort_leftovers(place.uri("in/"), 0) == 3
    assert place.store.abort_leftovers(place.uri("in/"), 0) == 0
    left = {(item.key, item.token) for item in started(place.store._bucket, place.root)}
    assert left == {("in/theirs", foreign), ("out/k", beside.token)}


def test_an_upload_whose_name_has_got_its_object_since_is_dead_however_young(place):
    client = place.server.client()
    client.put_object(Bucket=place.bucket, Key="before", Body=b"1")
    written = client.head_object(Bucket=place.bucket, Key="before")["LastModified"].timestamp()
    wait_until(lambda: time.time() - written > 2.5, "two seconds more than servers round")
    for key in ("before", "since", "nothing yet"):
        place.store.begin(place.uri(key), Attributes(), ANY, 1)
    client.put_object(Bucket=place.bucket, Key="since", Body=b"1")
    assert place.store.abort_leftovers(place.root, 3600) == 1
    assert {item.key for item in started(place.store._bucket, place.root)} == {"before", "nothing yet"}


def test_leftovers_are_found_page_by_page(place, monkeypatch):
    for n in range(5):
        place.store.begin(place.uri(f"{n}"), Attributes(), ANY, 1)
    pages = itertools.count()
    send = place.store._bucket.send

    def small_pages(asked):
        if "uploads" in asked.query and asked.method == "GET":
            next(pages)
            asked = asked._replace(query={**asked.query, "max-uploads": "2"})
        return send(asked)

    monkeypatch.setattr(place.store._bucket, "send", small_pages)
    assert place.store.abort_leftovers(place.root, 0) == 5
    assert next(pages) == 3


@pytest.mark.parametrize("name", list(s3_multipart.MARKER_CHECKS))
def test_the_markers_checksums_are_its_own(name):
    running = ALGORITHMS[name]()
    running.update(s3_multipart.MARKER)
    assert running.hexdigest() == s3_multipart.MARKER_CHECKS[name]
