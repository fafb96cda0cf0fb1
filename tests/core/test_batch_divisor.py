"""Write batches are half as large each second that memory is under pressure, and twice as large when it is calm."""

import pytest

from transforms.core.batch_divisor import BatchDivisor
from transforms.core.governor import Governor

LIMIT = 100
# (seconds, bytes in use) -> divisor after it
STORIES = {
    "nothing to do": [((0, 0), 1), ((5, 74), 1), ((9, 100), 1)],
    "at once, then a step a second": [((0, 101), 2), ((0.9, 101), 2), ((1.0, 101), 4), ((2.1, 101), 8)],
    "to its most": [((0, 101), 2), ((1, 101), 4), ((2, 101), 8), ((3, 999), 8), ((9, 999), 8)],
    "back a step a second": [((0, 101), 2), ((1, 101), 4), ((1.5, 10), 4), ((2, 10), 2), ((3, 10), 1), ((4, 10), 1)],
    "between it stays": [((0, 101), 2), ((5, 100), 2), ((9, 75), 2), ((9.1, 74), 1)],
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_the_divisor_follows_the_samples(story):
    divisor = BatchDivisor(LIMIT)
    for (seconds, used), expected in story:
        divisor.sample(used, seconds)
        assert divisor.value == expected


def test_the_governor_hands_its_samples_on():
    governor = Governor(4, 1, lambda: 0)
    assert governor.batch_divisor == 1
    governor.heed(2 << 20)
    assert governor.batch_divisor == 2
