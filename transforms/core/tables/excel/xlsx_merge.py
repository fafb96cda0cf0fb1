"""Puts arrays that were made apart, by kind of value, back into one order. Nothing here knows what a value is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def merge_parts(parts: Sequence[tuple[NDArray[np.int64], pa.StringArray]], length: int) -> pa.StringArray:
    """One array of `length` texts from parts that each know their positions; what no part fills is null."""
    parts = [part for part in parts if len(part[0])]
    if len(parts) == 1 and len(parts[0][0]) == length:
        positions, texts = parts[0]
        if length == 0 or (positions[0] == 0 and positions[-1] == length - 1 and (np.diff(positions) == 1).all()):
            return texts
    if not parts:
        return pa.nulls(length, pa.string())
    source = np.full(length, -1, np.int64)
    start = 0
    for positions, texts in parts:
        source[positions] = np.arange(start, start + len(texts))
        start += len(texts)
    joined = parts[0][1] if len(parts) == 1 else pa.concat_arrays([texts for _, texts in parts])
    return joined.take(pa.array(source, mask=source < 0))
