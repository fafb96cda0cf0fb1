"""Reads one text as a column's type, in plain Python: the reference for coerce.py, and its reader for odd values.

Wider than value_forms where the type is settled: `007` and `+5` are integers once a column is one.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, date, datetime
from decimal import Context, Decimal, InvalidOperation
from typing import TYPE_CHECKING

from transforms.core.tables.columns.field_rule import JSON_SHAPES, SHAPES
from transforms.core.tables.values.date_texts import FORMS
from transforms.core.tables.values.value_forms import INT64_MAX, INT64_MIN, ISO_DATE, read_date, read_moment

if TYPE_CHECKING:
    from collections.abc import Callable

    from transforms.core.tables.columns.field_rule import FieldRule

Value = bool | int | float | Decimal | date | datetime | str
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SPECIAL = re.compile(r"nan|[+-]?inf(?:inity)?", re.IGNORECASE | re.ASCII)
_EXACT = Context(prec=80)


def read_value(text: str, rule: FieldRule) -> Value | None:
    """The typed value of a text that isn't NULL or missing, or None when it isn't of the column's type.

    | type         | texts                                                                            |
    |--------------|----------------------------------------------------------------------------------|
    | boolean      | true, false in any case, or exactly the rule's own spellings                     |
    | integer      | [+-] digits, within 64 bits                                                      |
    | decimal(p,s) | [+-] digits, point, exponent: if p digits and s places hold it without rounding  |
    | double       | the same, NaN, [+-]INF, [+-]Infinity in any case; not what overflows or vanishes |
    | date         | YYYY-MM-DD, or the type's form                                                   |
    | timestamp    | ISO without a zone, at most microseconds, or the type's form                     |
    | timestamptz  | ISO with a zone, or the type's form                                              |
    | text         | all (of the rule's shape)                                                        |

    Numbers are read after the rule's group and decimal characters and, unless bare, what surrounds them.
    """
    if rule.shape and not fits_shape(text, rule.shape):
        return None
    return _READERS[rule.column.type.kind](text, rule)


def fits_shape(text: str, shape: str) -> bool:
    """Whether a text has a shape."""
    if shape not in JSON_SHAPES:
        return re.fullmatch(SHAPES[shape], text, re.ASCII) is not None
    try:
        return isinstance(json.loads(text), JSON_SHAPES[shape])
    except (ValueError, RecursionError):
        return False


def plain_spelling(text: str, rule: FieldRule) -> str:
    """A number's text with a point, without groups and surroundings."""
    if not rule.bare_number:
        keep = re.escape(rule.decimal_char)
        text = re.sub(rf"^[^0-9+\-{keep}]+|[^0-9{keep}]+$", "", text)
    if rule.group_char:
        text = text.replace(rule.group_char, "")
    if rule.decimal_char != ".":
        text = text.replace(".", "?").replace(rule.decimal_char, ".")
    return text


def _read_boolean(text: str, rule: FieldRule) -> bool | None:
    if rule.true_values or rule.false_values:
        return True if text in rule.true_values else False if text in rule.false_values else None
    return {"true": True, "false": False}.get(text.lower()) if text.isascii() else None


def _read_integer(text: str, rule: FieldRule) -> int | None:
    text = plain_spelling(text, rule)
    digits = text.lstrip("+-").lstrip("0")
    if not re.fullmatch("[+-]?[0-9]+", text) or len(digits) > 19:
        return None
    number = int(digits or "0") * (-1 if text[0] == "-" else 1)
    return number if INT64_MIN <= number <= INT64_MAX else None


def _read_decimal(text: str, rule: FieldRule) -> Decimal | None:
    text = plain_spelling(text, rule)
    if not _NUMBER.fullmatch(text):
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:  # an exponent beyond all bounds
        return None
    precision, scale = rule.column.type.precision, rule.column.type.scale
    _, digits, exponent = number.as_tuple()
    ended = "".join(map(str, digits)).rstrip("0")
    places = -int(exponent) - (len(digits) - len(ended))
    whole = len(ended.lstrip("0")) - places
    if number and (places > scale or whole > precision - scale):
        return None
    return (number or abs(number)).quantize(Decimal(1).scaleb(-scale), context=_EXACT)


def _read_double(text: str, rule: FieldRule) -> float | None:
    if _SPECIAL.fullmatch(text):
        return float(text)
    text = plain_spelling(text, rule)
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    vanished = number == 0 and re.search("[1-9]", re.split("[eE]", text)[0])
    return None if math.isinf(number) or vanished else number


def _read_date(text: str, rule: FieldRule) -> date | None:
    form = rule.column.type.form
    if not form:
        return read_date(*text.split("-")) if re.fullmatch(ISO_DATE, text) else None
    if form not in FORMS:
        moment = _strptime(text, form)
        return moment and moment.date()
    separator, places = FORMS[form]
    parts = text.split(separator)
    widths = ["[0-9]{4}" if place == places[0] else "[0-9]{1,2}" for place in range(3)]
    if len(parts) != 3 or not all(map(re.fullmatch, widths, parts)):
        return None
    year, month, day = (parts[place] for place in places)
    return read_date(year, month, day)


def _read_moment(text: str, rule: FieldRule) -> datetime | None:
    kind = rule.column.type
    moment = _strptime(text, kind.form) if kind.form else read_moment(text)
    if moment is None or (moment.tzinfo is not None) != (kind.kind == "timestamptz"):
        return None
    return moment


def _strptime(text: str, form: str) -> datetime | None:
    try:
        moment = datetime.strptime(text, form)  # noqa: DTZ007
        return moment.astimezone(UTC) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        return None


def _read_text(text: str, _rule: FieldRule) -> str:
    return text


_READERS: dict[str, Callable[[str, FieldRule], Value | None]] = {
    "boolean": _read_boolean,
    "integer": _read_integer,
    "decimal": _read_decimal,
    "double": _read_double,
    "date": _read_date,
    "timestamp": _read_moment,
    "timestamptz": _read_moment,
    "text": _read_text,
}
