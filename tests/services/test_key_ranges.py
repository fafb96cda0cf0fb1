"""Ranges over real listings: a server that lists folders out of key order (SeaweedFS), and a disk."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.core.copying.listings import key_order
from tests.core.copying.test_key_ranges import assert_covers_everything
from transforms.core.copying.key_ranges import RangeSizes, plan_ranges
from transforms.core.objects.access import StoreAccess
from transforms.core.objects.store import open_copy_store

SIZES = RangeSizes(small_keys=50, range_keys=60, sample_keys=10)
# Folders that sort otherwise than their names (`a-b` < `a/`), a flat crowd, deep ones, spaces and unicode.
KEYS = [
    *(f"a/{number:04}" for number in range(150)),
    *(f"a-b/{number}" for number in range(40)),
    *(f"a.csv-{number}" for number in range(40)),
    *(f"deep/{number % 7}/x y+z/{number}" for number in range(70)),
    *(f"zz\u00e9/\u4e2d{number}" for number in range(30)),
]
LATER = ["", "a/0075b", "a0", "zzz", "\u4e2d", "deep/3/x"]


def keys_of(store, prefix, start="", stop=""):
    return [listed.info.uri.removeprefix(prefix) for listed in store.list_range(prefix, start, stop)]


@pytest.fixture(scope="module")
def bucket(s3_server):
    name = s3_server.make_bucket("key-ranges")
    client = s3_server.client()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: client.put_object(Bucket=name, Key=f"in/{key}", Body=b"x"), KEYS))
        list(pool.map(lambda key: client.put_object(Bucket=name, Key=f"few/{key}", Body=b"x"), KEYS[:49]))
    return name


@pytest.fixture
def s3(s3_environment, bucket):
    prefix = f"s3://{bucket}/in/"
    return open_copy_store(prefix, StoreAccess(s3_environment.endpoint)), prefix


@pytest.fixture
def disk(tmp_path):
    for key in KEYS:
        path = tmp_path / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    prefix = f"file://{tmp_path}/"
    return open_copy_store(prefix), prefix


@pytest.mark.parametrize("place", ["s3", "disk"])
def test_each_key_is_in_exactly_one_range_and_listed_there(place, request):
    store, prefix = request.getfixturevalue(place)
    ranges = plan_ranges(store, prefix, sizes=SIZES)
    assert_covers_everything(ranges)
    found = [keys_of(store, prefix, piece.start, piece.stop) for piece in ranges]
    assert [key for keys in found for key in keys] == sorted(KEYS, key=key_order)
    assert len(ranges) >= 3
    assert max(map(len, found)) <= 3 * SIZES.range_keys


@pytest.mark.parametrize("place", ["s3", "disk"])
def test_keys_that_come_later_fall_into_exactly_one_range(place, request):
    store, prefix = request.getfixturevalue(place)
    ranges = plan_ranges(store, prefix, sizes=SIZES)
    for key in LATER:
        holding = [piece for piece in ranges if _holds(piece, key)]
        assert len(holding) == 1, key


def test_a_small_prefix_on_a_server_is_one_range(s3_environment, bucket):
    prefix = f"s3://{bucket}/few/"
    store = open_copy_store(prefix, StoreAccess(s3_environment.endpoint))
    assert plan_ranges(store, prefix, sizes=SIZES) == [("", "", 49)]


def test_an_empty_prefix_is_one_range(s3_environment, bucket, tmp_path):
    store = open_copy_store(f"s3://{bucket}/", StoreAccess(s3_environment.endpoint))
    assert plan_ranges(store, f"s3://{bucket}/nothing/") == [("", "", 0)]
    assert plan_ranges(open_copy_store(f"file://{tmp_path}/"), f"file://{tmp_path}/") == [("", "", 0)]


def _holds(piece, key):
    order = key_order(key)
    return key_order(piece.start) <= order and (not piece.stop or order < key_order(piece.stop))
