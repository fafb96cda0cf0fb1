import os
import stat

import pytest

from transforms.core.errors import ConfigError, PermanentError, SourceChangedError
from transforms.core.objects.expansion import expand
from transforms.core.objects.store import MissingError, open_store, stream

NAMES = ["a.csv", "a/z.csv", "a b.csv", "a-b.csv", "a[1].csv", "b/c/d.csv", "b/c.csv", "ä.csv", "50%.csv", "x#y?.csv"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in NAMES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(infos, folder) -> list[str]:
    return [info.uri.removeprefix(f"file://{folder}/") for info in infos]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a.csv", ["a.csv"]),
        ("./a.csv", ["a.csv"]),
        ("a[1].csv", ["a[1].csv"]),
        ("a?b.csv", ["a b.csv", "a-b.csv"]),
        ("b", ["b/c.csv", "b/c/d.csv"]),
        ("b/", ["b/c.csv", "b/c/d.csv"]),
        ("**/c*.csv", ["b/c.csv"]),
        ("*/*.csv", ["a/z.csv", "b/c.csv"]),
        (".", sorted(NAMES, key=os.fsencode)),
        ("x#y?.csv", ["x#y?.csv"]),
    ],
)
def test_what_a_user_types_finds_the_files_in_key_order(folder, source, expected):
    assert names(expand(source), folder) == expected
    assert names(expand(f"{folder}/{source}"), folder) == expected


def test_a_tilde_is_the_home_folder(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    assert names(expand("~/a.csv"), folder) == ["a.csv"]


@pytest.mark.parametrize("source", ["nope.csv", "*.tsv", "nope/", "a.csv/"])
def test_nothing_matched_is_named_with_its_remedy(folder, source):
    with pytest.raises(ConfigError) as caught:
        list(expand(source))
    assert source in str(caught.value)
    assert "check its spelling" in str(caught.value)


def test_an_empty_folder_is_nothing(folder):
    (folder / "empty").mkdir()
    with pytest.raises(ConfigError, match="matches nothing"):
        list(expand("empty"))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("b", ["b/c.csv", "b/c/d.csv"]),
        ("b/", ["b/c.csv", "b/c/d.csv"]),
        ("b*/", ["b.d/e.csv", "b/c.csv", "b/c/d.csv"]),
        ("b/.git", ["b/.git/config"]),
        ("b/.ds", ["b/.ds"]),
        ("b/.*", ["b/.ds"]),
    ],
)
def test_what_a_dot_hides_in_a_folder_is_taken_only_by_its_name(folder, source, expected):
    (folder / "b/.git/x").mkdir(parents=True)
    (folder / "b.d").mkdir()
    for name in ("b/.git/config", "b/.git/x/.y", "b/c/.z", "b/.ds", "b.d/e.csv"):
        (folder / name).write_text("")
    assert names(expand(source), folder) == expected


def test_links_are_followed_but_not_in_circles_and_pipes_are_no_files(folder):
    (folder / "b/loop").symlink_to(folder / "b")
    (folder / "b/link.csv").symlink_to(folder / "a.csv")
    (folder / "b/dangling.csv").symlink_to(folder / "gone.csv")
    os.mkfifo(folder / "b/pipe")
    assert names(expand("b"), folder) == ["b/c.csv", "b/c/d.csv", "b/link.csv"]


def test_a_range_is_read_exactly(folder):
    store = open_store("file:///")
    info = store.head(f"file://{folder}/b/c/d.csv")
    assert store.read(info, 2, 5) == b"c/d"
    assert store.read(info, 3, 3) == b""
    assert list(stream(store, info, block_bytes=4)) == [b"b/c/", b"d.cs", b"v"]
    assert list(stream(store, info, start=1, stop=3)) == [b"/c"]
    with pytest.raises(PermanentError, match="ends at byte 9"):
        store.read(info, 5, 50)


@pytest.mark.parametrize("change", [b"longer than before", b"A.csv"])
def test_a_file_that_changed_is_not_read_on(folder, change):
    store = open_store("file:///")
    info = store.head(f"file://{folder}/a.csv")
    (folder / "a.csv").write_bytes(change)
    os.utime(folder / "a.csv", ns=(1, 1))
    with pytest.raises(SourceChangedError, match=r"a\.csv changed"):
        store.read(info, 0, 2)


def test_a_removed_file_is_missing(folder):
    store = open_store("file:///")
    info = store.head(f"file://{folder}/a.csv")
    (folder / "a.csv").unlink()
    with pytest.raises(MissingError, match=r"a\.csv"):
        store.read(info, 0, 2)


def test_a_write_makes_folders_and_leaves_no_temporary_file(folder):
    store = open_store("file:///")
    store.write(f"file://{folder}/new/deep/f", b"1")
    store.write(f"file://{folder}/new/deep/f", b"2")
    assert [path.name for path in (folder / "new/deep").iterdir()] == ["f"]
    assert (folder / "new/deep/f").read_bytes() == b"2"
    assert stat.S_IMODE((folder / "new/deep/f").stat().st_mode) == 0o666 & ~_umask()


def test_a_folder_is_no_object(folder):
    with pytest.raises(MissingError, match="not a file"):
        open_store("file:///").head(f"file://{folder}/b")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
