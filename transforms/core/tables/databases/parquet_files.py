"""The files of a Parquet destination: what each is called, and small reads and writes of them through a store.

`ROOT/TABLE/part-…` are the data, `ROOT/TABLE/_hornbeam/commits/` says which of them count, `ROOT/_hornbeam/` holds
each load's plan, ledger, rejects and staged parts. What they mean stands in parquet.py.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from transforms.core.errors import ConfigError
from transforms.core.objects.expansion import absolute
from transforms.core.objects.small_files import read_whole
from transforms.core.objects.store import AlreadyThereError, MissingError, open_store
from transforms.core.objects.uri import parse, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from transforms.core.objects.store import Store, StoreAccess
    from transforms.core.outcome import ObjectInfo

BOOKS = "_hornbeam"
WRITABLE = ("file", "s3", "gs")
MOST_RANGES = 16
_PART = re.compile(r"part-([0-9a-f]{12})-[0-9_\-]+\.parquet")
_TABLE = re.compile(r"[^/\\*?\[\]\x00-\x1f_.][^/\\*?\[\]\x00-\x1f]{0,199}")


def root_of(location: str) -> str:
    """The address of the folder that a destination names, without a last slash.

    Args:
        location: A path (relative, absolute, `~`), `s3://bucket/prefix` or `gs://bucket/prefix`; `parquet:` in front
            is taken off.

    Raises:
        ConfigError: No folder is named, or one that can't be written to or listed.
    """
    place = location.removeprefix("parquet:").removeprefix("parquet+")
    remedy = "write parquet:out/folder, parquet:/absolute/folder, parquet:s3://bucket/prefix or parquet:gs://…"
    if not place or place.startswith("//"):
        raise ConfigError(f"destination {shown(location)!r} names no folder: {remedy}")
    root = absolute(place).rstrip("/")
    address = parse(root)
    if address.scheme not in WRITABLE:
        raise ConfigError(f"destination {shown(location)!r}: {address.scheme}:// can't be written to; {remedy}")
    if re.search(r"[*?\[]", root):
        raise ConfigError(f"destination {shown(location)!r} holds a wildcard (*, ? or [): name a folder without one")
    return root


def demand_table(table: str) -> str:
    """The folder name of a table.

    Raises:
        ConfigError: No folder can have this name, or readers would skip it.
    """
    if not _TABLE.fullmatch(table):
        raise ConfigError(
            f"table {table!r} can't be the name of a Parquet folder: no slash, wildcard or control character, no _ or "
            ". in front (readers skip such folders), at most 200 characters"
        )
    return table


def span_name(chunks: Iterable[int]) -> str:
    """Chunk numbers as a file name's part: 0, 1, 2, 7 is `000000-000002_000007`."""
    ranges: list[list[int]] = []
    for chunk in sorted(chunks):
        if ranges and ranges[-1][1] == chunk - 1:
            ranges[-1][1] = chunk
        else:
            ranges.append([chunk, chunk])
    return "_".join(f"{first:06d}" if first == last else f"{first:06d}-{last:06d}" for first, last in ranges)


def span_chunks(name: str) -> frozenset[int]:
    """The chunk numbers of a `span_name`."""
    found: set[int] = set()
    for piece in name.split("_"):
        first, _, last = piece.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def part_name(load_id: str, chunks: Iterable[int]) -> str:
    """What the part of these chunks is called."""
    return f"part-{load_id[:12]}-{span_name(chunks)}.parquet"


def part_load(name: str) -> str:
    """The first 12 digits of the load that a part belongs to; "" for a file that isn't ours."""
    match = _PART.fullmatch(name)
    return match[1] if match else ""


class Folder:
    """A destination's root folder.

    Attributes:
        root: Its address, without a last slash.

    Args:
        root: See there.
        access: How to reach the store.
        count: Called once for each call to the store.
    """

    def __init__(self, root: str, access: StoreAccess, count: Callable[[], None] = lambda: None) -> None:
        self.root = root
        self._access = access
        self._count = count
        self._store: Store | None = None

    def uri(self, path: str) -> str:
        """The address of a path below the root."""
        return f"{self.root}/{path}"

    def infos(self, pattern: str) -> list[ObjectInfo]:
        """The files that match, in the order of their names."""
        return list(self._opened().list(self.uri(pattern)))

    def names(self, folder: str, ending: str) -> list[str]:
        """The names of the files directly in a folder that end so, in order."""
        return [info.uri.rpartition("/")[2] for info in self.infos(f"{folder}/*{ending}")]

    def head(self, path: str) -> ObjectInfo | None:
        """What a file is, or None."""
        try:
            return self._opened().head(self.uri(path))
        except MissingError:
            return None

    def read(self, path: str) -> bytes | None:
        """All of a file, or None when there is none."""
        data = read_whole(self._opened(), self.uri(path))
        if data is not None:
            self._count()  # a look, and the reading
        return data

    def read_json(self, path: str) -> Any:
        """A JSON file's value, or None when there is none."""
        data = self.read(path)
        return None if data is None else json.loads(data)

    def write(self, path: str, data: bytes) -> None:
        """Writes a file, whatever was there."""
        self._opened().write(self.uri(path), data)

    def write_new(self, path: str, data: bytes) -> bool:
        """Writes a file unless it is there; whether this call made it."""
        try:
            self._opened().write(self.uri(path), data, if_absent=True)
        except AlreadyThereError:
            return False
        return True

    def write_new_json(self, path: str, value: Any) -> bool:
        """Writes a value as JSON unless the file is there; whether this call made it."""
        return self.write_new(path, json.dumps(value, ensure_ascii=False).encode())

    def delete(self, path: str) -> None:
        """Removes a file; it may be gone already."""
        self._opened().delete(self.uri(path))

    def store(self) -> Store:
        """The store, for readers that need ranges."""
        return self._opened()

    def _opened(self) -> Store:
        if self._store is None:
            self._store = open_store(self.root, self._access)
        self._count()
        return self._store
