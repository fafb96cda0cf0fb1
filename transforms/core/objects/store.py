"""The one way to read objects (and to write small ones): list, head, ranged read, over every scheme.

Not smart_open: there a seek drops the buffer and opens a new stream, a read that times out starts at byte 0 again
(its issues 398, 622, 742), nothing notices an object that changed underway, and zip or xlsx are not its business. Here
a read is a byte range of one known version; measurements and the choice of the HTTP plane stand in exchange.py.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol, cast

from transforms.core.errors import ConfigError
from transforms.core.objects.access import AlreadyThereError, ForbiddenError, MissingError, StoreAccess
from transforms.core.objects.uri import ObjectUri, parse, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from transforms.core.objects.details import (
        Attributes,
        Checksums,
        Condition,
        Limits,
        Listed,
        ObjectDetails,
        Part,
        Upload,
    )
    from transforms.core.outcome import ObjectInfo

__all__ = [
    "STORES",
    "AlreadyThereError",
    "ForbiddenError",
    "MissingError",
    "Store",
    "StoreAccess",
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


class CopyStore(Store, Protocol):
    """What copying asks of a store beside reading. Thread-safe; retries and errors as in `Store`.

    Writes are all or nothing: a name shows its old object or the whole new one. A condition that doesn't hold raises
    ConflictError (AlreadyThereError where the name had to be free); a conditional write whose answer was lost is
    settled by looking at what is there.
    """

    limits: Limits

    def list_range(self, prefix: str, start: str, stop: str, *, limit: int = 0) -> Iterator[Listed]:
        """Streams the objects below a prefix in byte order of their keys.

        Args:
            prefix: Absolute address; what follows it in a listed address is the object's relative key.
            start: First relative key (inclusive); "" for the beginning.
            stop: Relative key behind the last; "" for no end.
            limit: Most objects to yield; 0 for all. Also the page size asked for, where below the store's own.

        Raises:
            ListingOrderError: Keys came out of order, so that a merge would go wrong.
        """

    def details(self, uri: str) -> ObjectDetails:
        """Describes one object with all that a HEAD can tell (checksums asked for). Raises MissingError."""

    def tags(self, info: ObjectInfo) -> tuple[tuple[str, str], ...]:
        """The object's tags as sorted pairs; () where the store has none."""

    def fetch(self, info: ObjectInfo) -> tuple[bytes, ObjectDetails]:
        """The whole of a small object, with what the same answer tells of it. Raises SourceChangedError."""

    def put(
        self, uri: str, data: bytes, attributes: Attributes, checksums: Checksums, condition: Condition
    ) -> ObjectDetails:
        """Writes an object in one request; the given checksums go along for the server to check.

        Raises:
            ConflictError: The condition doesn't hold.
            CorruptedError: The server says that the bytes that came aren't those of the checksums.
        """

    def begin(self, uri: str, attributes: Attributes, condition: Condition, size_bytes: int) -> Upload:
        """Begins a multipart write."""

    def put_part(self, upload: Upload, number: int, start: int, data: bytes, checksums: Checksums) -> Part:
        """Sends one part (`number` from 1, `start` its first byte); sent again, it replaces the earlier one."""

    def complete(self, upload: Upload, parts: Sequence[Part], checksums: Checksums) -> ObjectDetails:
        """Makes the object visible, under the upload's condition; parts in order. Raises ConflictError."""

    def abort(self, upload: Upload) -> None:
        """Gives up a multipart write and what it stored; it being gone already is fine."""

    def abort_leftovers(self, prefix: str, older_than_seconds: float) -> int:
        """Aborts what dead runs of ours left below a prefix; returns how many. Foreign uploads are left alone.

        Dead is what is so old, or what surely can't come to an end any more: its process is gone (local disk), or its
        name got its object after it was begun, so that its condition can't hold (S3).
        """

    def copy_within(
        self, source: ObjectDetails, uri: str, attributes: Attributes, condition: Condition
    ) -> ObjectDetails:
        """Copies an object of any size that this store's own credentials and endpoint can read, on the server.

        Raises:
            ForbiddenError: We may not; another way may work.
            UnsupportedError: The server can't.
        """

    def delete_all(self, infos: Sequence[ObjectInfo]) -> list[tuple[ObjectInfo, str]]:
        """Deletes objects that still are the given versions where the store can check; returns (object, why not)."""


def open_copy_store(uri: str, access: StoreAccess = StoreAccess()) -> CopyStore:  # noqa: B008 - an immutable value
    """The store that `uri` lives in, for copying; raises ConfigError as `open_store` does.

    Args:
        uri: The side of the copy (its prefix, or its one object), not each object in turn: on the local disk nothing
            is written or deleted outside of that folder, not even through a link in it.
        access: How to reach it.
    """
    if parse(uri).scheme != "file":
        return cast("CopyStore", open_store(uri, access))
    from transforms.core.objects.local import LocalStore  # noqa: PLC0415 - each client is loaded when it is used

    root = f"{parse(uri).key.rpartition('/')[0]}/"
    with _opened_lock:
        key = ("file", root, access)
        if key not in _opened:
            _opened[key] = LocalStore(root)
        return cast("CopyStore", _opened[key])


def _file(_address: ObjectUri, _access: StoreAccess) -> Store:
    from transforms.core.objects.local import LocalStore  # noqa: PLC0415 - each client is loaded when it is used

    return LocalStore()


def _s3(address: ObjectUri, access: StoreAccess) -> Store:
    from transforms.core.objects.s3 import S3Store  # noqa: PLC0415

    return S3Store(address.bucket, access)


def _gs(address: ObjectUri, access: StoreAccess) -> Store:
    from transforms.core.objects.gcs import GcsStore  # noqa: PLC0415

    return GcsStore(address.bucket, access)


def _web(address: ObjectUri, access: StoreAccess) -> Store:
    from transforms.core.objects.web import WebStore  # noqa: PLC0415

    return WebStore(address.scheme, address.bucket, access.signed)


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
