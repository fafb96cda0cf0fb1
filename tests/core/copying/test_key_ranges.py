from __future__ import annotations

import hashlib
import random
import uuid
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.copying.listings import key_order
from tests.core.copying.memory_listing import Disordered, MemoryListing
from transforms.core.copying.key_ranges import RangeSizes, plan_ranges
from transforms.core.errors import TransientError

PREFIX = "s3://b/p/"
TINY = RangeSizes(small_keys=4, range_keys=6, sample_keys=3)
NAMES = st.text(alphabet="ab01/.- \u00e9\u4e2d\U0001f600", max_size=6)
KEYS = st.one_of(
    st.sets(NAMES, max_size=60),
    st.builds(lambda stem, count: {f"{stem}{n:04}" for n in range(count)}, NAMES, st.integers(0, 60)),
    st.builds(
        lambda stems, count: {f"{stem}/{n}" for stem in stems for n in range(count)},
        st.sets(NAMES, max_size=6),
        st.integers(0, 15),
    ),
)


def assert_covers_everything(ranges):
    """From the beginning to the end, each range where the one before it stops, none empty: disjoint and complete."""
    assert ranges[0].start == ""
    assert ranges[-1].stop == ""
    assert all(before.stop == after.start for before, after in pairwise(ranges))
    bounds = [key_order(piece.start) for piece in ranges]
    assert all(before < after for before, after in pairwise(bounds))


@settings(max_examples=200, deadline=None)
@given(KEYS, KEYS)
def test_ranges_cover_each_key_once_also_keys_that_come_later(keys, later):
    listing = MemoryListing(keys)
    ranges = plan_ranges(listing, PREFIX, sizes=TINY, max_concurrent=2)
    assert_covers_everything(ranges)
    grown = MemoryListing(keys | later)
    assert [key for piece in ranges for key in grown.between(piece.start, piece.stop)] == grown.keys
    assert listing.requests <= 10 + 4 * len(keys)


@settings(max_examples=100, deadline=None)
@given(KEYS)
def test_ranges_cover_everything_when_the_listing_is_out_of_order(keys):
    assert_covers_everything(plan_ranges(Disordered(keys), PREFIX, sizes=TINY, max_concurrent=2))


@settings(max_examples=50, deadline=None)
@given(st.sets(st.text(alphabet="a/\udcff\udc80b", max_size=4), max_size=60))
def test_a_disk_is_walked_once_and_bounds_are_text(keys):
    listing = MemoryListing(keys)
    ranges = plan_ranges(listing, "file:///d/", sizes=TINY)
    assert_covers_everything(ranges)
    assert listing.requests == 1
    for piece in ranges:
        piece.start.encode()
        assert piece.about_keys == len(listing.between(piece.start, piece.stop))


@pytest.mark.parametrize(("count", "requests"), [(0, 1), (1, 1), (999, 1), (1000, 1), (1001, 2), (1999, 2)])
def test_a_small_prefix_is_one_range_for_one_or_two_requests(count, requests):
    listing = MemoryListing(f"k{number}" for number in range(count))
    assert plan_ranges(listing, PREFIX) == [("", "", count)]
    assert listing.requests == requests


def hashed(number):
    return hashlib.md5(str(number).encode()).hexdigest()


def part_name(number):
    return f"raw/2024/part-{number:05}-{uuid.UUID(hashed(number))}.parquet"


def pick(letters, shortest, longest, dice):
    return "".join(dice.choice(letters) for _ in range(dice.randint(shortest, longest)))


DICE = random.Random(7)
HUGE = 60_000
# name: (keys, most requests, largest range); 60,000 keys are 60 pages
DAYS = [f"d/2024-{day // 28 + 1:02}-{day % 28:02}" for day in range(60)]
HOURS = [f"logs/{hour // 24:02}/{hour % 24:02}" for hour in range(600)]
LETTERS = "\u4e2d\u6587\u5927\u5b66\u5c0f\u4eba\u5c71\u6c34\u7530\u6728"
HALF = HUGE // 2
SHAPES = {
    "numbered": ([f"img{n:08}.jpg" for n in range(HUGE)], 90, 10_000),
    "numbered without zeros": ([f"f{n}" for n in range(HUGE)], 90, 15_000),
    "hashes": ([hashed(n) for n in range(HUGE)], 60, 12_000),
    "parts with a uuid": ([part_name(n) for n in range(HUGE)], 90, 10_000),
    "60 days of 1,000": ([f"{day}/{n:04}.csv" for day in DAYS for n in range(1000)], 240, 10_000),
    "600 hours of 100": ([f"{hour}/{n:04}" for hour in HOURS for n in range(100)], 300, 10_000),
    "a folder an object": ([f"u/{DICE.randrange(10**9)}/a/c.txt" for _ in range(HUGE)], 120, 10_000),
    "sparse, then dense": ([f"a/{n}" for n in range(3000)] + [f"b/{n:09}" for n in range(HUGE)], 150, 12_000),
    "dense at both ends": ([f"{end}/{n:09}" for end in ("a", "zz/y") for n in range(HALF)], 150, 12_000),
    "Chinese": ([pick(LETTERS, 5, 9, DICE) for _ in range(HUGE)], 150, 20_000),
    "words": ([pick("etaoin shrdlucmfw", 3, 20, DICE) for _ in range(HUGE)], 90, 40_000),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_many_keys_are_cut_into_ranges_of_some_thousands_for_few_requests(shape):
    keys, requests, largest = SHAPES[shape]
    listing = MemoryListing(keys)
    ranges = plan_ranges(listing, PREFIX)
    assert_covers_everything(ranges)
    sizes = [len(listing.between(piece.start, piece.stop)) for piece in ranges]
    assert max(sizes) <= largest
    assert len(ranges) <= len(listing.keys) // 1000
    assert listing.requests <= requests


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("prefix", [PREFIX, "file:///d/"])
def test_of_very_many_keys_the_ranges_grow_and_are_never_more_than_there_may_be(shape, prefix):
    listing = MemoryListing(SHAPES[shape][0])
    most = RangeSizes(small_keys=40, range_keys=100, sample_keys=20, most_ranges=80)
    ranges = plan_ranges(listing, prefix, sizes=most, max_concurrent=1)
    assert_covers_everything(ranges)
    assert 10 < len(ranges) <= 80
    if prefix == PREFIX:
        again = plan_ranges(listing, prefix, sizes=most, max_concurrent=16)
        assert again == ranges, "whatever the concurrency"


def test_the_same_keys_give_the_same_ranges_whatever_the_concurrency():
    listing = MemoryListing(SHAPES["hashes"][0])
    assert plan_ranges(listing, PREFIX, max_concurrent=1) == plan_ranges(listing, PREFIX, max_concurrent=16)


def test_a_listing_that_fails_fails_the_plan():
    class Failing(MemoryListing):
        def list_range(self, prefix, start, stop, *, limit=0):
            if start:
                raise TransientError("503")
            return super().list_range(prefix, start, stop, limit=limit)

    with pytest.raises(TransientError, match="503"):
        plan_ranges(Failing(SHAPES["hashes"][0]), PREFIX)
