"""How many ranges there are, and how large: of few keys as wanted, of very many never more than a shuffle carries."""

from itertools import pairwise

import pytest

from transforms.core.copying.range_sizes import DEFAULT_SIZES, KeyRange, RangeSizes, fitted

SMALL = RangeSizes(range_keys=10, most_ranges=8)


def ranges_of(sizes):
    """Neighbours that hold so many keys, each."""
    starts = ["", *(f"{number:09}" for number in range(1, len(sizes)))]
    return [KeyRange(start, stop, size) for start, stop, size in zip(starts, [*starts[1:], ""], sizes, strict=True)]


@pytest.mark.parametrize(
    ("keys", "count", "largest"),
    [
        (5_000, 1, 5_000),
        (1_000_000, 200, 5_000),
        (500_000_000, 100_000, 5_000),
        (1_000_000_000, 100_000, 10_000),
        (2_000_000_000, 100_000, 20_000),
        (10_000_000_000, 62_500, 160_000),
    ],
)
def test_ranges_grow_with_the_number_of_keys_when_there_would_be_too_many(keys, count, largest):
    found = fitted(ranges_of([5000] * (keys // 5000)), DEFAULT_SIZES)
    assert (len(found), max(piece.about_keys for piece in found)) == (count, largest)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([3, 3, 3, 3], [9, 3]),
        ([10] * 8, [10] * 8),
        ([10] * 9, [20] * 4 + [10]),
        ([1, 10] * 8, [12, *[11] * 6, 10]),
        ([7] * 30, [28] * 7 + [14]),
        ([10**12] * 9, [2 * 10**12] * 4 + [10**12]),
    ],
)
def test_neighbours_are_joined_as_far_as_that_is_needed(sizes, expected):
    found = fitted(ranges_of(sizes), SMALL)
    assert [piece.about_keys for piece in found] == expected
    assert (found[0].start, found[-1].stop) == ("", "")
    assert all(before.stop == after.start for before, after in pairwise(found))


def test_what_is_cut_for_very_many_keys_is_larger_and_no_finer_than_what_is_wanted():
    assert DEFAULT_SIZES.fine_ranges * DEFAULT_SIZES.range_keys == 100_000_000
    assert DEFAULT_SIZES.grown() == DEFAULT_SIZES._replace(range_keys=20_000)
