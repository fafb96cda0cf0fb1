"""`--retry` of objects whose names no manifest of a person's may hold: each is tried again, none stops the others."""

import os

import pytest

from tests.servers.fault_proxy import Fault
from tests.services.copy_ends import S3Prefix, bodies, copy, verify

KEYS = ("plain", "folder/", "/first", "a//b", "../up", "..", "a/../b")
NO_UNICODE = os.fsdecode(b"b\xff\xfed")


@pytest.fixture
def buckets(odd_end, fault_proxy):
    """Two prefixes of a server that takes every key; the second one stands behind a proxy."""
    here = odd_end("s3")
    fault_proxy.reset(here.server.endpoint)
    for key in KEYS:
        here.put(key, key.encode())
    return here, S3Prefix(here.server, fault_proxy.endpoint)


def test_every_key_of_a_bucket_is_copied_by_a_retry(buckets, fault_proxy, tmp_path):
    here, there = buckets
    fault_proxy.add(Fault(method="PUT", status=403, times=99))
    failed = copy(here, there, tmp_path)
    assert (failed.summary.exit_code, failed.counts, bodies(there)) == (1, (0, 0, len(KEYS), 0), {})
    fault_proxy.reset()
    retried = copy(here, there, tmp_path, retry=str(failed.folder))
    assert (retried.summary.exit_code, retried.counts) == (0, (len(KEYS), 0, 0, 0))
    assert bodies(there) == {key: key.encode() for key in KEYS}


def test_every_key_of_a_bucket_is_compared_by_a_retry(buckets, tmp_path):
    here, there = buckets
    failed = verify(here, there, tmp_path)
    assert (failed.summary.exit_code, failed.counts) == (1, (0, 0, len(KEYS), 0))
    for key in KEYS:
        there.put(key, key.encode())
    retried = verify(here, there, tmp_path, retry=str(failed.folder))
    assert (retried.summary.exit_code, retried.counts) == (0, (len(KEYS), 0, 0, 0))


@pytest.mark.parametrize("destination", ["s3", "gs"])
def test_a_name_that_is_no_unicode_fails_a_retry_alone(odd_end, new_end, fault_proxy, tmp_path, destination):
    here, there = odd_end("file"), new_end(destination, "there", fault_proxy.endpoint)
    fault_proxy.reset(there.server.endpoint)
    here.put("good", b"good")
    (here.path / NO_UNICODE).write_bytes(b"bad")
    fault_proxy.add(Fault(method="PUT" if destination == "s3" else "POST", status=403, times=9))
    failed = copy(here, there, tmp_path)
    assert (failed.summary.exit_code, failed.counts) == (1, (0, 0, 2, 0))
    fault_proxy.reset()
    for counts in [(1, 0, 1, 0), (0, 0, 1, 0)]:
        failed = copy(here, there, tmp_path, retry=str(failed.folder))
        assert (failed.summary.exit_code, failed.counts) == (1, counts)
        assert "not valid Unicode" in failed.failures[NO_UNICODE]["message"]
    assert bodies(there) == {"good": b"good"}


def test_a_retry_to_another_place_says_so(buckets, fault_proxy, tmp_path):
    here, there = buckets
    fault_proxy.add(Fault(method="PUT", status=403, times=99))
    failed = copy(here, there, tmp_path)
    elsewhere = copy(here, there, tmp_path, retry=str(failed.folder), destination=f"{there.root}deeper/")
    assert elsewhere.summary.exit_code == 1
    assert "is not below" in elsewhere.summary.error.message
