"""A load's rejects out of a DuckDB file, in their order, within its memory limit. Nothing else is read here.

Sorting the texts would hold them all, and long ones are found only by reading them: so their row ids are sorted, and
the texts read some at a time, fewer where that lacks memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from transforms.core.tables.databases.duckdb_types import DIALECT
from transforms.core.tables.databases.sql import select_rejects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_FIRST_ROWS, _MOST_ROWS = 64, 16_384
_READ_BYTES = 4 << 20


def lacks_memory(error: duckdb.Error) -> bool:
    """Whether more memory may help; a COMMIT that lacks it says so as a TransactionException."""
    return isinstance(error, duckdb.OutOfMemoryException) or "could not allocate" in str(error)


def stream_rejects(
    cursor: duckdb.DuckDBPyConnection, table: str, load_id: str, widen: Callable[[], bool]
) -> Iterator[str]:
    """The rejects of a load; eight bytes of each are in memory, and some MiB of them whole.

    Args:
        cursor: Used for nothing else meanwhile.
        table: Where they are, as it stands in a statement.
        load_id: Of the load.
        widen: Allows more memory, False if it doesn't: in files of earlier versions texts are packed, 2,048 together.

    Raises:
        duckdb.Error: They can't be read.
    """
    rows = cursor.execute(select_rejects(table, DIALECT, "rowid"), [load_id]).fetchnumpy()["rowid"]
    at, many = 0, _FIRST_ROWS
    while at < len(rows):
        some = [int(row) for row in rows[at : at + many]]
        try:
            lines = _lines(cursor, table, load_id, some)
        except duckdb.Error as error:
            if not lacks_memory(error) or (len(some) == 1 and not widen()):
                raise
            many = max(len(some) // 2, 1)
            continue
        yield from lines
        at += len(some)
        many = min(max(len(some) * _READ_BYTES // sum(map(len, lines)), 1), 2 * many, _MOST_ROWS)


def _lines(cursor: duckdb.DuckDBPyConnection, table: str, load_id: str, rows: Sequence[int]) -> list[str]:
    """The texts of these rows, in order."""
    first, last = min(rows), max(rows)
    parameters: list[object] = [load_id]
    if last - first == len(rows) - 1:  # as a rule: it takes a tenth of the other's time
        which = f"rowid BETWEEN {first} AND {last}"
    else:
        which = "rowid IN (SELECT unnest($2))"
        parameters.append(rows)
    statement = select_rejects(table, DIALECT, "reject", f"AND {which}")
    return [row[0] for row in cursor.execute(statement, parameters).fetchall()]
