import bz2
import gzip
import io
import lzma
import struct
import zlib

import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.core.compressed import CODECS, codec_note, codec_of, decompress
from transforms.core.errors import PermanentError


def _zst(data: bytes) -> bytes:
    return zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1})


COMPRESS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": _zst}
TEXT = b"".join(b"%d,name %d,%d.5\n" % (i, i * 7919 % 1000, i) for i in range(20_000))


def _split(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def _read(data: bytes, codec: str, block: int = 1 << 16, **options) -> bytes:
    return b"".join(decompress(_split(data, block), codec, name="in/f", **options))


@pytest.mark.parametrize("codec", COMPRESS)
@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(st.binary(max_size=300), min_size=1, max_size=5), block=st.integers(1, 400), out=st.integers(1, 300)
)
def test_members_of_any_content_in_blocks_of_any_size_give_their_bytes_again(codec, parts, block, out):
    packed = b"".join(map(COMPRESS[codec], parts))
    blocks = list(decompress(_split(packed, block), codec, name="f", out_block_bytes=out))
    assert b"".join(blocks) == b"".join(parts)
    assert all(len(one) == out for one in blocks[:-1])
    assert not blocks or 0 < len(blocks[-1]) <= out


@pytest.mark.parametrize("codec", COMPRESS)
def test_a_stream_cut_anywhere_is_an_error_that_names_file_and_offset(codec):
    packed = COMPRESS[codec](TEXT)
    for end in (1, 7, 20, len(packed) // 2, len(packed) - 9, len(packed) - 1):
        with pytest.raises(PermanentError, match=rf"^in/f: {codec} data ends at byte {end} before its end mark"):
            _read(packed[:end], codec)


@pytest.mark.parametrize("codec", COMPRESS)
def test_a_damaged_byte_is_an_error_that_names_the_offset(codec):
    packed = bytearray(COMPRESS[codec](TEXT))
    packed[len(packed) // 2] ^= 0x55
    with pytest.raises(PermanentError, match=rf"^in/f: {codec} data (can't be read at about byte \d+|ends at byte)"):
        _read(bytes(packed), codec)


def test_a_wrong_gzip_checksum_is_an_error():
    packed = bytearray(gzip.compress(TEXT))
    packed[-8] ^= 1
    with pytest.raises(PermanentError, match="can't be read"):
        _read(bytes(packed), "gz")


@pytest.mark.parametrize("codec", COMPRESS)
def test_what_follows_the_last_member_is_never_dropped_in_silence(codec):
    packed = COMPRESS[codec](b"a,b\n1,2\n")
    with pytest.raises(PermanentError, match=rf"at byte {len(packed)}, something follows that isn't {codec}"):
        _read(packed + b"3,4\n", codec)


@pytest.mark.parametrize("codec", COMPRESS)
def test_zero_bytes_are_a_cut_file(codec):
    with pytest.raises(PermanentError, match="0 bytes long"):
        _read(b"", codec)


@pytest.mark.parametrize("codec", ["gz", "xz"])
def test_zero_padding_between_and_after_members_is_gone_over(codec):
    member = COMPRESS[codec](b"1,2\n")
    assert _read(member + bytes(8) + member + bytes(512), codec, block=5) == b"1,2\n1,2\n"


def test_a_gzip_header_with_every_optional_field_is_read():
    flags = 0x02 | 0x04 | 0x08 | 0x10
    header = (
        b"\x1f\x8b\x08" + bytes([flags]) + bytes(6) + struct.pack("<H", 5) + b"extra" + b"name.csv\0" + b"comment\0"
    )
    header += struct.pack("<H", zlib.crc32(header) & 0xFFFF)
    packer = zlib.compressobj(wbits=-15)
    body = packer.compress(TEXT) + packer.flush() + struct.pack("<2L", zlib.crc32(TEXT), len(TEXT))
    for block in (1, 3, 1000):
        assert _read(header + body, "gz", block=block) == TEXT


def test_zstd_frames_without_content_are_gone_over():
    skippable = b"\x50\x2a\x4d\x18" + struct.pack("<I", 4) + b"meta"
    assert _read(skippable + _zst(b"1,2\n") + skippable + _zst(b"3,4\n"), "zst") == b"1,2\n3,4\n"


def test_a_bomb_is_read_in_bounded_blocks_and_no_input_beyond_what_they_need():
    taken = 0

    def blocks():
        nonlocal taken
        for block in _split(zstd.compress(bytes(1 << 30)), 1000):
            taken += 1
            yield block

    stream = decompress(blocks(), "zst", name="bomb.zst", out_block_bytes=1 << 20)
    assert [len(next(stream)) for _ in range(5)] == [1 << 20] * 5
    assert taken <= 2


@pytest.mark.parametrize(
    ("codec", "packed"),
    [
        ("xz", lzma.compress(b"x", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}])),
        (
            "zst",
            # a frame header alone: window of 1 GiB, then an empty last block
            b"\x28\xb5\x2f\xfd" + b"\x00" + bytes([20 << 3]) + b"\x01\x00\x00",
        ),
    ],
)
def test_a_window_above_the_limit_is_refused_with_the_remedy(codec, packed):
    with pytest.raises(PermanentError, match=r"window above our limit \(128 MiB\); compress it again"):
        _read(packed, codec)


def test_a_window_at_the_limit_is_read():
    options = {zstd.CompressionParameter.window_log: 27}
    out = io.BytesIO()
    with zstd.ZstdFile(out, "w", options=options) as file:
        file.write(TEXT)
    assert _read(out.getvalue(), "zst") == TEXT
    assert _read(lzma.compress(b"1\n", preset=9 | lzma.PRESET_EXTREME), "xz") == b"1\n"


def test_ten_thousand_empty_members_are_gone_over():
    packed = gzip.compress(b"") * 10_000 + gzip.compress(b"end\n")
    assert _read(packed, "gz", block=1 << 20) == b"end\n"


def test_no_codec_hands_the_blocks_on():
    assert list(decompress([b"a", b"", b"b"], "", name="f")) == [b"a", b"b"]


@pytest.mark.parametrize("codec", ["zip", "lz4"])
def test_a_codec_that_is_no_stream_lists_those_that_are(codec):
    with pytest.raises(PermanentError, match="known: gz, bz2, xz, zst"):
        _read(b"x", codec)


@pytest.mark.parametrize(
    ("name", "head", "codec", "note"),
    [
        ("a.csv", b"a,b\n", "", ""),
        ("a.csv", b"", "", ""),
        ("a.csv.gz", gzip.compress(TEXT), "gz", ""),
        ("a.CSV.GZ", gzip.compress(TEXT), "gz", ""),
        ("https://h/a.csv.gz?sig=x.y", gzip.compress(TEXT), "gz", ""),
        ("a.csv", gzip.compress(TEXT), "gz", "an uncompressed file but its content is gz"),
        ("a.csv", bz2.compress(TEXT), "bz2", "content is bz2"),
        ("a.csv", bz2.compress(b""), "bz2", "content is bz2"),
        ("a.csv.gz", lzma.compress(TEXT), "xz", "a .gz file but its content is xz"),
        ("a.csv.gz", zstd.compress(TEXT), "zst", "content is zst"),
        ("a.csv.gz", b"a,b\n1,2\n", "", "a .gz file but its content is plain text"),
        ("a.csv.gz", "é,ü\n".encode(), "", "plain text"),
        ("a.csv.gz", b"", "gz", ""),
        ("a.csv.gz", b"\x00\x01\x02garbage", "gz", ""),
        ("a.csv.zst", b"\x5e\x2a\x4d\x18\x00\x00\x00\x00", "zst", ""),
        ("a.csv", b"BZh9,c\n", "", ""),
        ("a.zip", b"PK\x03\x04....", "zip", ""),
        ("a.zip", b"PK\x05\x06" + bytes(18), "zip", ""),
        ("a.xlsx", b"PK\x03\x04....", "", ""),
        ("a.csv", b"PK\x03\x04....", "zip", "content is zip"),
    ],
)
def test_the_content_says_what_a_file_is_compressed_with(name, head, codec, note):
    assert codec_of(name, head[:512]) == codec
    assert note in codec_note(name, codec)
    assert bool(note) == bool(codec_note(name, codec))


def test_every_codec_has_its_own_extension():
    assert [codec.extension for codec in CODECS.values()] == [f".{name}" for name in CODECS]
