"""Bodies that are read on from where the last read stopped: for servers that know no ranges.

Each address may have a few streams open (readers at different places); going back costs a new one, and new ones are
counted, so that a reader who jumps about gets an error and not a hundred downloads.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from transforms.core.errors import PermanentError
from transforms.core.objects import exchange
from transforms.core.objects.uri import shown

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

OPEN_AT_ONCE = 4
MOST_DOWNLOADS = 16


class Sequential:
    """One open body and how far it has been read. One reader at a time."""

    def __init__(self, response: BaseHTTPResponse, place: int) -> None:
        self._response = response
        self.place = place

    def read(self, uri: str, start: int, stop: int) -> bytes:
        """Bytes `start` to `stop`, fewer where the body ends; what lies before `start` is read and dropped."""
        for data in exchange.slices(self._response, start - self.place, uri):
            self.place += len(data)
        parts = list(exchange.slices(self._response, stop - start, uri)) if self.place == start else []
        self.place += sum(map(len, parts))
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        """Drops the connection (what is left of the body would have to be read to keep it)."""
        self._response.close()


class OpenStreams:
    """The open bodies of one host, by address and version; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[tuple[str, str], list[Sequential]] = {}
        self._without_ranges: set[str] = set()
        self._downloads: dict[str, int] = {}

    def knows(self, uri: str) -> bool:
        """Whether `uri` is one whose server ignores ranges."""
        with self._lock:
            return uri in self._without_ranges

    def keep(self, uri: str, version: str, held: Sequential) -> None:
        """Puts a body back for the next reader; the one that is furthest behind goes when there are too many."""
        with self._lock:
            self._without_ranges.add(uri)
            streams = self._open.setdefault((uri, version), [])
            streams.append(held)
            streams.sort(key=lambda one: one.place)
            surplus = streams.pop(0) if len(streams) > OPEN_AT_ONCE else None
        if surplus is not None:
            surplus.close()

    def take(self, uri: str, version: str, start: int) -> Sequential | None:
        """The body that is nearest before `start`, now the caller's; None (and counted) when a new one is needed.

        Raises:
            PermanentError: Too many were opened for this address.
        """
        with self._lock:
            streams = self._open.setdefault((uri, version), [])
            before = [one for one in streams if one.place <= start]
            if before:
                streams.remove(before[-1])
                return before[-1]
            self._downloads[uri] = self._downloads.get(uri, 0) + 1
            if self._downloads[uri] > MOST_DOWNLOADS:
                raise PermanentError(
                    f"{shown(uri)}: the server ignores ranges, and reading it here would download it more than "
                    f"{MOST_DOWNLOADS} times (now back to byte {start}): download it first, then name the local file"
                )
            return None
