"""The exact reader of sheet XML: any well-formed worksheet, by expat; about ten times slower than xlsx_tags.py.

It defines what the vectorised reader must agree with: a row's number is its `r` (else the one after the last), a cell's
column is the letters of its `r` (else the next), its text is `<v>`, or for an inline string its `<t>` runs joined.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
import pyarrow as pa

from transforms.core.errors import PermanentError
from transforms.core.tables.excel.xlsx_kinds import MAX_COLUMNS, MAX_ROWS, Kind, RawCells, SheetState
from transforms.core.tables.excel.xlsx_markup import SafeParser, local_name

_MAX_DIGITS = 8
_MAX_ROW_CHARACTERS = 64 << 20
_REFERENCE = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")


class ExactReader:
    """Reads one sheet's XML as it comes; `take` gives what is read so far.

    Args:
        sheet: The sheet's state.
    """

    def __init__(self, sheet: SheetState) -> None:
        self._sheet = sheet
        self._column = -1
        self._kind = Kind.NUMBER
        self._path: list[str] = []
        self._text: list[str] | None = None
        self._parts: list[str] = []
        self._cells: list[tuple[int, int, int, str]] = []
        self._complete = 0
        self._characters_in_row = 0
        self._parser = SafeParser(sheet.place)
        self._parser.expat.StartElementHandler = self._start
        self._parser.expat.EndElementHandler = self._end
        self._parser.expat.CharacterDataHandler = self._characters

    def feed(self, data: bytes, *, last: bool = False) -> None:
        """Reads some more of the XML.

        Raises:
            PermanentError: If it isn't well-formed, has a DOCTYPE, or cells where no sheet has any.
        """
        self._parser.feed(data, last=last)

    def take(self) -> RawCells:
        """The cells with a value, of the rows that ended since the last call."""
        cells, self._cells = self._cells[: self._complete], self._cells[self._complete :]
        self._complete = 0
        rows, columns, kinds, texts = zip(*cells, strict=True) if cells else ((), (), (), ())
        return RawCells(
            np.array(rows, np.int64),
            np.array(columns, np.int64),
            np.array(kinds, np.uint8),
            pa.array(texts, pa.string()),
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        tag = local_name(name)
        parent = self._path[-1] if self._path else ""
        self._path.append(tag)
        if tag == "c" and parent == "row":
            self._start_cell(attributes)
        elif tag == "row" and parent == "sheetData":
            self._start_row(attributes)
        elif (tag == "v" and parent == "c") or (tag == "t" and parent in {"is", "r"} and "rPh" not in self._path):
            self._text = self._parts

    def _start_row(self, attributes: dict[str, str]) -> None:
        text = attributes.get("r")
        row = self._sheet.last_row + 1
        if text is not None:
            row = int(text) if text.isdecimal() and len(text) <= _MAX_DIGITS else 0
        if not self._sheet.last_row < row <= MAX_ROWS:
            raise PermanentError(
                f"{self._sheet.place}: row {text or row!r} after row {self._sheet.last_row}; rows must rise, "
                f"up to {MAX_ROWS}; open the file in Excel and save it again"
            )
        self._sheet.last_row, self._column = row, -1

    def _start_cell(self, attributes: dict[str, str]) -> None:
        reference = attributes.get("r")
        self._column += 1
        if reference is not None:
            match = _REFERENCE.fullmatch(reference)
            self._column = column_index(match[1]) if match else MAX_COLUMNS
        if self._column >= MAX_COLUMNS:
            raise PermanentError(
                f"{self._sheet.place}: cell {reference or self._column + 1!r} in row {self._sheet.last_row} is none "
                f"or beyond column {MAX_COLUMNS} (XFD), a sheet's last; open the file in Excel and save it again"
            )
        self._kind = self._sheet.kind(attributes.get("t", ""), attributes.get("s", ""))

    def _end(self, name: str) -> None:
        tag = local_name(name)
        self._path.pop()
        if tag in {"v", "t"}:
            self._text = None
        elif tag == "row":
            self._complete = len(self._cells)
            self._characters_in_row = 0
        elif tag == "c" and self._parts:
            self._cells.append((self._sheet.last_row, self._column, int(self._kind), "".join(self._parts)))
            self._parts.clear()

    def _characters(self, data: str) -> None:
        if self._text is None:
            return
        self._text.append(data)
        self._characters_in_row += len(data)
        if self._characters_in_row > _MAX_ROW_CHARACTERS:
            raise PermanentError(
                f"{self._sheet.place}: row {self._sheet.last_row} holds more than {_MAX_ROW_CHARACTERS} characters; "
                "no sheet of Excel does: refused"
            )


@lru_cache(MAX_COLUMNS)
def column_index(letters: str) -> int:
    """The column, from 0, that one to three capital letters name."""
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - 64
    return index - 1
