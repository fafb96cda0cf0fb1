from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.core.copying.checksums import (
    ALGORITHMS,
    ChecksumStream,
    base64_of,
    checksums_of,
    compare,
    computable,
    hex_of,
    strongest_common,
)
from transforms.core.errors import ConfigError
from transforms.core.objects.details import NO_CHECKSUMS, Checksums

# The check values of the catalogue of CRC algorithms, and of the RFCs, for b"123456789".
CHECKS = {
    "md5": "25f9e794323b453885f5181f1b624d0b",
    "crc32c": "e3069283",
    "crc64nvme": "ae8b14860a799888",
    "sha256": "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
    "sha1": "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
}


@pytest.mark.parametrize("name", computable())
def test_each_checksum_is_the_published_one(name):
    assert getattr(checksums_of(b"123456789", [name]), name) == CHECKS[name]


@given(st.lists(st.binary(max_size=50), max_size=6))
def test_blocks_give_the_checksums_of_the_whole(blocks):
    stream = ChecksumStream(computable())
    for number, block in enumerate(blocks):
        stream.update(memoryview(block) if number % 2 else block)
    assert stream.digests() == checksums_of(b"".join(blocks), computable())


def test_a_stream_without_names_computes_nothing():
    stream = ChecksumStream(())
    stream.update(b"abc")
    assert stream.digests() == NO_CHECKSUMS


def test_an_unknown_checksum_lists_the_known_ones():
    with pytest.raises(ConfigError, match="known: md5, crc32c"):
        ChecksumStream(["md6"])


def test_leading_zeros_of_a_crc_are_kept():
    assert checksums_of(b"", ["crc32c"]).crc32c == "00000000"


C = Checksums
# (a, b, part bytes of a and b, proof, told by)
TABLE = [
    (C(), C(), (0, 0), "uncheckable", ""),
    (C(md5="1"), C(crc32c="1"), (0, 0), "uncheckable", ""),
    (C(md5="1"), C(md5="1"), (0, 0), "match", "md5"),
    (C(md5="1"), C(md5="2"), (0, 0), "mismatch", "md5"),
    (C(md5="1", crc32c="1"), C(md5="1", crc32c="2"), (0, 0), "match", "md5"),
    (C(sha256="1", md5="1"), C(sha256="2", md5="1"), (0, 0), "mismatch", "sha256"),
    (C(sha1="1", crc64nvme="1"), C(crc64nvme="1"), (0, 0), "match", "crc64nvme"),
    (C(multipart_etag="1-2"), C(multipart_etag="1-2"), (8, 8), "match", "multipart_etag"),
    (C(multipart_etag="1-2"), C(multipart_etag="1-2"), (0, 0), "match", "multipart_etag"),
    (C(multipart_etag="1-2"), C(multipart_etag="2-2"), (8, 8), "mismatch", "multipart_etag"),
    (C(multipart_etag="1-2"), C(multipart_etag="2-2"), (8, 0), "uncheckable", ""),
    (C(multipart_etag="1-2"), C(multipart_etag="2-2"), (8, 9), "uncheckable", ""),
    (C(multipart_etag="1-2"), C(multipart_etag="2-2"), (0, 0), "uncheckable", ""),
    (C(multipart_etag="1-2", crc32c="1"), C(multipart_etag="2-2", crc32c="1"), (8, 8), "match", "crc32c"),
    (C(composite="crc32c:a-2"), C(composite="crc32c:a-2"), (8, 8), "match", "composite"),
    (C(composite="crc32c:a-2"), C(composite="crc32c:b-2"), (8, 8), "mismatch", "composite"),
    (C(composite="crc32c:a-2"), C(composite="crc32c:b-2"), (8, 9), "uncheckable", ""),
    (C(composite="crc32c:a-2"), C(composite="sha256:a-2"), (8, 8), "uncheckable", ""),
    (
        C(multipart_etag="1-2", composite="crc32c:a-2"),
        C(multipart_etag="2-3", composite="crc32c:a-2"),
        (0, 0),
        "match",
        "composite",
    ),
]


@pytest.mark.parametrize(("a", "b", "parts", "proof", "name"), TABLE)
def test_comparing_follows_its_table_both_ways(a, b, parts, proof, name):
    assert compare(a, b, *parts) == (proof, name)
    assert compare(b, a, *reversed(parts)) == (proof, name)


@pytest.mark.parametrize(
    ("a", "b", "name"),
    [
        (C(), C(md5="1"), ""),
        (C(md5="1", crc32c="2"), C(md5="3", crc32c="2"), "md5"),
        (C(sha256="1", crc32c="2"), C(md5="3", crc32c="2"), "crc32c"),
        (C(composite="crc32c:a-1"), C(composite="sha1:a-1"), ""),
        (C(composite="crc32c:a-1"), C(composite="crc32c:b-1"), "composite"),
    ],
)
def test_the_strongest_common_checksum_is_named(a, b, name):
    assert strongest_common(a, b) == name


@given(st.binary(max_size=100), st.sampled_from(sorted(ALGORITHMS)))
def test_hex_and_base64_say_the_same(data, name):
    digits = getattr(checksums_of(data, [name]), name)
    assert hex_of(base64_of(digits), name) == digits
    assert hex_of(digits.upper(), name) == digits


@pytest.mark.parametrize("text", ["", "xyz", "12345678", hashlib.sha256().hexdigest(), "g" * 32, "AAAA"])
def test_what_is_no_md5_is_refused_with_what_one_looks_like(text):
    with pytest.raises(ConfigError, match=r"is no md5.*hex"):
        hex_of(text, "md5")
