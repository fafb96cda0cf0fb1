"""Which names copying may write on a disk: no way leads out of the destination, and what can't be a file is refused."""

from pathlib import Path

import pytest

from tests.core.objects.local_places import KEPT, Bucket, empty_bucket
from transforms.core.errors import PermanentError
from transforms.core.objects.access import ConflictError, ForbiddenError
from transforms.core.objects.details import ABSENT, ANY, NO_CHECKSUMS


@pytest.fixture
def bucket(tmp_path):
    return empty_bucket(tmp_path)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "a/",
        "../up",
        "a/../../up",
        "a/../b",
        "a//b",
        "/etc/x",
        "./a",
        "n" * 256,
        "a\0b",
        f".hornbeam-{'0' * 32}.tmp",
    ],
)
def test_a_key_that_cannot_be_a_file_is_refused_and_nothing_is_written_anywhere(bucket, key):
    source = bucket.put("source")
    before = sorted(bucket.folder.parent.rglob("*"))
    uri = bucket.root + key
    for write in (
        lambda: bucket.put(key),
        lambda: bucket.store.begin(uri, KEPT, ANY, 3),
        lambda: bucket.store.copy_within(source, uri, KEPT, ANY),
    ):
        with pytest.raises(PermanentError, match=r"can't be a file: .*(rename|--exclude)"):
            write()
    assert sorted(bucket.folder.parent.rglob("*")) == before


def test_an_address_beside_the_root_is_refused(bucket):
    with pytest.raises(PermanentError, match="isn't below"):
        bucket.store.put(f"file://{bucket.folder}side/a", b"", KEPT, NO_CHECKSUMS, ANY)


@pytest.mark.parametrize("target", ["outside", "outside/new", "."])
def test_a_link_that_leads_out_is_not_followed_for_writing(bucket, target):
    outside = bucket.folder.parent / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    (bucket.folder / "link").symlink_to(bucket.folder.parent / target)
    before = sorted(bucket.folder.parent.glob("*")) + sorted(outside.rglob("*"))
    for key in ("link/a", "link/new/deep/a"):
        with pytest.raises(PermanentError, match="link"):
            bucket.put(key)
    listed = [one.info for one in bucket.store.list_range(bucket.root, "", "") if one.info.uri.endswith("kept")]
    assert [why for _, why in bucket.store.delete_all(listed) if "leads out" not in why] == []
    assert (outside / "kept").exists()
    assert sorted(bucket.folder.parent.glob("*")) + sorted(outside.rglob("*")) == before


def test_a_link_that_stays_within_is_followed_and_the_root_may_be_one(tmp_path):
    (tmp_path / "real/folder").mkdir(parents=True)
    (tmp_path / "root").symlink_to(tmp_path / "real")
    (tmp_path / "real/link").symlink_to("folder")
    bucket = Bucket(tmp_path / "root")
    bucket.put("link/a")
    assert (tmp_path / "real/folder/a").read_bytes() == b"new"


def test_a_link_under_the_final_name_is_replaced_not_followed(bucket):
    outside = bucket.folder.parent / "outside"
    outside.write_text("kept")
    (bucket.folder / "a").symlink_to(outside)
    bucket.put("a")
    assert outside.read_text() == "kept"
    assert not (bucket.folder / "a").is_symlink()


@pytest.mark.parametrize(("first", "second"), [("a", "a/b"), ("a", "a/b/c"), ("a/b", "a"), ("a/b/c", "a/b")])
@pytest.mark.parametrize("condition", [ANY, ABSENT])
def test_a_key_that_is_file_and_folder_is_refused_by_name(bucket, first, second, condition):
    bucket.put(first, b"first")
    with pytest.raises(PermanentError, match=r"can't hold both.*rename") as caught:
        bucket.put(second, condition=condition)
    assert not isinstance(caught.value, ConflictError)
    assert bucket.files() == [first]


@pytest.mark.parametrize("key", ["hornbeam", "hornbeam/a"])
def test_a_folder_without_permission_is_named_with_the_remedy(key):
    with pytest.raises(ForbiddenError, match=r"can't write file:///sys/hornbeam.*give this user the permission"):
        Bucket(Path("/sys")).put(key)


def test_a_file_that_has_two_spellings_on_purpose_is_written(bucket):
    bucket.put("README", b"1")
    (bucket.folder / "readme").hardlink_to(bucket.folder / "README")
    bucket.put("README", b"2")
    assert ((bucket.folder / "README").read_bytes(), (bucket.folder / "readme").read_bytes()) == (b"2", b"1")
