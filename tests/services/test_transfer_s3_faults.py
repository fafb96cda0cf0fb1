"""Copies from, to and between real S3 buckets while a proxy in front breaks things, and while they are stopped."""

import os
from collections.abc import Iterator

import pytest

from tests.core.copying.copies import MIB, copy, error_of, plan
from tests.servers.fault_proxy import Fault
from tests.services.s3_transfers import PART, Buckets, fresh_process
from transforms.core import interrupt, pacing
from transforms.core.copying.buffer_budget import BufferBudget
from transforms.core.errors import InterruptedRunError, SourceChangedError
from transforms.core.objects.access import (
    AlreadyThereError,
    ConflictError,
    CorruptedError,
    ForbiddenError,
)


@pytest.fixture
def buckets(s3_environment, fault_proxy, tmp_path) -> Iterator[Buckets]:
    with fresh_process():
        yield Buckets(s3_environment, fault_proxy, tmp_path)


@pytest.mark.parametrize("size", [1000, 3 * MIB + 1, 2 * PART + 7])
class TestFaultsAtTheSource:
    def test_a_body_that_is_cut_is_read_to_its_end(self, buckets, size):
        data = os.urandom(size)
        buckets.put("f", data)
        planned = plan(buckets.settings(), "f")
        for cut in (0, 500, 100_000):
            buckets.proxy.add(Fault(path="/f", cut_after=min(cut, size - 1), reset=cut == 500))
        assert copy(buckets.settings(), "f", planned).proof == "match"
        assert buckets.got("f") == data
        assert buckets.proxy.pending_faults == 0

    def test_a_flipped_bit_is_read_again(self, buckets, size):
        data = os.urandom(size)
        buckets.put("f", data)
        planned = plan(buckets.settings(), "f")
        buckets.proxy.add(Fault(path="/f", flip_at=700))
        assert copy(buckets.settings(), "f", planned).proof == "match"
        assert buckets.proxy.pending_faults == 0
        assert buckets.got("f") == data

    def test_bits_that_flip_again_are_an_error_and_nothing_is_written(self, buckets, size):
        buckets.put("f", os.urandom(size))
        planned = plan(buckets.settings(), "f")
        buckets.proxy.add(Fault(path="/f", flip_at=700, times=99))
        error = error_of(buckets.settings(), "f", planned)
        assert isinstance(error, CorruptedError)
        assert "the bytes that came have md5" in str(error)
        assert buckets.there() == []

    def test_a_server_that_is_busy_is_asked_again(self, buckets, size):
        data = os.urandom(size)
        buckets.put("f", data)
        planned = plan(buckets.settings(), "f")
        buckets.proxy.add(Fault(path="/f", status=503, retry_after="0", body=b"<Error><Code>SlowDown</Code></Error>"))
        assert copy(buckets.settings(), "f", planned).proof == "match"
        assert pacing.pace().slow_down.active

    def test_a_source_that_changed_is_not_copied(self, buckets, size):
        buckets.put("f", os.urandom(size))
        planned = plan(buckets.settings(), "f")
        buckets.put("f", os.urandom(size))
        assert isinstance(error_of(buckets.settings(), "f", planned), SourceChangedError)
        assert buckets.there() == []


@pytest.mark.parametrize("size", [1000, 2 * PART + 7])
class TestFaultsAtTheDestination:
    def settings(self, buckets, **more):
        return buckets.settings("file s3", destination_access=buckets.through, **more)

    @pytest.fixture(autouse=True)
    def _source(self, buckets, size):
        (buckets.folder / "f").write_bytes(os.urandom(size))

    def test_a_lost_answer_is_no_conflict_with_ourselves(self, buckets, size):
        settings = self.settings(buckets)
        planned = plan(settings, "f")
        buckets.proxy.add(Fault(path="/f", method="PUT", lose_answer=True))
        buckets.proxy.add(Fault(path="/f", method="POST", lose_answer=True, after_bytes=1))  # that of the completion
        assert copy(settings, "f", planned).proof == "match"
        assert buckets.proxy.pending_faults == (1 if size < PART else 0)
        assert buckets.got("f") == (buckets.folder / "f").read_bytes()
        assert buckets.there() == ["f"]

    def test_a_busy_server_is_asked_again(self, buckets, size):
        settings = self.settings(buckets)
        planned = plan(settings, "f")
        buckets.proxy.add(Fault(path="/f", method="PUT", status=503, retry_after="0"))
        assert copy(settings, "f", planned).proof == "match"
        assert buckets.there() == ["f"]

    def test_a_name_taken_meanwhile_is_a_conflict(self, buckets, size):
        settings = self.settings(buckets)
        planned = plan(settings, "f")
        buckets.put_there("f", b"theirs")
        assert isinstance(error_of(settings, "f", planned), AlreadyThereError)
        assert buckets.got("f") == b"theirs"
        assert buckets.there() == ["f"]

    def test_an_object_changed_meanwhile_is_a_conflict(self, buckets, size):
        settings = self.settings(buckets)
        buckets.put_there("f", b"old")
        planned = plan(settings, "f")
        buckets.put_there("f", b"theirs")
        assert isinstance(error_of(settings, "f", planned), ConflictError)
        assert buckets.got("f") == b"theirs"

    def test_what_reads_wrong_is_deleted_and_written_again(self, buckets, size):
        settings = self.settings(buckets, verify="full")
        planned = plan(settings, "f")
        buckets.proxy.add(Fault(path="/f", flip_at=700))
        assert copy(settings, "f", planned)[1:3] == ("match", "re-read")
        assert any(method in ("DELETE", "POST") for method, *_ in buckets.proxy.log)
        assert buckets.got("f") == (buckets.folder / "f").read_bytes()

    def test_what_reads_wrong_twice_is_an_error_and_does_not_stay(self, buckets, size):
        settings = self.settings(buckets, verify="full")
        planned = plan(settings, "f")
        buckets.proxy.add(Fault(path="/f", flip_at=700, times=99))
        error = error_of(settings, "f", planned)
        assert isinstance(error, CorruptedError)
        assert "re-read differs; it was deleted again" in str(error)
        assert buckets.there() == []


@pytest.mark.parametrize("size", [1000, 2 * PART + 7])
def test_what_could_not_be_checked_does_not_stay(buckets, size):
    (buckets.folder / "f").write_bytes(os.urandom(size))
    settings = buckets.settings("file s3", destination_access=buckets.through, verify="full")
    planned = plan(settings, "f")
    refused = Fault(path="/f", times=99, status=403, body=b"<Error><Code>AccessDenied</Code></Error>")
    buckets.proxy.add(refused)
    assert isinstance(error_of(settings, "f", planned), ForbiddenError)
    assert refused.times < 99
    assert buckets.there() == []


@pytest.mark.parametrize("mode", ["direct_sync", "hybrid"])
def test_a_stop_while_it_is_read_again_leaves_nothing(buckets, mode):
    buckets.put("f", os.urandom(2 * PART + 7))
    source = buckets.through if mode == "hybrid" else buckets.direct
    settings = buckets.settings(source_access=source, mode=mode, verify="full")
    planned = plan(settings, "f")

    class Watched(BufferBudget):
        def take(self, *arguments, **more):
            if buckets.keys():
                interrupt.request_locally(2)
            return super().take(*arguments, **more)

    with pytest.raises(InterruptedRunError):
        copy(settings, "f", planned, Watched(settings.buffer_bytes))
    assert buckets.there() == []


def test_an_interrupted_upload_leaves_nothing(buckets):
    buckets.put("f", b"x" * 4 * PART)
    planned = plan(buckets.settings(), "f")

    class Watched(BufferBudget):
        asked = 0

        def take(self, *arguments, **more):
            self.asked += 1
            if self.asked == 3:
                interrupt.request_locally(2)
            return super().take(*arguments, **more)

    with pytest.raises(InterruptedRunError):
        copy(buckets.settings(), "f", planned, Watched(2 * PART))
    assert buckets.there() == []


def test_a_source_that_changes_between_two_parts_is_not_copied(buckets):
    buckets.put("f", b"x" * 4 * PART)
    planned = plan(buckets.settings(), "f")

    class Watched(BufferBudget):
        asked = 0

        def take(self, *arguments, **more):
            self.asked += 1
            if self.asked == 3:
                buckets.put("f", b"y" * 4 * PART)
            return super().take(*arguments, **more)

    with pytest.raises(SourceChangedError):
        copy(buckets.settings(), "f", planned, Watched(PART))
    assert buckets.there() == []
