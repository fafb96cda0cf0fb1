"""Which row of a sheet or a CSV sample is the header, and where the data begin.

Works on parsed cells (None = no cell), so that CSV and Excel are judged alike. What names become is naming.py's.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple

from transforms.core.tables.delimited.cell_kinds import DATA_KINDS, cell_kind
from transforms.core.tables.delimited.delimiter_guess import best_width

if TYPE_CHECKING:
    from collections.abc import Sequence

HeaderMode = Literal["auto", "yes", "no"]

# Rows that a title block may have, and rows below a header that it is compared with.
TITLE_ROWS = 50
BODY_ROWS = 100
# Full rows of a title block that are compared with what is below them.
TITLE_LOOKS = 20
# Characters of a cell that is rather a sentence than a name.
LONGEST_NAME = 80
# A header may leave this share of its columns without a name; a title line fills less.
_FILLED_SHARE = 0.6

_YEAR = re.compile(r"(19|20)\d\d")
_INVISIBLE = "\ufeff\u200b"


class HeaderGuess(NamedTuple):
    """Where a table begins.

    Attributes:
        row: Index of the header row; -1 when there is none.
        names: Its cells, as they stand; () when there is none.
        data_row: Index of the first row of data.
        reason: Why, in a few words, for the summary.
    """

    row: int
    names: tuple[str | None, ...]
    data_row: int
    reason: str


def find_header(rows: Sequence[Sequence[str | None]], *, mode: HeaderMode, skip_rows: int | None) -> HeaderGuess:
    """Finds the header row, below a title block if there is one.

    The table's width is that of most of its rows. A candidate is the first row that fills at least 60 % of it (50 % if
    its last column is filled); rows above it are blank or a title block.

    | mode | skip_rows | rows                                                   | header           | data     |
    |------|-----------|--------------------------------------------------------|------------------|----------|
    | no   | None / n  | any                                                    | none             | 0 / n    |
    | yes  | n         | first filled row at or after n                         | that row         | below it |
    | yes  | None      | any                                                    | first candidate  | below it |
    | auto | n         | first filled row at or after n looks like names        | that row         | below it |
    | auto | n         | it looks like data                                     | none             | n        |
    | auto | None      | first candidate looks like names                       | that row         | below it |
    | auto | None      | first candidate looks like data                        | none             | 0        |
    | any  | any       | no filled row                                          | none             | 0 / n    |

    A row looks like names by these signs, against the (at most 100) rows below it:

    | sign                                                                        | votes                 |
    |-----------------------------------------------------------------------------|-----------------------|
    | a cell is a number, date, time, boolean, address or code                    | -2                    |
    | … but the cells so are years in steps of one, above values that aren't years | +1                    |
    | a cell is text, and all filled cells below are numbers, dates, …            | +2                    |
    | a cell is text that stands in the column below as well                      | -1                    |
    | a cell is text above text of one length that isn't its own                  | +1                    |
    | a cell ends like a sentence or has more than 80 characters                  | -1                    |
    | two cells are the same                                                      | -1                    |

    It is a header with more votes for than against; with as many (a table of text, or a header alone), it is one when
    it has no cell of data and no two cells the same, since most files begin with their names.

    Args:
        rows: The first rows of a file or sheet, as many as there are at hand.
        mode: Whether there is a header: find out, yes, no.
        skip_rows: Rows to leave out unseen; None lets a title block be found.
    """
    start = skip_rows or 0
    first = next((index for index in range(start, len(rows)) if _filled(rows[index])), None)
    if mode == "no" or first is None:
        return HeaderGuess(-1, (), start, "no header, as told" if mode == "no" else "no rows")
    row = first if skip_rows is not None else _candidate(rows, first)
    header = tuple(rows[row])
    if mode == "auto":
        reason, named = _judge(header, rows[row + 1 : row + 1 + BODY_ROWS])
        if not named:
            return HeaderGuess(-1, (), start, reason)
    else:
        reason = "a header, as told"
    below = f", below {row - start} rows of title" if row > first else ""
    return HeaderGuess(row, _trimmed(header, rows[row + 1 : row + 1 + BODY_ROWS]), row + 1, reason + below)


def table_width(rows: Sequence[Sequence[str | None]]) -> int:
    """How many columns most of the rows have, cells without content included."""
    return best_width(map(len, rows))


def _filled(row: Sequence[str | None]) -> int:
    return sum(1 for cell in row if cell and not cell.isspace())


def _extent(row: Sequence[str | None]) -> int:
    return max((index + 1 for index, cell in enumerate(row) if cell and not cell.isspace()), default=0)


def _candidate(rows: Sequence[Sequence[str | None]], first: int) -> int:
    """The row that is the header if there is one: as full as the table is wide.

    A line of a title may by chance be nearly as full (it has commas): a row further down that goes to the table's last
    column and has more signs of names than of data is taken instead.
    """
    width = best_width(_extent(row) for row in rows)
    searched = range(first, min(len(rows), first + TITLE_ROWS))
    full = [index for index in searched if _is_full(rows[index], width)]
    for index in full[:TITLE_LOOKS]:
        if _extent(rows[index]) >= width:
            votes, _ = _votes(rows[index], rows[index + 1 : index + 1 + BODY_ROWS])
            return index if votes > 0 else full[0]
    return full[0] if full else first


def _is_full(row: Sequence[str | None], width: int) -> bool:
    filled = _filled(row)
    return filled >= width * _FILLED_SHARE or (_extent(row) >= width and filled * 2 >= width)


def _judge(header: Sequence[str | None], body: Sequence[Sequence[str | None]]) -> tuple[str, bool]:
    """Why it is a header or not, and whether."""
    votes, spotless = _votes(header, body)
    if votes == 0:
        return ("a header: nothing speaks against it", True) if spotless else ("data in the first row", False)
    return (f"a header by {votes} votes", True) if votes > 0 else (f"data in the first row by {-votes} votes", False)


def _votes(header: Sequence[str | None], body: Sequence[Sequence[str | None]]) -> tuple[int, bool]:
    """Counts the signs: votes, and whether no cell of it is data."""
    names = [(column, cell.strip()) for column, cell in enumerate(header) if cell and not cell.isspace()]
    votes = -1 if len({name.casefold() for _, name in names}) < len(names) else 0
    below = {column: [cell for row in body if column < len(row) and (cell := row[column])] for column, _ in names}
    years = [(column, name) for column, name in names if _YEAR.fullmatch(name)]
    stepped = _are_year_names(years, below)
    data_cells = 0
    for column, name in names:
        if stepped and (column, name) in years:
            votes += 1
        elif cell_kind(name) in DATA_KINDS:
            votes, data_cells = votes - 2, data_cells + 1
        else:
            votes += _text_vote(name, below[column])
    return votes, data_cells == 0


def _text_vote(name: str, body: Sequence[str]) -> int:
    filled = [cell.strip() for cell in body if not cell.isspace()]
    if len(name) > LONGEST_NAME or name.endswith((".", "!", ";")):
        return -1
    if not filled:
        return 0
    if all(cell_kind(cell) in DATA_KINDS for cell in filled):
        return 2
    if name in filled:
        return -1
    lengths = {len(cell) for cell in filled}
    return 1 if len(filled) > 2 and len(lengths) == 1 and len(name) not in lengths else 0


def _are_year_names(years: Sequence[tuple[int, str]], below: dict[int, list[str]]) -> bool:
    """Whether years are the names of columns (2019, 2020, 2021), rather than values in them."""
    numbers = [int(name) for _, name in years]
    steps = {later - earlier for earlier, later in pairwise(numbers)}
    values = [cell for column, _ in years for cell in below[column]]
    return len(years) > 1 and steps in ({1}, {-1}) and not all(_YEAR.fullmatch(value.strip()) for value in values)


def _trimmed(header: Sequence[str | None], body: Sequence[Sequence[str | None]]) -> tuple[str | None, ...]:
    """The header's cells, as many as the table has columns where only nameless ones make the difference."""
    names = list(header)
    if names and names[0]:
        names[0] = names[0].strip(_INVISIBLE)
    width = table_width(body) or len(names)
    if width < len(names) and not any(names[width:]):
        return tuple(names[:width])
    if width > len(names) and not any(cell for row in body for cell in row[len(names) :]):
        names += [""] * (width - len(names))
    return tuple(names)
