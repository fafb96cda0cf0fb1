"""A folder in which case doesn't count, as on the disks of macOS and Windows: no such disk can be mounted in a test.

What the system is asked about names below the folder is answered in the spelling that stands there, as such a disk
answers: one question after the other, since between the look and the deed another thread could make the other spelling.
Nothing of ours is replaced.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transforms.core.objects import local_write

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

ONE_NAME = ("stat", "open", "mkdir", "unlink", "rmdir", "scandir", "listdir")
TWO_NAMES = ("replace", "rename", "link")


class InsensitiveDisk:
    """Answers for one folder.

    Args:
        root: The folder; exists.
    """

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._listdir = os.listdir
        self._one_at_a_time = threading.RLock()

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ONE_NAME:
            monkeypatch.setattr(os, name, self._one(getattr(os, name)))
        for name in TWO_NAMES:
            monkeypatch.setattr(os, name, self._two(getattr(os, name)))
        monkeypatch.setattr(local_write, "_renameat2", lambda: None)  # that of C would go past us; a disk may lack it

    def _one(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any = ".", *args: Any, dir_fd: int | None = None, **more: Any) -> Any:
            where = {"dir_fd": dir_fd} if dir_fd is not None else {}
            with self._one_at_a_time:
                return function(self._spelled(path, dir_fd), *args, **where, **more)

        return call

    def _two(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(
            src: Any, dst: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None, **more: Any
        ) -> Any:
            where = {"src_dir_fd": src_dir_fd, "dst_dir_fd": dst_dir_fd}
            given = {name: value for name, value in where.items() if value is not None}
            with self._one_at_a_time:
                return function(self._spelled(src, src_dir_fd), self._spelled(dst, dst_dir_fd), **given, **more)

        return call

    def _spelled(self, path: Any, descriptor: int | None) -> Any:
        """A path as it is stored, as far as it is there."""
        if isinstance(path, int) or (text := os.fsdecode(path)).startswith("/proc"):
            return path
        base = str(Path(f"/proc/self/fd/{descriptor}").readlink()) if descriptor is not None else ""
        whole = f"{base}/{text}" if base else text
        if not whole.startswith(f"{self._root}/"):
            return path
        found, given = self._root, whole[len(self._root) + 1 :].split("/")
        for number, name in enumerate(given):
            given[number] = self._stored(found, name)
            found += f"/{given[number]}"
        spelled = found[len(base) + 1 :] if base else found
        return os.fsencode(spelled) if isinstance(path, bytes) else spelled

    def _stored(self, folder: str, name: str) -> str:
        try:
            names = self._listdir(folder)
        except OSError:
            return name
        return name if name in names else next((one for one in names if one.casefold() == name.casefold()), name)
