"""Odd keys: each arrives under its own name or fails by name with the reason, and nothing is written outside."""

import os
from pathlib import Path

import pytest

from tests.services.copy_ends import apart, bodies, copy, verify

NAMES = ["plain", "a b", "a+b", "a%20b", "100%", "ü/日本", "e\u0301", "back\\slash", "q?x#y", "-n", "a=b&c", "it's"]
MARKERS = ["folder/", "a//b", "/first"]
DOTS = ["a/../b", "../up", "..", ".", "./a", "a/./b", "../../../../../../tmp/escaped"]
NO_UNICODE = os.fsdecode(b"b\xff\xfed")
LONG = "n" * 200 + "/" + "m" * 200
KEYS = [*NAMES, *MARKERS, *DOTS, LONG]


def why_not_on_disk(key: str) -> str:
    if key.endswith("/"):
        return "ends in / (a folder marker)"
    if "" in key.split("/"):
        return "nothing between two slashes"
    return "a file's name 255 at most" if key.startswith("n") else "a part . or .."


def tree(folder: Path) -> set[str]:
    """Every path below a folder, those of run folders aside."""
    paths = (str(path.relative_to(folder)) for path in folder.rglob("*"))
    return {path for path in paths if not path.startswith("run ")}


@pytest.mark.parametrize(
    ("source", "destination", "mode"),
    [("s3", "s3", "auto"), ("s3", "s3", "apart"), ("s3", "gs", "auto"), ("gs", "s3", "auto"), ("gs", "gs", "auto")],
)
def test_every_key_arrives_under_its_own_name_in_a_bucket(odd_end, tmp_path, source, destination, mode):
    here, there = odd_end(source), odd_end(destination)
    for key in KEYS:
        here.put(key, key.encode())
    given = {"mode": mode} if mode != "apart" else apart(here)
    run = copy(here, there, tmp_path, **given)
    assert (run.summary.exit_code, run.counts, run.failures) == (0, (len(KEYS), 0, 0, 0), {})
    assert bodies(there) == {key: key.encode() for key in KEYS}
    assert copy(here, there, tmp_path, **given).counts == (0, len(KEYS), 0, 0)
    assert verify(here, there, tmp_path).summary.exit_code == 0


@pytest.mark.parametrize("source", ["s3", "gs"])
def test_what_a_disk_cant_hold_fails_by_name_and_nothing_is_written_outside(odd_end, tmp_path, source):
    here, there = odd_end(source), odd_end("file", "there")
    for key in [*KEYS, "n" * 256]:
        here.put(key, key.encode())
    beside = tree(tmp_path)
    run = copy(here, there, tmp_path)
    assert bodies(there) == {key: key.encode() for key in [*NAMES, LONG]}
    assert {path for path in tree(tmp_path) if not path.startswith("there/")} == beside
    assert not Path("/tmp/escaped").exists()
    refused = {*MARKERS, *DOTS, "n" * 256}
    assert (run.summary.exit_code, run.counts) == (1, (len(NAMES) + 1, 0, len(refused), 0))
    assert run.failures.keys() == refused
    for key, failure in run.failures.items():
        assert why_not_on_disk(key) in failure["message"]


@pytest.mark.parametrize("destination", ["s3", "gs"])
def test_every_file_name_arrives_in_a_bucket(odd_end, tmp_path, destination):
    here, there = odd_end("file"), odd_end(destination)
    for key in [*NAMES, LONG]:
        here.put(key, key.encode())
    run = copy(here, there, tmp_path)
    assert (run.summary.exit_code, run.counts) == (0, (len(NAMES) + 1, 0, 0, 0))
    assert bodies(there) == {key: key.encode() for key in [*NAMES, LONG]}


@pytest.mark.parametrize("destination", ["s3", "gs"])
def test_a_file_name_that_is_no_unicode_fails_on_its_way_to_a_bucket(odd_end, tmp_path, destination):
    here, there = odd_end("file"), odd_end(destination)
    here.put("good", b"good")
    (here.path / NO_UNICODE).write_bytes(b"bad")
    run = copy(here, there, tmp_path)
    assert (run.summary.exit_code, run.statuses()) == (1, {"good": "done", NO_UNICODE: "failed"})
    assert "not valid Unicode" in run.failures[NO_UNICODE]["message"]
    assert bodies(there) == {"good": b"good"}


def test_a_file_name_that_is_no_unicode_goes_from_disk_to_disk(odd_end, tmp_path):
    here, there = odd_end("file"), odd_end("file", "there")
    (here.path / NO_UNICODE).write_bytes(b"fine")
    assert copy(here, there, tmp_path).counts == (1, 0, 0, 0)
    assert copy(here, there, tmp_path).counts == (0, 1, 0, 0)
    assert bodies(there) == {NO_UNICODE: b"fine"}


@pytest.mark.parametrize("destination", ["s3", "gs"])
def test_a_key_of_1024_bytes_arrives_and_one_that_would_be_longer_fails(odd_end, tmp_path, destination):
    here, there = odd_end("s3"), odd_end(destination)
    longest = "é" * ((1024 - len(there.prefix)) // 2) + "x" * ((1024 - len(there.prefix)) % 2)
    deeper = {"destination": f"{there.root}deeper/"}
    here.put(longest, b"long")
    assert copy(here, there, tmp_path).counts == (1, 0, 0, 0)
    assert bodies(there) == {longest: b"long"}
    run = copy(here, there, tmp_path, **deeper)
    assert (run.summary.exit_code, run.counts) == (1, (0, 0, 1, 0))
    assert "1024" in run.failures[longest]["message"]
    assert bodies(there) == {longest: b"long"}


@pytest.mark.parametrize("mode", ["auto", "direct_sync", "traditional"])
def test_a_link_in_the_destination_leads_nothing_outside(odd_end, tmp_path, mode):
    here, there = odd_end("file"), odd_end("file", "there")
    (tmp_path / "outside").mkdir()
    (there.path / "link").symlink_to(tmp_path / "outside")
    here.put("link/x", b"x")
    here.put("good", b"good")
    run = copy(here, there, tmp_path, mode=mode)
    assert (run.summary.exit_code, run.statuses()) == (1, {"good": "done", "link/x": "failed"})
    assert "link" in run.failures["link/x"]["message"]
    assert tree(tmp_path / "outside") == set()


def test_a_manifest_cant_name_a_destination_outside(odd_end, tmp_path):
    here, there = odd_end("file"), odd_end("file", "there")
    here.put("a", b"a")
    (there.path / "link").symlink_to(tmp_path)
    (tmp_path / "list.csv").write_text(f"source,destination\n{here.root}a,link/escaped\n")
    run = copy(None, there, tmp_path, manifest=str(tmp_path / "list.csv"))
    assert (run.summary.exit_code, run.counts) == (1, (0, 0, 1, 0))
    assert not (tmp_path / "escaped").exists()


def test_a_key_that_is_a_file_here_and_a_folder_there_fails_one_of_the_two(odd_end, tmp_path):
    here, there = odd_end("s3"), odd_end("file", "there")
    here.put("a", b"file")
    here.put("a/b", b"below")
    run = copy(here, there, tmp_path, max_concurrent=1)
    assert (run.summary.exit_code, run.counts) == (1, (1, 0, 1, 0))
    [failed] = run.failures
    assert bodies(there) == ({"a/b": b"below"} if failed == "a" else {"a": b"file"})
