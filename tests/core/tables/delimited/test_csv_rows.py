"""Records to columns of text: pyarrow's parser where it answers as the csv module does, our answer where it doesn't."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.core.tables.delimited.csv_rows import observe_records, parse_records, record_bounds
from transforms.core.tables.delimited.dialect import Dialect

PLAIN = Dialect(",", '"', "", "utf-8", "\n", 0, 0, 1, (), 2)
ESCAPED = PLAIN._replace(escape="\\")


def rows(data: bytes, dialect: Dialect = PLAIN, missing: tuple[str, ...] = ()) -> list[tuple[str | None, ...]]:
    columns = parse_records(data, dialect, missing).columns
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


PARSED = {
    "null and empty": (b',""\n', PLAIN, [(None, "")]),
    "null behind a quoted field at the end": (b'"",', PLAIN, [("", None)]),
    "no line end": (b"1,2", PLAIN, [("1", "2")]),
    "a byte order mark in front": (b"\xef\xbb\xbf1,2\n", PLAIN, [("\ufeff1", "2")]),
    "a byte order mark within": (b"1,2\n\xef\xbb\xbf1,2\n", PLAIN, [("1", "2"), ("\ufeff1", "2")]),
    "a byte order mark and a quote": (b'\xef\xbb\xbf"1",2\n', PLAIN, [('\ufeff"1"', "2")]),
    "blanks stay": (b" 1 ,\t2\n", PLAIN, [(" 1 ", "\t2")]),
    "a quote within a field": (b'5",a"b"c\n', PLAIN, [('5"', 'a"b"c')]),
    "text behind a quoted field": (b'"a"b,"c" \n', PLAIN, [("ab", "c ")]),
    "an escaped quote": (b'"a\\"b",\\"c\n', ESCAPED, [('a"b', '"c')]),
    "an escaped delimiter and line end": (b"a\\,b,c\\\nd\n", ESCAPED, [("a,b", "c\nd")]),
    "an escape without a dialect for it": (b"a\\n,\\\n", PLAIN, [("a\\n", "\\")]),
    "only line ends": (b"\n\r\n\r", PLAIN, []),
    "nothing": (b"", PLAIN, []),
    "every kind of line end": (b"1,2\r3,4\r\n5,6\n", PLAIN, [("1", "2"), ("3", "4"), ("5", "6")]),
}


@pytest.mark.parametrize(("data", "dialect", "expected"), PARSED.values(), ids=PARSED)
def test_records_become_rows(data, dialect, expected):
    assert rows(data, dialect) == expected


def test_missing_values_are_null_only_where_unquoted():
    assert rows(b'NA,"NA"\n-,na\n', missing=("NA", "-")) == [(None, "NA"), (None, "na")]


@pytest.mark.parametrize("text", ["NULL", "null", "nan", "N/A", "#N/A", "true", "1e5", "2024-01-01", "None"])
def test_no_text_has_a_meaning_of_its_own(text):
    assert rows(f"{text},{text}\n".encode()) == [(text, text)]


def test_ragged_records_are_set_aside_with_their_place_among_those_that_are_not_blank():
    found = parse_records(b'\n1,2\n\n3\n4,5,"6\n"\n7,8\n', PLAIN)
    assert [(one.place, one.fields) for one in found.ragged] == [(1, 1), (2, 3)]


def test_only_records_that_can_be_loaded_decide_a_type():
    [first, second] = observe_records((), b"1,2\nx\n3,\xff\n\n4,x,5\n6,7\n", PLAIN)
    assert (first.integers, first.values, second.integers, second.text) == (2, 2, 2, 0)


CELLS = st.sampled_from(["", "1", "-7", "2.5", "1e5", "true", "2024-02-29", "é", '"a,\n1"', "NA", '""', "007"])
RECORDS = st.lists(st.one_of(st.tuples(CELLS, CELLS), st.tuples(CELLS), st.just((b"\xff", "3"))), max_size=12)


def as_bytes(record: tuple) -> bytes:
    return b",".join(cell if isinstance(cell, bytes) else cell.encode() for cell in record) + b"\n"


@settings(deadline=None, max_examples=300)
@given(RECORDS, st.lists(st.integers(0, 12), max_size=4))
def test_blocks_tell_the_same_as_the_whole_though_text_is_not_looked_at_again(records, cuts):
    lines = [as_bytes(record) for record in records]
    bounds = [0, *sorted(min(cut, len(lines)) for cut in cuts), len(lines)]
    seen = ()
    for start, stop in pairwise(bounds):
        seen = observe_records(seen, b"".join(lines[start:stop]), PLAIN, ("NA",))
    assert seen == observe_records((), b"".join(lines), PLAIN, ("NA",))


def test_bounds_are_the_starts_of_records_and_the_end():
    assert record_bounds(b'1,"\n"\n\n2', PLAIN).tolist() == [0, 6, 7, 8]
    assert record_bounds(b"", PLAIN).tolist() == [0]
    assert record_bounds("1\n2\n".encode("utf-16-le") + b"3", PLAIN._replace(encoding="utf-16-le")).tolist() == [
        0,
        4,
        8,
        9,
    ]
