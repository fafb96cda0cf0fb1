r"""Line ends that end no record: where the user says that one of \n, \r\n and \r ends records, the others are data.

Every reader here takes all three, so the others are hidden from it behind marks and put back into what it read.
An escape before \r\n takes only the \r, as it does in a file whose line ends are not given.
"""

from __future__ import annotations

import re
from typing import Final, Literal

LineEnd = Literal["\n", "\r\n", "\r"]
LINE_ENDS: Final[dict[str, LineEnd]] = {"lf": "\n", "crlf": "\r\n", "cr": "\r"}
NAMES: Final = {end: name for name, end in LINE_ENDS.items()}

# By what ends a record: which line feeds and which returns are data; "" = none.
FOREIGN: Final[dict[str, tuple[str, str]]] = {
    "\n": ("", r"\r"),
    "\r\n": (r"(?<!\r)\n", r"\r(?!\n)"),
    "\r": (r"\n", ""),
}
# Halves of a character that stand alone: in no valid text, and as long as what they stand for.
_MARKS: Final = ("\udc0a", "\udc0d")
_PLAIN: Final = str.maketrans(dict(zip(_MARKS, "\n\r", strict=True)))


def hidden(text: str, only: str) -> str:
    """A text with the line ends that are data hidden; each character stays where it is.

    Args:
        text: A text.
        only: What ends a record; "" = all three.
    """
    for pattern, mark in zip(FOREIGN.get(only, ()), _MARKS, strict=False):
        text = re.sub(pattern, mark, text) if pattern else text
    return text


def shown_again(text: str) -> str:
    """The inverse of `hidden`."""
    return text.translate(_PLAIN)
