"""What the whole-block kernels say of numbers with exponents is what the reference says of each."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.tables.text_strategies import joined, maybe
from transforms.core.tables.values.number_texts import exponents_survive
from transforms.core.tables.values.value_forms import form_of

DIGITS = st.text("0123456789", min_size=1, max_size=16)
SIGN = maybe(st.sampled_from("-+"))
PRINTED = joined(maybe(st.just("-")), st.sampled_from("0159"), st.just("."), DIGITS, st.just("e"), SIGN, st.just("05"))
ODD = joined(SIGN, maybe(DIGITS), maybe(st.just(".")), maybe(DIGITS), st.sampled_from("eEx"), SIGN, maybe(DIGITS))


def survive(texts: list[str]) -> bool:
    return all(form_of(text).family == "double" and "e" in text.lower() for text in texts)


@given(st.lists(PRINTED | ODD, min_size=1, max_size=4) | st.lists(PRINTED, min_size=1, max_size=6))
def test_blocks_of_exponents_are_judged_as_their_values_are(texts: list[str]):
    assert exponents_survive(pa.array(["1.5e5", *texts]).slice(1)) == survive(texts)


@pytest.mark.parametrize(
    "texts",
    [
        ["1.5e5", "-2.25E-07", "9.5e+300"],
        ["1.5e5", "1.5e400"],
        ["1.5e5", "1.5e-400"],
        ["0.0e0", "-0.0e0"],
        ["1.5e5", "15.5e5"],
        ["1.5e5", ".5e5"],
        ["1.5e5", "1.e5"],
        ["1.5e5", "1.5e"],
        ["1.5e5", "1.5e-"],
        ["1.5e5", "1.5e0005"],
        ["1.5e5", ""],
        ["1.5e5", "e.", "1.5e5"],
        ["1.5ee.5", "15"],
        ["1.5e5", "--.5e5"],
        ["1.5e5", "1.5e-5-"],
        ["-", "1.5e5.5e5"],
        ["1.234567890123456e5", "1.23456789012345e5"],
        ["1.5e5", "1.5\N{ARABIC-INDIC DIGIT FIVE}e5"],
    ],
)
def test_neighbours_do_not_lend_each_other_their_points_and_exponents(texts: list[str]):
    assert exponents_survive(pa.array(texts)) == survive(texts)
