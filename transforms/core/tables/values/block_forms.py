"""Judges a block of one column at once: whole if all values are of one family, else family by family.

Agrees with value_forms exactly. Temporaries: at most 4 bytes a byte of text and 100 bytes a value of the block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.tables.columns.seen import EMPTY, SEEN_TEXT, SEPARATOR_NAMES, ColumnStats, merge
from transforms.core.tables.values import value_forms as forms
from transforms.core.tables.values.date_texts import date_parts, real_days
from transforms.core.tables.values.moment_texts import read_iso_dates, read_moments
from transforms.core.tables.values.number_texts import exponents_survive, plain_numbers

if TYPE_CHECKING:
    from collections.abc import Callable

    Judge = Callable[[pa.StringArray, ColumnStats], ColumnStats | None]


def judge_block(texts: pa.StringArray, known: ColumnStats) -> ColumnStats:
    """The stats of a block's values.

    Args:
        texts: pa.string() without nulls.
        known: What is known of the column; what is settled there (`wide`, `lossy`) isn't looked for again.

    Returns:
        Stats whose merge with `known` is the fold of the reference over all values.
    """
    group = _group(texts[0].as_py())
    if group is None:
        return SEEN_TEXT
    return _JUDGES[group](texts, known) or _judge_by_group(texts, known)


def _judge_by_group(texts: pa.StringArray, known: ColumnStats) -> ColumnStats:
    """Takes out, again and again, what is of the first value's group; ends at the first value that is text."""
    seen, rest = EMPTY, texts
    while len(rest):
        group = _group(rest[0].as_py())
        if group is None:
            return SEEN_TEXT
        mask = pc.match_substring_regex(rest, f"^{_GRAMMARS[group]}$")
        if group == "plain":
            mask = pc.and_not(mask, pc.match_substring_regex(rest, f"^{forms.NEGATIVE_ZERO}$"))
        stats = _JUDGES[group](rest.filter(mask), known)
        seen = SEEN_TEXT if stats is None else merge(seen, stats)
        if seen.text:
            return SEEN_TEXT
        rest = rest.filter(pc.invert(mask))
    return seen


def _group(text: str) -> str | None:
    """Which judge is to see a value first; None for text."""
    form = forms.form_of(text)
    match form.family:
        case "text":
            return None
        case "integer" | "decimal":
            return "plain"
        case "double":
            return "exponent" if "e" in text.lower() else "negative_zero"
        case "parted":
            return form.separator
    return form.family


def _judge_booleans(texts: pa.StringArray, _known: ColumnStats) -> ColumnStats | None:
    if pc.min(pc.binary_length(texts)).as_py() < 4:  # the cast also takes 1, 0 (and t, f in some versions)
        return None
    try:
        pc.cast(texts, pa.bool_())
    except pa.ArrowInvalid:
        return None
    return ColumnStats(values=len(texts), booleans=len(texts))


def _judge_plain(texts: pa.StringArray, known: ColumnStats) -> ColumnStats | None:
    found = plain_numbers(texts, wide=bool(known.wide), lossy=bool(known.lossy))
    if found is None:
        return None
    return ColumnStats(
        values=len(texts),
        integers=found.integers,
        decimals=found.decimals,
        int_digits=found.int_digits,
        scale=found.scale,
        wide=int(found.wide),
        lossy=int(found.lossy),
    )


def _judge_exponents(texts: pa.StringArray, _known: ColumnStats) -> ColumnStats | None:
    if not exponents_survive(texts):
        return None
    return ColumnStats(values=len(texts), doubles=len(texts))


def _judge_all(grammar: str, field: str) -> Judge:
    def judge(texts: pa.StringArray, _known: ColumnStats) -> ColumnStats | None:
        if not pc.all(pc.match_substring_regex(texts, f"^{grammar}$")).as_py():
            return None
        return ColumnStats(values=len(texts), **{field: len(texts)})

    return judge


def _judge_iso(texts: pa.StringArray, _known: ColumnStats) -> ColumnStats | None:
    return None if read_iso_dates(texts) is None else ColumnStats(values=len(texts), iso=len(texts))


def _judge_ymd(texts: pa.StringArray, _known: ColumnStats) -> ColumnStats | None:
    parts = date_parts(texts, "/", 0)
    if parts is None or not (parts.good & real_days(parts.first, parts.second, parts.third)).all():
        return None
    return ColumnStats(values=len(texts), ymd=len(texts))


def _judge_parted(separator: str) -> Judge:
    def judge(texts: pa.StringArray, _known: ColumnStats) -> ColumnStats | None:
        parts = date_parts(texts, separator, 2)
        if parts is None or not parts.good.all():
            return None
        dmy = real_days(parts.third, parts.second, parts.first)
        mdy = real_days(parts.third, parts.first, parts.second)
        if not (dmy | mdy).all():
            return None
        name, count = SEPARATOR_NAMES[separator], len(texts)
        orders = {f"{name}_dmy": int(np.count_nonzero(dmy)), f"{name}_mdy": int(np.count_nonzero(mdy))}
        return ColumnStats(values=count, **{name: count}, **orders)

    return judge


def _judge_moments(*, zoned: bool) -> Judge:
    def judge(texts: pa.StringArray, _known: ColumnStats) -> ColumnStats | None:
        if read_moments(texts, zoned=zoned) is None:
            return None
        return ColumnStats(values=len(texts), **{"zoned" if zoned else "naive": len(texts)})

    return judge


_GRAMMARS = {
    "boolean": forms.BOOLEAN,
    "plain": f"(?:{forms.PLAIN})",
    "negative_zero": forms.NEGATIVE_ZERO,
    "exponent": f"(?:{forms.EXPONENT})",
    "special": forms.SPECIAL,
    "iso": forms.ISO_DATE,
    "ymd": forms.YMD_DATE,
    "naive": forms.NAIVE,
    "zoned": forms.ZONED,
    **forms.PARTED,
}
_JUDGES: dict[str, Judge] = {
    "boolean": _judge_booleans,
    "plain": _judge_plain,
    "negative_zero": _judge_all(forms.NEGATIVE_ZERO, "doubles"),
    "exponent": _judge_exponents,
    "special": _judge_all(forms.SPECIAL, "specials"),
    "iso": _judge_iso,
    "ymd": _judge_ymd,
    "naive": _judge_moments(zoned=False),
    "zoned": _judge_moments(zoned=True),
    **{mark: _judge_parted(mark) for mark in forms.SEPARATORS},
}
