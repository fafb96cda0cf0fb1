"""What somebody writes again and again is read whole, by its name and as one of the parts of a run."""

import threading
from contextlib import contextmanager

import pytest

from transforms.core.errors import TransientError
from transforms.core.objects.small_files import read_whole
from transforms.core.objects.store import open_store
from transforms.core.run_folder import RunFolder, plan_line


@contextmanager
def written_anew(write):
    """Calls `write` with 0, 1, … in a thread while the block looks; gives what tells that it is through."""
    ended = threading.Event()

    def work():
        for number in range(300):
            write(number)
        ended.set()

    thread = threading.Thread(target=work)
    thread.start()
    yield ended
    thread.join()


def test_a_file_that_is_written_meanwhile_is_read_whole(tmp_path):
    uri = f"file://{tmp_path}/a"
    store, found = open_store(uri), set()
    assert read_whole(store, uri) is None
    with written_anew(lambda number: store.write(uri, b"%03d" % number * (1 + number % 50))) as ended:
        while not ended.is_set():
            found.add(read_whole(store, uri) or b"000")
    assert all(data == data[:3] * (len(data) // 3) for data in found)
    assert read_whole(store, uri) == b"299" * 50


def test_a_part_that_another_attempt_writes_meanwhile_is_read_whole(tmp_path):
    folder = RunFolder(f"file://{tmp_path}", "r")
    with written_anew(lambda number: folder.write_part("unit", [plan_line(1, 0)] * (1 + number % 50))) as ended:
        while not ended.is_set():
            assert all(line == plan_line(1, 0) for line in [*folder.parts(), *folder.read_part("unit")])
    assert len(list(folder.parts())) == 50


class NeverTheSame:
    """A store of a file that changes with every look."""

    def __init__(self, store):
        self.store = store

    def head(self, uri):
        return self.store.head(uri)._replace(etag="another")

    def read(self, info, start, stop):
        return self.store.read(info, start, stop)


def test_a_file_that_is_never_the_same_twice_is_told_of(tmp_path):
    (tmp_path / "a").write_bytes(b"a")
    uri = f"file://{tmp_path}/a"
    with pytest.raises(TransientError, match="again and again"):
        read_whole(NeverTheSame(open_store(uri)), uri)
