"""Reads a block of one column's texts as its type: one cast when all is well, and the odd values one by one when not.

Agrees with value_reading.read_value exactly. Temporaries: 4 bytes a byte of text and 100 bytes a value of the block.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.tables.columns.field_rule import JSON_SHAPES, SHAPES
from transforms.core.tables.values.date_texts import FORMS, read_dates
from transforms.core.tables.values.moment_texts import read_iso_dates, read_moments
from transforms.core.tables.values.text_block import text_block
from transforms.core.tables.values.value_forms import BOOLEAN
from transforms.core.tables.values.value_reading import Value, read_value

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from transforms.core.tables.columns.column import ColumnType
    from transforms.core.tables.columns.field_rule import FieldRule

    Reader = Callable[[pa.StringArray, FieldRule], "pa.Array | None"]

_DAY = "(?:0[1-9]|1[0-9]|2[0-8])"  # days that every month has
_MONTH = "(?:0[1-9]|1[0-2])"
_ISO = f"[1-9][0-9]{{3}}-{_MONTH}-{_DAY}"
_LIKELY_ISO = f"[1-9][0-9]{{3}}-{_MONTH}-(?:0[1-9]|[12][0-9]|3[01])"
_TIME = r"[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6})?)?"
_ZONE = "(?:Z|[+-][01][0-9](?::?[0-5][0-9])?)"
_SPECIAL = "^(?i:nan|[+-]?inf(?:inity)?)$"
_MAX_DIGITS = 38


class Reading(NamedTuple):
    """A block as its type.

    Attributes:
        values: Arrow's typed array; null for NULL and for bad texts.
        bad: Where a text isn't of the type; None when all are.
    """

    values: pa.Array
    bad: npt.NDArray[np.bool_] | None = None


def read_block(texts: pa.StringArray, rule: FieldRule) -> Reading:
    """Reads a block of texts; null stays null.

    Args:
        texts: pa.string(), missing values already null.
        rule: What they are to be.
    """
    if rule.column.type.kind == "text" and not rule.shape:
        return Reading(texts)
    if _is_read_one_by_one(rule):
        return _read_distinct(texts, rule)
    present = texts.drop_null() if texts.null_count else texts
    if not len(present):
        return Reading(pa.nulls(len(texts), rule.column.type.arrow()))
    values = _read_whole(present, rule)
    if values is not None:
        return Reading(values if present is texts else _spread(texts.is_valid(), values))
    return _read_split(texts, rule)


def _is_read_one_by_one(rule: FieldRule) -> bool:
    """Whether there is no kernel: JSON, own spellings of booleans, strptime forms other than the inferred ones."""
    kind = rule.column.type
    own_form = bool(kind.form) and (kind.kind != "date" or kind.form not in FORMS)
    return rule.shape in JSON_SHAPES or bool(rule.true_values or rule.false_values) or own_form


def _read_whole(texts: pa.StringArray, rule: FieldRule) -> pa.Array | None:
    """The typed values of a block without nulls, or None when one isn't of the type or its cast can't be trusted."""
    if not len(texts):
        return pa.nulls(0, rule.column.type.arrow())
    if rule.shape and not pc.all(pc.match_substring_regex(texts, f"^(?:{SHAPES[rule.shape]})$")).as_py():
        return None
    try:
        return _WHOLE[rule.column.type.kind](_plain_block(texts, rule), rule)
    except pa.ArrowInvalid:
        return None


def _read_split(texts: pa.StringArray, rule: FieldRule) -> Reading:
    """Casts the values that are surely good, and asks the reference about the others."""
    for grammar in _sure(rule.column.type):
        sure = _matches(_plain_block(texts, rule), grammar)
        if rule.shape:
            sure = pc.and_(sure, _matches(texts, SHAPES[rule.shape]))
        surely = _read_whole(texts.filter(sure), rule)
        if surely is not None:
            break
    else:
        sure, surely = pa.array(np.zeros(len(texts), bool)), pa.nulls(0, rule.column.type.arrow())
    odd = pc.and_(texts.is_valid(), pc.invert(sure))
    read = [read_value(text.as_py(), rule) for text in texts.filter(odd)]
    return _assemble(sure, surely, odd, read)


def _matches(texts: pa.StringArray, grammar: str) -> pa.BooleanArray:
    return pc.fill_null(pc.match_substring_regex(texts, f"^(?:{grammar})$"), fill_value=False)


def _assemble(sure: pa.BooleanArray, surely: pa.Array, odd: pa.BooleanArray, read: list[Value | None]) -> Reading:
    """One array of the surely good values and those that were read one by one (None = bad)."""
    values = _spread(sure, surely)
    places = np.flatnonzero(odd.to_numpy(zero_copy_only=False))
    good = np.array([value is not None for value in read], bool)
    bad = np.zeros(len(sure), bool)
    bad[places[~good]] = True
    if good.any():
        mask = np.zeros(len(sure), bool)
        mask[places[good]] = True
        late = pa.array([value for value in read if value is not None], surely.type)
        values = pc.replace_with_mask(values, pa.array(mask), late)
    return Reading(values, bad if bad.any() else None)


def _spread(mask: pa.BooleanArray, values: pa.Array) -> pa.Array:
    """An array with the values where the mask is set, in order, and null elsewhere."""
    marks = mask.to_numpy(zero_copy_only=False)
    places = np.cumsum(marks, dtype=np.int64) - 1
    return values.take(pa.array(places, mask=~marks))


def _read_distinct(texts: pa.StringArray, rule: FieldRule) -> Reading:
    """Reads each distinct text once with the reference."""
    coded = texts.dictionary_encode()
    read = [read_value(text.as_py(), rule) for text in coded.dictionary]
    values = pa.array(read, rule.column.type.arrow()).take(coded.indices)
    bad = values.is_null().to_numpy(zero_copy_only=False) & texts.is_valid().to_numpy(zero_copy_only=False)
    return Reading(values, bad if bad.any() else None)


def _plain_block(texts: pa.StringArray, rule: FieldRule) -> pa.StringArray:
    """As value_reading.plain_spelling, for a block."""
    if not rule.bare_number:
        keep = re.escape(rule.decimal_char)
        texts = pc.replace_substring_regex(texts, rf"^[^0-9+\-{keep}]+", "")
        texts = pc.replace_substring_regex(texts, rf"[^0-9{keep}]+$", "")
    if rule.group_char:
        texts = pc.replace_substring(texts, rule.group_char, "")
    if rule.decimal_char != ".":
        texts = pc.replace_substring(pc.replace_substring(texts, ".", "?"), rule.decimal_char, ".")
    return texts


def _number_bytes_only(texts: pa.StringArray, *, exponents: bool) -> bool:
    """Whether only digits, signs, points, commas, slashes and e stand there: casts also take 0x1F, inf and nan."""
    data = text_block(texts).data
    if not len(data) or data.min() < 43:
        return False
    letters = np.count_nonzero(data > 57)
    return not letters or (exponents and letters == np.count_nonzero((data | 32) == 101))


def _whole_booleans(texts: pa.StringArray, _rule: FieldRule) -> pa.Array | None:
    return None if pc.min(pc.binary_length(texts)).as_py() < 4 else pc.cast(texts, pa.bool_())


def _whole_integers(texts: pa.StringArray, _rule: FieldRule) -> pa.Array | None:
    return pc.cast(texts, pa.int64()) if _number_bytes_only(texts, exponents=False) else None


def _whole_decimals(texts: pa.StringArray, rule: FieldRule) -> pa.Array | None:
    if not _number_bytes_only(texts, exponents=False):
        return None
    kind, longest = rule.column.type, int(text_block(texts).lengths.max())
    if longest + kind.scale <= _MAX_DIGITS:
        return pc.cast(texts, kind.arrow())
    if longest + kind.scale > 2 * _MAX_DIGITS:
        return None
    wide = pc.cast(texts, pa.decimal256(2 * _MAX_DIGITS, kind.scale))  # the narrow cast wraps around here in silence
    return pc.cast(wide, kind.arrow())


def _whole_doubles(texts: pa.StringArray, _rule: FieldRule) -> pa.Array | None:
    if not _number_bytes_only(texts, exponents=True):
        special = pc.match_substring_regex(texts, _SPECIAL)
        numbers = texts.filter(pc.invert(special))
        if len(numbers) == len(texts) or (len(numbers) and _whole_doubles(numbers, _rule) is None):
            return None
        return pc.cast(texts, pa.float64())
    values = pc.cast(texts, pa.float64())
    sizes = values.to_numpy()
    zeros = sizes == 0
    if not np.isfinite(sizes).all() or (zeros.any() and _vanish(texts.filter(pa.array(zeros)))):
        return None
    return values


def _vanish(texts: pa.StringArray) -> bool:
    """Whether a text that a double reads as 0 has another digit before its exponent."""
    return bool(pc.any(pc.match_substring_regex(texts, "^[^eE]*[1-9]")).as_py())


def _whole_dates(texts: pa.StringArray, rule: FieldRule) -> pa.Array | None:
    if not rule.column.type.form:
        return read_iso_dates(texts)
    read = read_dates(texts, rule.column.type.form)
    if read is None or not read[1].all():
        return None
    return pa.array(read[0]).view(pa.date32())


def _whole_moments(texts: pa.StringArray, rule: FieldRule) -> pa.Array | None:
    return read_moments(texts, zoned=rule.column.type.kind == "timestamptz")


def _whole_texts(texts: pa.StringArray, _rule: FieldRule) -> pa.Array | None:
    return texts


_WHOLE: dict[str, Reader] = {
    "boolean": _whole_booleans,
    "integer": _whole_integers,
    "decimal": _whole_decimals,
    "double": _whole_doubles,
    "date": _whole_dates,
    "timestamp": _whole_moments,
    "timestamptz": _whole_moments,
    "text": _whole_texts,
}


def _sure(kind: ColumnType) -> tuple[str, ...]:
    """Grammars of texts that are surely of a type (all but the last: nearly); what they miss is asked one by one."""
    match kind.kind:
        case "decimal":
            whole = kind.precision - kind.scale
            fraction = rf"(?:\.[0-9]{{1,{kind.scale}}})?" if kind.scale else ""
            return (f"-?[0-9]{{1,{whole}}}{fraction}" if whole else f"-?0?{fraction}",)
        case "date" if kind.form:
            return _sure_parted(kind.form)
    return _SURE[kind.kind]


def _sure_parted(form: str) -> tuple[str, ...]:
    separator, places = FORMS[form]
    parts = dict(zip(places, ("[1-9][0-9]{3}", "(?:0?[1-9]|1[0-2])", "(?:0?[1-9]|1[0-9]|2[0-8])"), strict=True))
    return (f"[{separator}]".join(parts[place] for place in range(3)),)


_SURE = {
    "boolean": (BOOLEAN,),
    "integer": ("-?[0-9]{1,18}",),
    "double": (r"-?[0-9]{1,20}(?:\.[0-9]{1,25})?(?:[eE][+-]?[0-9]{1,2})?",),
    "date": (_LIKELY_ISO, _ISO),
    "timestamp": (_LIKELY_ISO + _TIME, _ISO + _TIME),
    "timestamptz": (_LIKELY_ISO + _TIME + _ZONE, _ISO + _TIME + _ZONE),
    "text": ("(?s:.*)",),
}
