"""A table's column as every part of a load sees it: its name, where it comes from, its type.

What a value of each type looks like in Arrow stands here; what it is called in SQL stands with each database.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import pyarrow as pa

Kind = Literal["boolean", "integer", "decimal", "double", "date", "timestamp", "timestamptz", "text"]
KINDS: tuple[Kind, ...] = ("boolean", "integer", "decimal", "double", "date", "timestamp", "timestamptz", "text")


_ARROW: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", "UTC"),
    "text": pa.string(),
}


class ColumnType(NamedTuple):
    """A column's type.

    Attributes:
        kind: One of KINDS.
        precision: Decimal digits in all, 1 to 38 (decimal only, else 0).
        scale: Decimal digits behind the point, 0 to precision (decimal only, else 0).
        form: strptime form of the texts, "" for ISO 8601 (date, timestamp only): `%d/%m/%Y`.
    """

    kind: Kind
    precision: int = 0
    scale: int = 0
    form: str = ""

    def arrow(self) -> pa.DataType:
        """The Arrow type that rows of this column have on their way to the database."""
        return pa.decimal128(self.precision, self.scale) if self.kind == "decimal" else _ARROW[self.kind]


TEXT = ColumnType("text")


class Column(NamedTuple):
    """One column of the table that is loaded.

    Attributes:
        name: Its name in the database.
        source: Its name in the files ("" for a provenance column).
        type: Its type.
        nullable: Whether NULL may stand in it.
    """

    name: str
    source: str
    type: ColumnType
    nullable: bool = True
