import pytest

from transforms.core.objects.details import Attributes
from transforms.core.objects.s3_copying import directives, part_bytes_of

MIB = 1 << 20
KNOWN = Attributes(content_type="text/csv", user=(("a", "b"),))


@pytest.mark.parametrize(
    ("source", "wanted", "expected"),
    [
        (KNOWN, KNOWN, {"x-amz-metadata-directive": "COPY"}),
        (Attributes(), Attributes(), {"x-amz-metadata-directive": "COPY"}),
        (
            KNOWN._replace(storage_class="GLACIER", tags=(("x", "y"),)),
            KNOWN._replace(storage_class="STANDARD_IA"),
            {"x-amz-metadata-directive": "COPY", "x-amz-storage-class": "STANDARD_IA"},
        ),
        (
            KNOWN,
            KNOWN._replace(tags=(("x", "y"),)),
            {"x-amz-metadata-directive": "COPY", "x-amz-tagging": "x=y", "x-amz-tagging-directive": "REPLACE"},
        ),
        (
            KNOWN,
            KNOWN._replace(content_type="text/plain"),
            {"x-amz-metadata-directive": "REPLACE", "content-type": "text/plain", "x-amz-meta-a": "b"},
        ),
    ],
)
def test_the_server_keeps_metadata_that_is_wanted_as_it_is(source, wanted, expected):
    assert directives(source, wanted) == expected


@pytest.mark.parametrize(
    ("size_bytes", "source_part_bytes", "expected"),
    [
        (6 << 30, 0, 256 * MIB),
        (6 << 30, 50 * MIB, 50 * MIB),
        (6 << 30, 4 * MIB, 256 * MIB),
        (5 << 40, 8 * MIB, 525 * MIB),
        (5 << 40, 0, 525 * MIB),
    ],
)
def test_a_copy_has_the_parts_of_its_source_where_it_can(size_bytes, source_part_bytes, expected):
    found = part_bytes_of(size_bytes, source_part_bytes)
    assert found == expected
    assert -(-size_bytes // found) <= 9_999
