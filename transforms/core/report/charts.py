"""Charts as inline SVG: a line over time, and bars; pure functions from numbers to markup."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from transforms.core.report.markup import Markup, element, join

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WIDTH: Final = 480
HEIGHT: Final = 210
LEFT: Final = 64
RIGHT: Final = 14
TOP: Final = 14
BOTTOM: Final = 26
BAR: Final = 24


class Limit(NamedTuple):
    """A horizontal line that says where a bound lies."""

    value: float
    text: str


class Scale(NamedTuple):
    """From values to places in the picture.

    Attributes:
        end: The greatest time, seconds, above 0.
        top: The greatest value, above 0.
    """

    end: float
    top: float

    def x(self, seconds: float) -> float:
        """Where a time stands."""
        return round(LEFT + (WIDTH - LEFT - RIGHT) * seconds / self.end, 1)

    def y(self, value: float) -> float:
        """Where a value stands."""
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self.top, 1)


def line_chart(
    title: str,
    points: Sequence[tuple[float, float]],
    show: Callable[[float], str],
    limit: Limit | None = None,
    marks: Sequence[tuple[float, str]] = (),
) -> Markup:
    """A line with its area over time.

    Args:
        title: What it shows, for those who can't see it.
        points: (seconds, value) in order of time, values not negative.
        show: A value as text, for the axis.
        limit: A bound to draw, or None.
        marks: (seconds, text): what happened when.
    """
    values = [value for _, value in points]
    if limit is not None:
        values.append(limit.value)
    scale = Scale(max([seconds for seconds, _ in points] + [0.001]), nice_ceiling(max([*values, 0.0])))
    return element(
        "svg",
        element("title", title),
        _horizontal(scale, show),
        _times(scale),
        _marks(scale, marks),
        _curve(scale, points),
        _limit(scale, limit) if limit else None,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=title,
    )


def bar_chart(title: str, bars: Sequence[tuple[str, float, str]]) -> Markup:
    """Horizontal bars, one a row.

    Args:
        title: What it shows.
        bars: (name, value, value as text).
    """
    top = max([value for _, value, _ in bars] + [1e-9])
    rows = []
    for number, (name, value, text) in enumerate(bars):
        y = number * BAR
        length = round((2 * WIDTH - 330) * value / top, 1)
        rows.append(element("text", _cut(name, 30), x=180, y=y + 16, text_anchor="end"))
        rows.append(element("rect", x=190, y=y + 4, width=max(length, 1.5), height=BAR - 8, rx=3, class_="bar"))
        rows.append(element("text", text, x=196 + max(length, 1.5), y=y + 16, class_="over"))
    box = f"0 0 {2 * WIDTH} {max(len(bars), 1) * BAR}"
    return element("svg", element("title", title), *rows, viewBox=box, role="img", aria_label=title)


def nice_ceiling(value: float) -> float:
    """The next of 1, 2, 2.5, 5, 10 times a power of ten: an axis that ends at a round number.

    Args:
        value: Not negative.
    """
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if value <= step * power * (1 + 1e-9))


def _horizontal(scale: Scale, show: Callable[[float], str]) -> Markup:
    lines = []
    for part in range(5):
        value = scale.top * part / 4
        y = scale.y(value)
        lines.append(element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid"))
        lines.append(element("text", show(value), x=LEFT - 6, y=y + 4, text_anchor="end"))
    return join(*lines)


def _times(scale: Scale) -> Markup:
    texts = []
    for part in range(5):
        seconds = scale.end * part / 4
        anchor = "start" if part == 0 else "end" if part == 4 else "middle"
        texts.append(element("text", _clock(seconds), x=scale.x(seconds), y=HEIGHT - 8, text_anchor=anchor))
    return join(*texts)


def _marks(scale: Scale, marks: Sequence[tuple[float, str]]) -> Markup:
    lines = []
    for seconds, text in marks:
        x = scale.x(min(seconds, scale.end))
        lines.append(element("line", element("title", text), x1=x, x2=x, y1=TOP, y2=HEIGHT - BOTTOM, class_="mark"))
        lines.append(element("text", _cut(text, 18), x=x - 3, y=TOP + 8, text_anchor="end"))
    return join(*lines)


def _curve(scale: Scale, points: Sequence[tuple[float, float]]) -> Markup:
    if not points:
        return element("text", "no samples: the run was too short", x=WIDTH / 2, y=HEIGHT / 2, text_anchor="middle")
    path = " ".join(f"{scale.x(seconds)},{scale.y(value)}" for seconds, value in points)
    floor = scale.y(0)
    area = f"{scale.x(points[0][0])},{floor} {path} {scale.x(points[-1][0])},{floor}"
    return join(element("polygon", points=area, class_="area"), element("polyline", points=path, class_="curve"))


def _limit(scale: Scale, limit: Limit) -> Markup:
    y = scale.y(limit.value)
    return join(
        element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="limit"),
        element("text", limit.text, x=WIDTH - RIGHT, y=y + 13, text_anchor="end"),
    )


def _clock(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 10 or seconds == 0 else f"{seconds:.1f} s"
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
