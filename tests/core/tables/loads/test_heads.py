"""What is at hand is not read again: a CSV is read at most twice, however small it is, packed, or one of many."""

import bz2
import gzip
import io
import lzma
import random
import zipfile

import pytest

from tests.core.tables.loads.load_cases import run_load, source
from transforms.core.objects.traffic import traffic
from transforms.core.tables.loads.heads import HEADS


def zipped(data: bytes) -> bytes:
    """An archive of ten tables, which together are this one."""
    target, rows = io.BytesIO(), data.splitlines(keepends=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(10):
            archive.writestr(f"{number}.csv", b"".join([rows[0], *rows[1 + number :: 10]]))
    return target.getvalue()


PACKED = {
    "zip": zipped,
    "csv": bytes,
    "csv.gz": gzip.compress,
    "csv.bz2": bz2.compress,
    "csv.xz": lambda data: lzma.compress(data, preset=0),
}
CASES = [("csv", 10, 150), ("csv", 10, 300), *((ending, 1, 1500) for ending in PACKED), ("csv.gz", 1, 150)]


@pytest.mark.parametrize(("ending", "files", "rows"), CASES)
def test_a_csv_is_read_at_most_twice(tmp_path, monkeypatch, ending, files, rows):
    """Rows of 1,000 bytes; more first bytes than are kept, where the files are many."""
    monkeypatch.setattr(HEADS, "most_bytes", 1 << 20)
    chance = random.Random(7)
    text = b"id,name\n" + b"".join(b"%06d,%s\n" % (n, chance.randbytes(496).hex().encode()) for n in range(rows))
    paths = [source(tmp_path, f"{n:02}.{ending}", PACKED[ending](text)) for n in range(files)]
    stored, before = sum(path.stat().st_size for path in paths), traffic().bytes_read
    assert len(run_load(tmp_path).rows) == files * rows
    read = traffic().bytes_read - before
    assert stored < read <= 2 * stored + 5000 * files  # what the run tells of each file is read too
