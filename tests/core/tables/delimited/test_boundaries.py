"""Where records end in a block, told by a walk over every character as Python's csv module walks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.tables.delimited.csv_cases import LINE_END
from transforms.core.tables.delimited.boundaries import (
    agreement,
    codes_of,
    find_marks,
    inside_after,
    record_ends,
    unsettled,
    waiting,
)
from transforms.core.tables.delimited.dialect import Dialect

PLAIN = Dialect(",", '"', "", "utf-8", "\n", 0, 0, 1, (), 2)
ESCAPED = PLAIN._replace(escape="\\")


def walked(text: str, *, inside: bool, previous: str, escape: str) -> list[int]:
    """The record ends by the csv module's states, one character at a time."""
    ends: list[int] = []
    state, at = ("quoted" if inside else "start" if previous in ",\r\n" else "field"), 0
    while at < len(text):
        char = text[at]
        if escape and char == escape:
            state, at = ("quoted" if state == "quoted" else "field"), at + 2
            continue
        if state == "quoted":
            if char == '"' and text[at + 1 : at + 2] == '"':
                at += 1
            elif char == '"':
                state = "field"
        elif char == '"' and state == "start":
            state = "quoted"
        elif char in "\r\n":
            at += text[at : at + 2] == "\r\n"
            ends.append(at + 1)
            state = "start"
        else:
            state = "start" if char == "," else "field"
        at += 1
    return ends


def found(text: str, *, inside: bool, previous: str = "\n", dialect: Dialect = PLAIN) -> list[int]:
    codes = codes_of(dialect)
    marks = find_marks(np.frombuffer(text.encode(dialect.encoding), codes.unit_type), ord(previous), codes)
    return record_ends(marks, inside_after(marks, inside), inside).tolist()


@given(st.text(st.sampled_from('ab,,"""\n\r')), st.booleans(), st.sampled_from("a,\n"))
def test_record_ends_are_those_of_a_walk_from_either_side_of_a_quote(text: str, inside: bool, previous: str):
    assert found(text, inside=inside, previous=previous) == walked(text, inside=inside, previous=previous, escape="")


@given(st.text(st.sampled_from('ab,"\n\r\\')), st.booleans())
def test_what_is_escaped_ends_nothing(text: str, inside: bool):
    well_formed = text.replace('"\\', "a").removesuffix("\\")
    expected = walked(well_formed, inside=inside, previous="\n", escape="\\")
    assert found(well_formed, inside=inside, dialect=ESCAPED) == expected


@given(st.text(st.sampled_from('ab,"\n\r\\')))
def test_lines_are_all_line_ends_escaped_or_not(text: str):
    for dialect in (PLAIN, ESCAPED):
        codes = codes_of(dialect)
        marks = find_marks(np.frombuffer(text.encode(), "u1"), 10, codes)
        assert marks.lines.tolist() == [match.end() for match in LINE_END.finditer(text)]


@given(st.text(st.sampled_from('ab,""\n')))
def test_where_both_hypotheses_agree_they_stay_one(text: str):
    marks = find_marks(np.frombuffer(text.encode(), "u1"), 10, codes_of(PLAIN))
    outside = inside_after(marks, inside=False)
    inside = inside_after(marks, inside=True, other=outside)
    assert inside.tolist() == inside_after(marks, inside=True).tolist()
    behind = agreement(marks, outside, inside)
    if behind >= 0:
        ends = [record_ends(marks, states, begun) for states, begun in ((outside, False), (inside, True))]
        assert [end for end in ends[0].tolist() if end > behind] == [end for end in ends[1].tolist() if end > behind]


@pytest.mark.parametrize(
    ("text", "dialect", "count"),
    [
        ("", PLAIN, 0),
        ("a", PLAIN, 0),
        ("a\n", PLAIN, 0),
        ('a"', PLAIN, 1),
        ('a""', PLAIN, 2),
        ("a\r", PLAIN, 1),
        ("a,", PLAIN, 0),
        ("a,", ESCAPED, 1),
        ("a\\\n", ESCAPED, 2),
        ('"\r"', PLAIN, 3),
    ],
)
def test_a_block_may_not_end_behind_a_unit_that_waits_for_the_next(text, dialect, count):
    assert unsettled(np.frombuffer(text.encode(), "u1"), codes_of(dialect)) == count


def test_what_waits_follows_the_dialect():
    assert waiting(codes_of(PLAIN)) == {ord('"'), ord("\r")}
    assert waiting(codes_of(PLAIN._replace(quote=""))) == {ord("\r")}
    assert waiting(codes_of(ESCAPED)) == set(map(ord, '",\r\n\\'))


@pytest.mark.parametrize(
    ("encoding", "unit"), [("utf-8", "u1"), ("cp1252", "u1"), ("utf-16-le", "<u2"), ("utf-16-be", ">u2")]
)
def test_units_follow_the_encoding(encoding, unit):
    codes = codes_of(PLAIN._replace(encoding=encoding))
    assert (codes.unit_type, codes.delimiter, codes.quote, codes.escape) == (unit, 44, 34, -1)
