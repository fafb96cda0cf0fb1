"""The live bar on a terminal, by `rich` (the library people know); imported only when there is a terminal."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from transforms.core.rates import Pace, rate_text
from transforms.core.units import human_bytes, human_count, human_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def live_bar(now: Callable[[], Pace], console: Console | None = None) -> Iterator[None]:
    """Shows the bar while the block runs; it leaves no trace on the screen.

    Args:
        now: The run at this moment.
        console: Where to show it; standard error when None.
    """
    with Live(
        get_renderable=lambda: bar(now()),
        console=console or Console(stderr=True),
        refresh_per_second=5,
        transient=True,
        redirect_stdout=False,
    ):
        yield


def bar(now: Pace) -> Any:
    """One screen line: phase, bar, percent, items, bytes, rows, rate, time left, memory.

    Args:
        now: The run at this moment.
    """
    line = Table.grid(padding=(0, 1), expand=False)
    gauge = ProgressBar(total=100, completed=now.percent or 0.0, width=24, pulse=now.percent is None)
    cells: list[str | ProgressBar] = [
        now.phase or "starting",
        gauge,
        "" if now.percent is None else f"{now.percent:.0f} %",
    ]
    cells.append(_of(human_count(now.items), now.items_planned and human_count(now.items_planned), "items"))
    if now.bytes or now.bytes_planned:
        cells.append(_of(human_bytes(now.bytes), now.bytes_planned and human_bytes(now.bytes_planned), ""))
    if now.rows or now.rows_planned:
        cells.append(_of(human_count(now.rows), now.rows_planned and human_count(now.rows_planned), "rows"))
    cells.append(rate_text(now))
    if now.eta_seconds is not None:
        cells.append(f"{human_seconds(now.eta_seconds)} left")
    cells.append(human_bytes(now.memory_bytes))
    for _ in cells:
        line.add_column(no_wrap=True)
    line.add_row(*cells)
    return line


def _of(done: str, planned: str | int, unit: str) -> str:
    return f"{done}/{planned} {unit}".strip() if planned else f"{done} {unit}".strip()
