"""What a `Destination` has beside that can bring in several small loads by one transaction, as a stream wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterator, Sequence

    from transforms.core.tables.columns.column import Column
    from transforms.core.tables.loads.destination import ChunkRows, LoadSpec, StoredLoad


class WholeLoad(NamedTuple):
    """A small load, all of it in memory: what `create_load`, `write_chunks` and `publish` would get one by one."""

    spec: LoadSpec
    chunks: tuple[ChunkRows, ...]


class TargetMovedError(Exception):
    """The table isn't as it was when the loads were planned: describe it, and plan them again."""


@runtime_checkable
class GroupWriter(Protocol):
    """Several loads of one table in one transaction: all of them are completed by it, or none is touched."""

    def find_loads(self, table: str, load_ids: Collection[str]) -> dict[str, StoredLoad]:
        """Those of some loads that have a plan, by id. The totals of one that isn't completed are not looked up.

        Args:
            table: Their target.
            load_ids: Some hundreds at most.
        """

    def completed_since(self, table: str, since: str, known: Container[str]) -> Iterator[StoredLoad]:
        """The completed loads of a table that were finished at a time or later, in that order; a page is in memory.

        Args:
            table: Their target.
            since: ISO 8601 UTC as in `StoredLoad.finished`; "" for all.
            known: Ids of loads that are left out.
        """

    def write_group(self, loads: Sequence[WholeLoad], target: tuple[Column, ...]) -> frozenset[str]:
        """Brings loads of one table in and completes them: load rows first, then ledger, rows and rejects.

        Loads with `unique` columns or of mode `replace` don't go this way. In mode upsert the last record of a key in
        the order of `loads`, and of the records in each, stays.

        Args:
            loads: Some; those that add columns to the table alone, since it is locked for them.
            target: The table's columns as `describe` gave them when the loads were planned.

        Returns:
            The ids of those that this call brought in; the others have a row already, or are held by somebody else.

        Raises:
            TargetMovedError: The table has other columns by now; nothing was written.
            BadRowsError: The database refused a value of one of them; nothing was written.
            PermanentError: It refused the whole for another reason; nothing was written.
            TransientError: As `write_chunks`.
        """
