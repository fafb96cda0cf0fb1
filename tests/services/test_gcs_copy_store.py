"""What copying asks of GCS, against fake-gcs-server.

That one enforces conditions on simple uploads only, never a checksum, and does a rewrite in one call: what a real
server does beyond it is answered by the fault proxy in its place.
"""

import gzip
import json
import random

import pytest

from tests.servers.fault_proxy import Fault
from tests.services.gcs_places import AS_JSON, EVERYTHING, PLAIN, Bucket, empty_bucket, new_name, sums
from transforms.core.errors import PermanentError, SourceChangedError
from transforms.core.objects.access import (
    AlreadyThereError,
    ConflictError,
    CorruptedError,
    ForbiddenError,
    ListingOrderError,
    MissingError,
    UnsupportedError,
)
from transforms.core.objects.details import ABSENT, ANY, Attributes, Condition


@pytest.fixture
def bucket(gcs_server, fault_proxy, monkeypatch) -> Bucket:
    return empty_bucket(gcs_server, fault_proxy, monkeypatch)


@pytest.mark.parametrize("key", ["a", "a b+c%20/ü", "a//b", "./a/../b", "folder/", "n" * 1000])
@pytest.mark.parametrize("data", [b"", b"1", bytes(range(256)) * 300])
def test_what_was_put_is_there_with_all_that_it_carries(bucket, key, data):
    details = bucket.put(key, data, ABSENT, EVERYTHING, sums(data))
    assert details.attributes == EVERYTHING
    assert details.checksums == sums(data)
    assert bucket.store.details(bucket.root + key) == details
    assert bucket.store.fetch(details.info) == (data, details)
    [listed] = bucket.store.list_range(bucket.root, "", "")
    assert listed[:3] == (details.info, sums(data), 1700000000.25)
    assert bucket.store.tags(details.info) == ()


def test_a_gzip_object_is_moved_as_stored(bucket):
    packed = gzip.compress(b"text" * 1000)
    encoded = Attributes("text/plain", "gzip")
    source = bucket.put("a", packed, ANY, encoded, sums(packed))
    assert bucket.store.fetch(source.info) == (packed, source)
    assert bucket.store.read(source.info, 2, 9) == packed[2:9]
    copied = bucket.store.copy_within(source, f"{bucket.root}b", source.attributes, ABSENT)
    assert bucket.store.fetch(copied.info) == (packed, copied)
    assert copied.attributes.content_encoding == "gzip"


@pytest.mark.parametrize(
    ("there", "condition", "error"),
    [
        (False, ANY, None),
        (True, ANY, None),
        (False, ABSENT, None),
        (True, ABSENT, AlreadyThereError),
        (True, "etag", None),
        (True, Condition(etag="7"), ConflictError),
    ],
)
def test_a_put_happens_only_under_its_condition(bucket, there, condition, error):
    old = bucket.put("a", b"old") if there else None
    condition = Condition(etag=old.info.etag) if condition == "etag" else condition
    if error is None:
        details = bucket.put("a", b"new", condition)
        assert old is None or details.info.etag != old.info.etag
    else:
        with pytest.raises(error, match=r"gs://.*/a .*left alone"):
            bucket.put("a", b"new", condition)
    assert bucket.store.fetch(bucket.store.head(f"{bucket.root}a"))[0] == (b"old" if error else b"new")


@pytest.mark.parametrize("condition", [ABSENT, "etag"])
@pytest.mark.parametrize("ours", [True, False])
def test_a_put_whose_answer_is_lost_is_settled_by_what_is_there(bucket, fault_proxy, condition, ours):
    if condition == "etag":
        condition = Condition(etag=bucket.put("a", b"old").info.etag)
    if not ours:
        bucket.put("a", b"theirs")
    fault_proxy.add(Fault(method="POST", path="/upload/", lose_answer=True))
    if ours:
        assert bucket.put("a", b"mine", condition, EVERYTHING) == bucket.store.details(f"{bucket.root}a")
    else:
        with pytest.raises(ConflictError):
            bucket.put("a", b"mine", condition, EVERYTHING)
    assert bucket.store.fetch(bucket.store.head(f"{bucket.root}a"))[0] == (b"mine" if ours else b"theirs")


def test_bytes_that_arrive_other_than_sent_are_deleted_again(bucket):
    with pytest.raises(CorruptedError, match=r"a arrived wrong: its md5 differs; it was deleted again"):
        bucket.put("a", b"damaged", ANY, PLAIN, sums(b"sent"))
    assert bucket.keys() == []


def test_a_server_that_checks_the_sums_is_understood(bucket, fault_proxy):
    said = b'{"error":{"message":"Provided MD5 hash \\"x\\" doesn\'t match calculated MD5 hash \\"y\\"."}}'
    fault_proxy.add(Fault(method="POST", path="/upload/", status=400, body=said, headers=AS_JSON))
    with pytest.raises(CorruptedError, match="Provided MD5 hash"):
        bucket.put("a", b"x", ANY, PLAIN, sums(b"x"))
    fault_proxy.add(Fault(method="POST", path="/upload/", status=400, body=b"Invalid storage class", headers=AS_JSON))
    with pytest.raises(PermanentError, match="400: Invalid storage class") as caught:
        bucket.put("a")
    assert not isinstance(caught.value, CorruptedError)


def test_any_two_ranges_that_meet_hold_every_key_once(bucket):
    keys = ["a", "a/b", "a-b", "a.b", "a0", "b/c/d", "b//e", "ü", "\U0001f600", "\ue000", "z/"]
    for key in keys:
        bucket.put(f"in/{key}", b"")
        bucket.put(f"in-{key}", b"")
    ordered = sorted(keys, key=str.encode)
    assert bucket.keys(below="in/") == ordered
    generator = random.Random(4)
    for _ in range(20):
        low, high = sorted(generator.sample([*keys, "a/", "b", "b/", "c"], 2), key=str.encode)
        inside = [key for key in ordered if low.encode() <= key.encode() < high.encode()]
        assert bucket.keys(low, high, below="in/") == inside
        assert bucket.keys("", low, below="in/") + inside + bucket.keys(high, below="in/") == ordered


def test_a_limit_is_the_page_asked_for(bucket, fault_proxy):
    for number in range(5):
        bucket.put(str(number), b"")
    fault_proxy.reset()
    assert bucket.keys("1", limit=2) == ["1", "2"]
    assert fault_proxy.total_requests("/o") == 1


def test_a_listing_out_of_order_fails_loudly(bucket, fault_proxy):
    item = {"updated": "2026-01-01T00:00:00Z", "size": "0", "generation": "1"}
    answer = json.dumps({"items": [{**item, "name": "b"}, {**item, "name": "a"}]}).encode()
    fault_proxy.add(Fault(status=200, body=answer, headers=AS_JSON))
    with pytest.raises(ListingOrderError, match="out of order"):
        bucket.keys()


def test_a_copy_within_the_server_moves_no_byte_and_sets_what_it_carries(bucket, gcs_server, fault_proxy):
    data = bytes(300_000)
    source = bucket.put("a b/ü", data, ANY, Attributes("text/plain", user=(("old", "1"),)), sums(data))
    other = Bucket(f"gs://{new_name(gcs_server)}/", fault_proxy.endpoint)
    fault_proxy.reset()
    details = other.store.copy_within(source, f"{other.root}c/d", EVERYTHING, ABSENT)
    assert fault_proxy.total_bytes() < 2_000
    assert (details.attributes.content_type, details.attributes.user) == ("text/csv", EVERYTHING.user)
    assert details.checksums == source.checksums
    assert other.store.read(details.info, 0, len(data)) == data


def test_a_rewrite_in_many_calls_goes_on_with_its_token(bucket, fault_proxy):
    source = bucket.put("a")
    unfinished = json.dumps({"done": False, "rewriteToken": "t/1", "totalBytesRewritten": "1"}).encode()
    fault_proxy.reset()
    fault_proxy.add(Fault(method="POST", status=200, body=unfinished, headers=AS_JSON))
    fault_proxy.add(Fault(method="POST", status=503, retry_after="0"))
    bucket.store.copy_within(source, f"{bucket.root}b", PLAIN, ABSENT)
    asked = [path for method, path, *_ in fault_proxy.log if method == "POST"]
    assert len(asked) == 3
    assert fault_proxy.pending_faults == 0


@pytest.mark.parametrize(
    ("status", "change", "lost", "error"),
    [
        (412, False, False, AlreadyThereError),
        (412, True, False, SourceChangedError),
        (412, False, True, None),
        (403, False, False, ForbiddenError),
        (404, False, False, MissingError),
        (501, False, False, UnsupportedError),
    ],
)
def test_a_copy_that_is_refused_says_which_side_is_to_blame(bucket, fault_proxy, status, change, lost, error):
    source = bucket.put("a", b"1")
    if change:
        bucket.put("a", b"2")
    if lost:
        fault_proxy.add(Fault(method="POST", path="rewriteTo", lose_answer=True))
    fault_proxy.add(Fault(method="POST", path="rewriteTo", status=status))
    if error is None:
        copied = bucket.store.copy_within(source, f"{bucket.root}b", PLAIN, ABSENT)
        assert copied == bucket.store.details(f"{bucket.root}b")
    else:
        with pytest.raises(error):
            bucket.store.copy_within(source, f"{bucket.root}b", PLAIN, ABSENT)
        assert bucket.keys() == ["a"]


def test_deletes_name_the_generation_and_what_changed_stays(bucket, fault_proxy):
    infos = [bucket.put(key).info for key in ("a", "b", "c")]
    bucket.store.delete(infos[1].uri)
    fault_proxy.reset()
    fault_proxy.add(Fault(method="DELETE", path="/o/c", status=412))
    [(info, why)] = bucket.store.delete_all(infos)
    assert info == infos[2]
    assert "changed since it was listed" in why
    assert bucket.keys() == ["c"]


def test_a_fetch_of_another_generation_is_refused(bucket):
    old = bucket.put("a", b"old").info
    bucket.put("a", b"new")
    with pytest.raises(SourceChangedError, match=f"was generation {old.etag}"):
        bucket.store.fetch(old)
    with pytest.raises(MissingError):
        bucket.store.fetch(old._replace(uri=f"{bucket.root}none"))
