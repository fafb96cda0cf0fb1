import os
import random
import sys

import pytest

from transforms.core.objects import local_names
from transforms.core.objects.local_names import KEPT_FROM, KeyRange, SortedNames
from transforms.core.objects.store import open_copy_store

COUNT = 2 * KEPT_FROM
_scanned: list[bytes] = []
sys.addaudithook(lambda event, given: _scanned.append(given[0]) if event == "os.scandir" else None)


@pytest.fixture
def flat(tmp_path, monkeypatch):
    """A large folder, some folders among its files, that counts as unchanged for long."""
    monkeypatch.setattr(local_names, "_SETTLED_SECONDS", -1.0)
    for number in range(COUNT):
        (tmp_path / f"f{number:05}").touch()
    for name in ("a", "f00500.d", "z"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").touch()
    os.utime(tmp_path, (1, 1))
    _scanned.clear()
    return tmp_path


def keys(folder, start="", stop="", *, limit=0, prefix="") -> list[str]:
    root = f"file://{folder}/{prefix}"
    return [one.info.uri.removeprefix(root) for one in open_copy_store(root).list_range(root, start, stop, limit=limit)]


def times_read(folder) -> int:
    return _scanned.count(os.fsencode(f"{folder}/"))


def test_a_large_folder_is_read_once_for_any_number_of_ranges(flat):
    ordered = sorted([f"f{number:05}" for number in range(COUNT)] + ["a/x", "f00500.d/x", "z/x"])
    assert keys(flat) == ordered
    generator = random.Random(1)
    cuts = [
        *generator.sample(ordered, 30),
        "a",
        "a/",
        "a/y",
        "b",
        "f00500.d/",
        "f00500.d/x",
        "f00500.d0",
        "z/",
        "zz",
        "",
    ]
    for _ in range(200):
        low, high = sorted(generator.sample(cuts, 2))
        assert keys(flat, low, high) == [key for key in ordered if low <= key < high]
    assert keys(flat, "f00501", limit=2) == ["f00501", "f00502"]
    assert keys(flat, prefix="f0050") == sorted([str(n) for n in range(10)] + ["0.d/x"])
    assert keys(flat, "001", "003", prefix="f00") == [f"{number:03}" for number in (1, 2)]
    assert times_read(flat) == 1


def test_a_change_is_seen_at_once(flat):
    before = keys(flat)
    (flat / "f00000-new").touch()
    assert keys(flat) == sorted([*before, "f00000-new"])
    (flat / "f00000-new").unlink()
    assert keys(flat) == before
    assert times_read(flat) == 3


def test_a_folder_that_has_just_changed_is_read_again(flat, monkeypatch):
    monkeypatch.setattr(local_names, "_SETTLED_SECONDS", 60.0)
    assert keys(flat, "f00010", "f00012") == keys(flat, "f00010", "f00012") == ["f00010", "f00011"]
    assert times_read(flat) == 2


def test_only_a_few_folders_are_kept(flat, tmp_path_factory):
    others = [tmp_path_factory.mktemp("other") for _ in range(8)]
    for folder in others:
        for number in range(KEPT_FROM):
            (folder / str(number)).touch()
        assert len(keys(folder)) == KEPT_FROM
    assert len(local_names._kept) <= 4


@pytest.mark.parametrize("names", [[], [b""], [b"a"], [b"a", b"b/", b"bc", b"\xff" * 255]])
def test_names_in_one_text_are_the_names(names):
    packed = SortedNames(names)
    assert [packed[index] for index in range(len(packed))] == names


@pytest.mark.parametrize(
    ("path", "holds", "ends"),
    [
        (b"/d/a", False, False),
        (b"/d/", True, False),
        (b"/", True, False),
        (b"/d/c", False, False),
        (b"/d/c/", True, False),
        (b"/d/c/e", True, False),
        (b"/d/f", True, False),
        (b"/d/g", False, True),
        (b"/d/g/", False, True),
        (b"/e", False, True),
        (b"/c/", False, False),
    ],
)
def test_a_range_says_what_it_may_hold_and_when_it_ends(path, holds, ends):
    wanted = KeyRange(b"/d/", b"/d/c/b", b"/d/g")
    assert (wanted.holds(path), wanted.ends_before(path)) == (holds, ends)


@pytest.mark.parametrize(("path", "ends"), [(b"/d/a", False), (b"/d/ab", False), (b"/d/b", True), (b"/d/", False)])
def test_a_range_without_a_stop_ends_with_its_prefix(path, ends):
    assert KeyRange(b"/d/a", b"/d/a", b"").ends_before(path) is ends
