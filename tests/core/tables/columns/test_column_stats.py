"""Whole blocks are judged exactly as their values one by one."""

from __future__ import annotations

import functools
import json
import pickle

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.core.tables.text_strategies import columns
from transforms.core.tables.columns.column_stats import EMPTY, ColumnStats, from_list, merge, observe, to_list
from transforms.core.tables.columns.seen import SEEN_TEXT, of_form
from transforms.core.tables.values.value_forms import form_of


def reference(values: list[str | None]) -> ColumnStats:
    each = [ColumnStats(nulls=1) if value is None else of_form(form_of(value)) for value in values]
    return functools.reduce(merge, each, EMPTY)


def without_text(values: list[str | None]) -> list[str | None]:
    """The same without what is text by itself: else text hides all the rest of the stats."""
    return [value for value in values if value is None or form_of(value).family != "text"]


@settings(max_examples=400, deadline=None)
@given(columns, st.booleans(), st.integers(0, 12), st.integers(0, 2))
@example(["-0.0", "-0", None], False, 0, 1)
@example(["9" * 19, "-" + "9" * 19, "1.5"], True, 3, 0)
@example(["0.30000000000000004", "1.50000000000000000000", "123456789012345678.5"], True, 0, 0)
def test_observing_blocks_equals_folding_the_reference(values, clean, cut, offset):
    values = without_text(values) if clean else values
    column = pa.array(["x", None][:offset] + values, pa.string()).slice(offset)
    parts = [column.slice(0, cut), column.slice(cut)]
    expected = reference(values)
    assert observe(observe(EMPTY, parts[0]), parts[1]) == expected
    assert observe(EMPTY, pa.chunked_array(parts)) == expected
    assert merge(observe(EMPTY, parts[1]), observe(EMPTY, parts[0])) == expected


@settings(max_examples=200, deadline=None)
@given(columns, columns, columns)
def test_merging_is_associative_and_commutative(first, second, third):
    a, b, c = (reference(without_text(values)) for values in (first, second, third))
    assert merge(merge(a, b), c) == merge(a, merge(b, c))
    assert merge(a, b) == merge(b, a)
    assert merge(a, EMPTY) == a


@given(columns)
def test_stats_cross_a_shuffle_as_a_short_json_list(values):
    stats = reference(values)
    wire = json.dumps(to_list(stats))
    assert from_list(json.loads(wire)) == stats == pickle.loads(pickle.dumps(stats))
    assert len(wire) < 120


@pytest.mark.parametrize(
    "values", [[], [None, None], ["", None], ["x"] * 3, ["1", "x"], ["1", "true"], ["1", "2024-02-29"]]
)
def test_small_columns(values):
    assert observe(EMPTY, pa.array(values, pa.string())) == reference(values)


def test_a_column_known_to_be_text_is_not_looked_at_any_more():
    text = observe(EMPTY, pa.array(["a", None]))
    assert observe(text, pa.array(["1", None, "2"])) == text == SEEN_TEXT


def test_a_large_block_of_each_family_is_judged_whole():
    blocks = {
        "integers": [str(n - 5000) for n in range(10_000)],
        "decimals": [f"{n / 100:.2f}" for n in range(10_000)],
        "doubles": [f"{n}.5e-7" for n in range(10_000)],
        "iso": [f"20{n % 100:02d}-{n % 12 + 1:02d}-{n % 28 + 1:02d}" for n in range(10_000)],
        "zoned": [f"2024-01-{n % 28 + 1:02d}T{n % 24:02d}:00:00.{n:06d}+0{n % 10}:30" for n in range(10_000)],
        "booleans": ["true" if n % 3 else "FALSE" for n in range(10_000)],
    }
    for field, values in blocks.items():
        stats = observe(EMPTY, pa.array(values))
        assert stats == reference(values)
        assert getattr(stats, field) == 10_000
