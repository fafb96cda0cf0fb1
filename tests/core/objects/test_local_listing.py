import os
import random
import sys

import pytest

from transforms.core.objects.store import open_copy_store

NAMES = [
    "a", "a b", "a!x", "a-b", "a.csv", "a0", "ab/c/d", "ab/c.csv", "ab/c", "ab.d/x", "b/z", "b0", "ä/x", "ä",
    "\udcff/y",
    "\U0001f600", "\ue000", "B/z", "z/z/z/z",
]  # fmt: skip
FILES = [name for name in NAMES if not any(other.startswith(f"{name}/") for other in NAMES)]


@pytest.fixture
def folder(tmp_path):
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, errors="surrogateescape")
    return tmp_path


def keys(folder, start="", stop="", *, prefix="", limit=0) -> list[str]:
    root = f"file://{folder}/{prefix}"
    listed = list(open_copy_store(root).list_range(root, start, stop, limit=limit))
    assert all(one.info.uri.startswith(root) for one in listed)
    return [one.info.uri.removeprefix(root) for one in listed]


def test_files_come_in_the_byte_order_of_whole_keys(folder):
    assert keys(folder) == sorted(FILES, key=os.fsencode)
    assert "a" in FILES
    assert "ab/c" not in FILES


def test_any_two_ranges_that_meet_hold_every_key_once(folder):
    ordered = sorted(FILES, key=os.fsencode)
    generator = random.Random(4)
    cuts = [*FILES, "ab", "ab/", "ab0", "ab/c/", "ab/c/d0", "", "b", "z/z/z", "\U0001f600x"]
    for _ in range(100):
        low, high = sorted(generator.sample(cuts, 2), key=os.fsencode)
        inside = [key for key in ordered if os.fsencode(low) <= os.fsencode(key) < os.fsencode(high)]
        assert keys(folder, low, high) == inside
        assert keys(folder, "", low) + keys(folder, low, high) + keys(folder, high) == ordered or not low


def test_folders_outside_of_the_range_are_not_opened(folder):
    opened: list[str] = []
    watching = True
    sys.addaudithook(lambda event, given: opened.append(given[0]) if watching and event == "os.scandir" else None)
    assert keys(folder, "ab/", "ab/c/") == ["ab/c.csv"]
    watching = False
    assert opened == [os.fsencode(f"{folder}/"), os.fsencode(f"{folder}/ab/")]


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_a_limit_ends_the_listing(folder, limit):
    assert keys(folder, "ab/", limit=limit) == keys(folder, "ab/")[:limit]


@pytest.mark.parametrize(
    ("prefix", "expected"), [("ab/", ["c.csv", "c/d"]), ("ab", [".d/x", "/c.csv", "/c/d"]), ("no/", []), ("a/", [])]
)
def test_a_prefix_is_a_folder_or_the_beginning_of_names(folder, prefix, expected):
    assert keys(folder, prefix=prefix) == expected


def test_a_listing_tells_size_version_and_time(folder):
    os.utime(folder / "b0", ns=(1, 1_234_567_890_123_456_789))
    root = f"file://{folder}/"
    [listed] = open_copy_store(root).list_range(root, "b0", "b1")
    assert listed.info == (f"{root}b0", 2, "2-1234567890123456789", 1_234_567_890.1234567)
    assert listed.mtime == listed.info.modified
    assert open_copy_store(root).head(f"{root}b0") == listed.info


def test_links_circles_pipes_and_our_temporary_files_are_no_surprise(tmp_path):
    (tmp_path / "d/e").mkdir(parents=True)
    (tmp_path / "d/e/f").write_text("1")
    (tmp_path / "d/circle").symlink_to(tmp_path)
    (tmp_path / "d/gone").symlink_to(tmp_path / "nowhere")
    (tmp_path / "link").symlink_to(tmp_path / "d/e")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / f".hornbeam-{'0' * 32}.tmp").write_text("half")
    assert keys(tmp_path) == ["d/e/f", "link/f"]
    root = f"file://{tmp_path}/"
    assert [info.uri for info in open_copy_store(root).list(root)] == [f"{root}d/e/f", f"{root}link/f"]


def test_a_listing_tells_when_a_file_was_written_though_its_time_was_set_back(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"x")
    os.utime(path, (1000.5, 1000.5))
    (found,) = open_copy_store(f"file://{path}").list_range(f"file://{tmp_path}/", "", "")
    assert (found.info.modified, found.mtime) == (1000.5, 1000.5)
    assert found.written == path.stat().st_ctime
