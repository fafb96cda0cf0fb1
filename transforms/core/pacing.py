"""How fast this process may go: limits on requests and bytes a second, and one common pause when a server slows us.

Own, not pyrate-limiter: it keeps one list item for each unit of weight (a 50 MiB part: 52 million), and its sleep
can't be interrupted; `limits` does not wait at all. Unused, both hooks together cost a request 0.6 microseconds.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from transforms.core import interrupt
from transforms.core.slow_down import SlowDown

if TYPE_CHECKING:
    from collections.abc import Sequence

_BURST_SECONDS: Final = 0.1
_RECENT: Final = 64
SLOWER: Final = (429, 503)  # the statuses by which servers ask for it; S3's SlowDown is a 503


class Rate:
    """So many units a second, with a burst of a tenth of a second; in the order of asking. Thread-safe.

    Units may be larger than the burst: the next ones then wait until they are paid.

    Args:
        per_second: The limit; 0 for none.
    """

    def __init__(self, per_second: float) -> None:
        self.per_second = per_second
        self._lock = threading.Lock()
        self._next = 0.0

    def reserve(self, units: float, now: float) -> float:
        """Takes units and tells how long to wait before using them.

        Args:
            units: How many.
            now: The monotonic clock, seconds.

        Returns:
            Seconds, 0.0 for at once.
        """
        if not self.per_second:
            return 0.0
        with self._lock:
            at = max(self._next, now - _BURST_SECONDS)
            self._next = at + units / self.per_second
            return max(0.0, at - now)


class Pace:
    """The limits of one process. Thread-safe.

    Args:
        requests_per_second: Limit on requests; 0 for none.
        bytes_per_second: Limit on bytes; 0 for none.
    """

    def __init__(self, requests_per_second: float = 0, bytes_per_second: float = 0) -> None:
        self.requests = Rate(requests_per_second)
        self.bytes = Rate(bytes_per_second)
        self.slow_down = SlowDown()
        self._sent_at: deque[float] = deque(maxlen=_RECENT)

    def before_request(self) -> float:
        """Waits until the next request may go; called before each.

        Returns:
            When it goes (monotonic seconds); `answered` wants it back.
        """
        now = time.monotonic()
        if self.requests.per_second:
            now = _waited(self.requests.reserve(1, now), now)
        while self.slow_down.active and (seconds := self.slow_down.reserve(now)) and not interrupt.requested():
            now = _waited(seconds, now)
        self._sent_at.append(now)
        return now

    def answered(self, sent_at: float, status: int, retry_after_seconds: float | None = None) -> None:
        """Learns from an answer whether the server wants us slower; called after each.

        Args:
            sent_at: What `before_request` returned.
            status: The HTTP status.
            retry_after_seconds: What the answer asks for, None for nothing.
        """
        if status in SLOWER:
            now = time.monotonic()
            self.slow_down.throttled(now, sent_at, recent_rate(list(self._sent_at), now), retry_after_seconds)
        elif self.slow_down.active:
            self.slow_down.succeeded(time.monotonic(), sent_at)

    def before_bytes(self, count: int) -> None:
        """Waits until so many bytes may be moved; called before they are.

        Args:
            count: How many bytes, each counted once on its way through the process.

        Raises:
            InterruptedRunError: The run was asked to stop while they waited.
        """
        if self.bytes.per_second:
            now = time.monotonic()
            if _waited(self.bytes.reserve(count, now), now) > now:
                interrupt.check()


def recent_rate(sent_at: Sequence[float], now: float) -> float:
    """Requests a second, from those of the last second.

    Args:
        sent_at: When the last ones went, in order.
        now: The same clock, seconds.
    """
    recent = [at for at in sent_at if at > now - 1]
    return len(recent) / max(now - recent[0], 0.01) if recent else 1.0


def _waited(seconds: float, now: float) -> float:
    if seconds <= 0:
        return now
    interrupt.wait(seconds)
    return time.monotonic()


_pace = Pace()


def limit(requests_per_second: float = 0, bytes_per_second: float = 0) -> None:
    """Sets this process's limits; the same limits set again change nothing.

    Args:
        requests_per_second: Limit on requests; 0 for none.
        bytes_per_second: Limit on bytes; 0 for none.
    """
    global _pace  # noqa: PLW0603 - one pace a process is what this module is
    if (requests_per_second, bytes_per_second) != (_pace.requests.per_second, _pace.bytes.per_second):
        _pace = Pace(requests_per_second, bytes_per_second)


def pace() -> Pace:
    """This process's pace."""
    return _pace
