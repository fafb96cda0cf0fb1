"""The canonical text of a number: the shortest one that keeps the value.

Digits stay as the XML has them (`0.1`, `12345678901234567890`). Rewritten are exponents, useless zeros and signs, and
the 17 digits that Excel writes for many a fraction: `1.1000000000000001` is the same double as `1.1`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.tables.excel.xlsx_text import rewrite_where

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?")
_WHOLE = re.compile(r"[+-]?[0-9]+")
_LONG_TEXT = 16
_NO_EXPONENT_BELOW = 1e16
_ARROW_AGREES_FROM, _ARROW_AGREES_BELOW = 1e-4, 1e10  # between them, Arrow writes a double exactly as `repr` does


def number_text(value: float) -> str:
    """The shortest text of a double: no `.0`, and an exponent only where `repr` has one."""
    if abs(value) < _NO_EXPONENT_BELOW and value == int(value):
        return str(int(value))
    return repr(value)


def canonical_number(text: str) -> str:
    """The canonical text of one number as XML has it; a text that is no number stays as it is."""
    stripped = text.strip()
    plain = _PLAIN.fullmatch(stripped) is not None
    if plain and (len(stripped) < _LONG_TEXT or "." not in stripped):
        return stripped if stripped != "-0" else "0"
    try:
        value = float(stripped)
    except ValueError:
        return text
    if not np.isfinite(value):
        return text
    if _WHOLE.fullmatch(stripped):
        return str(int(stripped))
    short = number_text(value)
    return stripped if plain and len(stripped) <= len(short) else short


def canonical_numbers(texts: pa.StringArray) -> pa.StringArray:
    """`canonical_number` of each text; only those that may not be canonical yet are looked at one by one."""
    if len(texts) == 0 or texts.buffers()[2] is None:
        return texts
    suspect = _suspects(texts)
    texts = _shorten(texts, suspect)
    return rewrite_where(texts, pa.array(suspect), canonical_number) if suspect.any() else texts


def _suspects(texts: pa.StringArray) -> NDArray[np.bool_]:
    """Where a text has a byte, a zero or a sign that a canonical number has not."""
    _, offsets_buffer, data_buffer = texts.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int32, len(texts) + 1, texts.offset * 4)
    data = np.frombuffer(data_buffer, np.uint8)
    suspect = np.zeros(len(texts), bool)
    used = data[offsets[0] : offsets[-1]]
    odd = np.flatnonzero((used > ord("9")) | (used < ord("-")) | (used == ord("/")))
    suspect[np.searchsorted(offsets, odd + offsets[0], side="right") - 1] = True
    filled = np.flatnonzero(np.diff(offsets) > 1)
    starts, lasts = offsets[:-1].take(filled), offsets[1:].take(filled) - 1
    negative = data.take(starts) == ord("-")
    starts = starts + negative
    first, last = data.take(starts), data.take(lasts)
    second = data.take(np.minimum(starts + 1, lasts))
    edge = (first == ord("0")) & ((second != ord(".")) | (starts == lasts)) & (negative | (starts < lasts))
    edge |= (first == ord(".")) | (last == ord(".")) | (last == ord("-"))
    suspect[filled[edge]] = True
    zero_ended = filled[last == ord("0")]
    with_point = pc.match_substring(texts.take(pa.array(zero_ended)), ".").to_numpy(zero_copy_only=False)
    suspect[zero_ended[with_point]] = True
    return suspect


def _shorten(texts: pa.StringArray, suspect: NDArray[np.bool_]) -> pa.StringArray:
    """Long plain fractions through a double and back, in bulk; what can't go that way is marked in `suspect`."""
    long = pc.and_(pc.greater_equal(pc.binary_length(texts), _LONG_TEXT), pc.match_substring(texts, "."))
    if not pc.any(long).as_py():
        return texts
    chosen = np.flatnonzero(long.to_numpy(zero_copy_only=False) & ~suspect)
    taken = texts.take(pa.array(chosen))
    try:
        values = taken.cast(pa.float64())
    except pa.ArrowInvalid:  # not all of them are numbers: they are looked at one by one
        suspect[chosen] = True
        return texts
    size = np.abs(values.to_numpy())
    usual = (size >= _ARROW_AGREES_FROM) & (size < _ARROW_AGREES_BELOW)
    suspect[chosen[~usual]] = True
    short = values.cast(pa.string())
    usual &= pc.less(pc.binary_length(short), pc.binary_length(taken)).to_numpy(zero_copy_only=False)
    if not usual.any():
        return texts
    mask = np.zeros(len(texts), bool)
    mask[chosen[usual]] = True
    return pc.replace_with_mask(texts, pa.array(mask), short.filter(pa.array(usual)))
