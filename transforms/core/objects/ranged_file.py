"""A seekable file over any store, for readers that need one (zip, xlsx): a few cached blocks, nothing on disk.

Reading on in sequence fetches ahead in growing requests; jumping about fetches one block a jump. Not thread-safe.
"""

from __future__ import annotations

import errno
import io
import os
from collections import OrderedDict
from typing import TYPE_CHECKING

from transforms.core.errors import PermanentError
from transforms.core.objects.uri import shown

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from transforms.core.objects.store import Store
    from transforms.core.outcome import ObjectInfo

BLOCK_BYTES = 256 * 1024
CACHED_BLOCKS = 16
MOST_AHEAD = 8


class RangedFile(io.RawIOBase):
    """One version of one object as a read-only, seekable binary file.

    Memory: at most `block_bytes x (cached_blocks + 8)`, 6 MiB by default, whatever the object's size.

    Args:
        store: Where the object lives.
        info: The version to read; its size must be known.
        block_bytes: Unit of caching, and of a request after a jump.
        cached_blocks: How many blocks are kept, the least recently used go first; 9 or more.

    Raises:
        PermanentError: The size isn't known.
    """

    def __init__(
        self, store: Store, info: ObjectInfo, block_bytes: int = BLOCK_BYTES, cached_blocks: int = CACHED_BLOCKS
    ) -> None:
        super().__init__()
        if info.size_bytes < 0:
            raise PermanentError(
                f"{shown(info.uri)}: the server doesn't tell the size, so it can't be read by range: download it first"
            )
        self.name = info.uri
        self._store = store
        self._info = info
        self._block_bytes = block_bytes
        self._cached_blocks = max(cached_blocks, MOST_AHEAD + 1)
        self._blocks: OrderedDict[int, memoryview] = OrderedDict()
        self._place = 0
        self._next_block = -1
        self._ahead = 1

    @property
    def most_bytes(self) -> int:
        """What its blocks may take."""
        return min(self._info.size_bytes, self._block_bytes * (self._cached_blocks + MOST_AHEAD))

    def readable(self) -> bool:
        """Always true."""
        return True

    def seekable(self) -> bool:
        """Always true."""
        return True

    def tell(self) -> int:
        """The current offset."""
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Moves the current offset; no request is sent.

        Raises:
            OSError: The target lies before the file's start.
        """
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._info.size_bytes}[whence]
        if base + offset < 0:
            # As a file on disk does: zipfile takes this for an archive without an end, a ValueError it lets through.
            raise OSError(errno.EINVAL, f"can't seek to {base + offset}, which lies before the file's start", self.name)
        self._place = base + offset
        return self._place

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fills `buffer`; fewer bytes only at the file's end."""
        target = memoryview(buffer).cast("B")
        filled = 0
        while filled < len(target) and self._place < self._info.size_bytes:
            number, within = divmod(self._place, self._block_bytes)
            piece = self._block(number)[within : within + len(target) - filled]
            target[filled : filled + len(piece)] = piece
            filled += len(piece)
            self._place += len(piece)
        return filled

    def close(self) -> None:
        """Lets the cached blocks go."""
        self._blocks.clear()
        super().close()

    def _block(self, number: int) -> memoryview:
        if number in self._blocks:
            self._blocks.move_to_end(number)
            return self._blocks[number]
        self._ahead = min(self._ahead * 2, MOST_AHEAD) if number == self._next_block else 1
        self._next_block = number + self._ahead
        self._fetch(number, self._ahead)
        return self._blocks[number]

    def _fetch(self, first: int, count: int) -> None:
        start = first * self._block_bytes
        stop = min(start + count * self._block_bytes, self._info.size_bytes)
        data = memoryview(self._store.read(self._info, start, stop))
        while len(self._blocks) + count > self._cached_blocks:
            self._blocks.popitem(last=False)
        for number in range(first, first + count):
            place = (number - first) * self._block_bytes
            if place < len(data):
                self._blocks[number] = data[place : place + self._block_bytes]
        self._blocks.move_to_end(first)
