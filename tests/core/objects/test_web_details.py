import base64
import hashlib

import pytest

from transforms.core.objects.details import NO_CHECKSUMS, Attributes, Checksums
from transforms.core.objects.web_details import attributes_of, checksums_of

MD5, SHA1, SHA256 = (hashlib.new(name, b"abc").digest() for name in ("md5", "sha1", "sha256"))


def packed(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, NO_CHECKSUMS),
        ({"etag": f'"{MD5.hex()}"'}, NO_CHECKSUMS),
        ({"content-md5": packed(MD5)}, Checksums(md5=MD5.hex())),
        ({"content-md5": "not base64!"}, NO_CHECKSUMS),
        ({"content-md5": packed(b"short")}, NO_CHECKSUMS),
        (
            {"repr-digest": f"sha-256=:{packed(SHA256)}:, sha=:{packed(SHA1)}:"},
            Checksums(sha256=SHA256.hex(), sha1=SHA1.hex()),
        ),
        ({"digest": f"SHA-256={packed(SHA256)},md5={packed(MD5)}"}, Checksums(sha256=SHA256.hex(), md5=MD5.hex())),
        ({"digest": "sha-512=AAAA, unixsum=30637"}, NO_CHECKSUMS),
        ({"x-goog-hash": f"crc32c=Nks/tw==, md5={packed(MD5)}"}, Checksums(md5=MD5.hex(), crc32c="364b3fb7")),
        ({"x-checksum-sha1": SHA1.hex().upper(), "x-checksum-md5": "?"}, Checksums(sha1=SHA1.hex())),
        ({"x-checksum-sha1": SHA1.hex(), "content-encoding": "gzip"}, NO_CHECKSUMS),
        ({"x-checksum-sha1": SHA1.hex(), "content-encoding": "identity"}, Checksums(sha1=SHA1.hex())),
    ],
)  # fmt: skip
def test_checksums_are_read_from_the_headers_that_mean_them(headers, expected):
    assert checksums_of(headers) == expected


def test_what_a_copy_keeps_is_read_from_the_headers():
    headers = {
        "content-type": "text/csv",
        "content-encoding": "gzip",
        "content-disposition": "inline",
        "content-language": "de",
        "cache-control": "no-store",
    }
    assert attributes_of(headers, 5.0) == Attributes("text/csv", "gzip", "inline", "de", "no-store", mtime=5.0)
    assert attributes_of({"content-encoding": "identity"}, 0.0) == Attributes()
