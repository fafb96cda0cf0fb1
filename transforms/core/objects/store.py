"""The one way to read objects (and to write small ones): list, head, ranged read, over every scheme.

Not smart_open: there a seek drops the buffer and opens a new stream, a read that times out starts at byte 0 again
(its issues 398, 622, 742), nothing notices an object that changed underway, and zip or xlsx are not its business. Here
a read is a byte range of one known version; measurements and the choice of the HTTP plane stand in exchange.py.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Protocol

from transforms.core.errors import ConfigError, PermanentError
from transforms.core.objects import patterns
from transforms.core.objects.access import AlreadyThereError, ForbiddenError, MissingError, StoreAccess
from transforms.core.objects.uri import ObjectUri, has_scheme, parse, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from transforms.core.outcome import ObjectInfo

__all__ = [
    "STORES",
    "AlreadyThereError",
    "ForbiddenError",
    "MissingError",
    "Store",
    "StoreAccess",
    "expand",
    "open_store",
    "stream",
]

STREAM_BLOCK_BYTES = 4 * 1024 * 1024


class Store(Protocol):
    """One place that holds objects (a bucket, a host, the local disk). Thread-safe; made by `open_store`.

    Every method retries what may pass (retrying.py) before it raises TransientError, and raises PermanentError (or
    its kinds in access.py) for the rest, with the address, the cause and the remedy.
    """

    def list(self, pattern: str) -> Iterator[ObjectInfo]:
        """Streams the objects that match, in the server's order; nothing matched = nothing yielded.

        That is the byte order of keys on the local disk, S3 and GCS; SeaweedFS and S3 directory buckets differ.

        Args:
            pattern: An absolute address: plain, with wildcards (patterns.py), or ending in `/` (everything below).
        """

    def head(self, uri: str) -> ObjectInfo:
        """Describes one object.

        Raises:
            MissingError: There is none.
            ForbiddenError: We may not look.
        """

    def read(self, info: ObjectInfo, start: int, stop: int) -> bytes:
        """Reads bytes `start` to `stop` (exclusive) of exactly the version that `info` describes.

        One ranged request; when its body breaks off, the rest is asked for from where it broke.

        Returns:
            Exactly `stop - start` bytes (fewer only at the end of an object whose size the server doesn't tell).

        Raises:
            SourceChangedError: The object isn't that version any more.
        """

    def write(self, uri: str, data: bytes, *, if_absent: bool = False) -> None:
        """Writes a small object in one go: readers see all of it or nothing.

        Raises:
            AlreadyThereError: With `if_absent`, when the name is taken.
        """

    def delete(self, uri: str) -> None:
        """Removes one object; it being gone already is fine."""


def _file(_address: ObjectUri, _access: StoreAccess) -> Store:
    from transforms.core.objects.local import LocalStore  # noqa: PLC0415 - each client is loaded when it is used

    return LocalStore()


def _s3(address: ObjectUri, access: StoreAccess) -> Store:
    from transforms.core.objects.s3 import S3Store  # noqa: PLC0415

    return S3Store(address.bucket, access)


def _gs(address: ObjectUri, access: StoreAccess) -> Store:
    from transforms.core.objects.gcs import GcsStore  # noqa: PLC0415

    return GcsStore(address.bucket, access)


def _web(address: ObjectUri, _access: StoreAccess) -> Store:
    from transforms.core.objects.web import WebStore  # noqa: PLC0415

    return WebStore(address.scheme, address.bucket)


STORES: dict[str, Callable[[ObjectUri, StoreAccess], Store]] = {
    "file": _file,
    "s3": _s3,
    "gs": _gs,
    "http": _web,
    "https": _web,
}

_opened: dict[tuple[str, str, StoreAccess], Store] = {}
_opened_lock = threading.Lock()


def open_store(uri: str, access: StoreAccess = StoreAccess()) -> Store:  # noqa: B008 - an immutable value
    """The store that `uri` lives in: one for each (scheme, bucket, access) in a process.

    Args:
        uri: Any address in the store.
        access: How to reach it.

    Raises:
        ConfigError: An unknown scheme, or an address that can't be read.
    """
    address = parse(uri)
    if address.scheme not in STORES:
        raise ConfigError(f"{shown(uri)!r}: unknown scheme {address.scheme!r}; known: {', '.join(STORES)}")
    key = (address.scheme, address.bucket, access)
    with _opened_lock:
        if key not in _opened:
            _opened[key] = STORES[address.scheme](address, access)
        return _opened[key]


def stream(
    store: Store, info: ObjectInfo, start: int = 0, stop: int | None = None, block_bytes: int = STREAM_BLOCK_BYTES
) -> Iterator[bytes]:
    """Reads a range (or all) of an object block by block, holding one block at a time.

    Args:
        store: Where it lives.
        info: The version to read.
        start: First byte.
        stop: Byte behind the last; None for the object's end.
        block_bytes: Size of the blocks; the last one may be smaller.
    """
    end = info.size_bytes if stop is None else stop
    place = start
    while end < 0 or place < end:
        wanted = block_bytes if end < 0 else min(block_bytes, end - place)
        block = store.read(info, place, place + wanted)
        if block:
            yield block
        if len(block) < wanted:
            return
        place += wanted


def expand(source: str, access: StoreAccess = StoreAccess()) -> Iterator[ObjectInfo]:  # noqa: B008 - immutable
    """Finds the objects that a user means by what they typed, in the byte order of their addresses.

    A path or address that exists as it stands is taken literally, whatever characters it has; otherwise it is read as
    a pattern; a folder means everything below it.

    Args:
        source: A path (relative, `~`, absolute) or an address, plain, with wildcards, or a folder.
        access: How to reach it.

    Raises:
        ConfigError: Nothing matches, or we may not look; the message names the source and the remedy.
    """
    try:
        yield from sorted(_found(source, absolute(source), access), key=lambda info: os.fsencode(info.uri))
    except PermanentError as e:
        raise ConfigError(f"source {shown(source)!r}: {e}") from e


def absolute(source: str) -> str:
    """The address of what a user typed: a path becomes `file://` and its absolute form."""
    if has_scheme(source):
        return str(parse(source))
    folder = "/" if source.endswith(("/", "/.")) or source in (".", "..", "~") else ""
    return f"file://{os.path.abspath(os.path.expanduser(source)).rstrip('/')}{folder}"  # noqa: PTH100, PTH111 - Path drops the last /


def _found(source: str, uri: str, access: StoreAccess) -> Iterator[ObjectInfo]:
    store = open_store(uri, access)
    address = parse(uri)
    if address.key and not address.key.endswith("/") and address.scheme in ("file", "s3", "gs"):
        try:
            yield store.head(uri)
        except MissingError:  # then it is a pattern or a folder
            pass
        else:
            return
    count = 0
    for info in _below(store, uri):
        count += 1
        yield info
    if not count:
        raise ConfigError(
            f"source {shown(source)!r} matches nothing (looked for {shown(uri)}): check its spelling, and quote "
            "wildcards so that they reach us; ** spans folders, and a folder's name ends in /"
        )


def _below(store: Store, uri: str) -> Iterator[ObjectInfo]:
    """What a pattern or a folder (with or without its last slash) holds; folder markers are no objects."""
    scheme, _, key = parse(uri)
    if scheme in ("http", "https"):
        return store.list(uri)
    pattern = uri if patterns.is_pattern(key) or key.endswith("/") or not key else f"{uri}/"
    return (info for info in store.list(pattern) if not info.uri.endswith("/"))
