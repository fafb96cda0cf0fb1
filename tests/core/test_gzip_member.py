import gzip
import struct
import zlib

import pytest

from transforms.core.gzip_member import HEADER_LIMIT_BYTES, GzipMember, header_ends

TEXT = b"a,b\n1,2\n" * 500
FLAGS = {"crc": 0x02, "extra": 0x04, "name": 0x08, "comment": 0x10}


def _header(flags: int) -> bytes:
    header = b"\x1f\x8b\x08" + bytes([flags]) + bytes(6)
    header += struct.pack("<H", 7) + b"ex\0tra\0" if flags & FLAGS["extra"] else b""
    header += b"name.csv\0" if flags & FLAGS["name"] else b""
    header += b"a comment\0" if flags & FLAGS["comment"] else b""
    return header + (struct.pack("<H", zlib.crc32(header) & 0xFFFF) if flags & FLAGS["crc"] else b"")


def _member(flags: int) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return _header(flags) + packer.compress(TEXT) + packer.flush() + struct.pack("<2L", zlib.crc32(TEXT), len(TEXT))


def _decode(data: bytes, size: int) -> bytes:
    member, out = GzipMember(), b""
    for start in range(0, len(data), size):
        out += member.decompress(data[start : start + size], 1 << 20)
    assert member.eof
    return out


@pytest.mark.parametrize("flags", range(0, 32, 2))
def test_every_combination_of_header_fields_is_read_however_the_bytes_come(flags):
    assert gzip.decompress(_member(flags)) == TEXT
    for size in (1, 2, 3, 5, 7, 11, 16, 31, 1000):
        assert _decode(_member(flags), size) == TEXT


@pytest.mark.parametrize("flags", range(0, 32, 2))
def test_a_header_ends_exactly_where_its_last_byte_is(flags):
    header = _header(flags)
    assert [header_ends(header[:end]) for end in range(len(header) + 1)] == [False] * len(header) + [True]


def test_a_name_without_end_is_not_held_in_memory():
    member = GzipMember()
    member.decompress(b"\x1f\x8b\x08\x08" + bytes(6), 100)
    for _ in range(HEADER_LIMIT_BYTES // 65_536 + 1):
        member.decompress(b"x" * 65_536, 100)
    assert member._header is None
