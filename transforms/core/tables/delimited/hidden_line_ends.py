"""Hides the line ends that are data from a parser which takes them all, and shows them again in its columns."""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.tables.delimited.line_ends import FOREIGN

if TYPE_CHECKING:
    from collections.abc import Sequence


class Hidden(NamedTuple):
    """Records with the line ends that are data hidden, and what stands for them.

    Attributes:
        records: UTF-8.
        marks: For a line feed and for a return, what stands for it; b"" where there is none.
    """

    records: bytes | memoryview
    marks: tuple[bytes, bytes]

    def shown_again(self, columns: Sequence[pa.ChunkedArray]) -> list[pa.ChunkedArray]:
        """The columns as they are in the file."""
        for mark, plain in zip(self.marks, "\n\r", strict=True):
            if mark:
                columns = [
                    pc.replace_substring(column, mark.decode(), plain) if column.type == pa.string() else column
                    for column in columns
                ]
        return list(columns)


def hidden_records(records: bytes | memoryview, only: str) -> Hidden:
    """Hides the line ends that are data from a parser of UTF-8.

    Args:
        records: Whole records, UTF-8.
        only: What ends a record; "" = all three.
    """
    marks = []
    for pattern in FOREIGN.get(only, ("", "")):
        mark = b""
        if pattern and re.search(pattern.encode(), records):
            records = bytes(records)
            mark = next(mark for number in count() if (mark := f"\ue000{number}\ue001".encode()) not in records)
            records = re.sub(pattern.encode(), mark, records)
        marks.append(mark)
    return Hidden(records, (marks[0], marks[1]))
