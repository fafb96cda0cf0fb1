"""A block of texts as numpy sees it: the bytes of all values in one row, and where each begins and ends.

Views on Arrow's own buffers; nothing is copied, and nothing here judges a value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    import numpy.typing as npt

    Bytes = npt.NDArray[np.uint8]
    Offsets = npt.NDArray[np.int32]
    Mask = npt.NDArray[np.bool_]


class TextBlock(NamedTuple):
    """The texts of a pa.string() array without nulls.

    Attributes:
        data: All bytes, value after value.
        starts: Where each value begins in data.
        ends: Where each value ends.
    """

    data: Bytes
    starts: Offsets
    ends: Offsets

    @property
    def lengths(self) -> Offsets:
        """Bytes of each value."""
        return self.ends - self.starts


def text_block(texts: pa.StringArray) -> TextBlock:
    """Views an array's buffers; texts must hold no nulls (their slots would be read as empty texts)."""
    _, offset_buffer, data_buffer = texts.buffers()
    count = len(texts)
    if count == 0 or data_buffer is None:
        zeros = np.zeros(count, np.int32)
        return TextBlock(np.empty(0, np.uint8), zeros, zeros)
    offsets = np.frombuffer(offset_buffer, np.int32)[texts.offset : texts.offset + count + 1]
    low, high = int(offsets[0]), int(offsets[-1])
    data = np.frombuffer(data_buffer, np.uint8)[low:high]
    if low:
        offsets = offsets - np.int32(low)
    return TextBlock(data, offsets[:-1], offsets[1:])


def one_array(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """A chunked array as one array (a copy only where it has several chunks)."""
    if isinstance(values, pa.ChunkedArray):
        return (
            values.chunk(0)
            if values.num_chunks == 1
            else pa.concat_arrays(values.chunks or [pa.array([], values.type)])
        )
    return values
