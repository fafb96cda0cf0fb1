"""How fast a run goes and when it will be done, from its counters: plain arithmetic, and one line of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from transforms.core.units import human_bytes, human_count, human_seconds

if TYPE_CHECKING:
    from transforms.core.progress import Snapshot


class Pace(NamedTuple):
    """A run at one moment, ready to be shown.

    Attributes:
        phase: What it is doing.
        seconds: Since the first work.
        items: Items done.
        items_planned: Items there are; 0 when unknown.
        bytes: Bytes done.
        bytes_planned: Bytes there are; 0 when unknown.
        rows: Rows done.
        rows_planned: Rows there are; 0 when unknown.
        percent: Share done, 0 to 100, by rows, else bytes, else items; None when nothing is planned yet.
        per_second: Rows (else bytes, else items) a second since the start.
        unit: What `percent` and `per_second` count: rows, bytes or items.
        eta_seconds: Time left at this rate; None when unknown.
        memory_bytes: Resident memory of the process tree.
    """

    phase: str
    seconds: float
    items: int
    items_planned: int
    bytes: int
    bytes_planned: int
    rows: int
    rows_planned: int
    percent: float | None
    per_second: float
    unit: str
    eta_seconds: float | None
    memory_bytes: int


def pace(snapshot: Snapshot, seconds: float, memory_bytes: int) -> Pace:
    """What the counters mean.

    Args:
        snapshot: The counters.
        seconds: Since the first work.
        memory_bytes: Resident memory of the process tree.
    """
    done, planned = snapshot.done, snapshot.planned
    unit = next((name for name in ("rows", "bytes") if getattr(planned, name) or getattr(done, name)), "items")
    so_far, total = getattr(done, unit), getattr(planned, unit)
    share = min(so_far / total, 1.0) if total else None
    rate = so_far / seconds if seconds > 0 else 0.0
    left = (total - so_far) / rate if total and rate > 0 else None
    return Pace(
        phase=snapshot.phase,
        seconds=round(seconds, 3),
        items=done.items,
        items_planned=planned.items,
        bytes=done.bytes,
        bytes_planned=planned.bytes,
        rows=done.rows,
        rows_planned=planned.rows,
        percent=None if share is None else round(100 * share, 1),
        per_second=round(rate, 1),
        unit=unit,
        eta_seconds=None if left is None else round(max(left, 0.0), 1),
        memory_bytes=memory_bytes,
    )


def rate_text(now: Pace) -> str:
    """The rate with its unit: `120,000 rows/s`, `54.2 MB/s`.

    Args:
        now: The run at this moment.
    """
    if now.unit == "bytes":
        return f"{human_bytes(now.per_second)}/s"
    return f"{human_count(round(now.per_second))} {now.unit}/s"


def progress_line(now: Pace) -> str:
    """One line for a log: phase, items, bytes, rows, rate, percent, time left, memory.

    Args:
        now: The run at this moment.
    """
    parts = [now.phase] if now.phase else []
    parts.append(
        f"items {human_count(now.items)}" + (f"/{human_count(now.items_planned)}" if now.items_planned else "")
    )
    if now.bytes or now.bytes_planned:
        parts.append(human_bytes(now.bytes) + (f" of {human_bytes(now.bytes_planned)}" if now.bytes_planned else ""))
    if now.rows or now.rows_planned:
        parts.append(
            f"rows {human_count(now.rows)}" + (f"/{human_count(now.rows_planned)}" if now.rows_planned else "")
        )
    parts.append(rate_text(now))
    if now.percent is not None:
        parts.append(f"{now.percent:.1f} %")
    if now.eta_seconds is not None:
        parts.append(f"{human_seconds(now.eta_seconds)} left")
    parts.append(f"memory {human_bytes(now.memory_bytes)}")
    return ", ".join(parts)
