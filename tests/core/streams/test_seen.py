"""What a watch has given out is told by a segment's name: in any process, whatever other attempts did."""

import json
import pickle

import pytest

from transforms.core.errors import PermanentError
from transforms.core.run_folder import RunFolder
from transforms.core.streams import seen
from transforms.core.streams.seen import NOTHING, Seen


@pytest.fixture
def folder(tmp_path):
    return RunFolder(f"file://{tmp_path}", "run")


@pytest.fixture
def log(folder):
    return Seen(folder)


@pytest.fixture
def elsewhere(log, monkeypatch):
    """The same stream in a process that has read nothing yet."""

    def copy():
        monkeypatch.setattr(seen, "_last_used", {})
        return pickle.loads(pickle.dumps(log))

    return copy


def mark(number):
    return number.to_bytes(16)


def marks(*numbers):
    return {mark(number) for number in numbers}


def names(folder):
    return sorted(path.name for path in folder.local_path.rglob("*.json"))


def test_what_was_given_out_is_new_no_more_here_and_in_other_processes(log, elsewhere, folder):
    one = log.add(NOTHING, marks(1, 2))
    two = log.add(one, marks(3))
    for each in (log, elsewhere()):
        assert each.new(two, [mark(2), mark(3), mark(4), mark(4)]) == marks(4)
        assert each.new(one, [mark(2), mark(3), mark(4)]) == marks(3, 4), "an older name, as after a restart"
        assert each.new(NOTHING, marks(1, 3)) == marks(1, 3), "the first, as after a restart from the beginning"
    assert len(names(folder)) == 2
    assert not list(folder.parts()), "segments are no parts"


def test_a_poll_that_found_nothing_new_writes_nothing(log, folder):
    assert log.add(NOTHING, set()) == NOTHING
    one = log.add(NOTHING, marks(1))
    assert log.add(one, log.new(one, marks(1))) == one
    assert len(names(folder)) == 1


@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_an_attempt_that_was_given_up_changes_nothing_for_the_one_that_counts(log, elsewhere, folder, *, is_elsewhere):
    one = log.add(NOTHING, marks(1, 2, 3, 4))
    given_up = log.add(one, marks(5, 6))
    before = {name: (folder.local_path / "parts/run.seen" / name).read_bytes() for name in names(folder)}
    again = elsewhere() if is_elsewhere else log
    assert again.new(one, marks(4, 5, 6, 7)) == marks(5, 6, 7), "not told by a bundle that was committed"
    counts = again.add(one, marks(6, 7))
    zombie = log.add(given_up, marks(8))
    assert again.new(counts, marks(1, 5, 6, 7, 8)) == marks(5, 8)
    assert log.new(zombie, marks(1, 5, 6, 7, 8)) == marks(7)
    assert len({one, given_up, counts, zombie}) == 4
    assert all((folder.local_path / "parts/run.seen" / name).read_bytes() == text for name, text in before.items())


def test_many_polls_make_a_short_chain_and_each_of_their_names_still_tells_its_own_part(log, elsewhere, folder):
    newest = [NOTHING]
    for number in range(200):
        newest.append(log.add(newest[-1], marks(number)))
    length, name = 0, newest[-1]
    while name:
        name, length = read(folder, name)["before"], length + 1
    written = sum(path.stat().st_size for path in folder.local_path.rglob("*.json"))
    assert length <= 8
    assert written < 200 * (60 + 22 * 8)
    everything, there = marks(*range(200)), elsewhere()
    for count in (0, 1, 2, 127, 128, 199, 200):
        assert there.new(newest[count], everything) == marks(*range(count, 200))


def read(folder, name):
    return json.loads(folder.read(f"parts/run.seen/{name}.json"))


def test_segments_are_read_only_where_another_process_wrote_them(log, elsewhere, folder):
    one = log.add(NOTHING, marks(1, 2, 3, 4))
    two = log.add(one, marks(5))
    (folder.local_path / f"parts/run.seen/{one}.json").unlink()
    assert log.new(two, marks(1, 5, 6)) == marks(6)
    with pytest.raises(PermanentError, match=rf"{one}.json is gone.*the same command, started again"):
        elsewhere().new(two, marks(1))


def test_two_streams_in_one_folder_know_nothing_of_each_other(folder):
    one, other = Seen(folder), Seen(folder)
    first = one.add(NOTHING, marks(1))
    second = other.add(NOTHING, marks(2))
    assert one.new(first, marks(1, 2)) == marks(2)
    assert other.new(second, marks(1, 2)) == marks(1)
