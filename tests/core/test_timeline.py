"""A timeline stays small and keeps its shape, its peak and its named moments."""

import pytest

from transforms.core.memory_use import Point
from transforms.core.timeline import Timeline


@pytest.mark.parametrize("count", [10, 600, 601, 50_000])
def test_a_timeline_never_exceeds_its_bound_and_spans_the_whole_run(count):
    timeline = Timeline(600)
    for place in range(count):
        timeline.add(Point(place / 10, 100.0))
    points = timeline.points()
    assert min(count, 250) <= len(points) <= 600
    assert points[0].seconds == 0
    assert points[-1].seconds >= 0.99 * (count - 1) / 10
    assert [point.seconds for point in points] == sorted(point.seconds for point in points)


def test_a_short_peak_stays():
    timeline = Timeline(100)
    for place in range(20_000):
        timeline.add(Point(place / 10, 999.0 if place == 7777 else 100.0))
    assert max(point.rss_mb for point in timeline.points()) == 999.0


def test_named_moments_stay():
    timeline = Timeline(100)
    for place in range(20_000):
        timeline.add(Point(place / 10, 100.0, label={0: "start", 5000: "planned", 19_999: "end"}.get(place, "")))
    assert [point.label for point in timeline.points() if point.label] == ["start", "planned", "end"]


def test_very_many_named_moments_do_not_break_the_bound():
    timeline = Timeline(100)
    for place in range(5000):
        timeline.add(Point(place / 10, 100.0, label=f"part {place}"))
    assert len(timeline.points()) <= 100
