"""By how much write batches are smaller than they might be, from samples of memory. No plan depends on it.

Other than the width (width.py), it follows memory both ways at one pace: a batch costs nothing to make larger again.
"""

from __future__ import annotations

import math
from typing import Final

MOST: Final = 8
_SECONDS: Final = 1.0
_COMFORT: Final = 0.75


class BatchDivisor:
    """The divisor: 1, 2, 4 or MOST. Not thread-safe: its owner holds a lock.

    Args:
        threshold_bytes: Above which memory is under pressure.
    """

    def __init__(self, threshold_bytes: int) -> None:
        self.value = 1
        self._threshold = threshold_bytes
        self._changed_at = -math.inf

    def sample(self, used_bytes: int, now: float) -> None:
        """Adapts to a sample.

        | last change               | memory             | divisor          |
        |---------------------------|--------------------|------------------|
        | less than a second ago    | any                | stays            |
        | earlier, or never         | over the threshold | doubles, to MOST |
        | earlier, or never         | below 3/4 of it    | halves, to 1     |
        | earlier, or never         | between            | stays            |

        Args:
            used_bytes: Memory in use above the baseline.
            now: A clock's time in seconds.
        """
        if now - self._changed_at < _SECONDS:
            return
        value = self.value
        if used_bytes > self._threshold:
            value = min(2 * value, MOST)
        elif used_bytes < _COMFORT * self._threshold:
            value = max(value // 2, 1)
        if value != self.value:
            self.value, self._changed_at = value, now
