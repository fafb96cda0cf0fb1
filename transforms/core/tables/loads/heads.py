"""What pass 1 had in hand and pass 2 (or pass 1 itself) would read again: first bytes of files, rows of small sheets.

A process keeps little of it; on another machine, or when there is more, it is simply read again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

    from transforms.core.objects.ranged_file import RangedFile
    from transforms.core.outcome import ObjectInfo
    from transforms.core.tables.excel.excel_rows import SheetBlock

Kept = TypeVar("Kept")


class _Shelf(Generic[Kept]):
    """Keeps some things until they are taken, once; what lies longest goes first. Thread-safe.

    Args:
        most_bytes: All of it together.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._lock = threading.Lock()
        self._things: OrderedDict[Hashable, tuple[Kept, int]] = OrderedDict()

    def keep(self, key: Hashable, thing: Kept, size_bytes: int) -> None:
        """Keeps a thing, if it fits at all."""
        with self._lock:
            self._things[key] = thing, size_bytes
            while sum(size for _, size in self._things.values()) > self.most_bytes:
                self._things.popitem(last=False)

    def take(self, key: Hashable) -> Kept | None:
        """The thing, which is then no longer kept; None when it isn't there."""
        with self._lock:
            return self._things.pop(key, (None, 0))[0]


# The inspected first bytes of files as they are stored, by (uri, etag), at most so many of each.
MOST_HEAD_BYTES = 1 << 20
HEADS: _Shelf[bytes] = _Shelf(4 * MOST_HEAD_BYTES)
# Opened archives with the blocks that they have at hand, for their next member in the same pass, by (uri, etag, pass).
ARCHIVES: _Shelf[RangedFile] = _Shelf(16 << 20)
# The data rows of small sheets, by (uri, etag, sheet): pass 2 is spared reading and inflating them again.
SHEETS: _Shelf[list[SheetBlock]] = _Shelf(24 << 20)


def take_head(info: ObjectInfo, *, again: bool = False) -> bytes:
    """A file's first bytes, if they are at hand.

    Args:
        info: The file.
        again: Whether they are kept for pass 2 too; not if they are all of the file, since it finds out by reading on
            whether the file has changed.
    """
    key = info.uri, info.etag
    head = HEADS.take(key) or b""
    if again and 0 < len(head) < info.size_bytes:
        HEADS.keep(key, head, len(head))
    return head
