import pytest

from transforms.core.objects.details import ABSENT, ANY, NO_CHECKSUMS, Attributes, Checksums, Condition
from transforms.core.objects.gcs_details import details_of, differing, mtime_of, precondition, resource_of

SUMS = Checksums(md5="900150983cd24fb0d6963f7d28e17f72", crc32c="364b3fb7")
EVERYTHING = Attributes(
    "text/csv", "gzip", "inline", "de", "no-store", "NEARLINE", (("a", "ä"), ("mtime", "1.5")), mtime=1.5
)
NAMED = {"name": "a/b", "updated": "2026-01-02T03:04:05.678Z", "generation": "7", "size": "3"}


@pytest.mark.parametrize(
    ("metadata", "seconds"),
    [
        ({}, 0.0),
        ({"mtime": "1700000000.25"}, 1_700_000_000.25),
        ({"mtime": "2023-11-14T22:13:20.250000000Z"}, 1_700_000_000.25),
        ({"goog-reserved-file-mtime": "1700000000"}, 1_700_000_000.0),
        ({"mtime": "yesterday", "goog-reserved-file-mtime": "5"}, 5.0),
        ({"mtime": "nan"}, 0.0),
        ({"mtime": "1e300"}, 0.0),
        ({"mtime": "-5"}, 0.0),
    ],
)
def test_the_kept_time_is_read_as_each_tool_writes_it(metadata, seconds):
    assert mtime_of(metadata) == seconds


def test_what_is_written_is_what_is_read_again():
    resource = resource_of("a/b", EVERYTHING, SUMS)
    details = details_of("bucket", {**NAMED, **resource})
    assert details.attributes == EVERYTHING
    assert details.checksums == SUMS
    assert details.info == ("gs://bucket/a/b", 3, "7", 1767323045.678)


def test_a_time_becomes_metadata_and_nothing_becomes_nothing():
    assert resource_of("k", Attributes(mtime=1_700_000_000.25)) == {
        "name": "k",
        "metadata": {"mtime": "1700000000.25"},
    }
    assert resource_of("", Attributes()) == {}
    assert details_of("bucket", NAMED).attributes == Attributes()
    assert details_of("bucket", {**NAMED, "md5Hash": "?"}).checksums == NO_CHECKSUMS


@pytest.mark.parametrize(
    ("condition", "query"),
    [(ANY, {}), (ABSENT, {"ifGenerationMatch": "0"}), (Condition(etag="7"), {"ifGenerationMatch": "7"})],
)
def test_a_condition_is_a_generation(condition, query):
    assert precondition(condition) == query


@pytest.mark.parametrize(
    ("asked", "told", "name"),
    [
        (SUMS, SUMS, ""),
        (SUMS, NO_CHECKSUMS, ""),
        (NO_CHECKSUMS, SUMS, ""),
        (SUMS, SUMS._replace(md5=""), ""),
        (SUMS, SUMS._replace(crc32c="00000000"), "crc32c"),
        (SUMS, SUMS._replace(md5="00"), "md5"),
    ],
)
def test_only_what_both_know_can_differ(asked, told, name):
    assert differing(asked, told) == name
