"""What pass 1 found, gathered for planning: values only."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from transforms.core.tables.columns.column import Column
    from transforms.core.tables.columns.table_schema import TableSchema
    from transforms.core.tables.delimited.scan import RangeScan
    from transforms.core.tables.loads.load_plan import Part


class ScannedPart(NamedTuple):
    """A part with its scanned ranges in order."""

    part: Part
    scans: tuple[RangeScan, ...]


class Failed(NamedTuple):
    """A file that can't be read: its number, the error's class name, the message."""

    file: int
    error: str
    message: str


class Findings(NamedTuple):
    """What pass 1 brought.

    Attributes:
        files: (identity, uri, size) of every file of the load.
        parts: Scanned parts, in file order.
        failed: Files that can't be read.
        schema: The declared schema, or None.
        target: The target's columns, or None when the table doesn't exist.
        rules: Names' rules of the destination: `sql` or `bigquery`.
    """

    files: tuple[tuple[str, str, int], ...]
    parts: tuple[ScannedPart, ...]
    failed: tuple[Failed, ...]
    schema: TableSchema | None
    target: tuple[Column, ...] | None
    rules: str
