"""What a cell of an .xlsx sheet is: the form its attributes spell, and the kind of value that follows from it.

Both readers of sheet XML (the vectorised and the exact one) hand their cells over as `RawCells`; nothing reads here.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from transforms.core.errors import PermanentError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384
_ATTRIBUTE = re.compile(rb"""\s+([\w:.-]+)\s*=\s*("[^"]*"|'[^']*')""")


class Kind(IntEnum):
    """How the text of a cell's value is to be read."""

    NUMBER = 0
    SHARED = 1
    TEXT = 2
    BOOLEAN = 3
    ERROR = 4
    ISO_DATE = 5
    DATE = 6
    DATETIME = 7
    TIME = 8
    ELAPSED = 9


_KIND_OF_TYPE = {
    "n": Kind.NUMBER,
    "s": Kind.SHARED,
    "str": Kind.TEXT,
    "inlineStr": Kind.TEXT,
    "b": Kind.BOOLEAN,
    "e": Kind.ERROR,
    "d": Kind.ISO_DATE,
}


class RawCells(NamedTuple):
    """Cells as the XML has them, in document order; cells without a value are left out.

    Attributes:
        rows: Excel row number of each cell, from 1, never falling.
        columns: Column of each cell, from 0.
        kinds: Kind of each cell.
        values: pa.string(), the value's text with XML escapes resolved, `_xHHHH_` not.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    kinds: NDArray[np.uint8]
    values: pa.StringArray


class SheetState:
    """What the two readers of one sheet share: how far it is read, and what its cells' attributes mean.

    Args:
        style_kinds: For each cell style (`s`) of the workbook, the kind that its number format gives a number.
        place: File and part, for messages.

    Attributes:
        last_row: Excel row number of the last row met.
        place: File and part, for messages.
    """

    def __init__(self, style_kinds: list[Kind], place: str) -> None:
        self.last_row = 0
        self.place = place
        self._style_kinds = style_kinds

    def kind(self, cell_type: str, style: str) -> Kind:
        """The kind of a cell with these `t` and `s` attributes ("" where it has none).

        Raises:
            PermanentError: If the type is none that the format knows.
        """
        if cell_type in {"", "n"}:
            number = int(style) if style.isdigit() else 0
            return self._style_kinds[number] if number < len(self._style_kinds) else Kind.NUMBER
        if cell_type not in _KIND_OF_TYPE:
            known = ", ".join(_KIND_OF_TYPE)
            raise PermanentError(
                f"{self.place}: row {self.last_row} has a cell of type {cell_type!r}, which isn't one of {known}; "
                "open the file in Excel and save it again"
            )
        return _KIND_OF_TYPE[cell_type]

    def kind_of_tag(self, tail: bytes) -> Kind | None:
        """The kind for the rest of a `<c r="A1"` tag, up to the next tag; None when it isn't of that shape."""
        body = tail.rstrip(b" \t\r\n")
        if not body.endswith(b">"):
            return None
        body = body[:-1].removesuffix(b"/")
        found = _ATTRIBUTE.findall(body)
        if _ATTRIBUTE.sub(b"", body).strip() or any(b"&" in value for _, value in found):
            return None
        attributes = {name: value[1:-1].decode("ascii", "replace") for name, value in found}
        cell_type = attributes.get(b"t", "")
        return self.kind(cell_type, attributes.get(b"s", "")) if cell_type in _KIND_OF_TYPE or not cell_type else None
