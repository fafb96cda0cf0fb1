from __future__ import annotations

import pytest

from transforms.core.copying.demands import as_demanded, check_size, check_source, contradiction
from transforms.core.copying.manifest_rows import ManifestRow
from transforms.core.errors import PermanentError
from transforms.core.objects.access import CorruptedError
from transforms.core.objects.details import NO_CHECKSUMS, Checksums, Listed, ObjectDetails
from transforms.core.outcome import ObjectInfo

A, B = "a" * 32, "b" * 32


def info(size):
    return ObjectInfo("web://h/k", size, "", 0.0)


def row(size=-1, **sums):
    return ManifestRow(7, "s3://a/k", "s3://b/k", size, Checksums(**sums))


# (size told, checksums told, row, what is said)
TABLE = [
    (5, {}, row(), ""),
    (5, {}, row(5), ""),
    (-1, {}, row(5), ""),
    (5, {}, row(6), "its size is 5 bytes, the manifest (line 7) says 6"),
    (0, {}, row(1), "its size is 0 bytes, the manifest (line 7) says 1"),
    (5, {"md5": A}, row(5, md5=A), ""),
    (5, {"crc32c": "00000000"}, row(md5=A), ""),
    (5, {"md5": A, "crc32c": "00000000"}, row(md5=B), f"its md5 is {A}, the manifest (line 7) demands {B}"),
    (5, {"md5": A, "sha1": "0"}, row(md5=A, sha1="1"), "its sha1 is 0, the manifest (line 7) demands 1"),
    (5, {"md5": A}, row(6, md5=B), "its size is 5 bytes, the manifest (line 7) says 6"),
]


@pytest.mark.parametrize(("size", "sums", "demands", "said"), TABLE)
def test_what_contradicts_a_row_is_what_its_table_says(size, sums, demands, said):
    found = ObjectDetails(info(size), checksums=Checksums(**sums))
    assert contradiction(found, demands) == said
    if not said:
        check_source(found, demands)
        return
    with pytest.raises(CorruptedError) as caught:
        check_source(found, demands)
    assert said in str(caught.value)
    assert isinstance(caught.value, PermanentError)


@pytest.mark.parametrize(("size", "demanded"), [(5, -1), (5, 5), (-1, 5), (-1, -1), (0, 0)])
def test_a_size_that_fits_passes(size, demanded):
    check_size(info(size), demanded)


@pytest.mark.parametrize(("size", "demanded"), [(5, 6), (5, 0), (0, 5)])
def test_a_size_that_doesnt_is_refused(size, demanded):
    with pytest.raises(CorruptedError, match=f"is {size} bytes, the manifest says {demanded}"):
        check_size(info(size), demanded)


@pytest.mark.parametrize(
    ("told", "there", "demands", "known"),
    [
        (Checksums(md5=A), Checksums(md5=A), row(), (5, Checksums(md5=A))),
        (NO_CHECKSUMS, Checksums(md5=A), row(md5=A), (5, Checksums(md5=A))),
        (Checksums(crc32c="0"), NO_CHECKSUMS, row(md5=A), (5, Checksums(md5=A, crc32c="0"))),
        # What stands there is the source's by its md5, and isn't what is demanded by its crc32c: it is no copy.
        (Checksums(md5=A), Checksums(md5=A, crc32c="0"), row(crc32c="1"), (5, Checksums(crc32c="1"))),
    ],
)
def test_a_source_is_compared_with_what_is_demanded_of_it(told, there, demands, known):
    source = as_demanded(Listed(info(5), told), Listed(info(5), there), demands)
    assert (source.info.size_bytes, source.checksums) == known


def test_a_source_of_unknown_size_has_the_one_that_is_demanded():
    existing = Listed(info(5))
    assert as_demanded(Listed(info(-1)), existing, row(9)).info.size_bytes == 9
    assert as_demanded(Listed(info(5)), existing, row(5)).info.size_bytes == 5
    assert as_demanded(Listed(info(-1)), existing, row()).info.size_bytes == -1
