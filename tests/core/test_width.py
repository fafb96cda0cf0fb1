"""The width doubles once its tasks have ended and memory is calm, halves under pressure, then grows by one."""

import pytest

from transforms.core.width import Width

LIMIT = 100
# (seconds, MiB in use, busiest, ended so far) -> width after it
STORIES = {
    "it doubles when as many tasks have ended": [((0.1, 10, 4, 3), 4), ((0.2, 10, 4, 4), 8), ((0.3, 10, 8, 12), 16)],
    "it doubles each second where tasks are long": [((0.9, 10, 4, 0), 4), ((1.1, 10, 4, 0), 8), ((2.2, 10, 8, 0), 16)],
    "it ends at its most": [((1.1, 10, 4, 9), 8), ((1.2, 10, 8, 99), 16), ((1.3, 10, 16, 999), 16)],
    "it stays while nobody needs more": [((2.0, 10, 0, 99), 4), ((4.0, 10, 3, 99), 4)],
    "it stays between comfort and threshold": [((2.0, 80, 4, 99), 4), ((4.0, 100, 4, 99), 4)],
    "it halves over the threshold, a step a second": [
        ((1.1, 10, 4, 4), 8),
        ((3.0, 101, 8, 9), 4),
        ((3.5, 101, 8, 9), 4),
        ((4.1, 101, 8, 9), 2),
        ((9.0, 101, 8, 9), 1),
        ((20, 101, 1, 9), 1),
    ],
    "once narrowed it widens by one": [
        ((2.0, 101, 4, 9), 2),
        ((2.1, 10, 2, 99), 2),
        ((2.6, 10, 2, 99), 3),
        ((3.2, 10, 3, 99), 4),
        ((3.8, 10, 0, 99), 5),
    ],
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_the_width_follows_the_samples(story):
    width = Width(16, LIMIT, 0.0)
    for (seconds, used, busiest, ended), expected in story:
        width.sample(used, busiest, ended, seconds)
        assert width.value == expected


def test_the_width_never_leaves_its_bounds():
    assert Width(1, LIMIT, 0.0).value == 1
    width = Width(5, LIMIT, 0.0)
    for place in range(100):
        width.sample(10, 5, place * 100, place)
    assert width.value == 5


def test_tasks_that_no_sample_has_seen_count_as_big_as_the_others():
    width = Width(16, LIMIT, 0.0)
    assert width.unseen_bytes(4) == 0
    width.sample(60, 3, 0, 0.1)
    assert [width.unseen_bytes(tasks) for tasks in (2, 3, 4, 6)] == [0, 0, 20, 60]


def test_how_big_tasks_are_is_forgotten_slowly_and_kept_while_none_runs():
    width = Width(16, LIMIT, 0.0)
    width.sample(60, 3, 0, 0.1)
    width.sample(10, 0, 0, 0.2)
    assert width.unseen_bytes(1) == 20
    width.sample(1, 1, 0, 0.3)
    assert width.unseen_bytes(2) == pytest.approx(18)
