"""Objects that are sent on while they arrive, between two real S3 buckets, with a proxy in front of either side."""

from __future__ import annotations

import base64
import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from tests.core.copying.copies import MIB, copy, error_of, plan
from tests.servers.fault_proxy import Fault
from tests.services.s3_transfers import Buckets, fresh_process
from transforms.core import pacing
from transforms.core.copying.buffer_budget import BufferBudget
from transforms.core.copying.transfer_passing import HELD_BYTES
from transforms.core.errors import SourceChangedError
from transforms.core.objects.access import AlreadyThereError, ConflictError, CorruptedError

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = os.urandom(4 * MIB + 77)
KMS = {"x-amz-server-side-encryption": "aws:kms"}  # its ETag is no md5 then


@pytest.fixture
def buckets(s3_environment, fault_proxy, tmp_path) -> Iterator[Buckets]:
    with fresh_process():
        made = Buckets(s3_environment, fault_proxy, tmp_path)
        made.put("f", DATA, ContentType="text/plain", Metadata={"color": "blue"})
        yield made


class Watched(BufferBudget):
    """Keeps the most that was held."""

    def __init__(self, total_bytes):
        super().__init__(total_bytes)
        self.most = 0

    def take(self, wanted_bytes, give_up=None):
        taken = super().take(wanted_bytes, give_up)
        self.most = max(self.most, self.held_bytes)
        return taken


def at_source(buckets, **more):
    return buckets.settings(**more)


def at_destination(buckets, **more):
    return buckets.settings(source_access=buckets.direct, destination_access=buckets.through, **more)


def puts(buckets):
    return [headers for method, path, _, headers in buckets.proxy.log if method == "PUT" and path.endswith("/f")]


def test_an_object_is_sent_on_whole_with_its_attributes_and_little_is_held(buckets):
    budget = Watched(64 * MIB)
    copied = copy(at_destination(buckets), "f", budget=budget)
    assert (copied.mode, copied.proof, copied.proved_by) == ("hybrid", "match", "md5")
    assert copied.bytes_through == len(DATA)
    assert budget.most == HELD_BYTES < len(DATA)
    found = buckets.found("f")
    assert (found["ContentType"], found["Metadata"], found["Body"].read()) == ("text/plain", {"color": "blue"}, DATA)
    [headers] = puts(buckets)
    assert headers["content-md5"] == base64.b64encode(hashlib.md5(DATA).digest()).decode()
    assert headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"


def test_a_buffer_smaller_than_what_is_held_is_enough(buckets):
    assert copy(at_source(buckets), "f", budget=BufferBudget(MIB)).proof == "match"
    assert buckets.got("f") == DATA


@pytest.mark.parametrize("cut", [0, 1000, 3 * MIB, len(DATA) - 1])
def test_a_source_that_breaks_off_is_asked_again_and_nothing_is_half_there(buckets, cut):
    planned = plan(at_source(buckets), "f")
    buckets.proxy.add(Fault(path="/f", cut_after=cut, reset=bool(cut % 2)))
    assert copy(at_source(buckets), "f", planned).proof == "match"
    assert buckets.proxy.pending_faults == 0
    assert buckets.got("f") == DATA


def test_a_checksum_that_tells_of_damage_stops_the_last_slice_and_nothing_becomes_visible(buckets):
    planned = plan(at_source(buckets), "f")
    buckets.proxy.add(Fault(path="/f", times=99, headers={"x-amz-checksum-crc32c": "AAAAAA=="}))
    error = error_of(at_source(buckets), "f", planned)
    assert isinstance(error, CorruptedError)
    assert "the bytes that came have crc32c" in str(error)
    assert buckets.there() == []


def test_an_encrypting_source_whose_etag_is_no_md5_is_copied_whole_and_others_of_it_at_once(buckets, monkeypatch):
    paced = []

    class Paced(pacing.Pace):
        def before_bytes(self, count):
            paced.append(count)
            super().before_bytes(count)

    monkeypatch.setattr(pacing, "_pace", Paced())
    buckets.put("g", DATA)
    plans = {name: plan(at_source(buckets), name) for name in "fg"}
    buckets.proxy.log.clear()
    buckets.proxy.add(Fault(path=buckets.prefix, times=99, headers=KMS))
    for name, planned in plans.items():
        budget = Watched(64 * MIB)
        assert copy(at_source(buckets), name, planned, budget).proof == "match"
        assert budget.most == len(DATA)
        assert buckets.got(name) == DATA
    assert paced == [len(DATA)] * 2
    assert [path[-1] for _, path, *_ in buckets.proxy.log] == ["f", "f", "g"]


def test_a_source_that_tells_no_length_is_sent_on_all_the_same(buckets):
    planned = plan(at_source(buckets), "f")
    buckets.proxy.add(Fault(path="/f", chunked=True))
    budget = Watched(64 * MIB)
    assert copy(at_source(buckets), "f", planned, budget)[1:3] == ("match", "md5")
    assert (buckets.proxy.pending_faults, budget.most) == (0, HELD_BYTES)
    assert buckets.got("f") == DATA


def test_a_source_that_is_another_version_when_it_is_asked_again_is_not_copied(buckets):
    planned = plan(at_source(buckets), "f")
    buckets.proxy.add(Fault(path="/f", cut_after=3 * MIB))
    buckets.proxy.add(Fault(path="/f", status=412))
    error = error_of(at_source(buckets), "f", planned)
    assert isinstance(error, SourceChangedError)
    assert f"{buckets.source}/{buckets.prefix}f changed since it was planned" in str(error)
    assert buckets.there() == []


class TestAtTheDestination:
    def test_a_lost_answer_is_no_conflict_with_ourselves(self, buckets):
        settings = at_destination(buckets)
        planned = plan(settings, "f")
        buckets.proxy.add(Fault(path="/f", method="PUT", lose_answer=True))
        assert copy(settings, "f", planned).proof == "match"
        assert buckets.proxy.pending_faults == 0
        assert buckets.got("f") == DATA

    @pytest.mark.parametrize("verify", ["auto", "metadata"])
    def test_a_lost_answer_of_an_encrypting_store_is_settled_by_its_bytes(self, buckets, verify):
        settings = at_destination(buckets, verify=verify)
        planned = plan(settings, "f")
        buckets.proxy.add(Fault(path="/f", method="PUT", lose_answer=True))
        buckets.proxy.add(Fault(path="/f", method="HEAD", times=9, headers=KMS))
        assert copy(settings, "f", planned).proof == "match"
        assert len(puts(buckets)) == 2
        assert buckets.got("f") == DATA

    @pytest.mark.parametrize("theirs", [b"theirs", bytes(len(DATA))])
    def test_a_lost_answer_over_another_object_is_a_conflict(self, buckets, theirs):
        settings = at_destination(buckets)
        planned = plan(settings, "f")
        buckets.put_there("f", theirs)
        buckets.proxy.add(Fault(path="/f", method="PUT", status=500))
        assert isinstance(error_of(settings, "f", planned), AlreadyThereError)
        assert buckets.got("f") == theirs

    def test_a_busy_server_is_asked_again(self, buckets):
        settings = at_destination(buckets)
        planned = plan(settings, "f")
        buckets.proxy.add(Fault(path="/f", method="PUT", status=503, retry_after="0"))
        assert copy(settings, "f", planned).proof == "match"
        assert len(puts(buckets)) == 2
        assert buckets.got("f") == DATA

    def test_an_object_changed_meanwhile_is_a_conflict(self, buckets):
        settings = at_destination(buckets)
        buckets.put_there("f", b"old")
        planned = plan(settings, "f")
        buckets.put_there("f", b"theirs")
        assert isinstance(error_of(settings, "f", planned), ConflictError)
        assert buckets.got("f") == b"theirs"

    def test_a_store_that_tells_no_checksum_is_read_again(self, buckets):
        settings = at_destination(buckets)
        planned = plan(settings, "f")
        buckets.proxy.add(Fault(path="/f", method="PUT", headers=KMS))
        buckets.proxy.add(Fault(path="/f", times=2, headers=KMS))
        assert copy(settings, "f", planned)[1:3] == ("match", "re-read")
        assert buckets.got("f") == DATA

    @pytest.mark.parametrize(("verify", "proofs"), [("auto", ["re-read", "crc32c"]), ("metadata", ["crc32c"] * 2)])
    def test_a_store_that_told_no_md5_gets_objects_with_their_crc_and_proves_them(self, buckets, verify, proofs):
        settings = at_destination(buckets, verify=verify)
        buckets.put("g", DATA)
        plans = {name: plan(settings, name) for name in "fg"}
        for method in ("PUT", "HEAD", "GET"):
            buckets.proxy.add(Fault(path=buckets.prefix, method=method, headers=KMS, times=99))
        found = [copy(settings, name, planned) for name, planned in plans.items()]
        assert [(one.proof, one.proved_by) for one in found] == [("match", by) for by in proofs]
        assert {name: buckets.got(name) for name in "fg"} == {"f": DATA, "g": DATA}
        read = {path[-1] for method, path, *_ in buckets.proxy.log if method == "GET"}
        assert "g" not in read

    def test_what_reads_wrong_is_deleted_and_written_again_whole(self, buckets):
        settings = at_destination(buckets)
        planned = plan(settings, "f")
        buckets.proxy.add(Fault(path="/f", method="PUT", headers=KMS))
        buckets.proxy.add(Fault(path="/f", flip_at=700, headers=KMS))
        buckets.proxy.add(Fault(path="/f", headers=KMS))
        assert copy(settings, "f", planned).proof == "match"
        assert any(method in ("DELETE", "POST") for method, *_ in buckets.proxy.log)
        assert len(puts(buckets)) == 2
        assert buckets.got("f") == DATA
