"""Copies between folders; those between real servers stand in tests/services/test_transfer_s3.py."""

import os
import threading

import pytest

from tests.core.copying.copies import MIB, copy, error_of, plan, settings_for, stores_of
from transforms.core import interrupt, pacing
from transforms.core.copying.buffer_budget import BufferBudget
from transforms.core.copying.checksums import checksums_of
from transforms.core.copying.transfer import copy_object
from transforms.core.errors import HornbeamError, InterruptedRunError, SourceChangedError
from transforms.core.objects.access import (
    AlreadyThereError,
    ConflictError,
    CorruptedError,
    MissingError,
    UnsupportedError,
)
from transforms.core.objects.details import Checksums

PART = MIB
MODES = ("direct_sync", "hybrid", "traditional")
SIZES = (0, 1, PART - 1, PART, PART + 1, 5 * PART + 7)


@pytest.fixture(autouse=True)
def _not_interrupted():
    interrupt.reset()
    yield
    interrupt.reset()


@pytest.fixture
def folders(tmp_path):
    for name in ("from", "to"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def make(folders):
    return lambda **more: settings_for(f"file://{folders}/from/", f"file://{folders}/to/", part_bytes=PART, **more)


def put(folders, name, data):
    (folders / "from" / name).write_bytes(data)
    os.utime(folders / "from" / name, ns=(1_600_000_000_250_000_000,) * 2)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", SIZES)
def test_every_size_goes_by_every_way(folders, make, mode, size):
    data = os.urandom(size)
    put(folders, "f", data)
    copied = copy(make(mode=mode), "f")
    assert (folders / "to" / "f").read_bytes() == data
    assert (folders / "to" / "f").stat().st_mtime_ns == 1_600_000_000_250_000_000
    assert copied[:5] == (mode, "match", "re-read", "", 0 if mode == "direct_sync" else size)
    assert names(folders / "to") == ["f"]


@pytest.mark.parametrize("size", [3, 3 * PART])
@pytest.mark.parametrize(
    ("verify", "proof", "by"),
    [("auto", "match", "re-read"), ("full", "match", "re-read"), ("metadata", "uncheckable", ""),
     ("none", "not_checked", "")],
)  # fmt: skip
@pytest.mark.parametrize("mode", MODES)
def test_a_disk_tells_no_checksum_so_only_reading_proves(folders, make, mode, verify, proof, by, size):
    put(folders, "f", b"x" * size)
    assert copy(make(mode=mode, verify=verify), "f")[1:3] == (proof, by)


@pytest.mark.parametrize("size", [3, 3 * PART])
@pytest.mark.parametrize("mode", MODES)
class TestNeverHalfAnObject:
    def test_a_name_taken_meanwhile_is_a_conflict(self, folders, make, mode, size):
        put(folders, "f", b"x" * size)
        planned = plan(make(), "f")
        (folders / "to" / "f").write_bytes(b"theirs")
        assert isinstance(error_of(make(mode=mode), "f", planned), AlreadyThereError)
        assert (folders / "to" / "f").read_bytes() == b"theirs"
        assert names(folders / "to") == ["f"]

    def test_an_object_changed_meanwhile_is_a_conflict(self, folders, make, mode, size):
        put(folders, "f", b"x" * size)
        (folders / "to" / "f").write_bytes(b"old")
        planned = plan(make(), "f")
        (folders / "to" / "f").write_bytes(b"newer")
        assert isinstance(error_of(make(mode=mode), "f", planned), ConflictError)
        assert (folders / "to" / "f").read_bytes() == b"newer"
        assert names(folders / "to") == ["f"]

    def test_an_object_that_is_as_planned_is_replaced(self, folders, make, mode, size):
        put(folders, "f", b"x" * size)
        (folders / "to" / "f").write_bytes(b"old")
        copy(make(mode=mode), "f")
        assert (folders / "to" / "f").read_bytes() == b"x" * size

    def test_a_source_that_changed_is_not_copied(self, folders, make, mode, size):
        put(folders, "f", b"x" * size)
        planned = plan(make(), "f")
        (folders / "from" / "f").write_bytes(b"y" * size)
        assert isinstance(error_of(make(mode=mode), "f", planned), SourceChangedError)
        assert names(folders / "to") == []

    def test_a_source_that_is_gone_is_missing(self, folders, make, mode, size):
        put(folders, "f", b"x" * size)
        planned = plan(make(), "f")
        (folders / "from" / "f").unlink()
        assert isinstance(error_of(make(mode=mode), "f", planned), MissingError)
        assert names(folders / "to") == []

    def test_an_interrupted_one_leaves_nothing(self, folders, make, mode, size):
        put(folders, "f", b"x" * size)
        planned = plan(make(), "f")
        interrupt.request_locally(2)
        with pytest.raises(InterruptedRunError):
            copy(make(mode=mode), "f", planned)
        assert names(folders / "to") == []

    def test_what_a_manifest_demands_is_checked(self, folders, make, mode, size):
        put(folders, "f", b"x" * size)
        right = checksums_of(b"x" * size, ("md5", "sha256", "crc32c"))
        for verify in ("auto", "none"):
            copy(make(mode=mode, verify=verify), "f", expected=right)
            (folders / "to" / "f").unlink()
            for name in ("md5", "sha256", "crc32c"):
                wrong = Checksums(**{name: "0" * len(getattr(right, name))})
                error = error_of(make(mode=mode, verify=verify), "f", plan(make(), "f", wrong))
                assert isinstance(error, CorruptedError)
                assert f"the manifest demands {getattr(wrong, name)}" in str(error)
        assert names(folders / "to") == []


def test_an_interrupt_between_parts_leaves_nothing(folders, make):
    put(folders, "f", b"x" * 40 * PART)
    planned, settings = plan(make(), "f"), make(mode="hybrid", max_concurrent=1)
    begun = threading.Event()

    class Watched(BufferBudget):  # asks for the stop once the second part is under way
        def take(self, *arguments, **more):
            if begun.is_set():
                interrupt.request_locally(2)
            begun.set()
            return super().take(*arguments, **more)

    with pytest.raises(InterruptedRunError):
        copy(settings, "f", planned, Watched(2 * PART))
    assert names(folders / "to") == []


@pytest.mark.parametrize("mode", ["hybrid", "traditional"])
def test_a_source_that_changes_between_two_parts_is_not_copied(folders, make, mode):
    put(folders, "f", b"x" * 40 * PART)
    planned, settings = plan(make(), "f"), make(mode=mode, max_concurrent=1)

    class Watched(BufferBudget):
        asked = 0

        def take(self, *arguments, **more):
            self.asked += 1
            if self.asked == 5:
                (folders / "from" / "f").write_bytes(b"y" * 40 * PART)
            return super().take(*arguments, **more)

    with pytest.raises(SourceChangedError):
        copy(settings, "f", planned, Watched(2 * PART))
    assert names(folders / "to") == []


def test_a_closed_way_without_fallback_says_what_to_do(folders, make):
    put(folders, "f", b"x")
    planned = plan(make(), "f")._replace(uri="s3://nowhere/f")
    error = error_of(make(mode="direct_sync", fallback="none"), "f", planned)
    assert isinstance(error, UnsupportedError)
    assert "direct_sync: no server holds both sides" in str(error)
    assert "--fallback any" in str(error)


def test_a_manifest_object_of_unknown_version_and_size_is_taken_as_it_is(folders, make):
    put(folders, "f", b"x" * 3 * PART)
    planned = plan(make(), "f")
    unknown = planned.source._replace(info=planned.source.info._replace(etag="", size_bytes=-1))
    copied = copy(make(), "f", planned._replace(source=unknown))
    assert copied[:4] == ("hybrid", "match", "re-read", "")
    assert (folders / "to" / "f").read_bytes() == b"x" * 3 * PART


@pytest.mark.parametrize("mode", ["hybrid", "traditional"])
@pytest.mark.parametrize("size", [7, 3 * PART + 7])
@pytest.mark.parametrize(("verify", "times"), [("metadata", 1), ("auto", 2)])
def test_each_byte_is_paced_once_on_its_way_and_once_when_it_is_read_again(
    folders, make, monkeypatch, mode, size, verify, times
):
    paced = []

    class Watched(pacing.Pace):
        def before_bytes(self, count):
            paced.append(count)
            super().before_bytes(count)

    monkeypatch.setattr(pacing, "_pace", Watched(bytes_per_second=1e9))
    put(folders, "f", b"x" * size)
    copy(make(mode=mode, verify=verify), "f")
    assert sum(paced) == times * size


def test_many_objects_by_many_threads_keep_within_the_buffer(folders, make):
    settings = make(buffer_bytes=3 * PART, max_concurrent=8, mode="hybrid")
    for number in range(24):
        put(folders, f"{number}", bytes([number]) * (number % 4 * PART + 5))
    most = [0]

    class Watched(BufferBudget):
        def take(self, *arguments, **more):
            taken = super().take(*arguments, **more)
            most[0] = max(most[0], self.held_bytes)
            return taken

    budget, failed = Watched(settings.buffer_bytes), []
    plans = [plan(settings, f"{number}") for number in range(24)]

    def work(share):
        for planned in share:
            try:
                copy_object(planned, settings, stores_of(settings), budget)
            except HornbeamError as error:
                failed.append(error)

    threads = [threading.Thread(target=work, args=(plans[number::8],)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed
    assert most[0] <= 3 * PART
    assert budget.held_bytes == 0
    for number in range(24):
        assert (folders / "to" / f"{number}").read_bytes() == bytes([number]) * (number % 4 * PART + 5)
