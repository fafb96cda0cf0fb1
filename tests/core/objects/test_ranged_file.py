import io
import random
import zipfile

import pytest

from transforms.core.objects import traffic
from transforms.core.objects.ranged_file import RangedFile
from transforms.core.objects.store import open_store

SIZES = [0, 1, 999, 1000, 1001, 20_000]


def opened(tmp_path, data: bytes, **options: int) -> RangedFile:
    path = tmp_path / "f"
    path.write_bytes(data)
    store = open_store(f"file://{path}")
    return RangedFile(store, store.head(f"file://{path}"), **options)


@pytest.mark.parametrize("size", SIZES)
def test_reading_and_seeking_give_what_a_real_file_gives(tmp_path, size):
    data = random.Random(size).randbytes(size)
    file, real = opened(tmp_path, data, block_bytes=100, cached_blocks=9), io.BytesIO(data)
    chance = random.Random(7)
    for _ in range(300):
        whence = chance.choice([0, 1, 2])
        offset = {0: chance.randint(0, size + 50), 1: 0, 2: -chance.randint(0, size)}[whence]
        assert file.seek(offset, whence) == real.seek(offset, whence)
        wanted = chance.choice([0, 1, 99, 100, 101, 2500, -1])
        assert file.read(wanted) == real.read(wanted)
        assert file.tell() == real.tell()


def test_reading_on_fetches_every_byte_once_in_few_requests(tmp_path):
    data = bytes(1_000_000)
    file = opened(tmp_path, data, block_bytes=10_000, cached_blocks=16)
    before = traffic.traffic()
    while file.read(777):
        pass
    after = traffic.traffic()
    assert after.bytes_read - before.bytes_read == len(data)
    assert after.requests - before.requests <= 20


def test_a_zip_is_read_through_it(tmp_path):
    with zipfile.ZipFile(tmp_path / "z", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(20):
            archive.writestr(f"{number}.csv", random.Random(number).randbytes(5000))
    file = opened(tmp_path, (tmp_path / "z").read_bytes(), block_bytes=1000, cached_blocks=9)
    with zipfile.ZipFile(io.BufferedReader(file)) as archive:
        assert archive.testzip() is None
        assert archive.read("7.csv") == random.Random(7).randbytes(5000)


def test_a_seek_before_the_start_is_refused(tmp_path):
    with pytest.raises(OSError, match="before the file's start"):
        opened(tmp_path, b"abc").seek(-4, io.SEEK_END)
