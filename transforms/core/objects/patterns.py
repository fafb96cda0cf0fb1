"""Globs over keys: one dialect for every store. Pure functions, no I/O.

`*` and `?` stay within a folder, `[..]` is a set, `**` spans folders; none matches a leading dot, as in
a shell. A pattern without any of these is itself; one that ends in `/` is everything below it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from transforms.core.errors import ConfigError

_MAGIC = re.compile(r"[*?\[]")
_NOT_HIDDEN = r"(?!\.)"


class KeyPattern(NamedTuple):
    """A pattern over keys, taken apart.

    Attributes:
        prefix: What every matching key starts with: all that a listing needs to ask for.
        deep: Whether keys in folders below the prefix's own folder may match.
        matches: Matches whole keys.
    """

    prefix: str
    deep: bool
    matches: re.Pattern[str]


def is_pattern(text: str) -> bool:
    """Whether `text` has a wildcard in it."""
    return _MAGIC.search(text) is not None


def key_pattern(key: str) -> KeyPattern:
    """Reads a key as a pattern.

    | key | matches |
    |---|---|
    | `in/a.csv` | that key |
    | `in/` or `` | every key below it |
    | `in/*.csv` | `in/a.csv`, not `in/x/a.csv`, not `in/.a.csv` |
    | `in/**/a.csv` | `in/a.csv`, `in/x/a.csv`, `in/x/y/a.csv` |
    | `in/**` | every key below it, hidden ones left out |
    | `in/[ab]?.csv`, `in/[!a]*` | sets as in a shell |

    Raises:
        ConfigError: A set that can't be read, such as `[z-a]`.
    """
    if not key or key.endswith("/"):
        body = "".join(_segment(part) + "/" for part in key.split("/")[:-1])
        return KeyPattern(_literal_prefix(key), deep=True, matches=_compiled(body + ".+", key))
    parts = key.split("/")
    pieces = []
    for number, part in enumerate(parts, start=1):
        last = number == len(parts)
        if part == "**":
            pieces.append(rf"(?:{_NOT_HIDDEN}[^/]+/)*" + (rf"{_NOT_HIDDEN}[^/]+" if last else ""))
        else:
            pieces.append(_segment(part) + ("" if last else "/"))
    prefix = _literal_prefix(key)
    deep = "/" in key[len(prefix) :] or "**" in parts
    return KeyPattern(prefix, deep, _compiled("".join(pieces), key))


def _compiled(expression: str, key: str) -> re.Pattern[str]:
    try:
        return re.compile(expression, re.DOTALL)
    except re.error as e:
        raise ConfigError(f"{key!r} is not a readable pattern ({e}): write sets as [abc], [a-z] or [!a]") from e


def _literal_prefix(key: str) -> str:
    match = _MAGIC.search(key)
    return key[: match.start()] if match else key


def _segment(part: str) -> str:
    """One folder level as a regular expression."""
    found = [_NOT_HIDDEN] if part[:1] in ("*", "?", "[") else []
    place = 0
    while place < len(part):
        char = part[place]
        if char == "[" and (closing := _set_end(part, place)) > 0:
            body = part[place + 1 : closing]
            negated = "^/" if body[0] in "!^" else ""
            members = re.sub(r"([\\\[\]^&~|])", r"\\\1", body[1:] if negated else body)
            found.append(f"(?!/)[{negated}{members}]")
            place = closing + 1
            continue
        found.append({"*": "[^/]*", "?": "[^/]"}.get(char, re.escape(char)))
        place += 1
    return "".join(found)


def _set_end(part: str, opening: int) -> int:
    """Where the set that opens at `opening` closes; -1 when it doesn't (then the bracket stands for itself)."""
    first = opening + 2 if part[opening + 1 : opening + 2] in ("!", "^") else opening + 1
    return part.find("]", first + 1)
