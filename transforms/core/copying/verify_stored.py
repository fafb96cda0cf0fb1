"""Comparing two stored objects: by what their stores tell, else by reading as little of them as can tell."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from transforms.core import interrupt, pacing
from transforms.core.copying.checksums import ChecksumStream, Comparison, compare
from transforms.core.copying.verify import RE_READ, cheapest, needs_rereading
from transforms.core.errors import SourceChangedError
from transforms.core.objects.store import stream
from transforms.core.objects.uri import shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from transforms.core.copying.buffer_budget import BufferBudget
    from transforms.core.copying.copy_settings import CopySettings
    from transforms.core.copying.planned_copy import Proof
    from transforms.core.copying.transfer_ends import Stores
    from transforms.core.objects.details import Checksums, Listed, ObjectDetails
    from transforms.core.objects.store import CopyStore
    from transforms.core.outcome import ObjectInfo

BLOCK_BYTES = 4 << 20


def check_object(
    source: Listed, existing: Listed, settings: CopySettings, stores: Stores, budget: BufferBudget | None = None
) -> tuple[Proof, str]:
    """Compares two objects that are there, writing nothing.

    | sizes  | verify   | common checksum | answer                                            |
    |--------|----------|-----------------|---------------------------------------------------|
    | differ | any      | any             | mismatch, `size`                                  |
    | same   | none     | any             | not_checked                                       |
    | same   | metadata | listed / asked  | by it                                             |
    | same   | metadata | none            | uncheckable                                       |
    | same   | auto     | listed / asked  | by it                                             |
    | same   | auto     | none            | one is read where the other tells, else both      |
    | same   | full     | any             | both are read                                     |

    Args:
        source: One, as listed.
        existing: The other, as listed.
        settings: `verify` counts.
        stores: Where they live.
        budget: The process's bytes in flight; None to hold nothing of it.

    Returns:
        The proof, and what gave it: a checksum's name, `size`, `re-read` or "".

    Raises:
        SourceChangedError: One of them isn't the listed version any more.
    """
    if (
        min(source.info.size_bytes, existing.info.size_bytes) >= 0
        and source.info.size_bytes != existing.info.size_bytes
    ):
        return "mismatch", "size"
    if settings.verify == "none":
        return "not_checked", ""
    said = compare(source.checksums, existing.checksums)
    if said.proof != "match" or settings.verify == "full":
        ours = _details(stores.source, source.info)
        theirs = _details(stores.destination, existing.info)
        said = compare_stored(ours, theirs, settings.verify, stores, budget)
    return said.proof, said.name


def compare_stored(
    source: ObjectDetails,
    destination: ObjectDetails,
    verify: str,
    stores: Stores,
    budget: BufferBudget | None = None,
) -> Comparison:
    """Compares two stored objects by their checksums, and by their bytes where `verify` asks for it or must.

    Args:
        source: One.
        destination: The other.
        verify: auto, metadata or full.
        stores: Where they live.
        budget: The process's bytes in flight; None to hold nothing of it.

    Raises:
        SourceChangedError: One of them isn't that version any more.
    """
    if source.info.size_bytes != destination.info.size_bytes and source.info.size_bytes >= 0:
        return Comparison("mismatch", "size")
    said = compare(source.checksums, destination.checksums, source.part_bytes, destination.part_bytes)
    if said.proof == "mismatch" or not needs_rereading(said, verify):
        return said
    holding: AbstractContextManager[None] = budget.hold(2 * BLOCK_BYTES) if budget is not None else nullcontext()
    with holding:
        if verify == "auto" and (names := cheapest(source.checksums)):
            return compare(source.checksums, read_checksums(stores.destination, destination.info, names))
        if verify == "auto" and (names := cheapest(destination.checksums)):
            return compare(read_checksums(stores.source, source.info, names), destination.checksums)
        same = _same_bytes(_blocks(stores.source, source.info), _blocks(stores.destination, destination.info))
        return RE_READ if same else Comparison("mismatch", "re-read")


def read_checksums(store: CopyStore, info: ObjectInfo, names: tuple[str, ...]) -> Checksums:
    """Computes checksums of a stored object by reading it, block by block.

    Args:
        store: Where it lives.
        info: The version.
        names: Which.
    """
    running = ChecksumStream(names)
    for block in _blocks(store, info):
        running.update(block)
    return running.digests()


def _blocks(store: CopyStore, info: ObjectInfo) -> Iterator[bytes]:
    for block in stream(store, info, block_bytes=BLOCK_BYTES):
        interrupt.check()
        pacing.pace().before_bytes(len(block))
        yield block


def _same_bytes(some: Iterator[bytes], others: Iterator[bytes]) -> bool:
    while True:
        block, other = next(some, b""), next(others, b"")
        if block != other:
            return False
        if not block:
            return True


def _details(store: CopyStore, info: ObjectInfo) -> ObjectDetails:
    details = store.details(info.uri)
    if info.etag and details.info.etag and info.etag != details.info.etag:
        raise SourceChangedError(f"{shown(info.uri)} changed since it was listed: run the command again")
    return details
