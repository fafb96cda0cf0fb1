"""The commit files of a Parquet table: numbered, each made once, the newest says which parts the table has.

A commit is made by whoever first gets the next number (a conditional create), so publishes come one after the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from transforms.core.objects.store import StoreAccess
from transforms.core.tables.databases.parquet_columns import columns_from, columns_json
from transforms.core.tables.databases.parquet_files import BOOKS, Folder, demand_table, part_load, root_of

if TYPE_CHECKING:
    from transforms.core.tables.columns.column import Column


class Commit(NamedTuple):
    """One state of a table.

    Attributes:
        number: 1, 2, 3 …
        load_id: The load that made it.
        columns: The table's columns.
        parts: The names of its parts, all of them.
        removed: Names of files that were parts before and are none now.
        loads: Every load that ever completed here, and the number of its commit.
        totals: loaded, rejected and skipped records of this load.
        finished: When, ISO 8601 UTC.
    """

    number: int
    load_id: str
    columns: tuple[Column, ...]
    parts: tuple[str, ...]
    removed: tuple[str, ...]
    loads: dict[str, int]
    totals: tuple[int, int, int]
    finished: str


def commits_path(table: str, number: int = 0) -> str:
    """Where a commit stands (or all of them)."""
    return f"{table}/{BOOKS}/commits" + (f"/{number:08d}.json" if number else "")


def newest_commit(folder: Folder, table: str) -> Commit | None:
    """The table's state, or None when nothing was ever committed."""
    names = folder.names(commits_path(table), ".json")
    return read_commit(folder, table, int(names[-1].removesuffix(".json"))) if names else None


def read_commit(folder: Folder, table: str, number: int) -> Commit | None:
    """One state of the table."""
    value = folder.read_json(commits_path(table, number))
    if value is None:
        return None
    return Commit(
        number=value["number"],
        load_id=value["load_id"],
        columns=columns_from(value["columns"]),
        parts=tuple(value["parts"]),
        removed=tuple(value["removed"]),
        loads=value["loads"],
        totals=tuple(value["totals"]),
        finished=value["finished"],
    )


def write_commit(folder: Folder, table: str, commit: Commit) -> bool:
    """Makes a commit; False when its number was taken meanwhile."""
    value: dict[str, Any] = commit._asdict() | {"columns": columns_json(commit.columns)}
    return folder.write_new_json(commits_path(table, commit.number), value)


def obsolete(commit: Commit, names: list[str]) -> list[str]:
    """Which files of the table's folder are in no reader's way any more.

    | file                                       | obsolete |
    |--------------------------------------------|----------|
    | a part of the newest commit                | no       |
    | named in `removed`                         | yes      |
    | a part of a completed load, not in `parts` | yes      |
    | a part of a load that isn't completed      | no       |
    | not ours                                   | no       |
    """
    parts, removed = set(commit.parts), set(commit.removed)
    completed = {load_id[:12] for load_id in commit.loads}
    return [name for name in names if name not in parts and (name in removed or part_load(name) in completed)]


def committed_parts(location: str, table: str, access: StoreAccess = StoreAccess()) -> tuple[str, ...]:  # noqa: B008 - immutable
    """The addresses of a table's parts as of its newest commit: the old table or the new one, never a mixture.

    Args:
        location: The destination, as `--destination` names it.
        table: The table.
        access: How to reach the store.

    Returns:
        Absolute addresses; empty when nothing was ever committed. A `replace` that is published later deletes these
        files: a reader that finds one gone asks again.
    """
    folder = Folder(root_of(location), access)
    commit = newest_commit(folder, demand_table(table))
    return tuple(folder.uri(f"{table}/{name}") for name in commit.parts) if commit else ()
