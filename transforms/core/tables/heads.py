"""The first bytes of files that were just inspected, so that pass 1 need not read them again.

A process keeps a few; on another machine, or when there were many files, they are simply read.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transforms.core.outcome import ObjectInfo

_MOST = 16
_lock = threading.Lock()
_heads: OrderedDict[tuple[str, str], bytes] = OrderedDict()


def keep(info: ObjectInfo, head: bytes) -> None:
    """Keeps a file's first bytes; the oldest kept go first."""
    with _lock:
        _heads[info.uri, info.etag] = head
        while len(_heads) > _MOST:
            _heads.popitem(last=False)


def take(info: ObjectInfo) -> bytes:
    """A file's first bytes, once; b"" when they are not at hand."""
    with _lock:
        return _heads.pop((info.uri, info.etag), b"")
