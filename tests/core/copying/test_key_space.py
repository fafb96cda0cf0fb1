from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.copying.listings import key_order
from transforms.core.copying.key_space import KeyScale, folder_end

TEXT = st.text(alphabet="ab09/ \u00e9\u4e2d\U0001f600\udcff", max_size=6)


@given(TEXT, TEXT, st.lists(TEXT, max_size=5))
def test_a_middle_lies_strictly_between(low, high, known):
    if high and key_order(high) <= key_order(low):
        low, high = high, low
    middle = KeyScale(low, high, sorted(known, key=key_order)).middle()
    if middle is not None:
        assert key_order(low) < key_order(middle)
        assert not high or key_order(middle) < key_order(high)
        middle.encode("utf-8", "surrogateescape")


@given(TEXT, st.lists(TEXT.filter(bool), min_size=3, max_size=6, unique=True))
def test_distances_rise_with_keys(low, keys):
    keys = sorted([low, *keys], key=key_order)
    scale = KeyScale(keys[0], keys[-1], keys)
    distances = [scale.between(keys[0], key) for key in keys[1:]]
    assert distances == sorted(distances)


@pytest.mark.parametrize(
    ("low", "high", "known", "middle"),
    [
        ("a0", "a9", ["a0", "a1"], "a4"),
        ("img000", "img100", ["img000", "img019"], "img0"),
        ("a", "b", [], None),
    ],
)
def test_middles_of_known_scales(low, high, known, middle):
    found = KeyScale(low, high, known).middle()
    assert found is None if middle is None else found.startswith(middle)


@pytest.mark.parametrize(
    ("key", "low", "high", "end"),
    [
        ("a/b/c", "a/b/a", "", "a0"),
        ("a/b/c", "a/b/a", "a0", "a/b0"),
        ("a/b/c", "a/b/a", "a/b0", None),
        ("c", "a", "", None),
    ],
)
def test_the_largest_folder_that_ends_between_is_found(key, low, high, end):
    assert folder_end(key, low, high) == end
