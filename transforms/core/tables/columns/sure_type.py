"""Whether a column's texts may be read by a parser that takes more spellings than we do: a truth table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.core.tables.columns.field_rule import FieldRule
from transforms.core.tables.columns.schema import decide

if TYPE_CHECKING:
    from transforms.core.tables.columns.seen import ColumnStats

_ALIKE = ("boolean", "integer", "double", "date", "timestamp", "timestamptz")


def surely_typed(rule: FieldRule, seen: ColumnStats | None) -> bool:
    """Whether every text of the input is of the column's type, in one of the spellings that inference takes.

    Arrow's CSV reader also takes ` 5`, 0x1F and 1 for true. Of inference's own spellings it makes the values that
    value_reading makes, or none at all: so it may read a column in which pass 1 has seen every text.

    | the rule                                  | its type        | inferred from all texts                   | sure |
    |-------------------------------------------|-----------------|-------------------------------------------|------|
    | a constraint, or spellings of its own     | any             | any                                       | no   |
    | none but `required`                       | text            | any                                       | no   |
    | none but `required`                       | of a given form | any                                       | no   |
    | none but `required`                       | decimal(p, s)   | numbers of p - s digits and s places      | yes  |
    | none but `required`                       | any other       | the same                                  | yes  |
    | none but `required`                       | any             | another, or no text at all                | no   |

    Args:
        rule: The column.
        seen: What pass 1 saw of it, in all files; None = no file has it.
    """
    kind = rule.column.type
    if seen is None or rule._replace(required=False, sure=False) != FieldRule(rule.column):
        return False
    inferred = decide(seen).type
    if kind.kind == "decimal":
        fits = seen.int_digits <= kind.precision - kind.scale and seen.scale <= kind.scale
        return inferred.kind in ("integer", "decimal") and fits
    return kind.kind in _ALIKE and not kind.form and inferred == kind
