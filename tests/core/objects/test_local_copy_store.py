"""What copying asks of a disk: writes under conditions, in parts and at once, copies, deletes, leftovers."""

import random
import signal
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.core.objects.local_places import KEPT, MTIME, empty_bucket
from transforms.core.errors import PermanentError, SourceChangedError
from transforms.core.objects.access import AlreadyThereError, ConflictError, MissingError
from transforms.core.objects.details import ABSENT, ANY, NO_CHECKSUMS, Attributes, Condition


@pytest.fixture
def bucket(tmp_path):
    return empty_bucket(tmp_path)


def whole(bucket, key, parts, condition=ANY, attributes=KEPT):
    """Writes an object in the given (start, bytes) parts, in that order; returns its details."""
    uri = bucket.root + key
    upload = bucket.store.begin(uri, attributes, condition, sum(len(data) for _, data in parts))
    numbers = {start: number for number, start in enumerate(sorted(start for start, _ in parts), start=1)}
    sent = [bucket.store.put_part(upload, numbers[start], start, data, NO_CHECKSUMS) for start, data in parts]
    return upload, lambda: bucket.store.complete(upload, sorted(sent, key=lambda part: part.number), NO_CHECKSUMS)


@pytest.mark.parametrize("key", ["a", "deep/er/b c", "ä/文", "n" * 255, "/".join(["d"] * 300)])
@pytest.mark.parametrize("data", [b"", b"1", b"\0" * 100_000])
def test_what_was_put_is_there_with_its_time(bucket, key, data):
    details = bucket.put(key, data, ABSENT)
    path = bucket.folder / key
    assert path.read_bytes() == data
    assert path.stat().st_mtime == MTIME
    assert bucket.files() == [key]
    assert details == bucket.store.details(bucket.root + key)
    assert details.attributes == KEPT
    assert bucket.store.fetch(details.info) == (data, details)
    assert bucket.store.tags(details.info) == ()


def test_without_a_time_a_file_is_as_new_as_its_write(bucket):
    details = bucket.put("a", attributes=Attributes())
    assert abs(details.info.modified - (bucket.folder / "a").stat().st_ctime) < 1


@pytest.mark.parametrize(
    ("there", "condition", "error"),
    [
        (False, ANY, None),
        (True, ANY, None),
        (False, ABSENT, None),
        (True, ABSENT, AlreadyThereError),
        (True, "etag", None),
        (True, Condition(etag="1-2"), ConflictError),
        (False, Condition(etag="1-2"), ConflictError),
    ],
)
@pytest.mark.parametrize("way", ["put", "parts", "copy"])
def test_a_write_happens_only_under_its_condition(bucket, there, condition, error, way):
    old = bucket.put("a", b"old") if there else None
    condition = Condition(etag=old.info.etag) if condition == "etag" else condition
    source = bucket.put("source", b"new")
    if way == "put":
        write = lambda: bucket.put("a", b"new", condition)  # noqa: E731
    elif way == "copy":
        write = lambda: bucket.store.copy_within(source, f"{bucket.root}a", KEPT, condition)  # noqa: E731
    else:
        upload, write = whole(bucket, "a", [(0, b"new")], condition)
    if error is None:
        assert write() == bucket.store.details(f"{bucket.root}a")
        assert (bucket.folder / "a").read_bytes() == b"new"
    else:
        with pytest.raises(error, match=r"file://.*/a .*left alone"):
            write()
        if way == "parts":
            bucket.store.abort(upload)
        assert not there or (bucket.folder / "a").read_bytes() == b"old"
    assert bucket.files() == sorted(["source", *(["a"] if there or error is None else [])])


def test_parts_come_in_any_order_at_once_and_again(bucket):
    data = random.Random(1).randbytes(1_000_003)
    upload = bucket.store.begin(f"{bucket.root}big", KEPT, ABSENT, len(data))
    starts = list(enumerate(range(0, len(data), 100_000), start=1))
    assert list(bucket.store.list_range(bucket.root, "", "")) == []

    def send(numbered):
        number, start = numbered
        return bucket.store.put_part(upload, number, start, data[start : start + 100_000], NO_CHECKSUMS)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, reversed(starts)))
        parts = list(pool.map(send, starts))
    details = bucket.store.complete(upload, parts, NO_CHECKSUMS)
    assert bucket.store.read(details.info, 0, len(data)) == data
    assert details.attributes.mtime == MTIME
    assert bucket.files() == ["big"]


def test_a_part_that_is_missing_is_noticed(bucket):
    upload, _ = whole(bucket, "a", [(10, b"tail")])
    part = bucket.store.put_part(upload, 1, 10, b"tail", NO_CHECKSUMS)
    with pytest.raises(PermanentError, match="parts have 4 bytes, the file 14"):
        bucket.store.complete(upload, [part], NO_CHECKSUMS)
    bucket.store.abort(upload)
    bucket.store.abort(upload)
    assert bucket.files() == []


def test_only_our_own_old_temporary_files_are_leftovers(bucket):
    outside = bucket.folder.parent / "outside"
    outside.mkdir()
    names = [f".hornbeam-{'a' * 32}.tmp", "x.tmp", ".hornbeam-mine.tmp"]
    for folder in (outside, bucket.folder, bucket.folder / "in"):
        folder.mkdir(exist_ok=True)
        for name in names:
            (folder / name).write_text("half")
    (bucket.folder / "link").symlink_to(outside)
    assert bucket.store.abort_leftovers(bucket.root, 3600) == 0
    assert bucket.store.abort_leftovers(f"{bucket.root}in/", -1) == 1
    assert bucket.store.abort_leftovers(bucket.root, -1) == 1
    assert sorted(path.name for path in outside.iterdir()) == sorted(names)
    assert bucket.store.abort_leftovers(f"{bucket.root}nowhere/", -1) == 0


def test_a_copy_within_keeps_the_bytes_and_the_time(bucket):
    data = random.Random(2).randbytes(300_001)
    source = bucket.put("source", data)
    details = bucket.store.copy_within(source, f"{bucket.root}new/copy", KEPT, ABSENT)
    assert bucket.store.read(details.info, 0, len(data)) == data
    assert (details.info.size_bytes, details.attributes.mtime) == (len(data), MTIME)


def test_a_copy_of_what_changed_or_went_is_refused(bucket):
    source = bucket.put("source", b"1")
    bucket.put("source", b"22")
    with pytest.raises(SourceChangedError, match="source changed"):
        bucket.store.copy_within(source, f"{bucket.root}copy", KEPT, ANY)
    (bucket.folder / "source").unlink()
    with pytest.raises(MissingError, match="source"):
        bucket.store.copy_within(source, f"{bucket.root}copy", KEPT, ANY)
    assert bucket.files() == []


def test_only_the_listed_versions_are_deleted_and_emptied_folders_go(bucket):
    names = lambda folder: sorted(path.name for path in folder.iterdir())  # noqa: E731
    for key in ("a/b/c", "a/b/d", "a/e", "f/g", "kept"):
        bucket.put(key)
    infos = [one.info for one in bucket.store.list_range(bucket.root, "", "kept")]
    bucket.put("a/e", b"changed")
    (bucket.folder / "f/g").unlink()
    [(info, reason)] = bucket.store.delete_all(infos)
    assert info.uri == f"{bucket.root}a/e"
    assert "changed since it was listed" in reason
    assert bucket.files() == ["a/e", "kept"]
    assert names(bucket.folder) == ["a", "f", "kept"]
    assert names(bucket.folder / "a") == ["e"]


def test_one_of_many_writers_gets_a_free_name_and_none_leaves_anything(bucket):
    barrier = threading.Barrier(8)

    def write(number):
        barrier.wait()
        try:
            return bucket.put("deep/new/a", str(number).encode(), ABSENT).info.size_bytes
        except AlreadyThereError:
            return 0

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(write, range(8))) == 1
    assert bucket.files() == ["deep/new/a"]


def test_writers_and_deleters_in_one_folder_do_not_trip_over_each_other(bucket):
    def write_and_delete(number):
        for _ in range(100):
            details = bucket.put(f"one/folder/{number}")
            assert bucket.store.delete_all([details.info]) == []

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write_and_delete, range(4)))
    assert bucket.files() == []


@pytest.mark.parametrize("disk", ["/tmp", "/dev/shm"])
def test_a_copy_between_disks_and_from_a_file_without_a_length_is_whole(bucket, disk):
    with tempfile.TemporaryDirectory(dir=disk) as folder:
        (Path(folder) / "source").write_bytes(b"x" * 100_000)
        source = bucket.store.details(f"file://{folder}/source")
        assert bucket.store.copy_within(source, f"{bucket.root}copy", KEPT, ABSENT).info.size_bytes == 100_000
    source = bucket.store.details("file:///proc/version")
    source = source._replace(info=source.info._replace(etag=""))  # its time is that of the first look
    bucket.store.copy_within(source, f"{bucket.root}version", KEPT, ABSENT)
    assert (bucket.folder / "version").read_bytes() == Path("/proc/version").read_bytes()


_KILLED = """
import os, signal, sys
from transforms.core.objects.details import ANY, NO_CHECKSUMS, Attributes
from transforms.core.objects.store import open_copy_store
store = open_copy_store(sys.argv[1])
upload = store.begin(sys.argv[1] + "a", Attributes(), ANY, 10)
store.put_part(upload, 1, 0, b"half", NO_CHECKSUMS)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_writer_leaves_nothing_but_what_the_next_run_removes(bucket):
    assert subprocess.run([sys.executable, "-c", _KILLED, bucket.root], check=False).returncode == -signal.SIGKILL
    assert list(bucket.store.list_range(bucket.root, "", "")) == []
    assert len(bucket.files()) == 1
    mine = bucket.store.begin(f"{bucket.root}b", Attributes(), ANY, 10)
    assert bucket.store.abort_leftovers(bucket.root, 3600) == 1  # however young it is: its process is gone
    assert [name.endswith(mine.token) for name in map(str, bucket.files())] == [True]


def test_writes_leave_no_descriptor_open(bucket):
    before = len(list(Path("/proc/self/fd").iterdir()))
    for key in ("a", "b/c", "a/x", "../x", "b"):
        try:
            bucket.put(key)
        except PermanentError:
            continue
    assert len(list(Path("/proc/self/fd").iterdir())) == before
