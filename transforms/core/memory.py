"""A process's one sampler and one governor, and what the rest of the suite imports of both.

The run's main process starts them with a baseline after start-up; a worker process gets its own when first asked.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from transforms.core import run_context
from transforms.core.governor import Governor, MemoryLimitError
from transforms.core.memory_sampler import MemorySampler
from transforms.core.memory_use import MemoryUse, Point

if TYPE_CHECKING:
    from collections.abc import Callable

    from transforms.core.progress import Amounts

__all__ = [
    "Governor",
    "MemoryLimitError",
    "MemorySampler",
    "MemoryUse",
    "Point",
    "batch_divisor",
    "governor",
    "resident_bytes",
    "snapshot",
    "start",
]


class _Shared:
    """The process's sampler and governor."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.sampler: MemorySampler | None = None
        self.governor: Governor | None = None


_shared = _Shared()


def start(observe: Callable[[], Amounts] | None = None) -> MemorySampler:
    """Starts this process's sampler anew: what is in use now is the baseline.

    Args:
        observe: What the run has done so far, for the timeline.
    """
    context = run_context.current()
    with _shared.lock:
        if _shared.sampler is not None:
            _shared.sampler.stop()
        _shared.sampler = MemorySampler(context.temp_dir if context else None, observe=observe)
        _shared.governor = None
        _shared.sampler.start()
        return _shared.sampler


def governor(width: int, threshold_mb: float) -> Governor:
    """The one governor of this process; made when first asked for, and anew when asked for other limits.

    Args:
        width: Tasks at once when memory is no matter.
        threshold_mb: For the whole run on this machine; worker processes share it evenly.
    """
    context = run_context.current()
    with _shared.lock:
        sampler = _shared.sampler or start()
        share = context.processes if context and run_context.in_worker() else 1
        found = _shared.governor
        if found is None or not found.has_limits(width, threshold_mb / share):
            found = _shared.governor = Governor(width, threshold_mb / share, sampler.above_baseline)
            sampler.listen(found.heed)
        return found


def batch_divisor() -> int:
    """By how much a write batch is to be smaller now than it might be; 1 while memory is calm, or not governed."""
    found = _shared.governor
    return found.batch_divisor if found is not None else 1


def resident_bytes() -> int:
    """What this process and those below it held when last sampled, a tenth of a second ago at most; 0 unsampled."""
    sampler = _shared.sampler
    return sampler.rss_bytes if sampler is not None else 0


def snapshot(label: str) -> None:
    """Marks a point in the report's timeline; without a sampler there is nothing to mark.

    Args:
        label: What happens here: `planned`, `published`.
    """
    sampler = _shared.sampler
    if sampler is not None:
        sampler.snapshot(label)
