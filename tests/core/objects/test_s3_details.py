import base64

import pytest

from transforms.core.errors import PermanentError
from transforms.core.objects.details import Attributes, Checksums
from transforms.core.objects.s3_details import (
    attribute_headers,
    attributes_of,
    checksum_headers,
    checksums_of,
    crc32c,
    encoded_source,
    part_count,
    uniform_part_bytes,
)

MD5 = "0" * 32
CRC = base64.b64encode(b"\1\2\3\4").decode()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"etag": f'"{MD5}"'}, Checksums(md5=MD5)),
        ({"etag": f'"{MD5}"', "x-amz-server-side-encryption": "AES256"}, Checksums(md5=MD5)),
        ({"etag": f'"{MD5}"', "x-amz-server-side-encryption": "aws:kms"}, Checksums()),
        ({"etag": f'"{MD5}-2"', "x-amz-server-side-encryption": "aws:kms:dsse"}, Checksums()),
        ({"etag": f'"{MD5}"', "x-amz-server-side-encryption-customer-algorithm": "AES256"}, Checksums()),
        ({"etag": f'"{MD5}-2"'}, Checksums(multipart_etag=f"{MD5}-2")),
        ({"etag": '"something"'}, Checksums()),
        ({"x-amz-checksum-crc32c": CRC}, Checksums(crc32c="01020304")),
        ({"x-amz-checksum-crc32c": CRC, "x-amz-checksum-type": "FULL_OBJECT"}, Checksums(crc32c="01020304")),
        ({"x-amz-checksum-crc32c": f"{CRC}-3"}, Checksums(composite=f"crc32c:{CRC}-3")),
        ({"x-amz-checksum-sha1": f"{CRC}-3", "x-amz-checksum-type": "COMPOSITE"}, Checksums(composite=f"sha1:{CRC}-3")),
        ({"x-amz-checksum-crc32c": CRC, "x-amz-checksum-type": "COMPOSITE"}, Checksums()),
        ({"x-amz-checksum-crc32c": CRC, "etag": f'"{MD5}-2"'}, Checksums(multipart_etag=f"{MD5}-2")),
        (
            {"x-amz-checksum-crc64nvme": "AAAAAAAAAAE=", "etag": '"x-2"', "x-amz-checksum-type": "FULL_OBJECT"},
            Checksums(crc64nvme="0000000000000001"),
        ),
        ({"x-amz-checksum-sha1": "not base64!"}, Checksums()),
    ],
)  # fmt: skip
def test_a_checksum_is_told_only_where_it_is_one(headers, expected):
    assert checksums_of(headers) == expected


def test_a_directory_buckets_etag_is_no_md5():
    assert checksums_of({"etag": f'"{MD5}"'}, md5_etags=False) == Checksums()


def test_attributes_come_back_from_the_headers_that_they_make():
    attributes = Attributes(
        content_type="text/csv; charset=utf-8",
        content_encoding="gzip",
        content_disposition='attachment; filename="ä b.csv"',
        content_language="de",
        cache_control="max-age=3",
        storage_class="STANDARD_IA",
        user=(
            ("a", "plain"),
            ("b", "ä 文 two  spaces"),
            ("c", " edges "),
            ("d", ""),
            ("mtime", "1700000000.123456789"),
        ),
        mtime=1700000000.123456789,
    )
    headers = attribute_headers(attributes)
    assert attributes_of(headers) == attributes
    assert headers["x-amz-meta-mtime"] == "1700000000.123456789"
    assert headers["x-amz-meta-b"].isascii()


def test_a_modification_time_is_written_where_metadata_has_none():
    assert attribute_headers(Attributes(mtime=1.5)) == {"x-amz-meta-mtime": "1.5"}
    assert attributes_of({"x-amz-meta-mtime": "1.5"}).mtime == 1.5
    assert attributes_of({"x-amz-meta-mtime": "yesterday"}).mtime == 0.0


def test_metadata_that_other_servers_send_as_utf_8_is_read():
    assert attributes_of({"x-amz-meta-a": "ä".encode().decode("latin-1")}).user == (("a", "ä"),)
    assert attributes_of({"x-amz-meta-a": "=?no-such?B?YQ==?="}).user == (("a", "=?no-such?B?YQ==?="),)


def test_tags_are_encoded():
    assert attribute_headers(Attributes(tags=(("a b", "c&d=e"),))) == {"x-amz-tagging": "a%20b=c%26d%3De"}


@pytest.mark.parametrize(
    "attributes",
    [
        Attributes(content_type="a\r\nx-evil: 1"),
        Attributes(user=(("a\r\nx-evil", "1"),)),
        Attributes(user=(("a b", "1"),)),
    ],
)
def test_no_attribute_breaks_out_of_its_header(attributes):
    with pytest.raises(PermanentError, match="no header can carry"):
        attribute_headers(attributes)


@pytest.mark.parametrize(
    ("checksums", "expected"),
    [
        (Checksums(), {}),
        (Checksums(md5="00"), {"content-md5": "AA=="}),
        (Checksums(md5="00", crc32c="01020304", sha256="00"), {"content-md5": "AA==", "x-amz-checksum-crc32c": CRC}),
        (Checksums(sha256="00", sha1="01"), {"x-amz-checksum-sha256": "AA=="}),
    ],
)
def test_of_several_checksums_one_goes_along(checksums, expected):
    assert checksum_headers(checksums) == expected


def test_crc32c_is_the_castagnoli_one():
    assert crc32c(b"123456789") == base64.b64encode(bytes.fromhex("e3069283")).decode()


@pytest.mark.parametrize(("etag", "count"), [("", 0), (MD5, 0), (f"{MD5}-1", 1), (f"{MD5}-12", 12), ("a-b", 0)])
def test_an_etag_tells_how_many_parts(etag, count):
    assert part_count(etag) == count


@pytest.mark.parametrize(
    ("size_bytes", "count", "first_bytes", "expected"),
    [(10, 2, 5, 5), (10, 2, 9, 9), (10, 3, 4, 4), (10, 2, 10, 0), (10, 3, 3, 0), (10, 2, 4, 0), (10, 1, 10, 0)],
)
def test_parts_have_one_size_or_none_is_told(size_bytes, count, first_bytes, expected):
    assert uniform_part_bytes(size_bytes, count, first_bytes) == expected


def test_the_source_of_a_copy_is_encoded():
    assert encoded_source("b", "/a b+c%ä//./") == "b//a%20b%2Bc%25%C3%A4//./"
