import random
import sqlite3
import zlib

import pytest

from transforms.core.errors import PermanentError
from transforms.core.tables.delimited.demand_text import demand_text
from transforms.core.tables.delimited.dialect import DialectOverrides, detect

RANDOM = random.Random(1).randbytes(20_000)
HIVE = "".join(f"{number}\x01name\x02first\x03x\x01\\N\n" for number in range(500))


def database() -> bytes:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE t (a)")
        connection.executemany("INSERT INTO t VALUES (?)", [(number,) for number in range(1000)])
        return connection.serialize()


NO_TEXT = {
    "random bytes": RANDOM,
    "an image": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + zlib.compress(RANDOM),
    "a document": b"%PDF-1.7\n1 0 obj <</Filter /FlateDecode>> stream\n" + zlib.compress(RANDOM),
    "a database": database(),
    "zeros": bytes(1000),
}


@pytest.mark.parametrize("sample", NO_TEXT.values(), ids=NO_TEXT)
def test_what_is_no_text_is_refused_unless_its_encoding_is_given(sample):
    with pytest.raises(PermanentError, match=r"f\.csv: this is no text: [\d,]+ of its first .* --encoding"):
        detect(sample, whole=True, name="f.csv")
    assert detect(sample, whole=True, overrides=DialectOverrides(encoding="latin-1"), name="f.csv").width


TEXT = {
    "commas": b"a,b\n1,2\n" * 100,
    "utf-16": ("id,name\n" + "1,é\n" * 100).encode("utf-16"),
    "utf-16 without a mark": ("編號,名\n" + "1,不\n" * 100).encode("utf-16-le"),
    "chinese": ("编号,名称\n" + "1,不锈钢\n" * 100).encode("gb18030"),
    "Hive's separators": HIVE.encode(),
    "ASCII's separators": HIVE.replace("\x01", "\x1f").replace("\n", "\x1e\n").encode(),
    "a few NULs": b"a,b\n\0,\0\n" * 3,
    "fields padded by NULs": b"a,b\n" + b"1,x\0\0\n" * 50,
    "a NUL in some of many records": (b"a,b\n" + b"1,2\n" * 30 + b"\0,2\n") * 100,
    "nothing": b"",
}


@pytest.mark.parametrize("sample", TEXT.values(), ids=TEXT)
def test_what_is_text_is_taken(sample):
    detect(sample, whole=True, name="f.csv")


@pytest.mark.parametrize(
    ("controls", "others", "fine"),
    [(31, 0, True), (32, 0, False), (32, 608, True), (32, 607, False), (0, 640, True)],
)
def test_the_limit_is_5_percent_and_31_characters(controls, others, fine):
    text = "\x04" * controls + "x" * others
    if fine:
        demand_text(text, "f")
        return
    with pytest.raises(PermanentError, match=f"{controls} of its first {len(text)}"):
        demand_text(text, "f")
