"""A workbook's shared strings as one Arrow array: the text once, and four bytes a string.

The text goes straight into one buffer of the part's inflated size, of which only what is filled takes memory.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from transforms.core.errors import PermanentError
from transforms.core.tables.excel.xlsx_items import ItemReader, inflated_ahead
from transforms.core.tables.excel.xlsx_markup import SafeParser, local_name
from transforms.core.tables.excel.xlsx_scan import CLOSE, Markup, UnknownShapeError, expect, plain_bytes
from transforms.core.tables.excel.xlsx_text import unescape_excel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transforms.core.tables.excel.xlsx_package import Package

_CHUNK_BYTES = 1 << 20
_SHAPE = np.array([ord("s"), ord("t"), ord("t") | CLOSE, ord("s") | CLOSE], np.uint8)
_MAX_TEXT_BYTES = (1 << 31) - 1


def read_shared_strings(package: Package, part: str, name: str, memory_limit_bytes: int) -> pa.StringArray:
    """All shared strings of a workbook, in order.

    Args:
        package: The workbook.
        part: The part that holds them.
        name: What messages call the workbook.
        memory_limit_bytes: The inflated size that is refused beyond.

    Raises:
        PermanentError: If they are broken, or too big for the limit.
    """
    size = package.part_bytes(part)
    if size > min(memory_limit_bytes, _MAX_TEXT_BYTES):
        raise PermanentError(
            f"{name}: its shared strings take {size} bytes, over the limit of {memory_limit_bytes}, and must all be in "
            "memory to read a sheet; raise --memory_threshold_mb or save the sheet as .csv"
        )
    place = f"{name} ({part})"
    reader = ItemReader(b"sst", b"si", read_plain_strings, lambda: ExactStrings(place), place)
    with closing(inflated_ahead(package.chunks(part, _CHUNK_BYTES))) as chunks:
        return _joined(reader.read(chunks), size)


def _joined(blocks: Iterator[pa.StringArray], size_bytes: int) -> pa.StringArray:
    """All strings of some blocks, which have no more than `size_bytes` of text."""
    text = np.empty(max(size_bytes, 1), np.uint8)
    ends = [np.zeros(1, np.int32)]
    used = 0
    for strings in blocks:
        _, offsets_buffer, data_buffer = unescape_excel(strings).buffers()
        offsets = np.frombuffer(offsets_buffer, np.int32, len(strings) + 1) if len(strings) else ends[0]
        length = int(offsets[-1] - offsets[0])
        if length:
            text[used : used + length] = np.frombuffer(data_buffer, np.uint8)[offsets[0] : offsets[-1]]
        ends.append(offsets[1:] - offsets[0] + np.int32(used))
        used += length
    offsets = np.concatenate(ends)
    return pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(text[:used]))


def read_plain_strings(items_xml: bytes) -> pa.StringArray | None:
    """The texts of some whole `<si><t>…</t></si>`; None when one of them looks different."""
    try:
        xml = Markup(plain_bytes(items_xml))
        expect(len(xml.codes) % 4 == 0 and (xml.codes.reshape(-1, 4) == _SHAPE).all())
        expect((xml.data[2:].take(xml.tags[0::4]) == ord("i")).all())
        return xml.texts(xml.text_starts(xml.tags[1::4]), xml.tags[2::4])
    except UnknownShapeError:
        return None


class ExactStrings:
    """Reads any well-formed shared strings: runs joined, phonetic guides left out.

    Args:
        place: File and part, for messages.
    """

    def __init__(self, place: str) -> None:
        self._path: list[str] = []
        self._strings: list[str] = []
        self._parts: list[str] = []
        self._wanted = False
        self._parser = SafeParser(place)
        self._parser.expat.StartElementHandler = self._start
        self._parser.expat.EndElementHandler = self._end
        self._parser.expat.CharacterDataHandler = self._characters

    def feed(self, data: bytes, *, last: bool = False) -> None:
        """Reads some more of the XML.

        Raises:
            PermanentError: If it isn't well-formed, or has a DOCTYPE.
        """
        self._parser.feed(data, last=last)

    def take(self) -> pa.StringArray:
        """The strings that ended since the last call."""
        strings, self._strings = self._strings, []
        return pa.array(strings, pa.string())

    def _start(self, name: str, _: dict[str, str]) -> None:
        tag = local_name(name)
        self._wanted = tag == "t" and "rPh" not in self._path
        self._path.append(tag)

    def _end(self, name: str) -> None:
        self._path.pop()
        self._wanted = False
        if local_name(name) == "si":
            self._strings.append("".join(self._parts))
            self._parts.clear()

    def _characters(self, data: str) -> None:
        if self._wanted:
            self._parts.append(data)
