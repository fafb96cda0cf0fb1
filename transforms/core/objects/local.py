"""Objects on the local disk, as addresses `file:///absolute/path`.

A version is size and modification time in nanoseconds. Reads go straight to the kernel (`pread`, without the GIL).
"""
# Keys are texts: a Path would clean them (drop a last slash, fold two into one).
# ruff: noqa: PTH103, PTH105, PTH108, PTH110, PTH113, PTH116, PTH118, PTH120, PTH123

from __future__ import annotations

import errno
import os
import re
import stat
import uuid
from typing import TYPE_CHECKING, NoReturn

from transforms.core.errors import PermanentError, SourceChangedError, TransientError
from transforms.core.objects import patterns, traffic
from transforms.core.objects.access import AlreadyThereError, ForbiddenError, MissingError
from transforms.core.objects.uri import parse
from transforms.core.outcome import ObjectInfo
from transforms.core.retrying import retried

if TYPE_CHECKING:
    from collections.abc import Iterator

_MISSING = (errno.ENOENT, errno.ENOTDIR)
_MAY_PASS = (errno.EIO, errno.EAGAIN, errno.ESTALE, errno.ETIMEDOUT, errno.EINTR)
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


class LocalStore:
    """The local disk. Stateless, so safe for any number of threads."""

    def list(self, pattern: str) -> Iterator[ObjectInfo]:
        """See `Store.list`. Links are followed, loops of them are not; sockets and pipes are no objects."""
        path = parse(pattern).key
        if not patterns.is_pattern(path) and not path.endswith("/"):
            if os.path.isfile(path):
                yield self.head(pattern)
            return
        found = patterns.key_pattern(path)
        folder = found.prefix.rpartition("/")[0] + "/"
        yield from _walk(folder, found, ())

    def head(self, uri: str) -> ObjectInfo:
        """See `Store.head`."""
        path = parse(uri).key
        try:
            status = os.stat(path)
        except OSError as e:
            _refuse(e, uri, "read")
        if not stat.S_ISREG(status.st_mode):
            raise MissingError(f"{uri} is not a file: name a file, or end a folder's name with /")
        return _info(path, status)

    def read(self, info: ObjectInfo, start: int, stop: int) -> bytes:
        """See `Store.read`: the file's size and time are compared before and after the bytes are taken."""
        return retried(lambda: _read(info, start, stop)) if stop > start else b""

    def write(self, uri: str, data: bytes, *, if_absent: bool = False) -> None:
        """See `Store.write`: missing folders are made; a temporary file beside it takes the name at the end."""
        path = parse(uri).key
        folder = os.path.dirname(path)
        temporary = os.path.join(folder, f".hornbeam-{uuid.uuid4().hex}.tmp")
        try:
            os.makedirs(folder, exist_ok=True)
            try:
                _write_new(temporary, data)
                _take_name(temporary, path, data, if_absent=if_absent)
            finally:
                if os.path.exists(temporary):
                    os.unlink(temporary)
        except FileExistsError as e:
            raise AlreadyThereError(f"{uri} is there already and was left alone") from e
        except OSError as e:
            _refuse(e, uri, "write")

    def delete(self, uri: str) -> None:
        """See `Store.delete`."""
        try:
            os.unlink(parse(uri).key)
        except FileNotFoundError:
            return
        except OSError as e:
            _refuse(e, uri, "delete")


def _info(path: str, status: os.stat_result) -> ObjectInfo:
    return ObjectInfo(
        f"file://{path}", status.st_size, f"{status.st_size}-{status.st_mtime_ns}", status.st_mtime_ns / 1e9
    )


def _read(info: ObjectInfo, start: int, stop: int) -> bytes:
    path = parse(info.uri).key
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _check_version(info, os.fstat(descriptor))
            data = _pread(descriptor, start, stop)
            _check_version(info, os.fstat(descriptor))
        finally:
            os.close(descriptor)
    except OSError as e:
        _refuse(e, info.uri, "read")
    traffic.count(bytes_read=len(data), requests=1)
    if len(data) != stop - start:
        raise PermanentError(f"{info.uri} ends at byte {start + len(data)}, bytes {start} to {stop} were asked for")
    return data


def _pread(descriptor: int, start: int, stop: int) -> bytes:
    data = os.pread(descriptor, stop - start, start)
    while 0 < len(data) < stop - start:  # the kernel stops at 2 GiB a call
        more = os.pread(descriptor, stop - start - len(data), start + len(data))
        if not more:
            break
        data += more
    return data


def _check_version(info: ObjectInfo, status: os.stat_result) -> None:
    now = f"{status.st_size}-{status.st_mtime_ns}"
    if info.etag and now != info.etag:
        raise SourceChangedError(
            f"{info.uri} changed while it was being read (size and time were {info.etag}, now {now}): "
            "run the command again when nothing writes to it"
        )


def _write_new(path: str, data: bytes) -> None:
    with open(path, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _take_name(temporary: str, path: str, data: bytes, *, if_absent: bool) -> None:
    if not if_absent:
        os.replace(temporary, path)
        return
    try:
        os.link(temporary, path)
    except OSError as e:
        if e.errno not in _NO_LINKS:
            raise
        _write_new(path, data)


def _walk(folder: str, found: patterns.KeyPattern, above: tuple[tuple[int, int], ...]) -> Iterator[ObjectInfo]:
    """Depth first in the byte order of whole keys: a folder sorts as its name with the slash."""
    try:
        status = os.stat(folder)
        with os.scandir(folder) as entries:
            named = [(entry.name + ("/" if entry.is_dir() else ""), entry) for entry in entries]
    except OSError as e:
        if e.errno in _MISSING:
            return
        _refuse(e, f"file://{folder}", "list")
    here = (status.st_dev, status.st_ino)
    if here in above:
        return
    for name, _ in sorted(named, key=lambda pair: os.fsencode(pair[0])):
        path = folder + name
        if name.endswith("/"):
            if found.deep and _may_hold(path, found.prefix):
                yield from _walk(path, found, (*above, here))
        elif found.matches.fullmatch(path):
            yield from _entry(path)


def _may_hold(folder: str, prefix: str) -> bool:
    return folder.startswith(prefix) or prefix.startswith(folder)


def _entry(path: str) -> Iterator[ObjectInfo]:
    try:
        status = os.stat(path)
    except FileNotFoundError:  # a dangling link, or a file that was removed while we list
        return
    except OSError as e:
        _refuse(e, f"file://{path}", "list")
    if stat.S_ISREG(status.st_mode):
        yield _info(path, status)


def _refuse(error: OSError, uri: str, verb: str) -> NoReturn:
    cause = re.sub(r"^\[Errno \d+\] ", "", error.strerror or str(error))
    if error.errno in _MISSING:
        raise MissingError(f"can't {verb} {uri}: there is no such file or folder; check its spelling") from error
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        raise ForbiddenError(f"can't {verb} {uri}: {cause}; give this user the permission") from error
    if error.errno in _MAY_PASS:
        raise TransientError(f"can't {verb} {uri}: {cause}") from error
    raise PermanentError(f"can't {verb} {uri}: {cause} (errno {error.errno})") from error
