"""Looking at a listing again and again: which objects are new since the last look, and which are still being written.

No clock, no waiting and no engine here: whoever looks says what time it is, and when it looks again.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

from transforms.core.streams.notice import LISTING, Notice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from transforms.core.outcome import ObjectInfo

__all__ = ["MARK_BYTES", "Idle", "Look", "Poller", "Settling", "mark_of"]

MARK_BYTES: Final = 16
_ON_DISK: Final = "file://"


class Look(NamedTuple):
    """What one look at a listing found.

    Attributes:
        notices: Of the objects that may be worked.
        waiting: Files that are still being written, or too young to tell.
        mark: The same for two looks that found the same.
    """

    notices: list[Notice]
    waiting: int
    mark: int


class Settling:
    """Holds files of a disk back while they are written; objects of a store are whole from the first moment.

    | the file                                 | first look          | later looks |
    |------------------------------------------|---------------------|-------------|
    | not seen before, in this size and mtime  | as its mtime is old | waits       |
    | seen so, less than half a pause ago      | waits               | waits       |
    | seen so, at least half a pause ago       |                     | settled     |

    An mtime is old when it lies a whole pause back. A file that never rests is never settled: `waiting` counts it.
    State: about 130 bytes a listed file of a disk, nothing for a store's objects.

    Args:
        every_seconds: The pause between two looks, above 0.
    """

    def __init__(self, every_seconds: float) -> None:
        if every_seconds <= 0:
            raise ValueError(f"a look every {every_seconds:g} s: the pause must be above 0")
        self.waiting = 0
        self._every_seconds = every_seconds
        self._since: dict[bytes, float] | None = None

    def settled(self, found: Iterable[ObjectInfo], now: float) -> list[ObjectInfo]:
        """Those of a listing that aren't being written.

        Args:
            found: The whole listing.
            now: When it was made, seconds since the epoch.
        """
        before, since = self._since, dict[bytes, float]()
        settled = []
        for info in found:
            if info.uri.startswith(_ON_DISK):
                mark = _mark(info.uri, info.etag)
                first = before.get(mark, now) if before is not None else self._first(info, now)
                since[mark] = first
                if now - first < self._every_seconds / 2:
                    continue
            settled.append(info)
        self.waiting = sum(now - first < self._every_seconds / 2 for first in since.values())
        self._since = since
        return settled

    def _first(self, info: ObjectInfo, now: float) -> float:
        """Since when a file of the first look counts as being so."""
        old = 0 < info.modified <= now - self._every_seconds
        return info.modified if old else now


class Poller:
    """Looks at a listing; what it has given out it doesn't give out again, but an object's new version is new.

    State: about 90 bytes an object given out (its 16-byte mark in a Python set) for as long as the stream lives, and
    that of `Settling`. 1,000,000 objects: 90 MB; beyond that, notifications or narrower prefixes serve better.

    Args:
        listing: Yields what is there now.
        every_seconds: The pause between two looks, above 0.
    """

    def __init__(self, listing: Callable[[], Iterable[ObjectInfo]], every_seconds: float) -> None:
        self._listing = listing
        self._settling = Settling(every_seconds)
        self._given: set[bytes] = set()

    @property
    def waiting(self) -> int:
        """Files that the last look found being written."""
        return self._settling.waiting

    def look(self, now: float) -> list[Notice]:
        """What is new since the last look.

        Args:
            now: Seconds since the epoch.

        Raises:
            HornbeamError: What the listing raises; then nothing was given out.
        """
        new = {mark_of(one): one for one in self.look_at_all(now).notices}
        for mark in self._given & new.keys():
            del new[mark]
        self._given.update(new)
        return list(new.values())

    def look_at_all(self, now: float) -> Look:
        """All that may be worked, given out before or not: for an engine that keeps its own account of what is new.

        Args:
            now: Seconds since the epoch.

        Raises:
            HornbeamError: What the listing raises.
        """
        settled = self._settling.settled(self._listing(), now)
        notices = [Notice(one.uri, one.etag, one.size_bytes, one.modified, now, LISTING) for one in settled]
        mark = sum(int.from_bytes(mark_of(one)) for one in notices) % (1 << 8 * MARK_BYTES)
        return Look(notices, self.waiting, mark)


class Idle:
    """Whether a stream has had nothing to do for so long that it may end.

    Args:
        after_seconds: For how long, above 0; None = it never ends by itself.
    """

    def __init__(self, after_seconds: float | None) -> None:
        if after_seconds is not None and after_seconds <= 0:
            raise ValueError(f"idle for {after_seconds:g} s: it must be above 0, or None")
        self._after_seconds = after_seconds
        self._since: float | None = None

    def over(self, now: float, *, active: bool) -> bool:
        """Takes note of a look; whether the stream may end.

        | looks so far                               | may end |
        |--------------------------------------------|---------|
        | this is the first, or the stream is active | no      |
        | nothing for less than `after_seconds`      | no      |
        | nothing for `after_seconds` or longer      | yes     |

        Args:
            now: Seconds since the epoch.
            active: Whether anything came, waits or is being worked.
        """
        if active or self._since is None:
            self._since = now
        return self._after_seconds is not None and now - self._since >= self._after_seconds


def mark_of(notice: Notice) -> bytes:
    """Stands for a version of an object, whoever told of it.

    Args:
        notice: Of it.
    """
    return _mark(notice.uri, notice.version)


def _mark(uri: str, version: str) -> bytes:
    text = f"{uri}\n{version}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=MARK_BYTES).digest()
