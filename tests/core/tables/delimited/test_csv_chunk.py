"""Every record of a chunk is accounted for: parsed, blank, or set aside with its reason, place and text."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.tables.delimited.csv_cases import chunks_of, rows_of, scanned
from transforms.core.tables.delimited.csv_chunk import read_csv_chunk
from transforms.core.tables.delimited.dialect import Dialect
from transforms.core.tables.delimited.resolve import Chunk

PLAIN = Dialect(",", '"', "", "utf-8", "\n", 0, 0, 1, (), 2)
# a record, how many lines it takes, and its row or the rule that it breaks (None: it is blank)
KINDS = {
    "good": (b"1,x", 1, ["1", "x"]),
    "quoted": (b'"1\n,","x"""', 2, ["1\n,", 'x"']),
    "null": (b",", 1, [None, None]),
    "empty": (b'"",', 1, ["", None]),
    "missing": (b'NA,"NA"', 1, [None, "NA"]),
    "letters": ("é,€".encode(), 1, ["é", "€"]),
    "blank": (b"", 1, None),
    "short": (b"1", 1, "columns 2"),
    "long": (b'1,"\r\n",3', 2, "columns 2"),
    "nul": (b"1,\0", 1, "NUL character"),
    "nul and short": (b"\0", 1, "NUL character"),
    "not text": (b"1,\xff", 1, "not utf-8"),
    "not text, quoted": (b'"\n\xc3",1', 2, "not utf-8"),
    "not text and long": (b"\xe2\x82,2,3", 1, "not utf-8"),
    "not text and a nul": (b"\xff,\0", 1, "not utf-8"),
}


@pytest.mark.filterwarnings("error")
@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.sampled_from(sorted(KINDS)), max_size=14),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
    st.integers(1, 30),
    st.integers(1, 8),
)
def test_whatever_stands_side_by_side_each_record_has_its_answer(kinds, line_end, range_bytes, chunk_rows):
    records = [KINDS[kind][0] for kind in kinds]
    data = b"".join(record + line_end for record in records)
    found = scanned(data, PLAIN, range_bytes, chunk_rows)
    rows, bad, skipped = {}, {}, 0
    for chunk in chunks_of(data, PLAIN, found, ("NA",)):
        rows |= rows_of(chunk)
        bad |= {one.place.record: one for one in chunk.bad}
        skipped += chunk.skipped
        assert [one.place.record for one in chunk.bad] == sorted(one.place.record for one in chunk.bad)
    line = 1
    for number, kind in enumerate(kinds, 1):
        raw, lines, answer = KINDS[kind]
        if isinstance(answer, str):
            assert (bad[number].rule, bad[number].place) == (answer, (number, line, raw))
        else:
            assert rows.get(number) == answer
        line += lines
    assert (found.counted, skipped) == (len(kinds), kinds.count("blank"))
    assert len(rows) + len(bad) + skipped == len(kinds)


@pytest.mark.parametrize(
    ("encoding", "text", "broken"),
    [
        ("cp1252", "1,€\n", b"2,\x81\n"),
        ("latin-1", "1,é\n", b""),
        ("utf-16-le", "1,\U0001f600\n", b"\x00\xd8,\x00\n\x00"),
        ("utf-16-be", "1,\u0a0d\n", b"\xdc\x00\x00,\x00\n"),
        ("shift_jis", "1,ソ\n", b"2,\xff\n"),
    ],
)
def test_other_encodings_have_the_same_answers(encoding, text, broken):
    dialect = PLAIN._replace(encoding=encoding)
    data = text.encode(encoding) + broken + text.encode(encoding)
    found = scanned(data, dialect, 1 << 20, 10)
    [chunk] = chunks_of(data, dialect, found)
    row = text.rstrip("\n").split(",")
    count = 3 if broken else 2
    assert rows_of(chunk) == {1: row, count: row}
    assert [(one.place.record, one.rule) for one in chunk.bad] == ([(2, f"not {encoding}")] if broken else [])


def test_an_open_quote_takes_its_record_and_no_other():
    data = b'1,x\n2\n3,"y\n4,z\n'
    chunk = read_csv_chunk(data, PLAIN, Chunk(0, len(data), 10, 3, 20), unclosed=True)
    assert rows_of(chunk) == {11: ["1", "x"]}
    assert [(one.place.record, one.place.line, one.rule) for one in chunk.bad] == [
        (12, 21, "columns 2"),
        (13, 22, "quote never closed"),
    ]


def test_a_chunk_with_nothing_but_an_open_quote_has_no_row():
    chunk = read_csv_chunk(b'"', PLAIN, Chunk(0, 1, 0, 1, 1), unclosed=True)
    assert (rows_of(chunk), [one.rule for one in chunk.bad]) == ({}, ["quote never closed"])


def test_a_long_rejected_record_is_kept_whole_so_that_its_line_can_tell_how_long_it_is():
    data = b"x" * (3 << 20) + b"\n1,2\n"
    chunk = read_csv_chunk(data, PLAIN, Chunk(0, len(data), 0, 2, 1))
    assert len(chunk.bad[0].place.raw) == 3 << 20
    assert chunk.bad[0].value == "1 fields"


def test_a_clean_chunk_is_numbered_without_looking_for_records():
    data = b"1,2\n" * 5
    chunk = read_csv_chunk(data, PLAIN, Chunk(100, 120, 7, 5, 9))
    assert np.array_equal(chunk.numbers(), [8, 9, 10, 11, 12])
    assert (chunk.place(2).record, chunk.place(2).line) == (10, 11)
