from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.copying.listings import key_order, listed
from transforms.core.copying.key_merge import merged
from transforms.core.objects.access import ListingOrderError

SOURCE, DESTINATION = "s3://a/x/", "file:///d/"
KEYS = st.sets(st.text(alphabet="ab/-\u00e9\U0001f600\udcff\ufffd", max_size=4), max_size=12)


def below(prefix, keys):
    return [listed(key, prefix=prefix) for key in keys]


def merged_keys(left, right):
    pairs = merged(below(SOURCE, left), SOURCE, below(DESTINATION, right), DESTINATION)
    return [(key, one is not None, two is not None) for key, one, two in pairs]


@given(KEYS, KEYS)
def test_every_key_comes_once_in_order_with_the_sides_that_have_it(left, right):
    expected = [(key, key in left, key in right) for key in sorted(left | right, key=key_order)]
    assert merged_keys(sorted(left, key=key_order), sorted(right, key=key_order)) == expected


def test_each_side_comes_with_its_own_object():
    (pair,) = merged(below(SOURCE, ["k"]), SOURCE, below(DESTINATION, ["k"]), DESTINATION)
    assert (pair.source.info.uri, pair.existing.info.uri) == ("s3://a/x/k", "file:///d/k")


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (["a/b", "a-b"], []),  # a folder listed by its name without the slash
        ([], ["b", "a"]),
        (["a", "a"], ["a"]),
        (["\U0001f600", "\ufffd"], []),  # UTF-16's order
    ],
)
def test_keys_out_of_order_fail_loudly(left, right):
    with pytest.raises(ListingOrderError, match="not the order of keys"):
        merged_keys(left, right)


def test_an_object_outside_the_prefix_fails_loudly():
    with pytest.raises(ListingOrderError, match="not below it"):
        list(merged(below("s3://other/", ["k"]), SOURCE, [], DESTINATION))


def test_a_merge_holds_one_object_of_each_side():
    taken = []

    def endless(prefix, side):
        number = 0
        while True:
            taken.append(side)
            yield listed(f"{number:09}", prefix=prefix)
            number += 1

    pairs = merged(endless(SOURCE, "left"), SOURCE, endless(DESTINATION, "right"), DESTINATION)
    for _ in range(5):
        next(pairs)
    assert taken.count("left") <= 6
    assert taken.count("right") <= 6
