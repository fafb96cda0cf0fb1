"""The sampler: memory, processor and temporary disk of the whole process tree, every tenth of a second.

Cheap on purpose: two small reads a process and sample; who the children are, and temporary files, once a second.
RSS, not PSS: that one takes the kernel 26 ms a read for a process with Beam in it.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from transforms.core.memory_use import MemoryUse, Point
from transforms.core.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from transforms.core.progress import Amounts

MIB: Final = 1 << 20
_LOOK_SECONDS: Final = 1.0
_CPU_SECONDS: Final = 0.5
_left_out: Final[set[int]] = set()
_LOOK_SHARE: Final = 500  # a look costs at most 1/500 of the time, however many processes the machine has


class Reading:
    """Reads the process tree's figures; not thread-safe.

    Args:
        temp_dir: The folder whose files count as temporary disk; None for none.
    """

    def __init__(self, temp_dir: str | None) -> None:
        self._temp_dir = temp_dir
        self._root = psutil.Process()
        self._processes = [self._root]
        self._look_at = 0.0
        self._cpu: dict[int, float] = {}
        self._total = psutil.virtual_memory().total
        self.temp_bytes = 0

    def rss_vms(self) -> tuple[int, int]:
        """Resident and virtual bytes of the tree; a process that ended meanwhile counts nothing."""
        now = time.monotonic()
        if now >= self._look_at:
            self._processes = [self._root, *_descendants(self._root)]
            self.temp_bytes = folder_bytes(self._temp_dir) if self._temp_dir else 0
            self._look_at = now + max(_LOOK_SECONDS, _LOOK_SHARE * (time.monotonic() - now))
        rss = vms = 0
        for process in self._processes:
            try:
                memory = process.memory_info()
            except psutil.Error:  # it ended between being listed and being read
                continue
            rss, vms = rss + memory.rss, vms + memory.vms
        return rss, vms

    def cpu_seconds(self) -> float:
        """Processor time of the tree so far, ended children included as far as they were seen."""
        for process in self._processes:
            try:
                times = process.cpu_times()
            except psutil.Error:  # as above; its last figure stays
                continue
            self._cpu[process.pid] = times.user + times.system
        return sum(self._cpu.values())

    def percent(self, rss: int) -> float:
        """A share of the machine's memory, 0 to 100.

        Args:
            rss: Bytes.
        """
        return 100.0 * rss / self._total


class MemorySampler:
    """Samples in a thread of its own from `start` to `stop`.

    Args:
        temp_dir: The run's temporary folder, or None.
        interval_seconds: Between samples.
        observe: What the run has done so far, for the timeline; None for zeros.
    """

    def __init__(
        self,
        temp_dir: str | None = None,
        interval_seconds: float = 0.1,
        observe: Callable[[], Amounts] | None = None,
    ) -> None:
        self._interval_seconds = interval_seconds
        self._observe = observe
        self._reading = Reading(temp_dir)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._listener: Callable[[int], None] | None = None
        self._timeline = Timeline(600)
        self._started = time.monotonic()
        self._cpu_start = self._cpu_seconds = self._busy = 0.0
        self._cpu_at = self._started
        self._at = self._started
        self._area = 0.0
        self._temp_peak = 0
        self.baseline_bytes = self.peak_bytes = self.rss_bytes = 0

    def start(self) -> None:
        """Takes the baseline, now, and starts sampling."""
        self._started = self._at = self._cpu_at = time.monotonic()
        self.baseline_bytes = self.peak_bytes = self.rss_bytes = self._reading.rss_vms()[0]
        self._cpu_start = self._reading.cpu_seconds()
        self._thread = threading.Thread(target=self._loop, name="hornbeam-memory", daemon=True)
        self._thread.start()
        self.snapshot("start")

    def stop(self) -> None:
        """Takes a last sample and stops; may be called twice."""
        if self._thread is not None and not self._stop.is_set():
            self._stop.set()
            self._thread.join()
            self.snapshot("end")

    def listen(self, listener: Callable[[int], None]) -> None:
        """Has each sample told, in the sampler's thread, to this listener and no longer to an earlier one.

        Args:
            listener: Called with the tree's resident bytes above the baseline.
        """
        self._listener = listener

    def snapshot(self, label: str) -> Point:
        """Samples now, and marks the point in the timeline.

        Args:
            label: What happens here: `planned`, `published`.
        """
        return self._sample(label)

    def above_baseline(self) -> int:
        """Samples now: the tree's resident bytes above the baseline."""
        self._sample("")
        return self.rss_bytes - self.baseline_bytes

    def use(self, threshold_mb: float = 0.0) -> MemoryUse:
        """All figures so far.

        Args:
            threshold_mb: The governor's, for the report.
        """
        with self._lock:
            span = self._at - self._started
            average = self._area / span if span > 0 else float(self.rss_bytes)
            return MemoryUse(
                baseline_mb=round(self.baseline_bytes / MIB, 1),
                peak_mb=round(self.peak_bytes / MIB, 1),
                average_mb=round(average / MIB, 1),
                threshold_mb=threshold_mb,
                temp_peak_mb=round(self._temp_peak / MIB, 1),
                cpu_seconds=round(self._cpu_seconds, 2),
                timeline=self._timeline.points(),
            )

    def _loop(self) -> None:
        while not self._stop.wait(self._interval_seconds):
            self._sample("")
            if self._listener is not None:
                self._listener(self.rss_bytes - self.baseline_bytes)

    def _sample(self, label: str) -> Point:
        with self._lock:
            rss, vms = self._reading.rss_vms()
            now = time.monotonic()
            self._area += (now - self._at) * (rss + self.rss_bytes) / 2
            self._at = now
            if label or now - self._cpu_at >= _CPU_SECONDS:
                self._read_cpu(now)
            self.rss_bytes, self.peak_bytes = rss, max(self.peak_bytes, rss)
            self._temp_peak = max(self._temp_peak, self._reading.temp_bytes)
            point = self._point(rss, vms, label)
            self._timeline.add(point)
            return point

    def _read_cpu(self, now: float) -> None:
        cpu = self._reading.cpu_seconds()
        span = now - self._cpu_at
        self._busy = 100.0 * (cpu - self._cpu_start - self._cpu_seconds) / span if span > 0 else 0.0
        self._cpu_at, self._cpu_seconds = now, cpu - self._cpu_start

    def _point(self, rss: int, vms: int, label: str) -> Point:
        done = self._observe() if self._observe else (0, 0, 0)
        return Point(
            round(self._at - self._started, 3),
            round(rss / MIB, 1),
            round(vms / MIB, 1),
            round(self._reading.percent(rss), 2),
            round(self._busy, 1),
            round(self._reading.temp_bytes / MIB, 1),
            *done,
            label=label,
        )


def leave_out(pid: int) -> None:
    """Counts a child process and its descendants no more: an engine's own server, which no gate of ours can narrow.

    Args:
        pid: The child.
    """
    _left_out.add(pid)


def _descendants(root: psutil.Process) -> list[psutil.Process]:
    found: list[psutil.Process] = root.children(recursive=True)
    for engine in [process for process in found if process.pid in _left_out]:
        try:
            others = {engine, *engine.children(recursive=True)}
        except psutil.Error:  # it ended meanwhile
            others = {engine}
        found = [process for process in found if process not in others]
    return found


def folder_bytes(folder: str) -> int:
    """Bytes of all files below a folder, as far as they still are there.

    Args:
        folder: Its path.
    """
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(place) / name).lstat().st_size
            except FileNotFoundError:  # temporary files come and go
                continue
    return total
