"""Whole columns of number texts, judged from their bytes: digits, scale, 64 bits, survival as a double.

Agrees with value_forms value by value; about 30 ns a value. Temporaries: 3 bytes a byte of text and 60 a value.
"""

from __future__ import annotations

import contextlib
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.tables.values.text_block import TextBlock, text_block
from transforms.core.tables.values.value_forms import EXPONENT, NEGATIVE_ZERO, survives_as_double

_PLUS, _MINUS, _POINT, _ZERO, _EXPONENT_MARK, _LOWER = 43, 45, 46, 48, 101, 32
_SAFE_DIGITS = 15  # every number of so many digits comes back from a double
_SAFE_EXPONENT = r"^-?(?:[0-9](?:\.[0-9]{1,14})?|[1-9][0-9]{1,14})[eE][+-]?[0-9]{1,3}$"
_SMALLEST_NORMAL = float(np.finfo(np.float64).smallest_normal)
_EXACT_INTEGERS = 2**53


class PlainNumbers(NamedTuple):
    """What a block of plain numbers (no exponents) holds.

    Attributes:
        integers: How many have no point.
        decimals: How many have one.
        int_digits: The most digits before the point, leading zero not counted.
        scale: The most digits behind it.
        wide: Whether an integer is beyond 64 bits.
        lossy: Whether a number doesn't survive as a double.
    """

    integers: int
    decimals: int
    int_digits: int
    scale: int
    wide: bool
    lossy: bool


def plain_numbers(texts: pa.StringArray, *, wide: bool = False, lossy: bool = False) -> PlainNumbers | None:
    """Judges a block without nulls, or gives None if a value isn't a plain number (negative zeros are none).

    Args:
        texts: At least one value.
        wide: Already known of the column: isn't looked for again.
        lossy: The same.
    """
    block = text_block(texts)
    data, starts, ends = block
    if not len(data) or not block.lengths.min():
        return None
    negative = data[starts] == _MINUS
    others = len(data) - np.count_nonzero((data - np.uint8(_ZERO)) < 10) - np.count_nonzero(negative)
    points = np.flatnonzero(data == _POINT).astype(np.int32) if others else np.empty(0, np.int32)
    if others != len(points):
        return None
    body = starts + negative
    found = _int_ends(block, body, points)
    if found is None:
        return None
    int_ends, pointed = found
    int_digits = int_ends - body
    zero_first = data[body] == _ZERO
    if (zero_first & (int_digits > 1)).any() or _has_negative_zero(texts, negative & (int_digits < 2)):
        return None
    return PlainNumbers(
        integers=len(texts) - len(points),
        decimals=len(points),
        int_digits=int((int_digits - zero_first).max()),
        scale=int((ends - int_ends).max()) - 1 if len(points) else 0,
        wide=wide or _has_wide(texts, int_digits, pointed),
        lossy=lossy or _has_lossy(texts, int_digits + (ends - int_ends), pointed),
    )


def _int_ends(block: TextBlock, body: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Where the digits before the point end, and which values have a point; None if one is malformed."""
    _, _, ends = block
    count = len(ends)
    if not len(points):
        return (ends, np.zeros(count, bool)) if (ends > body).all() else None
    if len(points) == count:
        well_formed = ((points >= body) & (points < ends - 1)).all()
        return (points, np.ones(count, bool)) if well_formed else None
    owners = np.searchsorted(ends, points, side="right")
    int_ends, pointed = ends.copy(), np.zeros(count, bool)
    int_ends[owners] = points
    pointed[owners] = True
    two_points = np.count_nonzero(pointed) != len(points)
    ends_in_point = (ends[owners] - points < 2).any()
    empty = (~pointed & (ends <= body)).any()
    return None if two_points or ends_in_point or empty else (int_ends, pointed)


def _has_negative_zero(texts: pa.StringArray, suspects: np.ndarray) -> bool:
    """Whether a `-0` or `-0.00` is among the suspects (negative, at most one digit before the point)."""
    if not suspects.any():
        return False
    rest = texts.filter(pa.array(suspects))
    zeros = rest.filter(pc.equal(pc.cast(rest, pa.float64()), 0.0))
    return bool(len(zeros)) and bool(pc.any(pc.match_substring_regex(zeros, f"^(?:-0|{NEGATIVE_ZERO})$")).as_py())


def _has_wide(texts: pa.StringArray, int_digits: np.ndarray, pointed: np.ndarray) -> bool:
    if int(int_digits.max()) < 19:
        return False
    suspects = texts.filter(pa.array((int_digits > 18) & ~pointed))
    try:
        pc.cast(suspects, pa.int64())
    except pa.ArrowInvalid:
        return True
    return False


def _has_lossy(texts: pa.StringArray, digits: np.ndarray, pointed: np.ndarray) -> bool:
    """Whether a number of more than 15 digits (a point counts as one) doesn't survive as a double."""
    suspects = digits > _SAFE_DIGITS
    if not suspects.any():
        return False
    whole = texts.filter(pa.array(suspects & ~pointed))
    with contextlib.suppress(
        pa.ArrowInvalid
    ):  # beyond 64 bits: judged below, where the first one nearly always decides
        whole = whole.filter(pc.greater(pc.abs_checked(pc.cast(whole, pa.int64())), _EXACT_INTEGERS))
    broken = texts.filter(pa.array(suspects & pointed))
    return not (all_survive(whole) and all_survive(broken))


def all_survive(texts: pa.StringArray) -> bool:
    """Whether a double gives each of these numbers back: by casting there and back, then one by one.

    The nearest double's number differs by a hair or not at all, so equal digits are equal numbers.
    """
    back = pc.cast(pc.cast(texts, pa.float64()), pa.string())
    other = pc.not_equal(back, texts)
    texts, back = texts.filter(other), back.filter(other)
    rest = texts.filter(pc.not_equal(_significant(back), _significant(texts)))
    return all(survives_as_double(text.as_py()) for text in rest)


def _significant(texts: pa.StringArray) -> pa.StringArray:
    """The significant digits of numbers: no sign, point, exponent, zeros at either end."""
    texts = pc.replace_substring_regex(texts, "[eE].*$", "")
    return pc.utf8_rtrim(pc.utf8_ltrim(pc.replace_substring(texts, ".", ""), "-0"), "0")


def exponents_survive(texts: pa.StringArray) -> bool:
    """Whether each of a block's texts (without nulls) has an exponent and is a double without loss."""
    unsafe = texts.slice(0, 0)
    if not _all_scientific(text_block(texts)):
        safe = pc.match_substring_regex(texts, _SAFE_EXPONENT)
        unsafe, texts = texts.filter(pc.invert(safe)), texts.filter(safe)
        if not pc.all(pc.match_substring_regex(unsafe, f"^(?:{EXPONENT})$"), min_count=0).as_py():
            return False
    sizes = np.abs(pc.cast(texts, pa.float64()).to_numpy())
    odd = ~((sizes >= _SMALLEST_NORMAL) & (sizes < np.inf))
    return all_survive(unsafe) and (not odd.any() or all_survive(texts.filter(pa.array(odd))))


def _all_scientific(block: TextBlock) -> bool:
    """Whether all are written `-d.ddde-dd` within _SAFE_EXPONENT, as programs print: seen in a fifth of its time."""
    data, starts, ends = block
    points, marks = np.flatnonzero(data == _POINT), np.flatnonzero((data | _LOWER) == _EXPONENT_MARK)
    if not len(starts) == len(points) == len(marks) or not block.lengths.min():
        return False
    negative = data[starts] == _MINUS
    sign = data[np.minimum(marks + 1, len(data) - 1)]
    signed = (sign == _MINUS) | (sign == _PLUS)
    fraction, exponent = marks - points - 1, ends - marks - 1 - signed
    placed = (points - starts - negative == 1) & (fraction > 0) & (fraction < _SAFE_DIGITS)
    if not (placed & (exponent > 0) & (exponent < 4)).all():
        return False
    others = len(data) - np.count_nonzero((data - np.uint8(_ZERO)) < 10)
    return others == 2 * len(starts) + np.count_nonzero(negative) + np.count_nonzero(signed)
