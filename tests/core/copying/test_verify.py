import os

import pytest

from tests.core.copying.copies import MIB, listed, settings_for, stores_of
from transforms.core.copying.checksums import Comparison, checksums_of
from transforms.core.copying.verify import check_read, check_written, lends_md5, names_to_compute
from transforms.core.copying.verify_stored import check_object
from transforms.core.errors import ConfigError, SourceChangedError
from transforms.core.objects.access import CorruptedError
from transforms.core.objects.details import NO_CHECKSUMS, Checksums

MD5, SHA, BOTH = Checksums(md5="0" * 32), Checksums(sha256="0" * 64), Checksums(md5="0" * 32, crc32c="0" * 8)
PARTS = Checksums(multipart_etag="0" * 32 + "-2")


@pytest.mark.parametrize(
    ("known", "expected", "scheme", "verify", "names"),
    [
        (NO_CHECKSUMS, NO_CHECKSUMS, "file", "auto", set()),
        (NO_CHECKSUMS, NO_CHECKSUMS, "s3", "auto", {"crc32c"}),
        (MD5, NO_CHECKSUMS, "file", "auto", {"md5"}),
        (MD5, NO_CHECKSUMS, "s3", "auto", {"md5", "crc32c"}),
        (BOTH, NO_CHECKSUMS, "file", "auto", {"crc32c"}),
        (PARTS, NO_CHECKSUMS, "file", "auto", set()),
        (BOTH, SHA, "gs", "metadata", {"crc32c", "sha256"}),
        (BOTH, NO_CHECKSUMS, "s3", "none", set()),
        (BOTH, SHA, "s3", "none", {"sha256"}),
    ],
)
def test_only_checksums_that_tell_something_are_computed(known, expected, scheme, verify, names):
    assert set(names_to_compute(known, expected, scheme, verify)) == names


@pytest.mark.parametrize(
    ("known", "expected", "scheme", "verify", "lent"),
    [
        (MD5, NO_CHECKSUMS, "s3", "auto", True),
        (MD5, NO_CHECKSUMS, "gs", "full", True),
        (MD5, SHA, "s3", "auto", True),
        (MD5, NO_CHECKSUMS, "file", "auto", False),
        (MD5, NO_CHECKSUMS, "s3", "none", False),
        (MD5, MD5, "s3", "auto", False),
        (BOTH, NO_CHECKSUMS, "s3", "auto", False),
        (NO_CHECKSUMS, NO_CHECKSUMS, "s3", "auto", False),
    ],
)
def test_an_md5_is_lent_where_computing_it_tells_no_more(known, expected, scheme, verify, lent):
    assert lends_md5(known, expected, scheme, verify) == lent


def test_an_unknown_verify_names_the_known_ones():
    with pytest.raises(ConfigError, match="'all' is unknown; known: auto, metadata, full, none"):
        names_to_compute(NO_CHECKSUMS, NO_CHECKSUMS, "s3", "all")


def test_bytes_that_are_not_the_source_s_are_refused():
    data = checksums_of(b"data", ("md5", "crc32c"))
    check_read(data, data._replace(crc32c=""), NO_CHECKSUMS, "s3://a/k")
    with pytest.raises(CorruptedError, match=r"s3://a/k: the bytes that came have md5 8d77\w+, the source tells 0000"):
        check_read(data, MD5, NO_CHECKSUMS, "s3://a/k")
    with pytest.raises(CorruptedError, match=r"s3://a/k: its md5 is 8d77\w+, the manifest demands 0000"):
        check_read(data, NO_CHECKSUMS, MD5, "s3://a/k")


RIGHT, WRONG = checksums_of(b"data", ("md5",)), MD5


@pytest.mark.parametrize(
    ("told", "verify", "stored", "said", "reads"),
    [
        (RIGHT, "none", b"data", ("not_checked", ""), 0),
        (RIGHT, "metadata", b"data", ("match", "md5"), 0),
        (RIGHT, "auto", b"data", ("match", "md5"), 0),
        (RIGHT, "full", b"data", ("match", "re-read"), 1),
        (RIGHT, "full", b"dat?", ("mismatch", "re-read"), 1),
        (WRONG, "metadata", b"data", ("mismatch", "md5"), 0),
        (WRONG, "auto", b"data", ("mismatch", "md5"), 0),
        (WRONG, "full", b"data", ("mismatch", "md5"), 0),
        (NO_CHECKSUMS, "metadata", b"data", ("uncheckable", ""), 0),
        (NO_CHECKSUMS, "auto", b"data", ("match", "re-read"), 1),
        (NO_CHECKSUMS, "auto", b"dat?", ("mismatch", "re-read"), 1),
        (PARTS, "metadata", b"data", ("uncheckable", ""), 0),
    ],
)
def test_what_proves_that_bytes_were_stored(told, verify, stored, said, reads):
    asked = []

    def again():
        asked.append(1)
        return stored

    assert check_written(b"data", NO_CHECKSUMS, told, verify, again) == Comparison(*said)
    assert len(asked) == reads


@pytest.mark.parametrize(
    ("ours", "theirs", "verify", "said"),
    [
        (b"same", b"same", "none", ("not_checked", "")),
        (b"same", b"other", "auto", ("mismatch", "size")),
        (b"same", b"same", "metadata", ("uncheckable", "")),
        (b"same", b"same", "auto", ("match", "re-read")),
        (b"same", b"sane", "auto", ("mismatch", "re-read")),
        (b"same", b"same", "full", ("match", "re-read")),
        (b"x" * 9 * MIB, b"x" * 9 * MIB, "auto", ("match", "re-read")),
        (b"x" * 9 * MIB, b"x" * (9 * MIB - 1) + b"y", "auto", ("mismatch", "re-read")),
        (b"", b"", "auto", ("match", "re-read")),
    ],
)
def test_two_files_are_compared_without_writing(tmp_path, ours, theirs, verify, said):
    for name, data in (("a", ours), ("b", theirs)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").write_bytes(data)
    settings = settings_for(f"file://{tmp_path}/a/", f"file://{tmp_path}/b/", verify=verify)
    stores = stores_of(settings)
    sides = [listed(store, f"file://{tmp_path}/{name}/f") for store, name in zip(stores, "ab", strict=True)]
    assert check_object(*sides, settings, stores) == said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_a_file_that_changed_since_the_listing_is_not_compared(tmp_path):
    (tmp_path / "f").write_bytes(b"same")
    settings = settings_for(f"file://{tmp_path}/", f"file://{tmp_path}/")
    stores = stores_of(settings)
    before = listed(stores.source, f"file://{tmp_path}/f")
    os.utime(tmp_path / "f", ns=(1, 1))
    with pytest.raises(SourceChangedError, match="changed since it was listed"):
        check_object(before, before, settings, stores)
