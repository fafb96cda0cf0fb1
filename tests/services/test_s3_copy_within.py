"""Copies that S3 makes by itself: metadata, conditions, versions, errors behind a 200, parts."""

import random

import pytest

from tests.servers.fault_proxy import Fault
from tests.servers.s3 import run_moto_server
from tests.services.s3_places import Place, checksums_of, new_place
from transforms.core.errors import PermanentError, SourceChangedError
from transforms.core.objects import s3_copying
from transforms.core.objects.access import AlreadyThereError, ConflictError, ForbiddenError, MissingError
from transforms.core.objects.details import ABSENT, ANY, NO_CHECKSUMS, Attributes, Condition, ObjectDetails
from transforms.core.objects.s3_leftovers import started

MIB = 1 << 20
ATTRIBUTES = Attributes(content_type="text/csv", cache_control="no-cache", user=(("a", "b"),))
SOURCE = "deep/a b+%ä"


@pytest.fixture
def place(s3_environment) -> Place:
    return new_place(s3_environment)


@pytest.fixture
def proxied(s3_environment, fault_proxy) -> Place:
    fault_proxy.reset(s3_environment.endpoint)
    return new_place(s3_environment, fault_proxy.endpoint)


@pytest.fixture
def moto(monkeypatch):
    with run_moto_server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield new_place(server)


def source_of(place: Place, data: bytes = b"source", attributes: Attributes = ATTRIBUTES) -> ObjectDetails:
    place.store.put(place.uri(SOURCE), data, attributes, checksums_of(data), ANY)
    return place.store.details(place.uri(SOURCE))


def test_a_copy_keeps_what_its_source_has(place):
    source = source_of(place, attributes=ATTRIBUTES._replace(tags=(("x", "y"),)))
    copied = place.store.copy_within(source, place.uri("c"), source.attributes, ABSENT)
    found = place.store.details(place.uri("c"))
    assert (copied.info.size_bytes, copied.info.etag) == (6, source.info.etag)
    assert copied.checksums.md5 == source.checksums.md5
    assert (found.attributes, found.checksums.md5) == (source.attributes, source.checksums.md5)
    assert copied.info[:3] == found.info[:3]
    assert int(copied.info.modified) == found.info.modified
    assert place.store.tags(found.info) == (("x", "y"),)


def test_a_copy_takes_new_attributes_and_tags(place):
    wanted = Attributes(content_type="text/plain", user=(("c", "ä"),), tags=(("n", "m"),))
    place.store.copy_within(source_of(place), place.uri("c"), wanted, ANY)
    found = place.store.details(place.uri("c"))
    assert (found.attributes, place.store.tags(found.info)) == (wanted._replace(tags=()), wanted.tags)


def test_a_source_known_from_a_listing_only_is_copied_with_its_metadata(place):
    source_of(place)
    (listed,) = place.store.list_range(place.root, "", "")
    place.store.copy_within(ObjectDetails(listed.info), place.uri("c"), Attributes(), ANY)
    assert place.store.details(place.uri("c")).attributes == ATTRIBUTES


def test_a_copy_from_another_bucket(place, s3_environment):
    other = new_place(s3_environment)
    copied = other.store.copy_within(source_of(place), other.uri("c"), Attributes(), ANY)
    assert other.store.fetch(copied.info)[0] == b"source"


def test_only_the_planned_version_is_copied(place):
    source = source_of(place)
    source_of(place, b"newer")
    with pytest.raises(SourceChangedError, match="changed since"):
        place.store.copy_within(source, place.uri("c"), Attributes(), ANY)
    place.store.delete(source.info.uri)
    with pytest.raises(MissingError):
        place.store.copy_within(source, place.uri("c"), Attributes(), ANY)
    with pytest.raises(MissingError):
        place.store.head(place.uri("c"))


def test_a_condition_that_fails_is_told_from_a_source_that_changed(proxied, fault_proxy):
    source = source_of(proxied)
    for condition, error in ((ABSENT, AlreadyThereError), (Condition(etag="old"), ConflictError)):
        fault_proxy.add(Fault(method="PUT", status=412, body=b"<Error><Code>PreconditionFailed</Code></Error>"))
        with pytest.raises(error):
            proxied.store.copy_within(source, proxied.uri("c"), Attributes(), condition)
        name = "if-none-match" if condition.absent else "if-match"
        assert [name in headers for method, _, _, headers in fault_proxy.log if method == "PUT"][-1]


@pytest.mark.parametrize(
    ("code", "error"),
    [("AccessDenied", ForbiddenError), ("NoSuchKey", MissingError), ("InvalidRequest", PermanentError)],
)
def test_an_error_behind_a_200_is_one(proxied, fault_proxy, code, error):
    source = source_of(proxied)
    body = f"<?xml version='1.0'?>\n\n<Error><Code>{code}</Code></Error>".encode()
    fault_proxy.add(Fault(method="PUT", status=200, body=body))
    with pytest.raises(error, match=code):
        proxied.store.copy_within(source, proxied.uri("c"), Attributes(), ANY)


def test_an_error_that_may_pass_behind_a_200_is_tried_again(proxied, fault_proxy):
    source = source_of(proxied)
    fault_proxy.add(Fault(method="PUT", status=200, body=b"<Error><Code>InternalError</Code></Error>"))
    copied = proxied.store.copy_within(source, proxied.uri("c"), Attributes(), ANY)
    assert proxied.store.fetch(copied.info)[0] == b"source"


def test_a_conditional_copy_whose_answer_is_lost_is_settled(proxied, fault_proxy):
    source = source_of(proxied)
    fault_proxy.add(Fault(method="PUT", lose_answer=True))
    fault_proxy.add(Fault(method="PUT", status=412, body=b"<Error><Code>PreconditionFailed</Code></Error>"))
    copied = proxied.store.copy_within(source, proxied.uri("c"), Attributes(), ABSENT)
    assert copied.info.etag == source.info.etag
    assert fault_proxy.pending_faults == 0


@pytest.mark.parametrize("name", ["place", "moto"])
def test_what_is_larger_than_one_request_takes_is_copied_by_parts(request, monkeypatch, name):
    place = request.getfixturevalue(name)
    monkeypatch.setattr(s3_copying, "MAX_COPY_BYTES", 1)
    monkeypatch.setattr(s3_copying, "_PART_BYTES", 5 * MIB)
    data = random.Random(6).randbytes(11 * MIB + 1)
    source = source_of(place, data)
    copied = place.store.copy_within(ObjectDetails(source.info), place.uri("c"), Attributes(), ABSENT)
    found = place.store.details(place.uri("c"))
    assert (copied.part_bytes, found.info.etag[-2:]) == (5 * MIB, "-3")
    assert found.attributes == source.attributes
    assert place.store.read(found.info, 0, len(data)) == data
    if name == "place":
        assert list(started(place.store._bucket, place.root)) == []


def test_a_copy_by_parts_has_the_etag_of_its_source(moto, monkeypatch):
    monkeypatch.setattr(s3_copying, "MAX_COPY_BYTES", 1)
    upload = moto.store.begin(moto.uri("s"), Attributes(), ANY, 13 * MIB)
    data = random.Random(7).randbytes(13 * MIB)
    starts = range(0, len(data), 6 * MIB)
    parts = [
        moto.store.put_part(upload, n, at, data[at : at + 6 * MIB], NO_CHECKSUMS) for n, at in enumerate(starts, 1)
    ]
    written = moto.store.complete(upload, parts, NO_CHECKSUMS)
    copied = moto.store.copy_within(written, moto.uri("c"), Attributes(), ANY)
    assert copied.checksums.multipart_etag == written.checksums.multipart_etag


def test_a_copy_by_parts_that_fails_leaves_no_upload(proxied, fault_proxy, monkeypatch):
    monkeypatch.setattr(s3_copying, "MAX_COPY_BYTES", 1)
    monkeypatch.setattr(s3_copying, "_PART_BYTES", 5 * MIB)
    source = source_of(proxied, bytes(11 * MIB))
    source_of(proxied, bytes(11 * MIB + 1))
    with pytest.raises(SourceChangedError):
        proxied.store.copy_within(source, proxied.uri("c"), Attributes(), ANY)
    source = proxied.store.details(source.info.uri)
    code = b"<Error><Code>AccessDenied</Code></Error>"
    fault_proxy.add(Fault(times=2, method="PUT", status=200, body=code))  # the marker and a part
    with pytest.raises(ForbiddenError):
        proxied.store.copy_within(source, proxied.uri("c"), Attributes(), ANY)
    assert list(started(proxied.store._bucket, proxied.root)) == []
