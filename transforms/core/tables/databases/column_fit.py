"""Whether a load's columns can be written as a table's, for destinations that convert nothing by themselves. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from transforms.core.tables.columns.column import ColumnType
    from transforms.core.tables.loads.destination import LoadSpec


def fits(ours: ColumnType, table: ColumnType) -> bool:
    """Whether every value of a type can be written as another one without loss.

    | ours            | the table's     | fits                                        |
    |-----------------|-----------------|---------------------------------------------|
    | the same        | the same        | yes (a date's form is of the texts)         |
    | decimal         | decimal         | as many digits before and behind the point  |
    | integer         | decimal         | 19 digits before the point                  |
    | anything else   | another         | no                                          |
    """
    if ours.kind == "integer" and table.kind == "decimal":
        return table.precision - table.scale >= 19
    if ours.kind == table.kind == "decimal":
        return table.scale >= ours.scale and table.precision - table.scale >= ours.precision - ours.scale
    return ours.kind == table.kind


def clashes(spec: LoadSpec, table: Mapping[str, ColumnType], fold: Callable[[str], str]) -> list[str]:
    """The columns whose type doesn't fit the table's, as sentences with the remedy.

    Args:
        spec: The load.
        table: The table's types, by folded name.
        fold: The form in which two names of one column are equal.
    """
    return [
        f"column {column.name!r} is {_shown(column.type)} in the load and {_shown(table[fold(column.name)])} in table "
        f"{spec.table}, and nothing is converted: declare its type with --schema, or load into another table"
        for column in spec.columns
        if fold(column.name) in table and not fits(column.type, table[fold(column.name)])
    ]


def _shown(kind: ColumnType) -> str:
    return f"decimal({kind.precision},{kind.scale})" if kind.kind == "decimal" else kind.kind
