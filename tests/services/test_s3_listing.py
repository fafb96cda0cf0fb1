"""Listings of S3 by key range: the byte order of keys, whatever order the server has."""

import itertools
import random

import pytest

from tests.servers.fault_proxy import Fault
from tests.servers.s3 import run_moto_server
from tests.services.s3_places import Place, new_place
from transforms.core.errors import TransientError
from transforms.core.objects.access import ForbiddenError, ListingOrderError, MissingError
from transforms.core.objects.details import ANY, NO_CHECKSUMS, Attributes

NAMES = ["a", "a-", "a-b", "a b", "a.c", "a0", "b", "ä", "文", "a%", "A", "~"]
KEYS = sorted(
    {
        *NAMES,
        *(f"{one}/{two}" for one, two in itertools.product(NAMES[:6], NAMES)),
        *(f"a/{one}/{two}" for one, two in itertools.product(NAMES[:6], NAMES[:4])),
        *(f"z/{n:04}" for n in range(30)),
    },
    key=str.encode,
)


@pytest.fixture(scope="module")
def moto_server():
    with run_moto_server() as server:
        yield server


@pytest.fixture(params=["seaweedfs", "moto"])
def place(request, s3_environment, monkeypatch) -> Place:
    """A bucket in which folders and files have names that begin each other."""
    server = s3_environment if request.param == "seaweedfs" else request.getfixturevalue("moto_server")
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return new_place(server)


def fill(place: Place, keys: list[str]) -> None:
    for key in keys:
        place.store.put(place.uri(key), b"1", Attributes(), NO_CHECKSUMS, ANY)


def keys_of(place: Place, prefix: str, start: str, stop: str, limit: int = 0) -> list[str]:
    root = place.uri(prefix)
    return [item.info.uri.removeprefix(root) for item in place.store.list_range(root, start, stop, limit=limit)]


def test_every_range_holds_its_keys_in_byte_order(place):
    fill(place, KEYS)
    assert keys_of(place, "", "", "") == KEYS
    bounds = ["", *random.Random(8).sample(KEYS, 5), "a/", "a.", "a/a0", "a/~~", "0", "zz", "\U0010ffff"]
    for prefix in ("", "a/", "a", "z/00", "a/a/", "none/"):
        below = [key.removeprefix(prefix) for key in KEYS if key.startswith(prefix)]
        for start, stop in itertools.product(bounds[:8], [*bounds[:2], *bounds[6:]]):
            expected = [key for key in below if key >= start and (not stop or key < stop)]
            assert keys_of(place, prefix, start, stop) == expected, (prefix, start, stop)
            assert keys_of(place, prefix, start, stop, limit=2) == expected[:2], (prefix, start, stop)


def test_a_listing_tells_size_time_and_checksum(place):
    written = place.store.put(place.uri("k"), b"123", Attributes(), NO_CHECKSUMS, ANY)
    upload = place.store.begin(place.uri("m"), Attributes(), ANY, 1)
    place.store.complete(upload, [place.store.put_part(upload, 1, 0, b"1", NO_CHECKSUMS)], NO_CHECKSUMS)
    single, multi = place.store.list_range(place.root, "", "")
    assert single.info[:3] == written.info[:3]
    assert single.checksums.md5 == written.info.etag
    assert int(single.info.modified) == place.store.head(written.info.uri).modified
    assert multi.checksums.multipart_etag == multi.info.etag
    assert multi.info.etag.endswith("-1")


def test_pages_follow_each_other_and_are_as_small_as_asked(s3_environment, fault_proxy):
    fault_proxy.reset(s3_environment.endpoint)
    place = new_place(s3_environment, fault_proxy.endpoint)
    keys = [f"p/{n:04}" for n in range(1_050)]
    fill(place, keys)
    fault_proxy.reset()
    fault_proxy.add(Fault(status=503, retry_after="0"))
    assert keys_of(place, "", "", "") == keys
    assert keys_of(place, "p/", "0990", "1001") == [f"{n:04}" for n in range(990, 1001)]
    sent = len(fault_proxy.log)
    assert keys_of(place, "p/", "", "", limit=1) == ["0000"]
    assert len(fault_proxy.log) == sent + 1


@pytest.mark.parametrize("order", [["a/b", "a-b"], ["b", "a"], ["a", "a"]])
def test_a_server_that_lists_out_of_order_is_not_merged(s3_environment, fault_proxy, order):
    contents = "".join(f"<Contents><Key>{key}</Key><Size>1</Size></Contents>" for key in order)
    body = f"<ListBucketResult>{contents}</ListBucketResult>".encode()
    fault_proxy.reset(s3_environment.endpoint)
    place = new_place(s3_environment, fault_proxy.endpoint)
    fault_proxy.add(Fault(status=200, body=body))
    with pytest.raises(ListingOrderError, match=f"{order[1]!r} after {order[0]!r}"):
        keys_of(place, "", "", "")


def test_a_listing_that_breaks_off_is_asked_for_again(s3_environment, fault_proxy):
    fault_proxy.reset(s3_environment.endpoint)
    place = new_place(s3_environment, fault_proxy.endpoint)
    fill(place, KEYS[:20])
    fault_proxy.add(Fault(cut_after=100))
    fault_proxy.add(Fault(status=200, body=b"<ListBucketResult><Cont"))
    assert keys_of(place, "", "", "") == KEYS[:20]
    assert fault_proxy.pending_faults == 0


def test_what_may_not_be_listed_is_an_error(s3_environment, fault_proxy):
    fault_proxy.reset(s3_environment.endpoint)
    place = new_place(s3_environment, fault_proxy.endpoint)
    for status, code, error in ((403, "AccessDenied", ForbiddenError), (404, "NoSuchBucket", MissingError)):
        fault_proxy.add(Fault(status=status, body=f"<Error><Code>{code}</Code></Error>".encode()))
        with pytest.raises(error, match=code):
            keys_of(place, "", "", "")
    fault_proxy.add(Fault(times=100, status=500, retry_after="0"))
    with pytest.raises(TransientError):
        keys_of(place, "", "", "")
