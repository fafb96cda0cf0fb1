"""Listing folders in the byte order of whole keys: a folder sorts as its name with the slash.

Links are followed, circles of them are not; sockets, pipes and our own temporary files are no objects.
"""
# ruff: noqa: PTH116 - keys are bytes here: a Path would clean them

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING

from transforms.core.objects import local_paths, local_writers
from transforms.core.objects.details import Listed
from transforms.core.objects.local_errors import MISSING, refuse
from transforms.core.objects.local_names import KeyRange, names_in
from transforms.core.objects.local_read import version
from transforms.core.outcome import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transforms.core.objects import patterns

_Above = tuple[tuple[int, int], ...]


def list_range(prefix: str, start: str, stop: str) -> Iterator[Listed]:
    """The files whose paths start with `prefix` and lie between `prefix + start` and `prefix + stop`."""
    first = os.fsencode(prefix)
    wanted = KeyRange(first, first + os.fsencode(start), first + os.fsencode(stop) if stop else b"")
    for path in _paths(first[: first.rindex(b"/") + 1], wanted, ()):
        name = os.fsdecode(path)
        status = _status(name)
        if status is not None:
            info = info_of(name, status)
            yield Listed(info, mtime=info.modified, written=status.st_ctime)


def list_matches(folder: str, found: patterns.KeyPattern) -> Iterator[ObjectInfo]:
    """The files below a folder (its path ending in `/`) whose paths match."""
    everything = KeyRange(os.fsencode(found.prefix), b"", b"")
    for name in _paths(os.fsencode(folder), everything, (), deep=found.deep):
        path = os.fsdecode(name)
        if found.matches.fullmatch(path):
            status = _status(path)
            if status is not None:
                yield info_of(path, status)


def info_of(path: str, status: os.stat_result) -> ObjectInfo:
    """A file's description."""
    return ObjectInfo(f"file://{path}", status.st_size, version(status), status.st_mtime_ns / 10**9)


def leftovers(prefix: str, older_than_seconds: float) -> Iterator[str]:
    """Addresses of our temporary files whose folder's path starts with `prefix`: untouched for so long, or orphans.

    No link is followed here: what lies behind one is not the destination's.
    """
    before = time.time() - older_than_seconds
    start = prefix[: prefix.rindex("/") + 1]
    folders = [start]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    below = f"{folder}{entry.name}/"
                    if entry.is_dir(follow_symlinks=False):
                        folders += [below] if _may_hold(below, prefix) else []
                    elif local_paths.is_temporary(entry.name) and (_is_orphan(entry) or _untouched(entry, before)):
                        yield f"file://{folder}{entry.name}"
        except OSError as e:
            if e.errno not in MISSING:
                refuse(e, f"file://{folder}", "list")


def _is_orphan(entry: os.DirEntry[str]) -> bool:
    return local_writers.is_gone(local_paths.writer_of(entry.name))


def _untouched(entry: os.DirEntry[str], before: float) -> bool:
    try:
        return entry.stat(follow_symlinks=False).st_ctime < before
    except FileNotFoundError:  # it has just got its name
        return False


def _may_hold(folder: str, prefix: str) -> bool:
    return folder.startswith(prefix) or prefix.startswith(folder)


def _paths(folder: bytes, wanted: KeyRange, above: _Above, *, deep: bool = True) -> Iterator[bytes]:
    """Depth first."""
    try:
        status = os.stat(folder)
        here = (status.st_dev, status.st_ino)
        names = iter(()) if here in above else names_in(folder, status, wanted)
    except OSError as e:
        if e.errno in MISSING:
            return
        refuse(e, f"file://{os.fsdecode(folder)}", "list")
    for name in names:
        if not name.endswith(b"/"):
            yield folder + name
        elif deep:
            yield from _paths(folder + name, wanted, (*above, here), deep=deep)


def _status(path: str) -> os.stat_result | None:
    if local_paths.is_temporary(path.rpartition("/")[2]):
        return None
    try:
        status = os.stat(path)
    except FileNotFoundError:  # a dangling link, or a file that was removed while we list
        return None
    except OSError as e:
        refuse(e, f"file://{path}", "list")
    return status if stat.S_ISREG(status.st_mode) else None
