from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.core.tables.excel.xlsx_numbers import canonical_number, canonical_numbers, number_text


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("1", "1"),
        ("1.0", "1"),
        ("0.1", "0.1"),
        ("-0.5", "-0.5"),
        ("0", "0"),
        ("-0", "0"),
        ("0.0", "0"),
        ("100", "100"),
        ("1.50", "1.5"),
        ("007", "7"),
        ("-007", "-7"),
        ("+5", "5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("-.5", "-0.5"),
        ("1.1000000000000001", "1.1"),
        ("0.10000000000000001", "0.1"),
        ("1.0000000000000001E-2", "0.01"),
        ("1E3", "1000"),
        ("1.5e-7", "1.5e-07"),
        ("1E+20", "1e+20"),
        ("1.7976931348623157E+308", "1.7976931348623157e+308"),
        ("12345678901234567890", "12345678901234567890"),
        ("9007199254740993", "9007199254740993"),
        ("123456789012.12345", "123456789012.12345"),
        (" 12 ", "12"),
        ("1.2.3", "1.2.3"),
        ("abc", "abc"),
        ("NaN", "NaN"),
        ("1E999", "1E999"),
        ("-", "-"),
    ],
)
def test_a_number_gets_its_shortest_text(text, canonical):
    assert canonical_number(text) == canonical
    assert canonical_numbers(pa.array([text])).to_pylist() == [canonical]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=20))
def test_a_double_keeps_its_value_in_the_shortest_text_however_it_was_written(values):
    spelled = [form(value) for value in values for form in (repr, "{:.17g}".format, "{:.17E}".format, number_text)]
    texts = canonical_numbers(pa.array(spelled, pa.string())).to_pylist()
    assert [float(text) for text in texts] == [value for value in values for _ in range(4)]
    assert [canonical_number(text) for text in spelled] == texts
    assert all(len(text) <= len(number_text(float(text))) for text in texts if "." in text or "e" in text)


@given(st.lists(st.floats(1e-4, 1e10), min_size=1))
def test_long_fractions_in_bulk_get_the_texts_that_they_get_one_by_one(values):
    spelled = [f"{value:.17f}" for value in values]
    assert canonical_numbers(pa.array(spelled)).to_pylist() == [canonical_number(text) for text in spelled]


@given(st.lists(st.text("0123456789.-+eE ", max_size=20)))
def test_bulk_and_single_agree_on_anything_that_looks_like_a_number(texts):
    whole = pa.array(["padding", *texts], pa.string())
    assert canonical_numbers(whole.slice(1)).to_pylist() == [canonical_number(text) for text in texts]
