"""Memory, processor and progress over time, as values: what the sampler fills and the report draws."""

from __future__ import annotations

from typing import Any, NamedTuple


class Point(NamedTuple):
    """The process tree and the run at one moment.

    Attributes:
        seconds: Since the first work; sizes are in MiB (2^20 bytes).
        rss_mb: Resident memory of the process tree (pages that two processes share count twice).
        vms_mb: Virtual memory of the process tree.
        percent: Share of the machine's memory.
        cpu_percent: Processor over the last half second; 100 is one core.
        temp_mb: Temporary files of the run.
        items: Items done so far.
        bytes: Bytes done so far.
        rows: Rows done so far.
        label: What happened here, for snapshots at named points; "" otherwise.
    """

    seconds: float
    rss_mb: float
    vms_mb: float = 0.0
    percent: float = 0.0
    cpu_percent: float = 0.0
    temp_mb: float = 0.0
    items: int = 0
    bytes: int = 0
    rows: int = 0
    label: str = ""


class MemoryUse(NamedTuple):
    """A run's memory, in MiB (2^20 bytes).

    Attributes:
        baseline_mb: Resident memory of the process tree after start-up.
        peak_mb: The highest seen.
        average_mb: The mean over time.
        threshold_mb: How far above the baseline the governor lets it rise; 0 without one.
        temp_peak_mb: The most temporary disk space in use.
        cpu_seconds: Processor time of the process tree during the run.
        timeline: At most some hundred points.
    """

    baseline_mb: float = 0.0
    peak_mb: float = 0.0
    average_mb: float = 0.0
    threshold_mb: float = 0.0
    temp_peak_mb: float = 0.0
    cpu_seconds: float = 0.0
    timeline: tuple[Point, ...] = ()

    def to_plain(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return self._asdict() | {"timeline": [point._asdict() for point in self.timeline]}
