"""The vectorised reader of sheet XML: whole rows of the usual shape to `RawCells`, without a Python object a cell.

Every `<` is found at once and judged by the bytes behind it. What isn't exactly the shape that the common writers
produce yields None, and the caller gives the same bytes to the exact reader (xlsx_exact.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from transforms.core.tables.excel.xlsx_kinds import MAX_COLUMNS, MAX_ROWS, Kind, RawCells, SheetState
from transforms.core.tables.excel.xlsx_scan import CLOSE, Markup, Positions, UnknownShapeError, expect, plain_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

_C, _F, _I, _R, _T, _V = (ord(letter) for letter in "cfirtv")
_CELL_HEAD = np.uint64(int.from_bytes(b'<c r="', "little"))
_CELL_MASK = np.uint64((1 << 48) - 1)
_ROW_HEAD = np.uint64(int.from_bytes(b'<row r="', "little"))
_MIX_1, _MIX_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_MAX_TAIL_BYTES = 24
_ALLOWED = np.zeros(256, bool)
_ALLOWED[[code | close for code in (_C, _F, _I, _R, _T, _V) for close in (0, CLOSE)]] = True
_DROPPED = np.zeros(256, bool)
_DROPPED[[code | close for code in (_F, _I) for close in (0, CLOSE)]] = True


class TagReader:
    """Reads rows of one sheet; remembers the forms of cells that it met.

    Args:
        sheet: The sheet's state.
    """

    def __init__(self, sheet: SheetState) -> None:
        self._sheet = sheet
        self._known = np.array([0], np.uint64)
        self._kinds = np.array([Kind.NUMBER], np.uint8)

    def read(self, rows_xml: bytes) -> RawCells | None:
        """The cells of some whole `<row>` elements; None when they aren't of the usual shape.

        Raises:
            PermanentError: If a cell has a type that the format doesn't know.
        """
        try:
            return self._read(Markup(plain_bytes(rows_xml)))
        except UnknownShapeError:
            return None

    def _read(self, xml: Markup) -> RawCells:
        expect(_ALLOWED.take(xml.codes).all())
        row_tags = np.flatnonzero(xml.codes == _R)
        cell_tags = np.flatnonzero(xml.codes == _C)
        per_row = np.diff(np.append(np.searchsorted(cell_tags, row_tags), len(cell_tags)))
        expect(len(row_tags) and int(per_row.sum()) == len(cell_tags))
        row_numbers, digits = _row_numbers(xml, xml.tags.take(row_tags))
        expect(row_numbers[0] > self._sheet.last_row and (np.diff(row_numbers) > 0).all())
        columns, ref_ends = _columns(xml, xml.tags.take(cell_tags), np.repeat(digits, per_row))
        kinds = self._kinds_of(xml, ref_ends, np.append(xml.tags, xml.length).take(cell_tags + 1))
        valued, starts, ends = _values(xml, cell_tags)
        rows = np.repeat(row_numbers, per_row)
        if not valued.all():
            rows, columns, kinds = rows[valued], columns[valued], kinds[valued]
        cells = RawCells(rows, columns, kinds, xml.texts(starts, ends))
        self._sheet.last_row = int(row_numbers[-1])  # only now: nothing above may leave a trace for the exact reader
        return cells

    def _kinds_of(self, xml: Markup, starts: Positions, ends: Positions) -> NDArray[np.uint8]:
        """The kinds of cells, from the bytes between the end of `r="…"` and the next tag."""
        lengths = ends - starts
        expect(len(lengths) == 0 or (lengths.min() >= 1 and lengths.max() <= _MAX_TAIL_BYTES))
        words = xml.words()
        marks = _last_bytes(words, ends, np.minimum(lengths, 8))
        for skipped, mix in ((8, _MIX_1), (16, _MIX_2)):
            longer = np.flatnonzero(lengths > skipped)
            if len(longer):
                rest = np.minimum(lengths.take(longer) - skipped, 8)
                marks[longer] ^= _last_bytes(words, ends.take(longer) - skipped, rest) * mix
        found = np.searchsorted(self._known, marks)
        found[found == len(self._known)] = 0
        unknown = np.flatnonzero(self._known.take(found) != marks)
        if len(unknown):
            new, at = np.unique(marks.take(unknown), return_index=True)
            self._learn(new, [xml.padded[starts[i] : ends[i]] for i in unknown.take(at)])
            found = np.searchsorted(self._known, marks)
        return self._kinds.take(found)

    def _learn(self, marks: NDArray[np.uint64], tails: list[bytes]) -> None:
        kinds = [self._sheet.kind_of_tag(tail) for tail in tails]
        expect(None not in kinds)
        known = np.concatenate([self._known, marks])
        order = np.argsort(known)
        self._known = known[order]
        self._kinds = np.concatenate([self._kinds, np.array(kinds, np.uint8)])[order]


def _last_bytes(words: NDArray[np.uint64], ends: Positions, lengths: Positions) -> NDArray[np.uint64]:
    """The last `lengths` (1 to 8) bytes before `ends`, each as one number."""
    kept: NDArray[np.uint64] = words[ends - 8] >> ((8 - lengths) << 3).astype(np.uint64)
    return kept


def _row_numbers(xml: Markup, rows: Positions) -> tuple[Positions, Positions]:
    """The number in each `<row r="…"`, and how many digits it has."""
    expect((xml.words()[rows] == _ROW_HEAD).all())
    numbers = np.zeros(len(rows), np.int64)
    digits = np.zeros(len(rows), np.int64)
    within = np.ones(len(rows), bool)
    for place in range(8):
        byte = xml.data[8 + place :].take(rows)
        within &= (byte >= ord("0")) & (byte <= ord("9"))
        numbers = np.where(within, numbers * 10 + byte - ord("0"), numbers)
        digits += within
    expect((xml.data.take(rows + 8 + digits) == ord('"')).all())
    expect(numbers.max() <= MAX_ROWS)
    return numbers, digits


def _columns(xml: Markup, cells: Positions, digits: Positions) -> tuple[Positions, Positions]:
    """The column of each `<c r="A1"`, from 0, and the position behind the closing quote."""
    expect(((xml.words()[cells] & _CELL_MASK) == _CELL_HEAD).all())
    letters = [xml.data[6 + place :].take(cells) for place in range(3)]
    expect(((letters[0] >= ord("A")) & (letters[0] <= ord("Z"))).all())
    columns = letters[0].astype(np.int64) - 64
    widths = np.ones(len(cells), np.int64)
    more = np.ones(len(cells), bool)
    for letter in letters[1:]:
        more &= letter >= ord("A")
        if not more.any():
            break
        expect((letter[more] <= ord("Z")).all())
        columns = np.where(more, columns * 26 + letter - 64, columns)
        widths += more
    ends = cells + 6 + widths + digits
    expect((xml.data.take(ends) == ord('"')).all())
    expect(len(columns) == 0 or columns.max() <= MAX_COLUMNS)
    return columns - 1, ends + 1


def _values(xml: Markup, cell_tags: Positions) -> tuple[NDArray[np.bool_], Positions, Positions]:
    """Which cells have a value, and where the values' bytes start and end."""
    tags, codes = xml.tags, xml.codes
    dropped = _DROPPED.take(codes)
    if dropped.any():
        expect((xml.data[2:].take(tags[codes == _I]) == ord("s")).all())
        tags, codes = tags[~dropped], codes[~dropped]
        cell_tags = np.flatnonzero(codes == _C)
    ended = np.append(codes, np.zeros(2, np.uint8))
    opening, closing = ended.take(cell_tags + 1), ended.take(cell_tags + 2)
    valued = ((opening == _V) | (opening == _T)) & (closing == (opening | CLOSE))
    at = cell_tags[valued] + 1
    _expect_no_other_value(xml, tags, codes, len(at))
    return valued, xml.text_starts(tags.take(at)), tags.take(at + 1)


def _expect_no_other_value(xml: Markup, tags: Positions, codes: NDArray[np.uint8], valued: int) -> None:
    """Every `<v>` and `<t>` belongs to one cell, or is empty (`<v/>`, `<v />`)."""
    opens = np.flatnonzero((codes == _V) | (codes == _T))
    if len(opens) == valued:
        return
    following = np.append(codes, np.uint8(0)).take(opens + 1)
    empty = tags.take(opens[following != (codes.take(opens) | CLOSE)])
    expect(len(opens) - len(empty) == valued)
    second, third = xml.data[2:].take(empty), xml.data[3:].take(empty)
    expect(((second == ord("/")) | ((second == ord(" ")) & (third == ord("/")))).all())
