from __future__ import annotations

import base64
import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.core.copying.checksums import checksums_of
from transforms.core.copying.part_checksums import combined, composite, multipart_etag
from transforms.core.errors import ConfigError

PARTS = st.lists(st.binary(max_size=300), max_size=5)


@given(PARTS, st.sampled_from(["crc32c", "crc64nvme"]))
def test_crcs_of_parts_make_the_crc_of_the_whole(parts, name):
    told = [(getattr(checksums_of(part, [name]), name), len(part)) for part in parts]
    assert combined(name, told) == getattr(checksums_of(b"".join(parts), [name]), name)


@given(PARTS)
def test_crc32_of_parts_makes_that_of_the_whole(parts):
    told = [(f"{zlib.crc32(part):08x}", len(part)) for part in parts]
    assert combined("crc32", told) == f"{zlib.crc32(b''.join(parts)):08x}"


def test_huge_parts_are_put_together_without_their_bytes():
    zeros = 1 << 24
    whole = checksums_of(b"a" + bytes(zeros), ["crc32c"]).crc32c
    told = [(checksums_of(data, ["crc32c"]).crc32c, len(data)) for data in (b"a", bytes(zeros))]
    assert combined("crc32c", told) == whole


def test_an_md5_of_parts_cannot_be_put_together():
    with pytest.raises(ConfigError, match="crc32, crc32c, crc64nvme"):
        combined("md5", [("00", 1)])


def test_a_multipart_etag_is_the_md5_of_md5s_and_their_number():
    md5s = [hashlib.md5(part).digest() for part in (b"one", b"two")]
    assert multipart_etag([md5.hex() for md5 in md5s]) == f"{hashlib.md5(b''.join(md5s)).hexdigest()}-2"


@pytest.mark.parametrize("name", ["crc32c", "sha256", "sha1"])
def test_a_composite_is_the_checksum_of_checksums(name):
    digests = [getattr(checksums_of(part, [name]), name) for part in (b"one", b"two", b"")]
    whole = bytes.fromhex(getattr(checksums_of(bytes.fromhex("".join(digests)), [name]), name))
    assert composite(name, digests) == f"{name}:{base64.b64encode(whole).decode()}-3"


def test_a_composite_by_an_unknown_algorithm_lists_the_known_ones():
    with pytest.raises(ConfigError, match="crc32, crc32c"):
        composite("md5", [])
