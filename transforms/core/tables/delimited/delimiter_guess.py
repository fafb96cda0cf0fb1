"""Which delimiter, quote and escape make the best table of a text.

The measure is clevercsv's (van den Burg, Nazabal, Sutton 2019): how alike the rows are x how many cells look like data.
Own code, not the package: see `guess_quoting`. Nothing here knows about bytes, encodings or headers.
"""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from transforms.core.tables.delimited.cell_kinds import CellKind, cell_kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# What is scored of a sample: below csv's limit of 131,072 characters a field, so that no parse can fail.
SCORED_CHARS = 64 * 1024
SCORED_ROWS = 400
SCORED_CELLS = 6_000

# How readily a character is taken for the delimiter, at equal scores.
DELIMITERS: dict[str, float] = {
    ",": 1.0,
    ";": 1.0,
    "\t": 1.0,
    "|": 1.0,
    "\x1f": 1.0,
    "\x01": 1.0,
    "~": 0.7,
    "^": 0.7,
    "#": 0.4,
    ":": 0.3,
    " ": 0.4,
}
# A row of one column has (L - 1) / L = 0 in clevercsv's measure: this is what it has here, if all its cells are data.
SINGLE_COLUMN = 0.25
# So many rows of one column don't outweigh a row of several: see _promised.
PROMISE_ROWS = 4
# What a single-column file is said to be delimited with: the first that it doesn't contain.
_UNUSED = (",", "\t", "|", ";", "\x1f")

_WEIGHTS: dict[CellKind, float] = {"number": 1.0, "date": 1.0, "time": 1.0, "boolean": 1.0, "code": 1.0, "empty": 0.6}
_LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


class Quoting(NamedTuple):
    """How fields are told apart.

    Attributes:
        delimiter: One character.
        quote: One character, "" for none.
        escape: One character that makes the next one an ordinary one; "" for none. A doubled quote is one quote in
            a quoted field, with or without it.
    """

    delimiter: str
    quote: str
    escape: str

    def csv_kwargs(self) -> dict[str, object]:
        """The arguments with which `csv.reader` reads it."""
        return {
            "delimiter": self.delimiter,
            "quotechar": self.quote or None,
            "quoting": csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            "escapechar": self.escape or None,
            "doublequote": True,
            "skipinitialspace": False,
            "strict": False,
        }


class Record(NamedTuple):
    """One parsed record: its cells, and where it ends (characters and physical lines from the text's begin)."""

    cells: list[str]
    end: int
    lines: int


def records(text: str, quoting: Quoting, *, limit: int | None = None) -> Iterator[Record]:
    """Parses with Python's csv module, which is the reference, and tells where each record ends."""
    end = lines = 0

    def counted() -> Iterator[str]:
        nonlocal end, lines
        for match in _LINES.finditer(text):
            end, lines = match.end(), lines + 1
            yield match.group()

    for cells in islice(csv.reader(counted(), **quoting.csv_kwargs()), limit):  # type: ignore[arg-type]
        yield Record(cells, end, lines)


def guess_quoting(
    text: str,
    *,
    whole: bool,
    fixed: Quoting,
    unsafe: frozenset[str] = frozenset(),
    prefer: str = "",
    promised: frozenset[str] = frozenset(),
) -> Quoting:
    """The quoting under which a text is the best table.

    Own code rather than the clevercsv package: on the 307 CSV files that scikit-learn, statsmodels and
    others carry, both found the same but for 3 (for clevercsv the minus of 1e-02 delimits, twice), in 9 against 26 ms a
    file; its import costs 0.34 s, its parser refuses NUL, and it says nothing of where records end.

    Args:
        text: The begin of a file, title block and all; only the first SCORED_CHARS characters are looked at.
        whole: Whether that is all of it: if not, its last record is left out.
        fixed: What is known already; "" in a place = find out ("none" for no quote, no escape).
        unsafe: Characters that are never taken.
        prefer: A delimiter that wins ties and near ties (the one a file's name promises).
        promised: Delimiters that a file's name promises: in a first line of names, one of them wins over a single
            column, which would load ragged records without a word.
    """
    scored = text[:SCORED_CHARS]
    whole = whole and len(text) <= SCORED_CHARS
    present = frozenset(scored)
    single = next((one for one in _UNUSED if one not in present and one not in unsafe), _UNUSED[-1])
    best, best_score = (
        Quoting(fixed.delimiter or prefer or single, _plain(fixed.quote, '"'), _plain(fixed.escape, "")),
        0.0,
    )
    for delimiter in _delimiters(fixed.delimiter, present - unsafe, single, prefer):
        for candidate, readiness in _quotings(delimiter, fixed, scored, unsafe):
            weight = readiness * _readiness(delimiter, prefer)
            score = _score(_scored_rows(scored, candidate, whole=whole), delimiter, weight, best_score)
            if score > best_score:
                best, best_score = candidate, score
    if best.delimiter not in present and not fixed.delimiter:
        rows = _scored_rows(scored, best, whole=whole)
        return best._replace(delimiter=_promised(rows, promised - unsafe) or best.delimiter)
    return best


def _promised(rows: Sequence[Sequence[str]], promised: frozenset[str]) -> str:
    """The delimiter between the names in the first of a single column's rows, unless the other rows speak against it.

    Names are words without a space at their edges (prose has one after its comma). Against it speaks that less than a
    fourth of the rows has as many fields; the first row counts as one.
    """
    first, *others = [row[0] for row in rows] or [""]
    for delimiter in sorted(promised, key=first.count, reverse=True):
        names = first.split(delimiter)
        if len(names) > 1 and all(cell_kind(name) == "words" and name == name.strip() for name in names):
            alike = sum(other.count(delimiter) == len(names) - 1 for other in others)
            if (1 + alike) * PROMISE_ROWS >= len(others):
                return delimiter
    return ""


def best_width(lengths: Iterable[int]) -> int:
    """The number of columns that a ragged table has: the length that accounts for most (rows x columns wins)."""
    counts = Counter(length for length in lengths if length)
    return max(counts, key=lambda length: (counts[length] * ((length - 1) / length or 0.001), length), default=0)


def _plain(fixed: str, otherwise: str) -> str:
    return otherwise if not fixed else fixed.replace("none", "")


def _readiness(delimiter: str, prefer: str) -> float:
    return DELIMITERS.get(delimiter, 1.0) * (1.2 if delimiter == prefer else 1.0)


def _delimiters(fixed: str, present: frozenset[str], single: str, prefer: str) -> list[str]:
    if fixed:
        return [fixed]
    found = [delimiter for delimiter in DELIMITERS if delimiter in present]
    alone = prefer if prefer and prefer not in present else single
    return [*sorted(found, key=lambda delimiter: delimiter != prefer), alone]


def _quotings(delimiter: str, fixed: Quoting, text: str, unsafe: frozenset[str]) -> Iterator[tuple[Quoting, float]]:
    """The quotes and escapes worth a try with a delimiter, likeliest first, and how readily each is taken."""
    escapes = [_plain(fixed.escape, "")]
    if not fixed.escape and "\\" not in unsafe and _backslash_escapes(text, delimiter):
        escapes.append("\\")
    quotes: list[tuple[str, float]] = [(_plain(fixed.quote, '"'), 1.0)]
    if not fixed.quote:
        if wraps := _apostrophes_wrap(text, delimiter):
            quotes.append(("'", wraps))
        if text.count('"') > 1:  # a single one is rather a quote that was never closed
            quotes.append(("", 0.6))
    for quote, readiness in quotes:
        for escape in escapes:
            if delimiter not in (quote, escape):
                yield Quoting(delimiter, quote, escape), readiness


def _backslash_escapes(text: str, delimiter: str) -> bool:
    """Whether a backslash may be the escape: it stands before what needs one, and no quote within a field is doubled.

    JSON in a field has backslashes before its (then doubled) quotes, which an escape would take away.
    """
    edge = re.escape(delimiter)
    doubled = re.search(rf"[^\\\"{edge}\r\n]\"\"[^\"{edge}\r\n]", text)
    return doubled is None and re.search(rf"\\[\"'\\{edge}]", text) is not None


def _apostrophes_wrap(text: str, delimiter: str) -> float:
    """How readily ' is taken for the quote: at once where all of them stand at the edges of fields, 0 where none do."""
    edge = re.escape(delimiter)
    opening = len(re.findall(rf"(?:^|{edge})'", text, re.MULTILINE))
    closing = len(re.findall(rf"'(?=\r?$|{edge})", text, re.MULTILINE))
    if not opening or not closing:
        return 0.0
    return 1.0 if opening == closing and opening + closing == text.count("'") else 0.95


def _scored_rows(text: str, quoting: Quoting, *, whole: bool) -> list[list[str]]:
    rows = [record.cells for record in records(text, quoting, limit=SCORED_ROWS + 1)]
    if len(rows) > SCORED_ROWS or (not whole and len(rows) > 1):
        rows.pop()
    return [row for row in rows if row]


def _score(rows: Sequence[Sequence[str]], delimiter: str, weight: float, to_beat: float) -> float:
    """Likeness of the rows x share of data cells; 0 as soon as it is clear that to_beat isn't beaten."""
    pattern = _row_likeness(rows) * weight
    return pattern * _data_share(rows, delimiter) if pattern > to_beat else 0.0


def _row_likeness(rows: Sequence[Sequence[str]]) -> float:
    """The pattern score of clevercsv; but row lengths count by their entropy, not by their number: rare ones little."""
    lengths = Counter(map(len, rows))
    total = sum(lengths.values())
    if lengths.keys() <= {1}:
        return total * SINGLE_COLUMN
    entropy = -sum(count / total * math.log(count / total) for count in lengths.values())
    return sum(count * (length - 1) / length for length, count in lengths.items()) / math.exp(entropy)


def _data_share(rows: Sequence[Sequence[str]], delimiter: str) -> float:
    cells = list(islice((cell for row in rows for cell in row), SCORED_CELLS))
    counts = Counter(cells)
    return sum(_cell_weight(cell, delimiter) * count for cell, count in counts.items()) / len(cells)


def _cell_weight(cell: str, delimiter: str) -> float:
    kind = cell_kind(cell)
    if kind == "words":
        return 0.3 if delimiter in " :" else 0.7
    if kind != "text":
        return _WEIGHTS[kind]
    if '\\"' in cell:
        return 0.02
    if '"' in cell or "\t" in cell or cell.startswith("'"):
        return 0.05
    return 0.1 if any(one in cell for one in ",;|") else 0.4
