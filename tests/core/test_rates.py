"""What the bar and the log line say, from counters."""

import pytest

from transforms.core.progress import Amounts, Snapshot
from transforms.core.rates import pace, progress_line
from transforms.core.units import human_bytes, human_count, human_seconds


def test_rows_decide_where_there_are_rows():
    now = pace(Snapshot("loading", Amounts(2, 100, 1000), Amounts(1, 10, 250)), 10.0, 50_000_000)
    assert (now.unit, now.percent, now.per_second, now.eta_seconds) == ("rows", 25.0, 25.0, 30.0)
    line = "loading, items 1/2, 10 B of 100 B, rows 250/1,000, 25 rows/s, 25.0 %, 30.0 s left, memory 50.0 MB"
    assert progress_line(now) == line


def test_bytes_decide_where_there_are_no_rows():
    now = pace(Snapshot("", Amounts(2, 100), Amounts(1, 50)), 10.0, 0)
    assert (now.unit, now.percent, now.eta_seconds) == ("bytes", 50.0, 10.0)


def test_nothing_is_promised_before_anything_is_known():
    now = pace(Snapshot(), 0.0, 0)
    assert (now.percent, now.per_second, now.eta_seconds) == (None, 0.0, None)
    assert progress_line(now) == "items 0, 0 items/s, memory 0 B"


def test_repeated_bundles_never_show_more_than_all():
    now = pace(Snapshot("", Amounts(items=10), Amounts(items=20)), 1.0, 0)
    assert (now.percent, now.eta_seconds) == (100.0, 0.0)


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (99_940, "99.9 kB"), (99_960, "100 kB"), (999_600, "1.0 MB"),
     (78_123_456, "78.1 MB"), (5_000_000_000_000_000, "5000 TB")],
)  # fmt: skip
def test_bytes_have_three_digits(size, text):
    assert human_bytes(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.424, "0.42 s"), (9.994, "9.99 s"), (12.34, "12.3 s"), (59.97, "1 min 00 s"), (245, "4 min 05 s"),
     (3599.6, "1 h 00 min"), (7380, "2 h 03 min")],
)  # fmt: skip
def test_durations_read_well(seconds, text):
    assert human_seconds(seconds) == text


def test_counts_have_separators():
    assert human_count(1_234_567) == "1,234,567"
