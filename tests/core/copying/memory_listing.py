"""A listing of keys in memory, as a CopyStore's `list_range` gives it, which counts what it would have cost."""

from __future__ import annotations

import threading
from bisect import bisect_left

from tests.core.copying.listings import key_order, listed

PAGE = 1000


class MemoryListing:
    def __init__(self, keys):
        self.keys = sorted(set(keys), key=key_order)
        self.order = [key_order(key) for key in self.keys]
        self.requests = self.listed = 0
        self._lock = threading.Lock()

    def list_range(self, prefix, start, stop, *, limit=0):
        found = self.between(start, stop)
        if limit:
            found = found[:limit]
        with self._lock:
            self.requests += max(1, -(-len(found) // PAGE))
            self.listed += len(found)
        return iter([listed(key, prefix=prefix) for key in found])

    def between(self, start, stop):
        last = bisect_left(self.order, key_order(stop)) if stop else len(self.order)
        return self.keys[bisect_left(self.order, key_order(start)) : last]


class Disordered(MemoryListing):
    """Gives the right keys in the wrong order."""

    def list_range(self, prefix, start, stop, *, limit=0):
        found = list(super().list_range(prefix, start, stop))
        return iter(found[::-1][: limit or None])
