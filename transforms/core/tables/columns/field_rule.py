"""What a column's texts must be: its type, how the type is spelled, and its constraints; and what one violation is.

Values only; coerce.py applies them to blocks, value_reading.py to one text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from transforms.core.tables.columns.column import Column

_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_SECONDS = r"[0-9]+(?:\.[0-9]+)?S"
_DAY_PART = "(?:[0-9]+Y(?:[0-9]+M)?(?:[0-9]+D)?|[0-9]+M(?:[0-9]+D)?|[0-9]+D)"
_TIME_PART = f"T(?:[0-9]+H(?:[0-9]+M)?(?:{_SECONDS})?|[0-9]+M(?:{_SECONDS})?|{_SECONDS})"

# Kinds of text (and of integers) that have a grammar but no column type of their own; RE2, matched whole.
SHAPES = {
    "time": "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]",
    "year": "-?(?:[0-9]{4}|[1-9][0-9]{4,})",
    "yearmonth": "-?(?:[0-9]{4}|[1-9][0-9]{4,})-(?:0[1-9]|1[0-2])",
    "duration": f"-?P(?:{_DAY_PART}(?:{_TIME_PART})?|{_TIME_PART})",
    "geopoint": f"{_NUMBER}, ?{_NUMBER}",
    "email": r"[^@\s]+@[^@\s]+\.[^@\s]+",
    "uri": r"[A-Za-z][A-Za-z0-9+.-]*:\S+",
    "binary": "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?",
    "uuid": "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
}
# Texts that hold JSON of one kind: each distinct text is parsed, so they cost microseconds a value.
JSON_SHAPES: dict[str, type] = {"object": dict, "array": list}


class FieldRule(NamedTuple):
    r"""One column and what its texts must be. Limits and enum values are texts that the column's type can read.

    Attributes:
        column: The column; its type decides how a text is read.
        required: NULL is a violation.
        pattern: An RE2 expression that the whole text must match ("" = none); \d, \w, \s are ASCII.
        enum: The values that are allowed, compared as typed values (empty = all).
        minimum: The least value ("" = none); NaN is below every minimum and above every maximum.
        maximum: The greatest value ("" = none).
        min_length: Fewest characters of a text (-1 = none).
        max_length: Most characters of a text (-1 = none).
        missing_values: Texts that stand for NULL.
        true_values: Texts that are true (empty = `true` in any case).
        false_values: Texts that are false (empty = `false` in any case).
        decimal_char: The decimal point.
        group_char: What groups digits; dropped wherever it stands ("" = nothing).
        bare_number: False: what stands before and behind the number is dropped (`EUR 95`, `95%`).
        shape: A key of SHAPES or JSON_SHAPES that a text (or integer) must fit ("" = none).
        exclusive_minimum: The value that all must be above ("" = none).
        exclusive_maximum: The value that all must be below ("" = none).
        sure: Whether pass 1 saw that all texts are of the type, as sure_type.py says.
    """

    column: Column
    required: bool = False
    pattern: str = ""
    enum: tuple[str, ...] = ()
    minimum: str = ""
    maximum: str = ""
    min_length: int = -1
    max_length: int = -1
    missing_values: tuple[str, ...] = ()
    true_values: tuple[str, ...] = ()
    false_values: tuple[str, ...] = ()
    decimal_char: str = "."
    group_char: str = ""
    bare_number: bool = True
    shape: str = ""
    exclusive_minimum: str = ""
    exclusive_maximum: str = ""
    sure: bool = False


class BadValue(NamedTuple):
    """One record's first violation.

    Attributes:
        row: The record's number in the block, from 0.
        column: The column's name in the file.
        value: The text as it came; None for NULL.
        rule: What it violates: `type integer`, `required`, `pattern ^…$`, `enum`, `minimum 0`.
    """

    row: int
    column: str
    value: str | None
    rule: str


def type_rule(rule: FieldRule) -> str:
    """The name of the rule that a text of the wrong type violates."""
    kind = rule.column.type
    if rule.shape:
        return f"type {rule.shape}"
    if kind.kind == "decimal":
        return f"type decimal({kind.precision},{kind.scale})"
    return f"type {kind.kind} {kind.form}".rstrip()
