"""Finding tags in XML bytes with numpy, and slicing texts out with Arrow: the ground of the two vectorised readers.

A `<` in well-formed XML starts markup, wherever it stands, except within comments and CDATA: callers refuse those.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from transforms.core.tables.excel.xlsx_text import unescape_xml

CLOSE = 0x80
_PAD = b"\0" * 32
_SPACED_T = [np.uint64(int.from_bytes(word, "little")) for word in (b"<t xml:s", b'pace="pr', b'eserve">')]

Positions = NDArray[np.int64]


class UnknownShapeError(Exception):
    """These bytes need the exact reader."""


def expect(condition: object) -> None:
    """Gives the bytes up to the exact reader unless the condition holds."""
    if not condition:
        raise UnknownShapeError


class Markup:
    """The tags of some XML.

    Attributes:
        padded: The bytes, with zeros behind them so that reading past the end needs no care.
        data: The same as numbers.
        tags: Position of each `<`.
        codes: The first letter of each tag's name, with the bit CLOSE for a closing tag.
    """

    def __init__(self, xml: bytes) -> None:
        self.length = len(xml)
        self.padded = xml + _PAD
        self.data = np.frombuffer(self.padded, np.uint8)
        self.tags: Positions = np.flatnonzero(self.data == ord("<"))
        first = self.data[1:].take(self.tags)
        second = self.data[2:].take(self.tags)
        self.codes: NDArray[np.uint8] = np.where(first == ord("/"), second | CLOSE, first).astype(np.uint8)

    def words(self) -> NDArray[np.uint64]:
        """The eight bytes from each position on, as one little-endian number (a view, nothing is copied)."""
        return np.ndarray(shape=(len(self.padded) - 8,), dtype="<u8", buffer=self.padded, strides=(1,))

    def text_starts(self, opens: Positions) -> Positions:
        """Where the text of each `<v>`, `<t>` or `<t xml:space="preserve">` starts.

        Raises:
            UnknownShapeError: If one of the tags looks different.
        """
        widths = np.full(len(opens), 3)
        spaced = np.flatnonzero(self.data[2:].take(opens) != ord(">"))
        if len(spaced):
            words = self.words()
            for i, word in enumerate(_SPACED_T):
                expect((words[opens.take(spaced) + 8 * i] == word).all())
            widths[spaced] = 24
        return opens + widths

    def texts(self, starts: Positions, ends: Positions) -> pa.StringArray:
        """The texts between starts and ends: every second slice of all bytes, gathered by Arrow's own copy loop."""
        offsets = np.empty(2 * len(starts) + 1, np.int32)
        offsets[0:-1:2] = starts
        offsets[1::2] = ends
        offsets[-1] = ends[-1] if len(ends) else 0
        slices = pa.StringArray.from_buffers(2 * len(starts), pa.py_buffer(offsets), pa.py_buffer(self.padded))
        texts = slices.take(pa.array(np.arange(0, 2 * len(starts), 2)))
        try:
            return unescape_xml(texts)
        except (ValueError, OverflowError) as e:  # a reference to no character
            raise UnknownShapeError from e


def plain_bytes(xml: bytes) -> bytes:
    """The bytes with XML's own line ends, once they are known to be UTF-8.

    Raises:
        UnknownShapeError: If they aren't.
    """
    if not xml.isascii():
        try:
            xml.decode()
        except UnicodeDecodeError as e:
            raise UnknownShapeError from e
    return xml.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in xml else xml
