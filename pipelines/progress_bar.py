"""The live bar on a terminal, by `rich` (the library people know); imported only when there is a terminal."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from transforms.core.rates import Pace, rate_text
from transforms.core.units import human_bytes, human_count, human_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# What a narrow screen can do without, first to last; 80 characters have room for percent, rows, rate and time left.
LEFT_OUT: Final = ("bytes", "memory", "items", "rows", "rate", "left")


@contextmanager
def live_bar(now: Callable[[], Pace], console: Console | None = None) -> Iterator[None]:
    """Shows the bar while the block runs; it leaves no trace on the screen.

    Args:
        now: The run at this moment.
        console: Where to show it; standard error when None.
    """
    screen = console or Console(stderr=True)
    with Live(
        get_renderable=lambda: bar(now(), screen.width),
        console=screen,
        refresh_per_second=5,
        transient=True,
        redirect_stdout=False,
    ):
        yield


def bar(now: Pace, width: int) -> Any:
    """One screen line: phase, bar, percent, items, bytes, rows, rate, time left, memory; what doesn't fit is left out.

    Args:
        now: The run at this moment.
        width: The screen's, in characters.
    """
    texts = _texts(now)
    gauge_width = 24 if width > 100 else 12
    room = width - gauge_width - 1
    for name in LEFT_OUT:
        if sum(len(text) + 1 for text in texts.values()) > room:
            texts.pop(name, None)
    line = Table.grid(padding=(0, 1), expand=False)
    gauge = ProgressBar(total=100, completed=now.percent or 0.0, width=gauge_width, pulse=now.percent is None)
    phase, *others = texts.values()
    cells: list[str | ProgressBar] = [phase, gauge, *others]
    for _ in cells:
        line.add_column(no_wrap=True)
    line.add_row(*cells)
    return line


def _texts(now: Pace) -> dict[str, str]:
    texts = {"phase": now.phase or "starting", "percent": "" if now.percent is None else f"{now.percent:.0f} %"}
    texts["items"] = _of(human_count(now.items), now.items_planned and human_count(now.items_planned), "items")
    if now.bytes or now.bytes_planned:
        texts["bytes"] = _of(human_bytes(now.bytes), now.bytes_planned and human_bytes(now.bytes_planned), "")
    if now.rows or now.rows_planned:
        texts["rows"] = _of(human_count(now.rows), now.rows_planned and human_count(now.rows_planned), "rows")
    texts["rate"] = rate_text(now)
    if now.eta_seconds is not None:
        texts["left"] = f"{human_seconds(now.eta_seconds)} left"
    texts["memory"] = human_bytes(now.memory_bytes)
    return texts


def _of(done: str, planned: str | int, unit: str) -> str:
    return f"{done}/{planned} {unit}".strip() if planned else f"{done} {unit}".strip()
