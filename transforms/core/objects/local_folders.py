"""The folder that a write goes to: made where it is missing, opened, and proved to lie within the destination.

Everything after that works relative to the open folder, so a link that is put in its place meanwhile changes nothing.
Opening, proving and closing cost 10 microseconds, so there is no cache of descriptors to bound.
"""
# ruff: noqa: PTH103, PTH115, PTH208 - folders are open descriptors here

from __future__ import annotations

import contextlib
import errno
import os
import sys
import threading
from typing import TYPE_CHECKING, NamedTuple

from transforms.core.errors import PermanentError
from transforms.core.objects import local_paths
from transforms.core.objects.local_errors import refuse
from transforms.core.objects.uri import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
_MOST_KNOWN = 10_000


class Place(NamedTuple):
    """Where a file is or will be.

    Attributes:
        uri: Its address.
        folder: Descriptor of its folder.
        name: Its name there.
    """

    uri: str
    folder: int
    name: str


class Folders:
    """The folders below one root. Thread-safe; construction does no I/O."""

    def __init__(self, root: str) -> None:
        self._root = root if root.endswith("/") else f"{root}/"
        self._lock = threading.Lock()
        self._base = ""
        self._known: set[str] = set()

    @contextlib.contextmanager
    def place(self, uri: str, verb: str, *, create: bool = False) -> Iterator[Place]:
        """Opens the folder of a file; errors of the operating system within the block are told as ours.

        Args:
            uri: The file's address.
            verb: What is tried, for messages.
            create: Whether missing folders are made.

        Raises:
            PermanentError: The key can't be a file here, or its folder lies outside of the root.
            MissingError: There is no such folder.
        """
        path = parse(uri).key
        if not path.startswith(self._root):
            raise PermanentError(f"can't {verb} {uri}: it isn't below {self._root}")
        reason = local_paths.refusal(path[len(self._root) :])
        if reason:
            raise PermanentError(f"can't {verb} {uri}: its key can't be a file: {reason}")
        folder, _, name = path.rpartition("/")
        try:
            descriptor = self._open(uri, folder, create=create)
            try:
                yield Place(uri, descriptor, name)
            finally:
                os.close(descriptor)
        except OSError as e:
            if e.errno == errno.ENOTDIR and create:
                raise PermanentError(both(uri, f"a part of {folder}")) from e
            refuse(e, uri, verb)

    def prune(self, uri: str) -> None:
        """Removes the folders of a deleted file that are empty now, up to the root."""
        folder = parse(uri).key.rpartition("/")[0]
        while len(folder) > len(self._root):
            parent, _, name = folder.rpartition("/")
            try:
                descriptor = self._open(uri, parent, create=False)
                try:
                    os.rmdir(name, dir_fd=descriptor)
                finally:
                    os.close(descriptor)
            except OSError:  # not empty, a link, not ours to remove: then it stays
                return
            folder = parent

    def _open(self, uri: str, folder: str, *, create: bool) -> int:
        try:
            descriptor = os.open(folder or "/", _FOLDER)
        except FileNotFoundError:
            if not create:
                raise
            descriptor = self._make(uri, folder)
        try:
            self._prove(uri, descriptor, folder)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _make(self, uri: str, folder: str) -> int:
        """Makes a folder from its nearest existing parent on, each one relative to the one before."""
        os.makedirs(self._root, exist_ok=True)
        missing: list[str] = []
        while True:
            try:
                descriptor = os.open(folder or "/", _FOLDER)
                break
            except FileNotFoundError:
                folder, _, name = folder.rpartition("/")
                missing.append(name)
        try:
            self._prove(uri, descriptor, folder)
            while missing:
                name = missing.pop()
                with contextlib.suppress(FileExistsError):
                    os.mkdir(name, dir_fd=descriptor)
                above, descriptor = descriptor, os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
                os.close(above)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _prove(self, uri: str, descriptor: int, folder: str) -> None:
        """Makes sure that an open folder really lies in the root, whatever links led to it, under its own name."""
        with self._lock:
            if not self._base:
                self._base = os.path.realpath(self._root)
        really = _real_path(descriptor, folder)
        if self._base not in ("/", really) and not really.startswith(f"{self._base}/"):
            raise PermanentError(
                f"{uri}: a link leads out of {self._root}, to {really}, and nothing is written there: "
                "replace the link by a folder, or name the other folder as the destination"
            )
        while folder not in self._known and len(folder) > len(self._root):
            parent, _, name = folder.rpartition("/")
            check_spelling(uri, parent, name)
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known.add(folder)
            folder = parent


def check_spelling(uri: str, folder: str | int, name: str) -> None:
    """Makes sure that an existing name is spelled so: where case doesn't count, another file may answer to it.

    Args:
        uri: The address being written, for the message.
        folder: The folder's path or descriptor.
        name: A name that exists in it.

    Raises:
        PermanentError: It stands there in another spelling.
    """
    swapped = name.swapcase()
    path, descriptor = (f"{folder}/", None) if isinstance(folder, str) else ("", folder)
    try:
        if swapped == name or not os.path.samestat(
            os.stat(path + swapped, dir_fd=descriptor, follow_symlinks=False),
            os.stat(path + name, dir_fd=descriptor, follow_symlinks=False),
        ):
            return
    except OSError:  # the swapped spelling is another name here, as it should be
        return
    listed = os.open(path or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=descriptor)
    try:
        other = local_paths.other_spelling(name, os.listdir(listed))
    finally:
        os.close(listed)
    if other:
        raise PermanentError(
            f"{uri}: this disk doesn't tell {name!r} from {other!r}, which is there already: "
            "rename one of them, or copy to a disk where case counts"
        )


def both(uri: str, what: str) -> str:
    """The message for a key that is a file and a folder at once."""
    return (
        f"can't write {uri}: {what} is a file where a folder is needed, or a folder where a file is; a disk can't "
        "hold both (a bucket can hold keys a and a/b): rename one of them, or copy to an object store"
    )


def _real_path(descriptor: int, folder: str) -> str:
    """Where an open folder really is."""
    if sys.platform == "linux":
        return os.readlink(f"/proc/self/fd/{descriptor}").removesuffix(" (deleted)")
    return os.path.realpath(folder)  # elsewhere a link that is swapped in at this very moment isn't seen
