"""What S3 does for a copy beside listing and multipart writes: details, whole reads, conditional writes, tags."""

import hashlib
import random

import pytest

from tests.servers.fault_proxy import Fault
from tests.servers.s3 import run_moto_server
from tests.services.s3_places import Place, checksums_of, crc32c_of, new_place
from transforms.core.errors import SourceChangedError, TransientError
from transforms.core.objects.access import (
    AlreadyThereError,
    ConflictError,
    CorruptedError,
    MissingError,
    UnsupportedError,
)
from transforms.core.objects.details import ABSENT, ANY, NO_CHECKSUMS, Attributes, Checksums, Condition
from transforms.core.objects.store import open_copy_store
from transforms.core.outcome import ObjectInfo

WHOLE = (Attributes(), ANY)
DATA = random.Random(3).randbytes(70_000)
ATTRIBUTES = Attributes(
    content_type="text/csv",
    content_encoding="gzip",
    content_disposition="attachment",
    content_language="de",
    cache_control="max-age=3",
    user=(("a", "b  c"), ("umlaut", "ä 文")),
)


@pytest.fixture(scope="module")
def moto_server():
    with run_moto_server() as server:
        yield server


@pytest.fixture
def place(s3_environment) -> Place:
    return new_place(s3_environment)


@pytest.fixture
def moto(moto_server, monkeypatch) -> Place:
    for name, value in moto_server.environment.items():
        monkeypatch.setenv(name, value)
    return new_place(moto_server)


@pytest.fixture
def proxied(s3_environment, fault_proxy) -> Place:
    fault_proxy.reset(s3_environment.endpoint)
    return new_place(s3_environment, fault_proxy.endpoint)


def test_the_opened_store_is_this_one(place):
    assert open_copy_store(place.root).limits == place.store.limits


def test_what_is_put_is_described_and_fetched_alike(place):
    uri = place.uri("deep/a b+%ä.csv")
    written = place.store.put(uri, DATA, ATTRIBUTES, checksums_of(DATA), ANY)
    md5 = hashlib.md5(DATA).hexdigest()
    assert written.info[:3] == (uri, len(DATA), md5)
    assert written.checksums == Checksums(md5=md5, crc32c=crc32c_of(DATA))
    found = place.store.details(uri)
    assert (found.info[:3], found.attributes) == (written.info[:3], ATTRIBUTES)
    assert found.checksums == written.checksums
    assert found.part_bytes == 0
    assert place.store.fetch(found.info) == (DATA, found)
    assert place.store.head(uri) == found.info


@pytest.mark.parametrize("size_bytes", [0, 1])
def test_the_smallest_objects_pass(place, size_bytes):
    data = b"x" * size_bytes
    written = place.store.put(place.uri("small"), data, Attributes(), NO_CHECKSUMS, ABSENT)
    assert written.checksums.crc32c == crc32c_of(data)
    assert place.store.fetch(written.info)[0] == data


def test_a_checksum_goes_along_even_where_none_is_given(place, fault_proxy, s3_environment):
    fault_proxy.reset(s3_environment.endpoint)
    behind = new_place(s3_environment, fault_proxy.endpoint)
    behind.store.put(behind.uri("a"), b"123456789", Attributes(), NO_CHECKSUMS, ANY)
    sent = fault_proxy.log[-1][3]
    assert sent["x-amz-checksum-crc32c"] == "4waSgw=="
    assert sent["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"


@pytest.mark.parametrize(
    "wrong",
    [Checksums(crc32c="0" * 8), Checksums(md5="0" * 32), Checksums(sha256="0" * 64), Checksums(sha1="0" * 40)],
)
def test_bytes_that_are_not_those_of_their_checksum_are_refused(place, wrong):
    with pytest.raises(CorruptedError, match="BadDigest"):
        place.store.put(place.uri("bad"), DATA, Attributes(), wrong, ANY)
    with pytest.raises(MissingError):
        place.store.head(place.uri("bad"))


@pytest.mark.parametrize("name", ["place", "moto"])
def test_conditions_hold_or_the_name_is_left_alone(request, name):
    place = request.getfixturevalue(name)
    uri = place.uri("k")
    first = place.store.put(uri, b"1", Attributes(), NO_CHECKSUMS, ABSENT)
    with pytest.raises(AlreadyThereError):
        place.store.put(uri, b"2", Attributes(), NO_CHECKSUMS, ABSENT)
    second = place.store.put(uri, b"2", Attributes(), NO_CHECKSUMS, Condition(etag=first.info.etag))
    with pytest.raises(ConflictError, match="another version"):
        place.store.put(uri, b"3", Attributes(), NO_CHECKSUMS, Condition(etag=first.info.etag))
    assert place.store.fetch(second.info)[0] == b"2"
    with pytest.raises(ConflictError):
        place.store.put(place.uri("none"), b"3", Attributes(), NO_CHECKSUMS, Condition(etag=first.info.etag))


@pytest.mark.parametrize(("status", "code"), [(501, "NotImplemented"), (400, "NotImplemented")])
def test_a_server_without_conditions_is_named(proxied, fault_proxy, status, code):
    fault_proxy.add(Fault(method="PUT", status=status, body=f"<Error><Code>{code}</Code></Error>".encode()))
    with pytest.raises(UnsupportedError, match=code):
        proxied.store.put(proxied.uri("k"), b"1", Attributes(), NO_CHECKSUMS, ABSENT)


@pytest.mark.parametrize("condition", [ABSENT, "version"])
def test_a_conditional_write_whose_answer_is_lost_is_settled(proxied, fault_proxy, condition):
    uri = proxied.uri("k")
    if condition == "version":
        condition = Condition(etag=proxied.store.put(uri, b"old", Attributes(), NO_CHECKSUMS, ANY).info.etag)
    fault_proxy.add(Fault(method="PUT", lose_answer=True))
    written = proxied.store.put(uri, DATA, Attributes(), NO_CHECKSUMS, condition)
    assert written.info.etag == hashlib.md5(DATA).hexdigest()
    assert fault_proxy.pending_faults == 0


def test_a_lost_answer_does_not_claim_another_writers_object_of_the_same_size(proxied, fault_proxy):
    proxied.store.put(proxied.uri("k"), b"theirs", Attributes(), NO_CHECKSUMS, ANY)
    fault_proxy.add(Fault(method="PUT", lose_answer=True))
    with pytest.raises(AlreadyThereError):
        proxied.store.put(proxied.uri("k"), b"ours!!", Attributes(), NO_CHECKSUMS, ABSENT)


def test_slow_down_is_waited_out_and_a_503_of_no_known_kind_then_told_with_the_time_asked_for(proxied, fault_proxy):
    fault_proxy.add(Fault(method="PUT", status=503, retry_after="0", body=b"<Error><Code>SlowDown</Code></Error>"))
    proxied.store.put(proxied.uri("k"), b"1", Attributes(), NO_CHECKSUMS, ANY)
    assert [entry[2] for entry in fault_proxy.log] == [503, 200]
    fault_proxy.add(Fault(times=100, method="PUT", status=503, retry_after="0"))
    with pytest.raises(TransientError, match="503") as caught:
        proxied.store.put(proxied.uri("k"), b"1", Attributes(), NO_CHECKSUMS, ANY)
    assert caught.value.retry_after_seconds == 0.0


@pytest.mark.parametrize("reset", [False, True])
def test_a_fetch_whose_body_is_cut_begins_again(proxied, fault_proxy, reset):
    info = proxied.store.put(proxied.uri("k"), DATA, Attributes(), NO_CHECKSUMS, ANY).info
    fault_proxy.add(Fault(times=2, cut_after=30_000, reset=reset))
    assert proxied.store.fetch(info)[0] == DATA
    assert fault_proxy.pending_faults == 0


def test_an_object_that_changed_is_not_fetched(place):
    info = place.store.put(place.uri("k"), b"one", Attributes(), NO_CHECKSUMS, ANY).info
    place.store.put(place.uri("k"), b"two", Attributes(), NO_CHECKSUMS, ANY)
    with pytest.raises(SourceChangedError, match="changed since"):
        place.store.fetch(info)
    with pytest.raises(SourceChangedError, match="changed since"):
        place.store.fetch(ObjectInfo(info.uri, 2, "", 0.0))
    with pytest.raises(MissingError):
        place.store.fetch(ObjectInfo(place.uri("none"), 2, "", 0.0))


@pytest.mark.parametrize("name", ["place", "moto"])
def test_tags_are_written_and_read(request, name):
    place = request.getfixturevalue(name)
    tags = (("a b", "c+d=e:/@"), ("x", "ä"))
    info = place.store.put(place.uri("k"), b"1", Attributes(tags=tags), NO_CHECKSUMS, ANY).info
    assert place.store.tags(info) == tags
    bare = place.store.put(place.uri("bare"), b"1", Attributes(), NO_CHECKSUMS, ANY).info
    assert place.store.tags(bare) == ()
    with pytest.raises(MissingError):
        place.store.tags(ObjectInfo(place.uri("none"), 1, "", 0.0))


@pytest.mark.parametrize(("status", "code"), [(404, "NoSuchTagSet"), (501, "NotImplemented"), (405, "")])
def test_a_server_without_tags_has_none(proxied, fault_proxy, status, code):
    fault_proxy.add(Fault(status=status, body=f"<Error><Code>{code}</Code></Error>".encode()))
    assert proxied.store.tags(ObjectInfo(proxied.uri("k"), 1, "", 0.0)) == ()


KEYS = [
    "a b", "a+b", "a%20b", "100%", "ä文\U0001f600", "a//b", "/lead", "./dot", "../up", "x/../y", "x/./y", "x/..",
    "end/", "a?b=c&d", "#", "'\"<>&", "k" * 1024, "ä" * 512, "~*!()",
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_every_key_goes_through_every_request(moto, key):
    uri = moto.uri(key)
    info = moto.store.put(uri, b"1", Attributes(), NO_CHECKSUMS, ABSENT).info
    assert moto.store.fetch(info)[0] == b"1"
    assert [item.info.uri for item in moto.store.list_range(moto.root, "", "")] == [uri]
    upload = moto.store.begin(uri, Attributes(), ANY, 2)
    part = moto.store.put_part(upload, 1, 0, b"22", NO_CHECKSUMS)
    moto.store.complete(upload, [part], NO_CHECKSUMS)
    copied = moto.store.copy_within(moto.store.details(uri), uri + "2" if len(key) < 512 else moto.uri("2"), *WHOLE)
    assert moto.store.read(copied.info, 0, 2) == b"22"
    assert moto.store.delete_all([moto.store.head(uri), copied.info]) == []
    assert list(moto.store.list_range(moto.root, "", "")) == []


def test_requester_pays_is_said_in_every_request(s3_environment, fault_proxy):
    fault_proxy.reset(s3_environment.endpoint)
    place = new_place(s3_environment, fault_proxy.endpoint, requester_pays=True)
    info = place.store.put(place.uri("k"), b"1", Attributes(), NO_CHECKSUMS, ANY).info
    place.store.details(info.uri)
    place.store.fetch(info)
    place.store.tags(info)
    list(place.store.list_range(place.root, "", ""))
    upload = place.store.begin(place.uri("m"), Attributes(), ANY, 1)
    place.store.complete(upload, [place.store.put_part(upload, 1, 0, b"1", NO_CHECKSUMS)], NO_CHECKSUMS)
    place.store.abort_leftovers(place.root, 0)
    place.store.copy_within(place.store.details(info.uri), place.uri("c"), Attributes(), ANY)
    place.store.delete_all([info])
    assert len(fault_proxy.log) > 10
    assert all(headers["x-amz-request-payer"] == "requester" for _, _, _, headers in fault_proxy.log)
