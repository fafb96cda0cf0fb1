"""Reading a file straight from the kernel (`pread`, without the GIL), and noticing that it changed meanwhile."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from transforms.core.errors import PermanentError, SourceChangedError
from transforms.core.objects import traffic
from transforms.core.objects.local_errors import refuse
from transforms.core.objects.uri import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transforms.core.outcome import ObjectInfo


def version(status: os.stat_result) -> str:
    """The version mark of a file: its size and modification time in nanoseconds."""
    return f"{status.st_size}-{status.st_mtime_ns}"


@contextlib.contextmanager
def opened(info: ObjectInfo) -> Iterator[int]:
    """Opens a file for reading; errors of the operating system at opening are told as ours."""
    try:
        descriptor = os.open(parse(info.uri).key, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as e:
        refuse(e, info.uri, "read")
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def read_range(info: ObjectInfo, start: int, stop: int) -> bytes:
    """Bytes `start` to `stop` of one version: size and time are compared before and after the bytes are taken.

    Raises:
        SourceChangedError: It isn't that version any more.
        PermanentError: It is shorter.
    """
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
        refuse(e, info.uri, "read")
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
    now = version(status)
    if info.etag and now != info.etag:
        raise SourceChangedError(
            f"{info.uri} changed while it was being read (size and time were {info.etag}, now {now}): "
            "run the command again when nothing writes to it"
        )
