"""A run's own folder for temporary files, and the removal of those that killed runs left behind."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISDIR
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX: Final = "hornbeam-"
YOUNG_SECONDS: Final = 60  # a folder this young may not have its lock taken yet
LOCK: Final = "lock"  # held as long as the run lives: a number of a process could be another one's by now


@contextmanager
def temp_folder() -> Iterator[str]:
    """Makes the folder, and removes it when the block ends; first the folders of runs that were killed go."""
    remove_left_behind(Path(tempfile.gettempdir()))
    folder = tempfile.mkdtemp(prefix=PREFIX)
    lock = os.open(Path(folder) / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def remove_left_behind(place: Path) -> None:
    """Removes this user's folders whose run is dead; what is no run's folder stays.

    Args:
        place: Where temporary folders are made.
    """
    for folder in place.glob(f"{PREFIX}*"):
        try:
            seen = folder.lstat()
            if not S_ISDIR(seen.st_mode) or seen.st_uid != os.getuid() or time.time() - seen.st_mtime < YOUNG_SECONDS:
                continue
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:  # no run's, or just going
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:  # its run lives
            pass
        finally:
            os.close(lock)
