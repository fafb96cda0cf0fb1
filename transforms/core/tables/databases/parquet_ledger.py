"""A load's ledger on files: one small JSON a written batch, named by its chunks and made once; who counts is pure.

Two attempts of one batch meet at the entry's name. Attempts whose batches overlap both stand, and `owners` decides
for each chunk which entry counts; the others' rows are left out at publish.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from transforms.core.errors import PermanentError
from transforms.core.tables.databases.parquet_files import BOOKS, MOST_RANGES, part_name, span_chunks, span_name
from transforms.core.tables.loads.destination import ChunkTotals

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from transforms.core.tables.databases.parquet_files import Folder
    from transforms.core.tables.loads.destination import ChunkRows


class Entry(NamedTuple):
    """A written batch.

    Attributes:
        name: Its `span_name`.
        chunks: Its chunks' totals, by number.
        rejects: How many reject lines each chunk has in the batch's rejects file, in the same order.
    """

    name: str
    chunks: tuple[ChunkTotals, ...]
    rejects: tuple[int, ...]

    def groups(self) -> dict[int, int]:
        """The row group of each chunk that has rows, by chunk number."""
        filled = [totals.chunk for totals in self.chunks if totals.loaded]
        return {chunk: place for place, chunk in enumerate(filled)}


class Kept(NamedTuple):
    """What of a staged part goes into the table."""

    entry: Entry
    chunks: tuple[int, ...]

    def whole(self) -> bool:
        """Whether the part can be taken as it is."""
        return set(self.chunks) == self.entry.groups().keys()


def ledger_path(load_id: str, name: str = "") -> str:
    """Where an entry stands (or all of them)."""
    return f"{BOOKS}/ledger/{load_id}" + (f"/{name}.json" if name else "")


def rejects_path(load_id: str, name: str) -> str:
    """Where a batch's rejects stand."""
    return f"{BOOKS}/rejects/{load_id}/{name}.jsonl"


def staged_path(load_id: str, name: str) -> str:
    """Where a batch's part waits."""
    return f"{BOOKS}/staging/{load_id}/{part_name(load_id, span_chunks(name))}"


def part_batches(chunks: Sequence[ChunkRows]) -> Iterator[list[ChunkRows]]:
    """Chunks as parts: one, unless their numbers have so many gaps that they don't fit into a file's name."""
    batch: list[ChunkRows] = []
    ranges, last = 0, -2
    for chunk in sorted(chunks, key=lambda chunk: chunk.totals.chunk):
        ranges += chunk.totals.chunk != last + 1
        if ranges > MOST_RANGES:
            yield batch
            batch, ranges = [], 1
        batch.append(chunk)
        last = chunk.totals.chunk
    if batch:
        yield batch


def committed_chunks(folder: Folder, load_id: str) -> frozenset[int]:
    """The chunks that are in the ledger, from the entries' names alone."""
    names = folder.names(ledger_path(load_id), ".json")
    return frozenset().union(*(span_chunks(name.removesuffix(".json")) for name in names))


def read_entries(folder: Folder, load_id: str) -> list[Entry]:
    """All entries of a load, by name."""
    names = [name.removesuffix(".json") for name in folder.names(ledger_path(load_id), ".json")]
    return [_read(folder, load_id, name) for name in names]


def _read(folder: Folder, load_id: str, name: str) -> Entry:
    rows = folder.read_json(ledger_path(load_id, name))
    if rows is None:
        raise PermanentError(f"{folder.uri(ledger_path(load_id, name))} was deleted while it was read: run again")
    return Entry(name, tuple(ChunkTotals(*row[:6]) for row in rows), tuple(row[6] for row in rows))


def write_entry(folder: Folder, load_id: str, chunks: Sequence[ChunkRows]) -> bool:
    """Enters a batch whose part is staged: its rejects first, the entry last; whether this call made the entry."""
    ordered = sorted(chunks, key=lambda chunk: chunk.totals.chunk)
    name = span_name(chunk.totals.chunk for chunk in ordered)
    lines = [line for chunk in ordered for line in chunk.rejects]
    if lines:
        folder.write_new(rejects_path(load_id, name), "".join(f"{line}\n" for line in lines).encode())
    rows = [[*chunk.totals, len(chunk.rejects)] for chunk in ordered]
    return folder.write_new_json(ledger_path(load_id, name), rows)


def owners(entries: Iterable[Entry]) -> dict[int, Entry]:
    """Which entry counts for each chunk: of several the longest, then the first by name."""
    found: dict[int, Entry] = {}
    for entry in sorted(entries, key=lambda entry: (-len(entry.chunks), entry.name)):
        for totals in entry.chunks:
            found.setdefault(totals.chunk, entry)
    return found


def totals_of(entries: Iterable[Entry]) -> dict[int, ChunkTotals]:
    """Each chunk's totals, by its number."""
    owned = owners(entries)
    return {
        chunk: next(totals for totals in entry.chunks if totals.chunk == chunk)
        for chunk, entry in sorted(owned.items())
    }


def kept_parts(entries: Sequence[Entry]) -> list[Kept]:
    """The parts that make the load, each with the chunks that are taken from it."""
    owned = owners(entries)
    kept = (Kept(entry, tuple(chunk for chunk in entry.groups() if owned[chunk] is entry)) for entry in entries)
    return [part for part in kept if part.chunks]


def reject_lines(folder: Folder, load_id: str) -> Iterator[str]:
    """The load's rejects by chunk number, holding one batch's at a time (each is read once for every run of chunks)."""
    entries = read_entries(folder, load_id)
    held: tuple[str, dict[int, list[str]]] = ("", {})
    for chunk, entry in sorted(owners(entries).items()):
        if not any(entry.rejects):
            continue
        if held[0] != entry.name:
            held = (entry.name, _by_chunk(folder, load_id, entry))
        yield from held[1][chunk]


def _by_chunk(folder: Folder, load_id: str, entry: Entry) -> dict[int, list[str]]:
    lines = iter((folder.read(rejects_path(load_id, entry.name)) or b"").decode().split("\n"))
    return {
        totals.chunk: [next(lines) for _ in range(count)]
        for totals, count in zip(entry.chunks, entry.rejects, strict=True)
    }
