"""What the charts draw, out of a run's timeline: throughput by slices of time, memory, named moments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transforms.core.memory_use import Point

SLICES: Final = 60


class Throughput(NamedTuple):
    """How fast the run went.

    Attributes:
        unit: rows, bytes or items: the first that the run counted.
        points: (seconds, units a second).
    """

    unit: str
    points: tuple[tuple[float, float], ...]


def throughput(timeline: Sequence[Point]) -> Throughput:
    """Units a second over at most 60 slices of time.

    Args:
        timeline: The run's.
    """
    last = timeline[-1] if timeline else None
    unit = next((name for name in ("rows", "bytes") if last and getattr(last, name)), "items")
    if last is None or last.seconds <= 0:
        return Throughput(unit, ())
    width = last.seconds / SLICES
    edge, points = timeline[0], [(0.0, 0.0)]
    for point in timeline[1:]:
        span = point.seconds - edge.seconds
        if span >= width or (point is last and span > 0):
            done = max(getattr(point, unit) - getattr(edge, unit), 0)
            points.append(((point.seconds + edge.seconds) / 2, done / span))
            edge = point
    return Throughput(unit, tuple(points))


def memory(timeline: Sequence[Point]) -> tuple[tuple[float, float], ...]:
    """Resident MiB over time.

    Args:
        timeline: The run's.
    """
    return tuple((point.seconds, point.rss_mb) for point in timeline)


def moments(timeline: Sequence[Point]) -> tuple[tuple[float, str], ...]:
    """What happened when, start and end left out.

    Args:
        timeline: The run's.
    """
    return tuple((point.seconds, point.label) for point in timeline if point.label not in ("", "start", "end"))
