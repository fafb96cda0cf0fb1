"""Axes end at round numbers, points land where they belong, throughput adds up to what was done."""

import pytest

from tests.core.report.examples import a_timeline
from transforms.core.memory_use import Point
from transforms.core.report import series
from transforms.core.report.charts import HEIGHT, LEFT, WIDTH, Scale, bar_chart, line_chart, nice_ceiling


@pytest.mark.parametrize(
    ("value", "top"),
    [(0, 1), (0.03, 0.05), (1, 1), (1.01, 2), (2.4, 2.5), (7, 10), (10, 10), (101, 200), (499_880, 500_000)],
)
def test_an_axis_ends_at_the_next_round_number(value, top):
    assert nice_ceiling(value) == pytest.approx(top)


def test_a_scale_maps_the_corners_into_the_picture():
    scale = Scale(10.0, 100.0)
    assert (scale.x(0), scale.y(0)) == (LEFT, HEIGHT - 26)
    assert scale.x(10) < WIDTH
    assert scale.y(100) > 0


def test_a_chart_without_points_says_so():
    assert "too short" in line_chart("t", [], str)
    assert "<svg" in bar_chart("t", [])


@pytest.mark.parametrize(("point", "unit"), [({"rows": 5, "bytes": 9}, "rows"), ({"bytes": 9}, "bytes"), ({}, "items")])
def test_throughput_counts_what_the_run_counts(point, unit):
    assert series.throughput([Point(0, 1), Point(2, 1, **point)]).unit == unit


def test_throughput_over_all_slices_is_what_was_done():
    timeline = a_timeline()
    line = series.throughput(timeline)
    assert len(line.points) <= series.SLICES + 2
    width = timeline[-1].seconds / (len(line.points) - 1)
    assert sum(rate * width for _, rate in line.points) == pytest.approx(timeline[-1].rows, rel=0.05)


def test_only_named_moments_between_start_and_end_are_marked():
    points = [Point(0, 1, label="start"), Point(1, 1, label="planned"), Point(2, 1), Point(3, 1, label="end")]
    assert series.moments(points) == ((1, "planned"),)
