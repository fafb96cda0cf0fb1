"""What a cell's text looks like: enough to tell a delimiter from a comma in prose, and a header from data.

Not the types a column gets (that is schema inference, over the whole input), only a first look.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

CellKind = Literal["empty", "number", "date", "time", "boolean", "code", "words", "text"]

# Kinds that a column's name hardly ever has.
DATA_KINDS: frozenset[CellKind] = frozenset({"number", "date", "time", "boolean", "code"})

# No pattern nests a repetition in another, and cells beyond this length are text: matching is linear in the input.
_LONGEST = 200

_PATTERNS: tuple[tuple[CellKind, re.Pattern[str]], ...] = (
    ("number", re.compile(r"[-+(]?[$€£¥]? ?\d+([.,]\d+)?([eE][-+]?\d+)?\)?( ?[%€$£])?")),
    ("number", re.compile(r"[-+(]?[$€£¥]? ?\d{1,3}([.,' \xa0]\d{3})+([.,]\d+)?\)?( ?[%€$£])?")),
    ("number", re.compile(r"[-+]?\.\d+([eE][-+]?\d+)?|[-+]?\d+\.|[-+]?(?:nan|inf|infinity)", re.IGNORECASE)),
    (
        "date",
        re.compile(
            r"(\d{4}([-/.])\d{1,2}\2\d{1,2}|\d{1,2}([-/.])\d{1,2}\3\d{2,4})"
            r"([T ]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp][Mm])?( ?(Z|UTC|[-+]\d{2}:?(\d{2})?))?)?"
        ),
    ),
    ("date", re.compile(r"\d{1,2}[- ][A-Za-z]{3,9}\.?[- ,]{1,2}\d{2,4}|[A-Za-z]{3,9}\.? \d{1,2},? \d{4}")),
    ("time", re.compile(r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp][Mm])?")),
    ("boolean", re.compile(r"true|false|yes|no|null|none|n/?a", re.IGNORECASE)),
    ("code", re.compile(r"[^\s@,;|\"']+@[\w-]+(\.[\w-]+)+|https?://[^\s\"';|]+")),
    ("code", re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")),
    ("code", re.compile(r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}|\+?\d[\d ()/-]{5,}\d")),
    ("code", re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")),
    ("words", re.compile(r"[^\W\d][\w .'()/&%#°+-]*|\w+[\w.-]*(?: [\w.-]+){0,3}")),
)


@lru_cache(maxsize=16_384)
def cell_kind(cell: str) -> CellKind:
    """The kind of a cell, spaces around it left out."""
    stripped = cell.strip()
    if not stripped:
        return "empty"
    if len(stripped) <= _LONGEST:
        for kind, pattern in _PATTERNS:
            if pattern.fullmatch(stripped):
                return kind
    return "text"
