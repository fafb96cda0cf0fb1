"""How many tasks may run at once, from samples of memory: quick to grow at first, quick to shrink under pressure.

As a connection's congestion window: it doubles when so many tasks have ended (or a second has passed) and memory is
calm, halves over the threshold, and after that grows by one at a time.
"""

from __future__ import annotations

from typing import Final

FIRST: Final = 4
_NARROW_SECONDS: Final = 1.0
_WIDEN_SECONDS: Final = 0.5
_GENERATION_SECONDS: Final = 1.0
_COMFORT: Final = 0.75
_FORGET: Final = 0.9


class Width:
    """The width and what it learned. Not thread-safe: its owner holds a lock.

    Args:
        most: The width when memory is no matter, at least 1.
        threshold_bytes: Above which memory is under pressure.
        now: A clock's time in seconds.
    """

    def __init__(self, most: int, threshold_bytes: int, now: float) -> None:
        self.most = most
        self.value = min(FIRST, most)
        self.narrowed = 0
        self._threshold = threshold_bytes
        self._changed_at = now
        self._known = 0
        self._per_task = 0.0
        self._ended = self._ended_at_change = 0

    def sample(self, used_bytes: int, busiest: int, ended: int, now: float) -> bool:
        """Adapts to a sample.

        Args:
            used_bytes: Memory in use above the baseline.
            busiest: Most tasks under way at once since the last sample.
            ended: Tasks that ended so far.
            now: The clock's time in seconds.

        Returns:
            Whether the width was narrowed.
        """
        self._known = busiest
        if busiest:
            self._per_task = max(used_bytes / busiest, _FORGET * self._per_task)
        since = now - self._changed_at
        self._ended = ended
        if used_bytes > self._threshold:
            if self.value > 1 and since >= _NARROW_SECONDS:
                self._change(self.value // 2, now)
                self.narrowed += 1
                return True
        elif used_bytes < _COMFORT * self._threshold and self.value < self.most:
            seen = ended - self._ended_at_change >= self.value or since >= _GENERATION_SECONDS
            if not self.narrowed and busiest >= self.value and seen:
                self._change(min(2 * self.value, self.most), now)
            elif self.narrowed and since >= _WIDEN_SECONDS:
                self._change(self.value + 1, now)
        return False

    def unseen_bytes(self, in_flight: int) -> float:
        """What tasks will take that started since the last sample, if they are as big as the others.

        Args:
            in_flight: Tasks under way now.
        """
        return max(in_flight - self._known, 0) * self._per_task

    def _change(self, value: int, now: float) -> None:
        self.value, self._changed_at, self._ended_at_change = value, now, self._ended
