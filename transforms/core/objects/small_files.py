"""Small files that others may write meanwhile (parts of a run, books of a load): read whole, as at one moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from transforms.core.errors import SourceChangedError, TransientError
from transforms.core.objects.access import MissingError
from transforms.core.objects.uri import shown

if TYPE_CHECKING:
    from transforms.core.objects.store import Store
    from transforms.core.outcome import ObjectInfo

_LOOKS: Final = 100


def read_whole(store: Store, uri: str, seen: ObjectInfo | None = None) -> bytes | None:
    """All of a file, or None when there is none; one that is written or removed meanwhile is looked at anew.

    Args:
        store: Where it is.
        uri: Its address.
        seen: What a listing has just told of it, which saves the first look.

    Raises:
        TransientError: It was never the same twice.
    """
    for _ in range(_LOOKS):
        try:
            info = seen or store.head(uri)
            return store.read(info, 0, info.size_bytes)
        except MissingError:
            return None
        except SourceChangedError:
            seen = None
    raise TransientError(f"{shown(uri)} is written again and again: nothing whole can be read of it")
