"""What every store that can be written holds to: the local disk, S3 and GCS, side by side."""

import itertools
import pickle
import random
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from tests.servers.fault_proxy import Fault
from transforms.core.errors import ConfigError, SourceChangedError, TransientError
from transforms.core.objects import store as stores
from transforms.core.objects.expansion import expand
from transforms.core.objects.store import AlreadyThereError, MissingError, Store, StoreAccess, open_store
from transforms.core.outcome import ObjectInfo

KEYS = [
    "a.csv", "a b.csv", "a+b.csv", "a%20b.csv", "100%.csv", "a#b.csv", "a?b=c.csv", "ä/ö 文.csv", "e\u0301.csv",
    "a[1].csv", "a*.csv", "e=m&c.csv", "q'uo\"te.csv", "~",
    "deep/x/y/z.csv", "deep/x.csv", "deep/x-y.csv",
]  # fmt: skip
_numbers = itertools.count()


class Place(NamedTuple):
    root: str
    access: StoreAccess
    store: Store

    def keys(self, infos) -> list[str]:
        return [info.uri.removeprefix(self.root) for info in infos]


@pytest.fixture(params=["file", "s3", "gs"])
def place(request, tmp_path, monkeypatch) -> Place:
    """An empty bucket or folder in each store."""
    bucket = f"bucket-{next(_numbers)}"
    if request.param == "file":
        root, access = f"file://{tmp_path}/", StoreAccess()
    else:
        server = request.getfixturevalue("s3_environment" if request.param == "s3" else "gcs_server")
        monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
        root, access = f"{request.param}://{server.make_bucket(bucket)}/", StoreAccess(endpoint_url=server.endpoint)
    return Place(root, access, open_store(root, access))


@pytest.fixture(params=["s3", "gs"])
def proxied(request, fault_proxy, monkeypatch) -> Place:
    """An empty bucket behind the fault proxy."""
    server = request.getfixturevalue("s3_environment" if request.param == "s3" else "gcs_server")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    root = f"{request.param}://{server.make_bucket(f'bucket-{next(_numbers)}')}/"
    fault_proxy.reset(server.endpoint)
    access = StoreAccess(endpoint_url=fault_proxy.endpoint)
    return Place(root, access, open_store(root, access))


def whole(store: Store, info: ObjectInfo) -> bytes:
    return store.read(info, 0, info.size_bytes)


def test_odd_keys_are_written_listed_and_read_as_they_are(place):
    for key in KEYS:
        place.store.write(place.root + key, key.encode())
    listed = list(place.store.list(place.root))
    ordered = sorted(KEYS, key=str.encode)
    assert (
        sorted(place.keys(listed), key=str.encode) if place.root.startswith("s3") else place.keys(listed)
    ) == ordered
    for info in listed:
        assert whole(place.store, info) == info.uri.removeprefix(place.root).encode()
        assert place.store.head(info.uri)[:3] == info[:3]
        assert abs(place.store.head(info.uri).modified - info.modified) < 2


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("deep/*.csv", ["deep/x-y.csv", "deep/x.csv"]),
        ("deep/**/*.csv", ["deep/x-y.csv", "deep/x.csv", "deep/x/y/z.csv"]),
        ("deep", ["deep/x-y.csv", "deep/x.csv", "deep/x/y/z.csv"]),
        ("deep/", ["deep/x-y.csv", "deep/x.csv", "deep/x/y/z.csv"]),
        ("a[1].csv", ["a[1].csv"]),
        ("a[23].csv", []),
        ("a[+ ]b.csv", ["a b.csv", "a+b.csv"]),
    ],
)
def test_what_a_user_types_is_found_literally_first_then_as_a_pattern(place, pattern, expected):
    for key in ("deep/x/y/z.csv", "deep/x.csv", "deep/x-y.csv", "a[1].csv", "a1.csv", "a b.csv", "a+b.csv"):
        place.store.write(place.root + key, b"x")
    source = place.root.removeprefix("file://") + pattern
    if expected:
        assert place.keys(expand(source, place.access)) == expected
        return
    with pytest.raises(ConfigError, match="matches nothing") as caught:
        list(expand(source, place.access))
    assert pattern in str(caught.value)


def test_what_is_missing_is_named(place):
    uri = f"{place.root}nope.csv"
    with pytest.raises(MissingError, match=r"nope\.csv"):
        place.store.head(uri)
    with pytest.raises(MissingError, match=r"nope\.csv"):
        place.store.read(ObjectInfo(uri, 5, "", 0.0), 0, 5)
    assert list(place.store.list(uri)) == []
    place.store.delete(uri)


def test_a_conditional_write_takes_a_name_once(place):
    uri = f"{place.root}lock"
    place.store.write(uri, b"first", if_absent=True)
    with pytest.raises(AlreadyThereError, match="lock"):
        place.store.write(uri, b"second", if_absent=True)
    assert whole(place.store, place.store.head(uri)) == b"first"
    place.store.write(uri, b"third")
    assert whole(place.store, place.store.head(uri)) == b"third"
    place.store.delete(uri)
    place.store.write(uri, b"", if_absent=True)
    assert place.store.head(uri).size_bytes == 0


def test_an_object_that_changed_is_not_read_on(place):
    uri = f"{place.root}f"
    place.store.write(uri, b"one")
    info = place.store.head(uri)
    place.store.write(uri, b"two")
    with pytest.raises(SourceChangedError, match="f"):
        place.store.read(info, 1, 3)


def test_many_threads_read_their_own_ranges(place):
    data = random.Random(1).randbytes(3_000_000)
    place.store.write(f"{place.root}f", data)
    info = place.store.head(f"{place.root}f")
    spans = [(start, min(start + 70_001, len(data))) for start in range(0, len(data), 70_001)]
    with ThreadPoolExecutor(8) as threads:
        assert b"".join(threads.map(lambda span: place.store.read(info, *span), spans)) == data
    assert b"".join(stores.stream(place.store, info, block_bytes=1_000_000)) == data


@pytest.mark.parametrize("reset", [False, True])
def test_a_body_that_breaks_off_is_read_on_from_where_it_broke(proxied, fault_proxy, reset):
    data = random.Random(2).randbytes(10_000_000)
    proxied.store.write(f"{proxied.root}f", data)
    info = proxied.store.head(f"{proxied.root}f")
    fault_proxy.reset()
    fault_proxy.add(Fault(times=3, cut_after=2_500_000, reset=reset))
    assert whole(proxied.store, info) == data
    assert fault_proxy.pending_faults == 0
    refetched = fault_proxy.total_bytes("f") - len(data)
    assert 0 <= refetched <= (3 * 2_500_000 if reset else 0)
    assert fault_proxy.total_requests("f") == 4


def test_a_body_that_always_breaks_off_ends_in_an_error_that_names_it(proxied, fault_proxy, monkeypatch):
    proxied.store.write(f"{proxied.root}f", b"0123456789")
    info = proxied.store.head(f"{proxied.root}f")
    fault_proxy.add(Fault(times=1000, cut_after=0))
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _seconds: None)
    with pytest.raises(TransientError, match=r"/f: the body broke off 10 bytes early"):
        whole(proxied.store, info)


def test_a_server_that_asks_for_patience_gets_it(proxied, fault_proxy):
    proxied.store.write(f"{proxied.root}f", b"x")
    info = proxied.store.head(f"{proxied.root}f")
    fault_proxy.reset()
    fault_proxy.add(Fault(times=2, status=503, retry_after="0"))
    fault_proxy.add(Fault(times=1, status=429, retry_after="0"))
    assert whole(proxied.store, info) == b"x"
    assert [entry[2] for entry in fault_proxy.log] == [503, 503, 429, 206]


@pytest.mark.parametrize("if_absent", [False, True])
def test_a_write_whose_answer_is_lost_is_settled(proxied, fault_proxy, if_absent):
    fault_proxy.add(Fault(method="PUT" if proxied.root.startswith("s3") else "POST", lose_answer=True))
    proxied.store.write(f"{proxied.root}f", b"mine", if_absent=if_absent)
    assert fault_proxy.pending_faults == 0
    assert whole(proxied.store, proxied.store.head(f"{proxied.root}f")) == b"mine"


def test_a_lost_answer_does_not_claim_what_someone_else_wrote(proxied, fault_proxy):
    proxied.store.write(f"{proxied.root}f", b"theirs")
    fault_proxy.add(Fault(method="PUT" if proxied.root.startswith("s3") else "POST", lose_answer=True))
    with pytest.raises(AlreadyThereError):
        proxied.store.write(f"{proxied.root}f", b"mine", if_absent=True)


def test_a_long_listing_comes_in_pages(place):
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: place.store.write(f"{place.root}p/{n:04}", b""), range(1_100)))
    assert place.keys(place.store.list(f"{place.root}p/")) == [f"p/{n:04}" for n in range(1_100)]


def test_a_stream_holds_one_block_at_a_time(place):
    place.store.write(f"{place.root}f", bytes(40_000_000))
    info = place.store.head(f"{place.root}f")
    tracemalloc.start()
    try:
        size = sum(len(block) for block in stores.stream(place.store, info, block_bytes=1_000_000))
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size == 40_000_000
    assert peak_bytes < 3_000_000


def test_an_access_crosses_processes():
    access = StoreAccess("http://127.0.0.1:1", profile="p")
    assert pickle.loads(pickle.dumps(access)) == access


def test_an_unknown_scheme_lists_the_known_ones():
    with pytest.raises(ConfigError, match=r"'hdfs'; known: file, s3, gs, http, https"):
        open_store("hdfs://a/b")


def test_one_store_serves_a_place_in_a_process():
    assert open_store("s3://a/x") is open_store("s3://a/y")
    assert open_store("s3://a/x") is not open_store("s3://a/x", StoreAccess(anonymous=True))
