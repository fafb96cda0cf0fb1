"""What was seen of a column so far, as a small value: counts by family and the extremes that decide a type.

A join of lattices: merging is associative and commutative, so blocks may come in any order from any process.
"""

from __future__ import annotations

from operator import add
from typing import TYPE_CHECKING, NamedTuple

from transforms.core.tables.values.value_forms import SEPARATORS, Form

if TYPE_CHECKING:
    from collections.abc import Sequence


class ColumnStats(NamedTuple):
    """What a column holds. Once `text` is set, nothing is looked at any more: all else is 0 (`SEEN_TEXT`).

    Attributes:
        values: Values that are not NULL.
        nulls: NULLs.
        text: 1 if a value is text, or numbers, booleans and times are mixed (no type holds both).
        booleans, integers, decimals, doubles, specials, iso, ymd, naive, zoned: Values of that family.
        int_digits, scale: The most digits before and behind the point, over integers and decimals.
        wide: 1 if an integer is beyond 64 bits.
        lossy: 1 if an integer or decimal doesn't survive as a double.
        slash, slash_dmy, slash_mdy: Values like 3/4/2024, those that are real days in each order.
        dash, dash_dmy, dash_mdy: The same for 3-4-2024.
        dot, dot_dmy, dot_mdy: The same for 3.4.2024.
    """

    values: int = 0
    nulls: int = 0
    text: int = 0
    booleans: int = 0
    integers: int = 0
    decimals: int = 0
    doubles: int = 0
    specials: int = 0
    iso: int = 0
    ymd: int = 0
    naive: int = 0
    zoned: int = 0
    int_digits: int = 0
    scale: int = 0
    wide: int = 0
    lossy: int = 0
    slash: int = 0
    slash_dmy: int = 0
    slash_mdy: int = 0
    dash: int = 0
    dash_dmy: int = 0
    dash_mdy: int = 0
    dot: int = 0
    dot_dmy: int = 0
    dot_mdy: int = 0

    @property
    def numbers(self) -> int:
        """Values of any number family."""
        return self.integers + self.decimals + self.doubles + self.specials

    @property
    def dates(self) -> int:
        """Values of any date family."""
        return self.iso + self.ymd + self.slash + self.dash + self.dot


EMPTY = ColumnStats()
SEEN_TEXT = ColumnStats(text=1)
_EXTREMES = tuple(map(ColumnStats._fields.index, ("text", "int_digits", "scale", "wide", "lossy")))
SEPARATOR_NAMES = dict(zip(SEPARATORS, ("slash", "dash", "dot"), strict=True))
_COUNTS = {
    "boolean": "booleans",
    "integer": "integers",
    "decimal": "decimals",
    "double": "doubles",
    "special": "specials",
    "iso": "iso",
    "ymd": "ymd",
    "naive": "naive",
    "zoned": "zoned",
}


def merge(left: ColumnStats, right: ColumnStats) -> ColumnStats:
    """The stats of both parts together."""
    if left.text or right.text:
        return SEEN_TEXT
    fields = list(map(add, left, right))
    for place in _EXTREMES:
        fields[place] = max(left[place], right[place])
    both = ColumnStats._make(fields)
    kinds = (both.booleans > 0) + (both.numbers > 0) + (both.dates + both.naive + both.zoned > 0)
    return SEEN_TEXT if kinds > 1 else both


def of_form(form: Form) -> ColumnStats:
    """The stats of one value."""
    if form.family == "text":
        return SEEN_TEXT
    if form.family == "parted":
        name = SEPARATOR_NAMES[form.separator]
        return ColumnStats(values=1, **{name: 1, f"{name}_dmy": int(form.dmy), f"{name}_mdy": int(form.mdy)})
    return ColumnStats(
        values=1,
        int_digits=form.int_digits,
        scale=form.scale,
        wide=int(form.wide),
        lossy=int(form.lossy),
        **{_COUNTS[form.family]: 1},
    )


def to_list(stats: ColumnStats) -> list[int]:
    """A JSON form: the fields in order, zeros at the end left out."""
    fields = list(stats)
    while fields and not fields[-1]:
        fields.pop()
    return fields


def from_list(fields: Sequence[int]) -> ColumnStats:
    """The stats that `to_list` wrote."""
    return ColumnStats(*fields)
