"""The names in a folder, sorted, from any name on; those of large folders are kept while nothing changes in them.

A plan asks a flat folder for a hundred ranges, and a disk answers each with all of its names: 100,000 names took 75 ms
a range, and 0.1 ms from here (as one text, 20 to 30 bytes a name). Nothing here follows links into other folders.
"""

from __future__ import annotations

import bisect
import itertools
import os
import threading
import time
from array import array
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KEPT_FROM = 1000  # smaller folders are read again sooner than they are compared
_MOST_FOLDERS = 4
_MOST_NAMES = 4_000_000
_SETTLED_SECONDS = 2.0  # the coarsest clock of a disk: a later change shows in the folder's time


class KeyRange(NamedTuple):
    """Which paths to list, as bytes.

    Attributes:
        prefix: What every path starts with.
        start: First path (inclusive).
        stop: Path behind the last; b"" for no end.
    """

    prefix: bytes
    start: bytes
    stop: bytes

    def holds(self, path: bytes) -> bool:
        """Whether a path (or, for one ending in `/`, any path below it) is in the range."""
        if self.stop and path >= self.stop:
            return False
        if path.endswith(b"/"):
            below = path >= self.start or self.start.startswith(path)
            return below and (path.startswith(self.prefix) or self.prefix.startswith(path))
        return path >= self.start and path.startswith(self.prefix)

    def ends_before(self, path: bytes) -> bool:
        """Whether neither a path nor any greater one is in the range."""
        return bool(self.stop and path >= self.stop) or (path > self.prefix and not path.startswith(self.prefix))


class SortedNames:
    """Many names in one text."""

    def __init__(self, names: list[bytes]) -> None:
        self._text = b"".join(names)
        self._ends = array("Q", itertools.accumulate(map(len, names)))

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, index: int) -> bytes:
        return self._text[self._ends[index - 1] if index else 0 : self._ends[index]]


class _Kept(NamedTuple):
    version: tuple[int, ...]
    names: SortedNames


_kept: dict[bytes, _Kept] = {}
_lock = threading.Lock()


def names_in(folder: bytes, status: os.stat_result, wanted: KeyRange) -> Iterator[bytes]:
    """The names in a folder that the range may hold, in byte order; those of folders end in `/`.

    Args:
        folder: Its path, ending in `/`.
        status: Of the folder, taken before.
        wanted: The range.

    Raises:
        OSError: The folder can't be read.
    """
    version = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns)
    with _lock:
        kept = _kept.get(folder)
    if kept is not None and kept.version == version:
        return _from_start(folder, kept.names, wanted)
    settled = time.time() - max(status.st_mtime, status.st_ctime) > _SETTLED_SECONDS
    with os.scandir(folder) as entries:
        named = (entry.name + b"/" if entry.is_dir() else entry.name for entry in entries)
        names = list(named) if settled else [name for name in named if wanted.holds(folder + name)]
    names.sort()
    if not (settled and KEPT_FROM <= len(names) <= _MOST_NAMES):
        return _from_start(folder, names, wanted)
    compact = SortedNames(names)
    _keep(folder, _Kept(version, compact))
    return _from_start(folder, compact, wanted)


def _keep(folder: bytes, kept: _Kept) -> None:
    with _lock:
        _kept.pop(folder, None)
        while len(_kept) >= _MOST_FOLDERS or sum(len(one.names) for one in _kept.values()) > _MOST_NAMES:
            del _kept[next(iter(_kept))]
        _kept[folder] = kept


def _from_start(folder: bytes, names: Sequence[bytes] | SortedNames, wanted: KeyRange) -> Iterator[bytes]:
    first = wanted.start.removeprefix(folder) if wanted.start.startswith(folder) else b""
    index = bisect.bisect_left(names, first)
    if index and first.startswith(names[index - 1]):  # the folder that the start is in
        index -= 1
    for place in range(index, len(names)):
        name = names[place]
        if wanted.ends_before(folder + name):
            return
        if wanted.holds(folder + name):
            yield name
