import io
import struct
import zipfile
import zlib

import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.core import zip_members
from transforms.core.errors import PermanentError
from transforms.core.zip_members import csv_members, open_member

TEXT = b"".join(b"%d,name %d\n" % (i, i % 10) for i in range(50_000))


def _archive(members, method=zipfile.ZIP_DEFLATED) -> io.BytesIO:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out


def _entry(name: bytes, data: bytes, *, size: int, crc: int, method: int, flags: int = 0, at: int = 0):
    """A local header with its data, and the directory's record of it."""
    common = struct.pack("<5H3L2H", 20, flags, method, 0, 0, crc, len(data), size, len(name), 0)
    directory = b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<3H2L", 0, 0, 0, 0, at) + name
    return b"PK\x03\x04" + common + name + data, directory


def _raw(*entries: tuple[bytes, bytes]) -> io.BytesIO:
    local, directory = (b"".join(parts) for parts in zip(*entries, strict=True))
    end = b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, len(entries), len(entries), len(directory), len(local), 0)
    return io.BytesIO(local + directory + end)


def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def _read(file, member, **options) -> bytes:
    return b"".join(open_member(file, member, **options))


@settings(max_examples=40, deadline=None)
@given(
    contents=st.lists(st.binary(max_size=500), max_size=5),
    method=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2]),
    out=st.integers(1, 600),
)
def test_members_give_their_bytes_again_in_the_archive_s_order(contents, method, out):
    file = _archive([(f"d/{9 - i}.csv", content) for i, content in enumerate(contents)], method)
    members = csv_members(file, name="a.zip")
    assert [member.name for member in members] == [f"d/{9 - i}.csv" for i in range(len(contents))]
    assert [_read(file, member, out_block_bytes=out) for member in members] == contents
    assert [member.size_bytes for member in members] == list(map(len, contents))


def test_a_zstandard_member_is_read():
    file = _raw(_entry(b"a.csv", zstd.compress(TEXT), size=len(TEXT), crc=zlib.crc32(TEXT), method=93))
    assert _read(file, csv_members(file, name="a.zip")[0]) == TEXT


def test_a_zip_written_to_a_pipe_and_a_zip64_are_read():
    class Pipe(io.RawIOBase):
        def __init__(self):
            self.data = b""

        def writable(self):
            return True

        def write(self, data):
            self.data += bytes(data)
            return len(data)

    pipe = Pipe()
    with (
        zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.csv", "w", force_zip64=True) as out,
    ):
        out.write(TEXT)
    file = io.BytesIO(b"#!/bin/sh\n" + pipe.data)  # and something before it, as self-extracting archives have
    assert _read(file, csv_members(file, name="a.zip")[0]) == TEXT


def test_only_csv_members_are_listed_and_names_are_but_labels():
    names = [
        "readme.md",
        "../../etc/a.csv",
        "/abs/B.TSV",
        "sub/c.txt",
        "sub.csv/",
        "__MACOSX/._a.csv",
        "._d.csv",
        "e.csv.gz",
    ]
    members = csv_members(_archive([(name, b"") for name in names]), name="a.zip")
    assert [member.name for member in members] == ["../../etc/a.csv", "/abs/B.TSV", "sub/c.txt"]


def test_an_archive_without_members_has_none():
    assert csv_members(_archive([]), name="a.zip") == []


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (_entry(b"a.csv", b"x" * 12, size=0, crc=0, method=8, flags=1), r"^a\.zip#a\.csv: is encrypted"),
        (_entry(b"a.csv", b"x", size=1, crc=0, method=9), r"compression method 9 is unknown \(stored, deflate"),
        (_entry(b"a.csv", b"x" * 1000, size=(1 << 30) + 1, crc=0, method=8), r"more than 1000 to 1: .* a zip bomb"),
    ],
)
def test_a_member_that_can_not_be_read_is_an_error_and_no_obstacle_when_it_is_no_csv(entry, message):
    with pytest.raises(PermanentError, match=message):
        csv_members(_raw(entry), name="a.zip")
    local, directory = (part.replace(b"a.csv", b"a.bin") for part in entry)
    assert csv_members(_raw((local, directory)), name="a.zip") == []


@pytest.mark.parametrize(
    ("data", "size", "crc", "message"),
    [
        (_deflated(TEXT), len(TEXT), 1, r"a\.zip#a\.csv: zip data: 638890 bytes with checksum"),
        (_deflated(TEXT), len(TEXT) - 1, zlib.crc32(TEXT), "longer than the 638889 bytes"),
        (_deflated(TEXT), len(TEXT) + 1, zlib.crc32(TEXT), "where the directory says 638891"),
        (_deflated(TEXT)[:-100], len(TEXT), zlib.crc32(TEXT), "before its end mark: it was cut off"),
        (b"\xff" * 100, len(TEXT), zlib.crc32(TEXT), "can't be read at about byte 100"),
        (_deflated(bytes(1 << 26)), 1000, 0, "longer than the 1000 bytes"),
    ],
)
def test_data_that_are_not_what_the_directory_says_are_an_error(data, size, crc, message):
    file = _raw(_entry(b"a.csv", data, size=size, crc=crc, method=8))
    with pytest.raises(PermanentError, match=message):
        _read(file, csv_members(file, name="a.zip")[0])


def test_a_lying_bomb_is_stopped_at_the_first_block_beyond_its_declared_size():
    file = _raw(_entry(b"a.csv", _deflated(bytes(1 << 26)), size=10, crc=0, method=8))
    stream = open_member(file, csv_members(file, name="a.zip")[0], out_block_bytes=1000)
    with pytest.raises(PermanentError, match="longer than the 10 bytes"):
        next(stream)
    assert file.tell() < len(file.getvalue())


def test_overlapping_entries_are_refused():
    first, record = _entry(b"a.csv", b"x" * 100, size=100, crc=0, method=0)
    _, second = _entry(b"b.csv", b"x" * 50, size=50, crc=0, method=0, at=60)
    with pytest.raises(PermanentError, match=r"(?i)overlap"):
        csv_members(_raw((first, record), (b"", second)), name="a.zip")


def test_a_directory_with_absurdly_many_entries_is_refused_before_it_becomes_values(monkeypatch):
    monkeypatch.setattr(zip_members, "ENTRIES_LIMIT", 50)
    with pytest.raises(PermanentError, match="or 50 entries: a zip bomb"):
        csv_members(_archive([(f"{i}.csv", b"") for i in range(51)]), name="a.zip")
    assert len(csv_members(_archive([(f"{i}.csv", b"") for i in range(50)]), name="a.zip")) == 50


def test_a_directory_that_claims_to_be_huge_is_refused_without_reading_it(monkeypatch):
    monkeypatch.setattr(zip_members, "DIRECTORY_LIMIT_BYTES", 1 << 17)
    names = ["x" * 60_000 + f"{i}.csv" for i in range(3)]
    with pytest.raises(PermanentError, match="a zip bomb, or an archive to unpack first"):
        csv_members(_archive([(name, b"") for name in names]), name="a.zip")


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2\n", b"PK\x03\x04" + bytes(100), _archive([("a.csv", TEXT)]).getvalue()[:-30]]
)
def test_what_is_no_archive_or_is_cut_off_is_an_error(content):
    with pytest.raises(PermanentError, match=r"^a\.zip: not a zip archive, or a damaged one: "):
        csv_members(io.BytesIO(content), name="a.zip")


def test_an_archive_that_changed_under_the_reader_is_an_error():
    file = _archive([("a.csv", TEXT)])
    member = csv_members(file, name="a.zip")[0]
    with pytest.raises(PermanentError, match="no member begins at byte 0"):
        _read(io.BytesIO(b"x" * 1000), member)
