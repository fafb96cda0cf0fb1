"""What pass 1 had in hand and pass 2 (or pass 1 itself) would read again: first bytes of files, rows of small sheets.

A process keeps little of it; on another machine, or when there is more, it is simply read again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

    from transforms.core.tables.excel_rows import SheetBlock

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


# The inspected first bytes of files, by (uri, etag).
HEADS: _Shelf[bytes] = _Shelf(4 << 20)
# The data rows of small sheets, by (uri, etag, sheet): pass 2 is spared reading and inflating them again.
SHEETS: _Shelf[list[SheetBlock]] = _Shelf(24 << 20)
