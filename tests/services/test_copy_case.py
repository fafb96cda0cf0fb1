"""Keys that a disk doesn't tell from one another: the first one arrives, the other fails by name; nothing is lost."""

import pytest

from tests.services.copy_ends import bodies, copy, verify
from tests.services.insensitive_disk import InsensitiveDisk

CLASHES = {"Photo.JPG": b"upper", "photo.jpg": b"lower", "Dir/a": b"a", "dir/b": b"b", "other": b"other"}


@pytest.fixture(params=["file", "s3"])
def ends(request, new_end, monkeypatch):
    here, there = new_end(request.param, "here"), new_end("file", "there")
    InsensitiveDisk(there.path).install(monkeypatch)
    for key, body in CLASHES.items():
        here.put(key, body)
    return here, there


def test_the_disk_is_one_in_which_case_does_not_count(ends):
    _, there = ends
    there.put("Sub/File", b"1")
    assert (there.path / "sub" / "FILE").stat().st_size == 1
    assert (there.path / "SUB").samefile(there.path / "Sub")
    with pytest.raises(FileExistsError):
        (there.path / "sUB").mkdir()
    assert there.keys() == {"Sub/File"}


@pytest.mark.parametrize("mode", ["auto", "traditional"])
@pytest.mark.parametrize("max_concurrent", [1, 16])
def test_of_two_spellings_one_arrives_and_the_other_fails_by_name(ends, tmp_path, mode, max_concurrent):
    here, there = ends
    run = copy(here, there, tmp_path, mode=mode, max_concurrent=max_concurrent)
    assert (run.summary.exit_code, run.counts) == (1, (3, 0, 2, 0))
    arrived = bodies(there)
    assert arrived == {key: CLASHES[key] for key in arrived}, "each under its own spelling, with its own bytes"
    assert len({"Photo.JPG", "photo.jpg"} & arrived.keys()) == 1
    assert "other" in arrived
    for key, failure in run.failures.items():
        other = next(one for one in arrived if one.casefold()[:4] == key.casefold()[:4] or one[:1].lower() == key[:1])
        assert failure["error"] == "PermanentError"
        assert "this disk doesn't tell" in failure["message"]
        assert repr(key.partition("/")[0]) in failure["message"]
        assert repr(other.partition("/")[0]) in failure["message"]


def test_another_run_and_a_deletion_leave_what_arrived(ends, tmp_path):
    here, there = ends
    copy(here, there, tmp_path)
    before = bodies(there)
    again = copy(here, there, tmp_path, delete=True, max_delete="100%", incremental=False)
    assert (again.summary.exit_code, again.counts) == (1, (3, 0, 2, 0))
    assert bodies(there) == before
    compared = verify(here, there, tmp_path)
    assert (compared.summary.exit_code, compared.counts) == (1, (3, 0, 2, 0))
    assert {failure["error"] for failure in compared.failures.values()} == {"MissingError"}


def test_an_object_that_changed_does_not_replace_the_file_of_another_spelling(ends, tmp_path):
    here, there = ends
    only = {"include": ("Photo.JPG", "other")}
    assert copy(here, there, tmp_path, **only).summary.exit_code == 0
    here.put("PHOTO.jpg", b"a third one")
    run = copy(here, there, tmp_path, include=("PHOTO.jpg", "other"))
    assert run.statuses() == {"PHOTO.jpg": "failed", "other": "skipped"}
    assert bodies(there)["Photo.JPG"] == b"upper"
