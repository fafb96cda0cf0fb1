"""The traditional way: an object is downloaded into a temporary file of the run, then uploaded from there."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from transforms.core import interrupt, run_context
from transforms.core.copying.part_sizes import MIB
from transforms.core.copying.transfer_ends import Origin, source_origin
from transforms.core.copying.transfer_spans import each_span
from transforms.core.errors import PermanentError
from transforms.core.objects.uri import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transforms.core.copying.transfer_ends import Job

_BLOCK_BYTES = 8 * MIB


@contextmanager
def downloaded(job: Job) -> Iterator[Origin]:
    """The source as a temporary file for as long as the block runs; a source on this disk is used where it is.

    Args:
        job: The copy.

    Raises:
        PermanentError: The temporary folder can't hold it.
    """
    origin = source_origin(job)
    if origin.details.info.uri.startswith("file:"):
        yield origin
        return
    context = run_context.current()
    folder = context.temp_dir if context is not None and os.path.isdir(context.temp_dir) else None  # noqa: PTH112
    with tempfile.TemporaryFile(prefix="hornbeam-", dir=folder) as file:
        try:
            size_bytes = _download(job, origin, file.fileno())
        except OSError as e:
            raise PermanentError(
                f"{shown(origin.details.info.uri)} doesn't go into the temporary folder "
                f"{folder or tempfile.gettempdir()}: {e.strerror}; make room, or let TMPDIR name another"
            ) from e
        descriptor = file.fileno()
        details = origin.details._replace(info=origin.details.info._replace(size_bytes=size_bytes))
        yield Origin(details, lambda start, stop: os.pread(descriptor, stop - start, start))


def _download(job: Job, origin: Origin, descriptor: int) -> int:
    info = origin.details.info
    if info.size_bytes < 0 or not info.uri.startswith(("s3:", "gs:")):  # web servers may know no ranges: in order
        return _download_in_order(job, origin, descriptor)

    def one(_number: int, start: int, stop: int) -> None:
        _write(descriptor, origin.read(start, stop), start)

    spans = [(start, min(start + _BLOCK_BYTES, info.size_bytes)) for start in range(0, info.size_bytes, _BLOCK_BYTES)]
    each_span(spans, one, job.budget, job.settings.max_concurrent)
    return info.size_bytes


def _download_in_order(job: Job, origin: Origin, descriptor: int) -> int:
    place, size_bytes = 0, origin.details.info.size_bytes
    with job.budget.hold(_BLOCK_BYTES):
        while size_bytes < 0 or place < size_bytes:
            interrupt.check()
            wanted = _BLOCK_BYTES if size_bytes < 0 else min(_BLOCK_BYTES, size_bytes - place)
            block = origin.read(place, place + wanted)
            _write(descriptor, block, place)
            place += len(block)
            if len(block) < wanted:
                break
    return place


def _write(descriptor: int, data: bytes, start: int) -> None:
    done = 0
    while done < len(data):
        done += os.pwrite(descriptor, memoryview(data)[done:], start + done)
