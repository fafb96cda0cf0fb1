"""Dates and times: what a number format says about a number, and the ISO text of a serial date.

Texts are rounded to milliseconds, as in Excel. Serial 60 of the 1900 system, a day that never was, is `1900-02-29`, as
in Excel. A serial below 1 has no date, so it is a time of day; a time that the format hides is kept beside its date;
a number that no date can have stays a number.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from transforms.core.tables.excel.xlsx_kinds import Kind
from transforms.core.tables.excel.xlsx_merge import merge_parts
from transforms.core.tables.excel.xlsx_numbers import canonical_numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DAY_MS = 86_400_000
_EPOCH_1900 = -25_569  # 1899-12-30, in days since 1970
_DAYS_1904 = 1_462
_SERIAL_END = 2_958_466  # 10000-01-01
_BUILTIN = {
    **dict.fromkeys((14, 15, 16, 17), Kind.DATE),
    **dict.fromkeys((18, 19, 20, 21, 45, 47), Kind.TIME),
    22: Kind.DATETIME,
    46: Kind.ELAPSED,
    **dict.fromkeys((*range(27, 32), 36, *range(50, 59)), Kind.DATE),
    **dict.fromkeys(range(32, 36), Kind.TIME),
}
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!(?:h+|m+|s+)\])[^\]]*\]|E[+-]|General', re.IGNORECASE)
_MONTH_AS_MINUTE = re.compile(r"(?<=[h:])\W*m{1,2}(?!m)|(?<!m)m{1,2}(?=\W*s)", re.IGNORECASE)


def format_kind(format_id: int, code: str | None) -> Kind:
    """What a number under this number format is.

    Args:
        format_id: The format's number; below 164 it may be one of Excel's own.
        code: The format's code, if the workbook gives one.
    """
    if code is None:
        return _BUILTIN.get(format_id, Kind.NUMBER)
    shown = _LITERAL.sub("", code).split(";")[0].lower()
    if re.search(r"\[(?:h+|m+|s+)\]", shown):
        return Kind.ELAPSED
    without_minutes = _MONTH_AS_MINUTE.sub("", shown)
    has_date = re.search(r"[ydmbe]", without_minutes.replace("am/pm", "").replace("a/p", "")) is not None
    has_time = re.search(r"[hs]", shown) is not None
    if has_date:
        return Kind.DATETIME if has_time else Kind.DATE
    return Kind.TIME if has_time else Kind.NUMBER


def date_texts(texts: pa.StringArray, kind: Kind, *, date1904: bool) -> pa.StringArray:
    """The ISO texts of serial dates; what is no number or beyond all dates keeps its number's text."""
    try:
        serials = texts.cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid:  # an odd one among them (spaces, say): each by itself
        serials = np.array([_float(text) for text in texts.to_pylist()])
    groups: list[tuple[NDArray[np.int64], pa.StringArray]] = []
    usable = np.isfinite(serials) & (np.abs(serials) < _SERIAL_END)
    if kind != Kind.ELAPSED:
        usable &= serials >= 0
    numeric = np.flatnonzero(~usable)
    if len(numeric):
        groups.append((numeric, canonical_numbers(texts.take(pa.array(numeric)))))
    at = np.flatnonzero(usable)
    milliseconds = np.rint(serials.take(at) * _DAY_MS).astype(np.int64)
    if kind == Kind.ELAPSED:
        groups.append((at, _elapsed(milliseconds)))
    else:
        groups.extend((at[chosen], part) for chosen, part in _calendar(milliseconds, kind, date1904=date1904))
    return merge_parts(groups, len(texts))


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _calendar(
    milliseconds: NDArray[np.int64], kind: Kind, *, date1904: bool
) -> list[tuple[NDArray[np.int64], pa.StringArray]]:
    """Texts of serials in milliseconds, grouped by what they look like."""
    days = milliseconds // _DAY_MS
    if date1904:
        timed = (days == 0) & (kind == Kind.TIME)
        since_1970 = milliseconds + (_EPOCH_1900 + _DAYS_1904) * _DAY_MS
        ghost = np.zeros(len(days), bool)
    else:
        timed = days == 0
        since_1970 = milliseconds + (_EPOCH_1900 + (days < 60)) * _DAY_MS
        ghost = days == 60
    whole = (milliseconds % _DAY_MS == 0) & (kind == Kind.DATE)
    seconds = milliseconds % 1000 == 0
    chosen = {
        "date": whole & ~timed & ~ghost,
        "s": seconds & ~whole & ~timed & ~ghost,
        "ms": ~seconds & ~timed & ~ghost,
    }
    parts = [(np.flatnonzero(mask), _instants(since_1970[mask], form)) for form, mask in chosen.items() if mask.any()]
    if timed.any():
        parts.extend(_clock(milliseconds, timed & seconds, "s") + _clock(milliseconds, timed & ~seconds, "ms"))
    if ghost.any():
        clock = milliseconds[ghost] % _DAY_MS
        texts = [
            f"1900-02-29 {time}" if kind != Kind.DATE or ms else "1900-02-29"
            for ms, time in zip(clock, _elapsed(clock).to_pylist(), strict=True)
        ]
        parts.append((np.flatnonzero(ghost), pa.array(texts, pa.string())))
    return parts


def _instants(since_1970: NDArray[np.int64], form: str) -> pa.StringArray:
    if form == "date":
        return pa.array((since_1970 // _DAY_MS).astype(np.int32)).cast(pa.date32()).cast(pa.string())
    if form == "s":
        return pa.array(since_1970 // 1000).cast(pa.timestamp("s")).cast(pa.string())
    return pa.array(since_1970).cast(pa.timestamp("ms")).cast(pa.string())


def _clock(
    milliseconds: NDArray[np.int64], mask: NDArray[np.bool_], unit: str
) -> list[tuple[NDArray[np.int64], pa.StringArray]]:
    if not mask.any():
        return []
    ticks = (milliseconds[mask] // (1000 if unit == "s" else 1)).astype(np.int32)
    return [(np.flatnonzero(mask), pa.array(ticks).cast(pa.time32(unit)).cast(pa.string()))]


def _elapsed(milliseconds: NDArray[np.int64]) -> pa.StringArray:
    """Durations as hours (more than 24 too), minutes and seconds: `26:30:00`."""
    return pa.array([elapsed_text(value) for value in milliseconds.tolist()], pa.string())


def elapsed_text(milliseconds: int) -> str:
    """One duration in milliseconds as `[-]HH:MM:SS[.fff]`."""
    seconds, thousandths = divmod(abs(milliseconds), 1000)
    minutes, second = divmod(seconds, 60)
    text = f"{minutes // 60:02}:{minutes % 60:02}:{second:02}"
    return ("-" if milliseconds < 0 else "") + text + (f".{thousandths:03}" if thousandths else "")
