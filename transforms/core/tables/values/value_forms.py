"""What one text is, value by value, in plain Python: the reference that the whole-column kernels are tested against.

Slow on purpose and complete; nothing here knows columns, blocks or Arrow.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

Family = Literal["text", "boolean", "integer", "decimal", "double", "special", "iso", "ymd", "parted", "naive", "zoned"]
SEPARATORS = ("/", "-", ".")
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

# The grammars, in the dialect that Python's re and Arrow's RE2 share; to be matched against the whole text.
BOOLEAN = r"(?:[tT][rR][uU][eE]|[fF][aA][lL][sS][eE])"
PLAIN = r"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]+)?|\.[0-9]+)"
NEGATIVE_ZERO = r"-0?\.0+"
EXPONENT = PLAIN + r"[eE][+-]?[0-9]+"
SPECIAL = r"(?:NaN|-?Infinity)"
ISO_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
YMD_DATE = r"[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}"
NAIVE = ISO_DATE + r"[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?"
PARTED = {mark: rf"[0-9]{{1,2}}[{mark}][0-9]{{1,2}}[{mark}][0-9]{{4}}" for mark in SEPARATORS}
ZONED = NAIVE + r"(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)"

_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?"
    r"(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)


class Form(NamedTuple):
    """What one text is.

    Attributes:
        family: `text`, or the narrowest thing that the text is without losing information.
        int_digits: Digits before the point without leading zeros (integer, decimal).
        scale: Digits behind the point (decimal).
        wide: An integer beyond 64 bits.
        lossy: A plain number that a double doesn't give back (integer, decimal).
        separator: `/`, `-` or `.` (parted).
        dmy: A valid date when read as day, month, year (parted).
        mdy: A valid date when read as month, day, year (parted).
    """

    family: Family
    int_digits: int = 0
    scale: int = 0
    wide: bool = False
    lossy: bool = False
    separator: str = ""
    dmy: bool = False
    mdy: bool = False


TEXT_FORM = Form("text")


def form_of(text: str) -> Form:
    """Says what one text is; `text` when nothing else holds it without loss.

    | text                                            | family   |
    |-------------------------------------------------|----------|
    | true, FALSE, True (any case)                    | boolean  |
    | 0, 17, -5, any length; not 007, +5, -0, ' 5'    | integer  |
    | 1.50, -0.25, .5; not 5., 00.5, 1,5              | decimal  |
    | 1e5, -2.5E-07, if a double gives the same number; -0.0 | double |
    | NaN, Infinity, -Infinity                        | special  |
    | 2024-02-29 (a real day, years 0001 to 9999)     | iso      |
    | 2024/2/29                                       | ymd      |
    | 29/2/2024, 2-29-2024, 29.02.2024 (real in one order at least) | parted |
    | 2024-02-29T12:30, 2024-02-29 12:30:59.123456    | naive    |
    | the same with Z, +01:00, +0100, +01             | zoned    |
    | anything else                                   | text     |
    """
    for grammar, form in _FORMS:
        if re.fullmatch(grammar, text):
            return form(text)
    return TEXT_FORM


def _plain_form(text: str) -> Form:
    whole, point, fraction = text.removeprefix("-").partition(".")
    int_digits = len(whole.lstrip("0"))
    if point:
        if re.fullmatch(NEGATIVE_ZERO, text):
            return Form("double")
        return Form("decimal", int_digits, len(fraction), lossy=not survives_as_double(text))
    if text == "-0":
        return TEXT_FORM
    wide = int_digits > 19 or not INT64_MIN <= int(text) <= INT64_MAX
    return Form("integer", int_digits, 0, wide, lossy=not survives_as_double(text))


def survives_as_double(text: str) -> bool:
    """Whether the double nearest to a finite number's text is, printed as short as it can be, the same number."""
    value = float(text)
    if value in (float("inf"), float("-inf")):
        return False
    if value == 0:
        return not re.search("[1-9]", re.split("[eE]", text)[0])
    return Decimal(repr(value)) == Decimal(text)


def _exponent_form(text: str) -> Form:
    return Form("double") if survives_as_double(text) else TEXT_FORM


def _iso_form(text: str) -> Form:
    return Form("iso") if read_date(*text.split("-")) else TEXT_FORM


def _ymd_form(text: str) -> Form:
    return Form("ymd") if read_date(*text.split("/")) else TEXT_FORM


def _parted_form(text: str) -> Form:
    separator = next(mark for mark in SEPARATORS if mark in text)
    first, second, year = text.split(separator)
    dmy = read_date(year, second, first) is not None
    mdy = read_date(year, first, second) is not None
    return Form("parted", separator=separator, dmy=dmy, mdy=mdy) if dmy or mdy else TEXT_FORM


def _moment_form(text: str) -> Form:
    moment = read_moment(text)
    if moment is None:
        return TEXT_FORM
    return Form("naive") if moment.tzinfo is None else Form("zoned")


def read_date(year: str, month: str, day: str) -> date | None:
    """The date of three numbers' texts, or None when there is no such day in the years 0001 to 9999."""
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def read_moment(text: str) -> datetime | None:
    """The moment of an ISO text (`T` or a space), in UTC if it has a zone, naive if not; None when it is none.

    A fraction finer than a microsecond, a 60th second, hour 24 and moments outside the years 0001 to 9999 are none.
    """
    parts = _MOMENT.fullmatch(text)
    if parts is None:
        return None
    *whole, fraction, zone = parts.groups()
    fraction = (fraction or "").rstrip("0")
    if len(fraction) > 6:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in whole)
    try:
        moment = datetime(year, month, day, hour, minute, second, int(fraction.ljust(6, "0")))  # noqa: DTZ001
        return moment.replace(tzinfo=_zone(zone)).astimezone(UTC) if zone else moment
    except (ValueError, OverflowError):
        return None


def _zone(text: str) -> timezone:
    """A zone's offset. Raises ValueError when it isn't below 24 hours and 60 minutes."""
    if text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[3:].removeprefix(":") or 0)
    if hours > 23 or minutes > 59:
        raise ValueError(text)
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)


_FORMS: tuple[tuple[str, Callable[[str], Form]], ...] = (
    (BOOLEAN, lambda _: Form("boolean")),
    (PLAIN, _plain_form),
    (EXPONENT, _exponent_form),
    (SPECIAL, lambda _: Form("special")),
    (ISO_DATE, _iso_form),
    (YMD_DATE, _ymd_form),
    *((grammar, _parted_form) for grammar in PARTED.values()),
    (f"(?:{NAIVE}|{ZONED})", _moment_form),
)
