import pytest

from transforms.core.copying.bucket_names import refusal
from transforms.core.objects.details import Limits

BUCKET = Limits(1, 1, 1, 1, 1, parallel_parts=True, max_key_bytes=1024, deletes_at_once=1)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("s3://b/" + "x" * 1024, ""),
        ("s3://" + "b" * 63 + "/" + "x" * 1024, ""),
        ("s3://b/" + "x" * 1025, "1025 bytes"),
        ("gs://b/" + "é" * 512, ""),
        ("gs://b/" + "é" * 512 + "x", "1025 bytes"),
        ("s3://b/a\udcff", "not valid Unicode"),
        ("file:///a\udcff", ""),
        ("file:///" + "x/" * 1500, ""),
    ],
)
def test_only_names_that_a_bucket_can_hold_are_sent_to_one(uri, expected):
    found = refusal(uri, BUCKET)
    assert expected in found
    assert bool(found) == bool(expected)
