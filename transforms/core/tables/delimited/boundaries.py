r"""Where CSV records end in a block of bytes, whichever side of a quote the block begins on.

The reference is Python's csv module: a quote opens a quoted field only at a field's start, a doubled quote inside
is one quote, and \n, \r\n and \r all end a record, or only the one that was given (line_ends.py). Works on code
units (1 byte, or 2 for UTF-16), with numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from transforms.core.tables.delimited.dialect import Dialect

Units = npt.NDArray[np.unsignedinteger]
Positions = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

_NEWLINE, _RETURN, _HARMLESS = 10, 13, 120


class Codes(NamedTuple):
    """A dialect in code units: what the scanner looks for (-1 = there is none).

    Attributes:
        unit_type: numpy type of a code unit: `u1`, `<u2` or `>u2`.
        unit_bytes: Its size.
        delimiter: The field separator.
        quote: The quote character.
        escape: The escape character.
        only: The line end that alone ends a record, as text; "" = all three do.
    """

    unit_type: str
    unit_bytes: int
    delimiter: int
    quote: int
    escape: int
    only: str


def codes_of(dialect: Dialect) -> Codes:
    """Translates a dialect for the scanner."""
    unit_type = {"utf-16-le": "<u2", "utf-16-be": ">u2"}.get(dialect.encoding, "u1")
    one = ord if unit_type != "u1" else (lambda text: text.encode(dialect.encoding)[0])
    return Codes(
        unit_type,
        int(unit_type[-1]),
        one(dialect.delimiter),
        one(dialect.quote) if dialect.quote else -1,
        one(dialect.escape) if dialect.escape else -1,
        dialect.only,
    )


def units_of(data: bytes | memoryview, codes: Codes) -> Units:
    """The whole code units of some bytes; half a one may be left over at the end of a file."""
    return np.frombuffer(data, codes.unit_type, count=len(data) // codes.unit_bytes)


class Marks(NamedTuple):
    """The places of a block that matter.

    Attributes:
        quotes: Positions of quote units.
        at_start: For each quote, whether it stands at the start of a field (if outside a quoted one).
        paired: For each quote, whether the next unit is a quote too.
        closes: For each quote, whether the next unit ends a field.
        line_ends: Positions just behind each line end, quoted or not.
        lines: The same with escaped ones, which end a line but never a record.
    """

    quotes: Positions
    at_start: Flags
    paired: Flags
    closes: Flags
    line_ends: Positions
    lines: Positions


def waiting(codes: Codes) -> frozenset[int]:
    r"""Units behind which no block may end, because what follows, or stood before, decides what they mean.

    Quotes may be doubled, \r may begin \r\n; where there is an escape, it may make any special unit harmless; a \n
    may be data where \r or \r\n alone ends a record.
    """
    special = {_RETURN, codes.quote, codes.escape}
    if codes.escape >= 0:
        special |= {_NEWLINE, codes.delimiter}
    if codes.only in ("\r", "\r\n"):
        special.add(_NEWLINE)
    return frozenset(special - {-1})


def unsettled(units: Units, codes: Codes) -> int:
    """How many units at the end of a block must wait for the next one."""
    special = waiting(codes)
    count = 0
    while count < len(units) and int(units[-1 - count]) in special:
        count += 1
    return count


def find_marks(units: Units, previous: int, codes: Codes) -> Marks:
    """Finds quotes and line ends.

    Args:
        units: A block whose last unit is settled, or the last of the file.
        previous: The unit before the block; a newline at the start of the file.
        codes: The dialect.
    """
    units = without_foreign(units, codes.only)
    lines = line_ends = _line_ends(units)
    if codes.escape >= 0:
        raw, units = units, _without_escaped(units, codes.escape)
        line_ends = lines if units is raw else _line_ends(units)
    quotes = np.flatnonzero(units == codes.quote) if codes.quote >= 0 else np.empty(0, np.intp)
    if not quotes.size:
        none = np.empty(0, np.bool_)
        return Marks(quotes, none, none, none, line_ends, lines)
    before = units[quotes - 1].astype(np.int32)
    if quotes[0] == 0:
        before[0] = previous
    after = units[np.minimum(quotes + 1, len(units) - 1)].astype(np.int32)
    if quotes[-1] == len(units) - 1:
        after[-1] = _NEWLINE
    return Marks(quotes, _edge(before, codes), after == codes.quote, _edge(after, codes), line_ends, lines)


def without_foreign(units: Units, only: str) -> Units:
    r"""Code units with those line ends replaced by something harmless that are data.

    Args:
        units: A block that doesn't end between \r and \n.
        only: As in `Codes`.
    """
    if not only:
        return units
    feeds, returns = units == _NEWLINE, units == _RETURN
    both = np.zeros(len(units), np.bool_)  # the line feed of each pair
    both[1:] = feeds[1:] & returns[:-1]
    match only:
        case "\n":
            foreign = returns
        case "\r":
            foreign = feeds
        case _:
            foreign = feeds & ~both
            foreign[:-1] |= returns[:-1] & ~both[1:]
            foreign[-1:] |= returns[-1:]
    if not foreign.any():
        return units
    units = units.copy()
    units[foreign] = _HARMLESS
    return units


def _line_ends(units: Units) -> Positions:
    ends = np.flatnonzero(units == _NEWLINE) + 1
    if (returns := np.flatnonzero(units == _RETURN)).size:
        following = units[np.minimum(returns + 1, len(units) - 1)]
        alone = (following != _NEWLINE) | (returns == len(units) - 1)
        ends = np.sort(np.concatenate([ends, returns[alone] + 1]))
    return ends


def _edge(units: npt.NDArray[np.int32], codes: Codes) -> Flags:
    return (units == codes.delimiter) | (units == _NEWLINE) | (units == _RETURN)


def _without_escaped(units: Units, escape: int) -> Units:
    """Replaces every escaped unit by a harmless one; a run of escapes counts in pairs."""
    found = np.flatnonzero(units == escape)
    if not found.size:
        return units
    first = np.concatenate([[True], np.diff(found) != 1])
    run_start = np.maximum.accumulate(np.where(first, found, 0))
    escaped = found[(found - run_start) % 2 == 0] + 1
    units = units.copy()
    units[escaped[escaped < len(units)]] = _HARMLESS
    return units


def inside_after(marks: Marks, inside: bool, other: Flags | None = None) -> Flags:
    """Whether a quoted field is open behind each quote, if one is (or isn't) open where the block begins.

    Well-formed quotes alternate, which numpy checks at once; only where one breaks the rule are they walked.

    Args:
        marks: Of the block.
        inside: Whether the block begins inside a quoted field.
        other: The states under the other hypothesis: where both agree, the rest is the same.
    """
    count = len(marks.quotes)
    before = ((np.arange(count) + inside) & 1).astype(np.bool_)
    second = np.zeros(count, np.bool_)  # the second quote of a doubled one
    second[1:] = marks.paired[:-1]
    if np.all(np.where(before, marks.closes | marks.paired, marks.at_start | second)):
        return ~before
    return _walk(marks, inside, other)


def _walk(marks: Marks, inside: bool, other: Flags | None) -> Flags:
    at_start, paired = marks.at_start.tolist(), marks.paired.tolist()
    agreed = other.tolist() if other is not None else None
    states = np.empty(len(at_start), np.bool_)
    index = 0
    while index < len(at_start):
        if inside and paired[index]:
            states[index], states[index + 1] = False, True  # as the alternation would have it
            index += 1
        else:
            inside = not inside if inside else at_start[index]
            states[index] = inside
        if agreed is not None and not paired[index] and agreed[index] == inside:
            states[index:] = other[index:]  # type: ignore[index]
            break
        index += 1
    return states


def agreement(marks: Marks, first: Flags, second: Flags) -> int:
    """The position behind the quote from which two hypotheses are one, or -1."""
    same = np.flatnonzero((first == second) & ~marks.paired)
    return int(marks.quotes[same[0]]) + 1 if same.size else -1


def record_ends(marks: Marks, states: Flags, inside: bool) -> Positions:
    """The line ends that end a record: those outside quoted fields."""
    if not marks.quotes.size:
        return np.empty(0, np.intp) if inside else marks.line_ends
    index = np.searchsorted(marks.quotes, marks.line_ends)
    within = np.concatenate([[inside], states])[index]
    return marks.line_ends[~within]
