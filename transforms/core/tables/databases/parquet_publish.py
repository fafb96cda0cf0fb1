"""Publishing a load of Parquet parts: put them into the table's folder, commit, take away what is obsolete.

Every step can be done twice and by two at once; a publish that was killed is finished by the next one.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from transforms.core.errors import PermanentError
from transforms.core.objects.uri import parse
from transforms.core.tables.databases.load_records import now
from transforms.core.tables.databases.parquet_columns import columns_of, merged
from transforms.core.tables.databases.parquet_commits import Commit, newest_commit, obsolete, write_commit
from transforms.core.tables.databases.parquet_files import BOOKS, part_load, part_name
from transforms.core.tables.databases.parquet_ledger import Kept, kept_parts, staged_path
from transforms.core.tables.databases.parquet_parts import keep_groups, read_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transforms.core.tables.databases.parquet_columns import Columns
    from transforms.core.tables.databases.parquet_files import Folder
    from transforms.core.tables.databases.parquet_ledger import Entry
    from transforms.core.tables.loads.destination import LoadSpec


def publish_load(
    folder: Folder, spec: LoadSpec, columns: Columns, entries: Sequence[Entry], totals: tuple[int, int, int]
) -> Commit:
    """Publishes a load whose ledger adds up; a load that is committed already is only cleaned up after.

    Args:
        folder: The destination.
        spec: The load.
        columns: The columns of its part files.
        entries: Its ledger.
        totals: loaded, rejected, skipped.

    Raises:
        PermanentError: The table has changed so that the load doesn't fit any more.
    """
    commit = newest_commit(folder, spec.table)
    if commit is None or spec.load_id not in commit.loads:
        kept = kept_parts(entries)
        _place(folder, spec, kept)
        commit = _commit(folder, spec, columns, _names(spec, kept), totals)
    clean_up(folder, spec, commit)
    return commit


def clean_up(folder: Folder, spec: LoadSpec, commit: Commit) -> None:
    """Takes away what no reader of the commit needs, and what the load had staged."""
    for name in obsolete(commit, folder.names(spec.table, ".parquet")):
        folder.delete(f"{spec.table}/{name}")
    for info in folder.infos(f"{BOOKS}/staging/{spec.load_id}/"):
        folder.delete(info.uri[len(folder.root) + 1 :])


def table_columns(folder: Folder, table: str) -> Columns | None:
    """A table's columns: as of its newest commit, or as its first Parquet file says; None when there is none."""
    commit = newest_commit(folder, table)
    if commit is not None:
        return commit.columns
    foreign = foreign_parts(folder, table)
    if not foreign:
        return None
    info = folder.head(f"{table}/{foreign[0]}")
    return columns_of(read_schema(folder.store(), info)) if info else None


def foreign_parts(folder: Folder, table: str) -> list[str]:
    """The Parquet files of a table that has no commit yet: all but those that a load under way is putting there."""
    names = folder.names(table, ".parquet")
    ours = {load for load in map(part_load, names) if load and folder.infos(f"{BOOKS}/loads/{load}*.json")}
    return [name for name in names if part_load(name) not in ours and not name.startswith("_")]


def _names(spec: LoadSpec, kept: Sequence[Kept]) -> tuple[str, ...]:
    return tuple(sorted(part_name(spec.load_id, part.chunks) for part in kept))


def _place(folder: Folder, spec: LoadSpec, kept: Sequence[Kept]) -> None:
    """Puts the staged parts into the table's folder, one part in memory at a time."""
    there = set(folder.names(spec.table, ".parquet"))
    for part in kept:
        name = part_name(spec.load_id, part.chunks)
        if name not in there:
            _put(folder, staged_path(spec.load_id, part.entry.name), f"{spec.table}/{name}", part)


def _put(folder: Folder, staged: str, path: str, part: Kept) -> None:
    if part.whole() and _linked(folder, staged, path):
        return
    data = folder.read(staged)
    if data is None:
        raise PermanentError(
            f"{folder.uri(staged)} is gone though the ledger names it: the load can't be published. Delete "
            f"{folder.uri(BOOKS)}/ledger/{staged.split('/')[-2]}/ and run the same command again"
        )
    if not part.whole():
        places = part.entry.groups()
        data = keep_groups(data, [places[chunk] for chunk in part.chunks])
    folder.write_new(path, data)


def _linked(folder: Folder, staged: str, path: str) -> bool:
    """On a local disk the file gets a second name: nothing is copied. False where that can't be done."""
    if parse(folder.root).scheme != "file":
        return False
    source, target = (parse(folder.uri(name)).key for name in (staged, path))
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120 - keys are texts
        os.link(source, target)
    except FileExistsError:
        return True
    except OSError:
        return False  # another file system, or one without links: the copy says what is wrong, if anything is
    return True


def _commit(
    folder: Folder, spec: LoadSpec, columns: Columns, parts: tuple[str, ...], totals: tuple[int, int, int]
) -> Commit:
    while True:
        old = newest_commit(folder, spec.table)
        if old is not None and spec.load_id in old.loads:
            return old
        new = _next(folder, spec, old, columns, parts, totals)
        if write_commit(folder, spec.table, new):
            return new


def _next(
    folder: Folder,
    spec: LoadSpec,
    old: Commit | None,
    columns: Columns,
    parts: tuple[str, ...],
    totals: tuple[int, int, int],
) -> Commit:
    number = old.number + 1 if old else 1
    before = old.parts if old else tuple(foreign_parts(folder, spec.table))
    replaces = spec.mode == "replace"
    there = None if replaces else (old.columns if old else table_columns(folder, spec.table))
    both = columns if there is None else merged(there, columns)
    if both is None:
        raise PermanentError(
            f"load {spec.load_id} doesn't fit table {spec.table} any more: another load changed its columns since "
            "this one was begun; nothing was published. Load it under another table name, or with --write_mode replace"
        )
    return Commit(
        number=number,
        load_id=spec.load_id,
        columns=both,
        parts=parts if replaces else (*before, *parts),
        removed=(*(old.removed if old else ()), *(before if replaces else ())),
        loads={**(old.loads if old else {}), spec.load_id: number},
        totals=totals,
        finished=now(),
    )
