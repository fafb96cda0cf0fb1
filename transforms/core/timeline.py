"""A timeline that never grows beyond its bound: when full, every second point goes and the spacing doubles."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transforms.core.memory_use import Point


class Timeline:
    """Points in order of time, evenly thinned; labelled points and the highest of each pair stay.

    Args:
        limit: Points at most, at least 4.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._spacing_seconds = 0.0
        self._points: list[Point] = []

    def add(self, point: Point) -> None:
        """Adds a point; one too close to its predecessor takes its place if it is higher.

        Args:
            point: Later than all before it.
        """
        last = self._points[-1] if self._points else None
        near = last is not None and point.seconds - last.seconds < self._spacing_seconds
        if last is None or point.label or not near:
            self._points.append(point)
        elif point.rss_mb > last.rss_mb and not last.label:
            self._points[-1] = point._replace(seconds=last.seconds)
        if len(self._points) > self._limit:
            self._thin()

    def points(self) -> tuple[Point, ...]:
        """The points kept, in order of time."""
        return tuple(self._points)

    def _thin(self) -> None:
        span = self._points[-1].seconds - self._points[0].seconds
        self._spacing_seconds = 2 * span / self._limit
        self._points = _halved(self._points)


def _halved(points: list[Point]) -> list[Point]:
    labelled = [point for point in points if point.label]
    plain = [point for point in points if not point.label]
    pairs = zip(plain[::2], [*plain[1::2], None], strict=False)
    higher = [one if other is None or one.rss_mb >= other.rss_mb else other for one, other in pairs]
    newest_labelled = labelled[:1] + labelled[-(len(points) // 4) :] if len(labelled) > len(points) // 4 else labelled
    return sorted([*higher, *newest_labelled], key=lambda point: point.seconds)
