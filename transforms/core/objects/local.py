"""Objects on the local disk, as addresses `file:///absolute/path`.

A version is size and modification time in nanoseconds. Reads go straight to the kernel (`pread`, without the GIL).
Of what a copy keeps a disk holds the modification time only; there are no checksums and no tags.
"""
# Keys are texts: a Path would clean them (drop a last slash, fold two into one).
# ruff: noqa: PTH108, PTH113, PTH116

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from typing import TYPE_CHECKING, TypeVar

from transforms.core.errors import PermanentError, TransientError
from transforms.core.objects import local_listing, local_paths, local_write, patterns
from transforms.core.objects.access import ConflictError, MissingError
from transforms.core.objects.details import (
    Attributes,
    Checksums,
    Condition,
    Limits,
    Listed,
    ObjectDetails,
    Part,
    Upload,
)
from transforms.core.objects.local_errors import refuse
from transforms.core.objects.local_folders import Folders
from transforms.core.objects.local_listing import info_of
from transforms.core.objects.local_read import opened, read_range, version
from transforms.core.objects.uri import parse
from transforms.core.retrying import retried

if TYPE_CHECKING:
    import builtins
    from collections.abc import Callable, Iterator, Sequence

    from transforms.core.objects.details import Checksums, Listed
    from transforms.core.outcome import ObjectInfo

T = TypeVar("T")

_OTHERS = 20  # deletions by other threads in a row, before a folder that isn't there is an error

LIMITS = Limits(
    max_put_bytes=1 << 31,
    min_part_bytes=1,
    max_part_bytes=1 << 31,
    max_parts=1_000_000,
    max_copy_bytes=1 << 62,
    parallel_parts=True,
    max_key_bytes=local_paths.MAX_PATH_BYTES,
    deletes_at_once=1000,
)


class LocalStore:
    """The local disk. Safe for any number of threads; construction does no I/O.

    Args:
        root: The folder that copies may write below and delete from, links that lead out of it included.
    """

    limits = LIMITS

    def __init__(self, root: str = "/") -> None:
        self._folders = Folders(root)

    def list(self, pattern: str) -> Iterator[ObjectInfo]:
        """See `Store.list`. Links are followed, loops of them are not; sockets and pipes are no objects."""
        path = parse(pattern).key
        if not patterns.is_pattern(path) and not path.endswith("/"):
            if os.path.isfile(path):
                yield self.head(pattern)
            return
        found = patterns.key_pattern(path)
        folder = found.prefix.rpartition("/")[0] + "/"
        yield from local_listing.list_matches(folder, found)

    def head(self, uri: str) -> ObjectInfo:
        """See `Store.head`."""
        path = parse(uri).key
        try:
            status = os.stat(path)
        except OSError as e:
            refuse(e, uri, "read")
        if not stat.S_ISREG(status.st_mode):
            raise MissingError(f"{uri} is not a file: name a file, or end a folder's name with /")
        return info_of(path, status)

    def read(self, info: ObjectInfo, start: int, stop: int) -> bytes:
        """See `Store.read`: the file's size and time are compared before and after the bytes are taken."""
        return retried(lambda: read_range(info, start, stop)) if stop > start else b""

    def write(self, uri: str, data: bytes, *, if_absent: bool = False) -> None:
        """See `Store.write`: missing folders are made, and the bytes are flushed (such files say what was done)."""
        path = parse(uri).key
        clean = uri if path.endswith("/") else f"file://{os.path.normpath(path)}"
        with self._folders.place(clean, "write", create=True) as place:
            local_write.write_whole(place, data, 0.0, Condition(absent=if_absent), durable=True)

    def delete(self, uri: str) -> None:
        """See `Store.delete`."""
        try:
            os.unlink(parse(uri).key)
        except FileNotFoundError:
            return
        except OSError as e:
            refuse(e, uri, "delete")

    def list_range(self, prefix: str, start: str, stop: str, *, limit: int = 0) -> Iterator[Listed]:
        """See `CopyStore.list_range`; folders that lie wholly outside of the range aren't opened."""
        listed = local_listing.list_range(parse(prefix).key, start, stop)
        return itertools.islice(listed, limit or None)

    def details(self, uri: str) -> ObjectDetails:
        """See `CopyStore.details`."""
        return _details(self.head(uri))

    def tags(self, info: ObjectInfo) -> tuple[tuple[str, str], ...]:  # noqa: ARG002 - the protocol's
        """None: a disk has no tags."""
        return ()

    def fetch(self, info: ObjectInfo) -> tuple[bytes, ObjectDetails]:
        """See `CopyStore.fetch`."""
        return self.read(info, 0, info.size_bytes), _details(info)

    def put(
        self, uri: str, data: bytes, attributes: Attributes, checksums: Checksums, condition: Condition
    ) -> ObjectDetails:
        """See `CopyStore.put`; a disk checks no checksums. Missing folders are made."""
        del checksums

        def once() -> os.stat_result:
            with self._folders.place(uri, "write", create=True) as place:
                return local_write.write_whole(place, data, attributes.mtime, condition)

        return _details(info_of(parse(uri).key, _patient(once)))

    def begin(self, uri: str, attributes: Attributes, condition: Condition, size_bytes: int) -> Upload:
        """See `CopyStore.begin`: an empty temporary file beside the final name, which is the token."""
        del size_bytes

        def once() -> str:
            with self._folders.place(uri, "write", create=True) as place:
                return local_write.new_file(place)

        return Upload(uri, _patient(once), attributes, condition)

    def put_part(self, upload: Upload, number: int, start: int, data: bytes, checksums: Checksums) -> Part:
        """See `CopyStore.put_part`: each goes to its own place of the temporary file."""

        def once() -> None:
            with self._folders.place(upload.uri, "write") as place:
                local_write.write_at(place, upload.token, start, data)

        retried(once)
        return Part(number, len(data), "", checksums)

    def complete(self, upload: Upload, parts: Sequence[Part], checksums: Checksums) -> ObjectDetails:
        """See `CopyStore.complete`."""
        del checksums
        size_bytes = sum(part.size_bytes for part in parts)
        with self._folders.place(upload.uri, "write") as place:
            status = local_write.finish(place, upload.token, size_bytes, upload.attributes.mtime, upload.condition)
        return _details(info_of(parse(upload.uri).key, status))

    def abort(self, upload: Upload) -> None:
        """See `CopyStore.abort`."""
        with contextlib.suppress(MissingError), self._folders.place(upload.uri, "abort") as place:
            os.unlink(upload.token, dir_fd=place.folder)

    def abort_leftovers(self, prefix: str, older_than_seconds: float) -> int:
        """See `CopyStore.abort_leftovers`: removes temporary files that nobody wrote to for so long."""
        count = 0
        for uri in local_listing.leftovers(parse(prefix).key, older_than_seconds):
            self.delete(uri)
            count += 1
        return count

    def copy_within(
        self, source: ObjectDetails, uri: str, attributes: Attributes, condition: Condition
    ) -> ObjectDetails:
        """See `CopyStore.copy_within`: by the kernel, which shares blocks where the disk can."""

        def once() -> os.stat_result:
            with opened(source.info) as read, self._folders.place(uri, "write", create=True) as place:
                return local_write.copy_whole(place, read, source.info, attributes.mtime, condition)

        return _details(info_of(parse(uri).key, _patient(once)))

    def delete_all(self, infos: Sequence[ObjectInfo]) -> builtins.list[tuple[ObjectInfo, str]]:
        """See `CopyStore.delete_all`: versions are compared right before; folders left empty go too."""
        refused = []
        for info in infos:
            try:
                self._delete_version(info)
            except MissingError:
                continue
            except (PermanentError, TransientError) as e:
                refused.append((info, str(e)))
        return refused

    def _delete_version(self, info: ObjectInfo) -> None:
        with self._folders.place(info.uri, "delete") as place:
            now = version(os.stat(place.name, dir_fd=place.folder))
            if info.etag and now != info.etag:
                raise ConflictError(f"{info.uri} changed since it was listed ({info.etag}, now {now}): left alone")
            os.unlink(place.name, dir_fd=place.folder)
        self._folders.prune(info.uri)


def _details(info: ObjectInfo) -> ObjectDetails:
    return ObjectDetails(info, Attributes(mtime=info.modified))


def _patient(function: Callable[[], T]) -> T:
    """Retries what may pass, and what another thread took away meanwhile: the folder that it had just emptied.

    The policy costs 20 microseconds a call, so it is asked only after a first failure.
    """
    for _ in range(_OTHERS):
        try:
            return function()
        except MissingError:
            continue
        except TransientError:
            break
    return retried(function)
