"""Column names for a database, from whatever stands in a header; and what became of each.

A name is kept as it stands wherever a quoted SQL identifier can hold it: `x"; DROP TABLE t` is a name like another,
and quoting it is each database's work. Case is kept; only uniqueness ignores it.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from transforms.core.errors import ConfigError
from transforms.core.tables.loads.destination import FILE_COLUMN, RECORD_COLUMN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Names that no PostgreSQL table may have for a column of its own.
POSTGRES_RESERVED = ("tableoid", "xmin", "cmin", "xmax", "cmax", "ctid")
# Room for a number behind a cut name.
SHORTEST_BYTES = 16

# White space, control characters, and those that are invisible: zero width spaces, the byte order mark.
_BLANK = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200b\ufeff]+")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_NOT_BIGQUERY = re.compile(r"[^A-Za-z0-9_]+")
_BIGQUERY_PREFIXES = re.compile(r"(?:_TABLE_|_FILE_|_PARTITION|_ROW_TIMESTAMP|__ROOT__|_COLIDENTIFIER)", re.IGNORECASE)


class NamedColumns(NamedTuple):
    """A header, cleaned.

    Attributes:
        names: A name for each column: not empty, unique also when case is ignored.
        mapping: (as it stood, name) where they differ, in column order.
        notes: Sentences for the summary, one for each kind of change.
    """

    names: tuple[str, ...]
    mapping: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


class NamingRules(NamedTuple):
    """What a kind of database takes for a column's name: its longest in UTF-8 bytes, and how one is made fit."""

    max_bytes: int
    fit: Callable[[str], str]


def _fit_sql(raw: str) -> str:
    return _BLANK.sub(" ", _SURROGATES.sub("\ufffd", raw)).strip()


def _fit_bigquery(raw: str) -> str:
    letters = "".join(char for char in unicodedata.normalize("NFKD", raw) if not unicodedata.combining(char))
    name = _NOT_BIGQUERY.sub("_", _fit_sql(letters))
    if not name.strip("_"):
        return ""
    return "c" + name if name[0].isdigit() or _BIGQUERY_PREFIXES.match(name) else name


# sql: PostgreSQL's 63 bytes, which the others take as well. bigquery: its classic names, valid in every API.
RULES: dict[str, NamingRules] = {"sql": NamingRules(63, _fit_sql), "bigquery": NamingRules(300, _fit_bigquery)}


def clean_names(
    raw: Sequence[str | None], *, rules: str = "sql", max_bytes: int | None = None, reserved: Sequence[str] = ()
) -> NamedColumns:
    """Names for a database's columns.

    | header cell                                 | sql                             | bigquery                         |
    |---------------------------------------------|---------------------------------|----------------------------------|
    | empty, None, only white space               | column_3 (its position, from 1) | column_3                         |
    | white space, control characters, NUL, BOM   | one space between, none around  | _                                |
    | other characters, quotes and semicolons too | kept                            | accents off, then _ for a run    |
    | begins with a digit                         | kept                            | c in front                       |
    | longer than the limit                       | cut between two characters      | cut                              |
    | the same as an earlier one (in any case)    | name_2, _3, … the first free    | as sql                           |
    | reserved, or a hidden column of ours        | name_2                          | name_2                           |

    A name that stands in the header is never given to another column: a, a, a_2 becomes a, a_3, a_2.

    Args:
        raw: The header's cells.
        rules: A key of RULES.
        max_bytes: Longest name in UTF-8 bytes; None = the rules'.
        reserved: Names that the database doesn't take (POSTGRES_RESERVED), in any case.

    Raises:
        ConfigError: The rules are unknown or the limit is too short.
    """
    if rules not in RULES:
        raise ConfigError(f"naming rules {rules!r} are not known; known: {', '.join(RULES)}")
    limit = RULES[rules].max_bytes if max_bytes is None else max_bytes
    if limit < SHORTEST_BYTES:
        raise ConfigError(f"column names of at most {limit} bytes: {SHORTEST_BYTES} is the least")
    blocked = {_key(name) for name in (*reserved, FILE_COLUMN, RECORD_COLUMN)}
    wanted = [_cut(RULES[rules].fit(cell or ""), limit) for cell in raw]
    names = _distinct(wanted, blocked, limit)
    pairs = [(cell or "", name) for cell, name in zip(raw, names, strict=True)]
    return NamedColumns(tuple(names), tuple(pair for pair in pairs if pair[0] != pair[1]), _notes(wanted, names, pairs))


def _key(name: str) -> str:
    """What two names that a database may take for one have in common."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _cut(name: str, limit: int) -> str:
    return name.encode()[:limit].decode("utf-8", "ignore").rstrip()


def _distinct(wanted: Sequence[str], blocked: set[str], limit: int) -> list[str]:
    """Every name once: those that stand first keep theirs, the others take the next free number."""
    taken = set(blocked)
    kept: set[int] = set()
    for index, name in enumerate(wanted):
        if name and _key(name) not in taken:
            taken.add(_key(name))
            kept.add(index)
    numbers: dict[str, int] = {}
    names = list(wanted)
    for index, name in enumerate(wanted):
        if index not in kept:
            names[index] = _numbered(name, index, taken, numbers, limit)
            taken.add(_key(names[index]))
    return names


def _numbered(name: str, index: int, taken: set[str], numbers: dict[str, int], limit: int) -> str:
    stem = name or f"column_{index + 1}"
    if not name and _key(stem) not in taken:
        return stem
    number = numbers.get(_key(stem), 2)
    while _key(numbered := _cut(stem, limit - len(str(number)) - 1) + f"_{number}") in taken:
        number += 1
    numbers[_key(stem)] = number + 1
    return numbered


def _notes(wanted: Sequence[str], names: Sequence[str], pairs: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    empty = [name for want, name in zip(wanted, names, strict=True) if not want]
    renumbered = [name for want, name in zip(wanted, names, strict=True) if want and want != name]
    cleaned = [name for want, (raw, name) in zip(wanted, pairs, strict=True) if want == name != raw]
    kinds = (
        (empty, "without a name in the header: {}"),
        (renumbered, "numbered, since their names were taken: {}"),
        (cleaned, "cleaned of what the database doesn't take: {}"),
    )
    return tuple(
        f"{len(found)} column{'s' * (len(found) != 1)} " + text.format(", ".join(found[:5]) + ", …" * (len(found) > 5))
        for found, text in kinds
        if found
    )
