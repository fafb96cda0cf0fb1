"""What a process does when a server asks it to slow down: a common pause, one probe at a time, then half its rate.

Plain arithmetic on given times; who sleeps is in pacing.py.
"""

from __future__ import annotations

import threading
from typing import Final

_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 0.5
_LONGEST_RETRY_AFTER_SECONDS: Final = 120.0
_LOOK_SECONDS: Final = 0.1  # who waits for a probe looks again so often: it may have come through
_SLOWEST_PER_SECOND: Final = 1.0
_CUT: Final = 0.5
_GROWTH_PER_SECOND: Final = 0.1  # of the rate that was too high: it is reached again after five seconds
_LEAST_GROWTH: Final = 5.0
_FORGET_AT: Final = 1.5


class SlowDown:
    """How fast requests may go since a server last complained. Thread-safe; `active` may be read without asking.

    | it hears | it does |
    |---|---|
    | a first complaint, or one after a success | halves the rate, pauses all (0.1 s, or what the server asked for) |
    | one about a request from before the last complaint | nothing: it is the same burst (waits as asked) |
    | one about a probe | keeps the rate, for the server is still busy with others; pauses twice as long, up to 0.5 s |
    | a success after that pause | lets all go on at that rate |
    | more of them | adds a tenth of the rate that was too high (5 at least) a second; at 1.5 times it, forgets all |

    A probe is the one request that goes after each pause until a success.
    """

    def __init__(self) -> None:
        self.active = False
        self._lock = threading.Lock()
        self._rate = self._too_high = 0.0
        self._pause = _FIRST_PAUSE_SECONDS
        self._probing = False
        self._next = self._heard_at = self._grown_at = 0.0

    def throttled(self, now: float, sent_at: float, rate: float, retry_after_seconds: float | None) -> None:
        """Takes a complaint.

        Args:
            now: The monotonic clock, seconds.
            sent_at: When the refused request went out.
            rate: Requests a second lately.
            retry_after_seconds: What the server asked for, None for nothing.
        """
        with self._lock:
            asked = min(retry_after_seconds or 0.0, _LONGEST_RETRY_AFTER_SECONDS)
            if self.active and sent_at < self._heard_at:
                self._next = max(self._next, now + asked)
                return
            if not self._probing:
                self._too_high = max(_SLOWEST_PER_SECOND, min(self._rate, rate) if self.active else rate)
                self._rate = max(_SLOWEST_PER_SECOND, _CUT * self._too_high)
            self._next = max(self._next, now + max(asked, self._pause))
            self._pause = min(2 * self._pause, _LONGEST_PAUSE_SECONDS)
            self._heard_at = now
            self._probing = self.active = True

    def succeeded(self, now: float, sent_at: float) -> None:
        """Takes an answer that was no complaint.

        Args:
            now: The monotonic clock, seconds.
            sent_at: When its request went out; answers to requests from before the last complaint say nothing.
        """
        with self._lock:
            if not self.active or sent_at < self._heard_at:
                return
            if self._probing:
                self._probing = False
                self._pause = _FIRST_PAUSE_SECONDS
                self._next = self._grown_at = now
                return
            self._rate += (now - self._grown_at) * max(_LEAST_GROWTH, _GROWTH_PER_SECOND * self._too_high)
            self._grown_at = max(self._grown_at, now)
            if self._rate >= _FORGET_AT * self._too_high:
                self.active = False

    def reserve(self, now: float) -> float:
        """Takes a place for one request.

        Args:
            now: The monotonic clock, seconds.

        Returns:
            0.0: it goes now, the place is taken. Otherwise how many seconds to wait before asking again.
        """
        with self._lock:
            if not self.active or now >= self._next:
                self._next = now + self._gap()
                return 0.0
            return min(self._next - now, _LOOK_SECONDS) if self._probing else self._next - now

    def _gap(self) -> float:
        """Seconds between this request and the next one."""
        if not self.active:
            return 0.0
        return max(1 / self._rate, self._pause) if self._probing else 1 / self._rate
