"""`Spread` on the real runner: every element once, by keys that are the same in every attempt."""

from __future__ import annotations

from typing import NamedTuple

import apache_beam as beam
from apache_beam import coders
from apache_beam.testing.util import assert_that, equal_to

from transforms.spread import KEYS, Spread, with_key


class Item(NamedTuple):
    number: int
    text: str


coders.registry.register_coder(Item, coders.RowCoder)


def test_every_element_comes_out_once_equal_ones_too():
    items = [Item(number % 50, "é") for number in range(100)]
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        assert_that(pipeline | beam.Create(items) | Spread(Item), equal_to(items))


def test_keys_follow_from_the_element_and_spread():
    keys = [with_key(Item(number, ""))[0] for number in range(1000)]
    assert keys == [with_key(Item(number, ""))[0] for number in range(1000)]
    assert len(set(keys)) > 800
    assert all(0 <= key < KEYS for key in keys)
