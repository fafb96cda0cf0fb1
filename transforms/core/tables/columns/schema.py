"""Decides a column's type from what was seen in it: a pure function, whose truth table is its docstring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from transforms.core.tables.columns.column import TEXT, ColumnType
from transforms.core.tables.values.value_forms import SEPARATORS

if TYPE_CHECKING:
    from transforms.core.tables.columns.seen import ColumnStats

DateOrder = Literal["auto", "dmy", "mdy", "ymd"]
DATE_ORDERS: tuple[DateOrder, ...] = ("auto", "dmy", "mdy", "ymd")
MAX_PRECISION = 38


class Decision(NamedTuple):
    """A column's type, and what the user should know about how it came about ("" for nothing)."""

    type: ColumnType
    note: str = ""


def decide(stats: ColumnStats, *, date_order: DateOrder = "auto") -> Decision:
    """Decides a column's type: the narrowest that holds every value without losing information.

    | seen (NULLs are in any row)                              | type                     | note |
    |----------------------------------------------------------|--------------------------|------|
    | no value at all                                          | text                     | yes  |
    | a text, or numbers, booleans and times mixed             | text                     |      |
    | booleans                                                 | boolean                  |      |
    | integers within 64 bits                                  | integer                  |      |
    | integers, some beyond 64 bits, at most 38 digits         | decimal(digits, 0)       | yes  |
    | decimals, also with integers, at most 38 digits          | decimal(digits, scale)   |      |
    | integers or decimals, more than 38 digits                | text                     | yes  |
    | exponents or -0.0, the others too survive as doubles     | double                   |      |
    | exponents or -0.0, another number doesn't survive        | text                     | yes  |
    | NaN or Infinity with numbers that survive                | double                   |      |
    | NaN or Infinity with one that doesn't, or no number      | text                     | yes  |
    | 2024-02-29 only                                          | date                     |      |
    | 2024/2/29 only                                           | date %Y/%m/%d            |      |
    | 3/4/2024 only (or - or .), an order given: all fit it    | date in that order       |      |
    | the same, an order given: one doesn't fit it             | text                     | yes  |
    | the same, none given: all fit one order, one proves it   | date in that order       |      |
    | the same, none given: all fit both, or neither fits all  | text                     | yes  |
    | dates in several of these forms                          | text                     | yes  |
    | timestamps without a zone only                           | timestamp                |      |
    | timestamps with a zone only                              | timestamptz              |      |
    | timestamps with and without a zone                       | text                     | yes  |
    | dates with timestamps (a date is not a midnight)         | text                     | yes  |

    Args:
        stats: What was seen.
        date_order: How 3/4/2024 is to be read; auto = only as the column itself proves.

    Returns:
        The decision; a note says why a column is text that looks like more.
    """
    if stats.text:
        return Decision(TEXT)
    if not stats.values:
        return Decision(TEXT, "no values: kept as text")
    if stats.booleans:
        return Decision(ColumnType("boolean"))
    if stats.numbers:
        return _number(stats)
    return _time(stats, date_order)


def _time(stats: ColumnStats, date_order: DateOrder) -> Decision:
    if stats.dates and stats.naive + stats.zoned:
        return Decision(TEXT, "dates and timestamps mixed; kept as text")
    if stats.dates:
        return _date(stats, date_order)
    if stats.naive and stats.zoned:
        return Decision(TEXT, f"timestamps with a zone ({stats.zoned}) and without ({stats.naive}); kept as text")
    return Decision(ColumnType("timestamptz" if stats.zoned else "timestamp"))


def _number(stats: ColumnStats) -> Decision:
    if stats.doubles or stats.specials:
        if stats.specials == stats.numbers:
            return Decision(TEXT, "NaN or Infinity and no number; kept as text")
        if stats.lossy:
            return Decision(TEXT, "exponents, -0.0 or NaN beside numbers that no double holds exactly; kept as text")
        return Decision(ColumnType("double"))
    digits = max(1, stats.int_digits + stats.scale)
    if not stats.decimals and not stats.wide:
        return Decision(ColumnType("integer"))
    if digits > MAX_PRECISION:
        return Decision(TEXT, f"numbers need {digits} digits, a decimal holds {MAX_PRECISION}; kept as text")
    note = "" if stats.decimals else f"integers beyond 64 bits ({digits} digits): decimal"
    return Decision(ColumnType("decimal", digits, stats.scale), note)


def _date(stats: ColumnStats, date_order: DateOrder) -> Decision:
    parted = dict(
        zip(
            SEPARATORS,
            (
                (stats.slash, stats.slash_dmy, stats.slash_mdy),
                (stats.dash, stats.dash_dmy, stats.dash_mdy),
                (stats.dot, stats.dot_dmy, stats.dot_mdy),
            ),
            strict=True,
        )
    )
    used = [f"3{mark}4{mark}2024" for mark, (count, _, _) in parted.items() if count]
    shapes = ["2024-02-29"] * bool(stats.iso) + ["2024/2/29"] * bool(stats.ymd) + used
    if len(shapes) > 1:
        return Decision(TEXT, f"dates in several forms ({' and '.join(shapes)}); kept as text")
    if stats.iso:
        return Decision(ColumnType("date"))
    if stats.ymd:
        return Decision(ColumnType("date", form="%Y/%m/%d"))
    mark = next(mark for mark, (count, _, _) in parted.items() if count)
    return _ordered(mark, *parted[mark], date_order)


def _ordered(mark: str, count: int, dmy: int, mdy: int, date_order: DateOrder) -> Decision:
    """The decision for 3/4/2024 (the mark may be another)."""
    fits = {"dmy": dmy == count, "mdy": mdy == count, "ymd": False}
    remedy = "give --date_order dmy|mdy"
    if date_order != "auto":
        if not fits[date_order]:
            wrong = count - {"dmy": dmy, "mdy": mdy, "ymd": 0}[date_order]
            return Decision(TEXT, f"{wrong} of {count} dates aren't valid as {date_order}; kept as text")
        order = date_order
    elif fits["dmy"] and fits["mdy"]:
        cause = "ambiguous dates: every value fits both day/month and month/day"
        return Decision(TEXT, f"{cause}; kept as text; {remedy}")
    elif not fits["dmy"] and not fits["mdy"]:
        cause = f"contradictory dates: {count - mdy} only fit day/month, {count - dmy} only fit month/day"
        return Decision(
            TEXT, f"{cause}; kept as text; repair the source, or {remedy} in a --schema to reject the others"
        )
    else:
        order = "dmy" if fits["dmy"] else "mdy"
    return Decision(ColumnType("date", form=f"%d{mark}%m{mark}%Y" if order == "dmy" else f"%m{mark}%d{mark}%Y"))
