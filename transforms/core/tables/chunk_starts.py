"""Where chunks begin among records: a pure decision, so that neither many records nor long ones make a big chunk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from transforms.core.tables.delimited.boundaries import Positions


def chunk_starts(starts: Positions, opened: tuple[int, int] | None, most_records: int, most_units: int) -> list[int]:
    """Which of some records begin a chunk.

    | what is open                                                    | the next chunk begins with        |
    |-----------------------------------------------------------------|-----------------------------------|
    | nothing                                                         | the first record                  |
    | a chunk of `most_records`                                       | the record behind it              |
    | one whose records are `most_units` long together, or one longer | the record behind it              |
    | a chunk with less of both                                       | none yet                          |

    Args:
        starts: Where each record starts, in ascending order.
        opened: The open chunk's first record (its index among these, below zero for an earlier one) and its start.
        most_records: Records of a chunk.
        most_units: Length of a chunk, without its last record.

    Returns:
        Indices among the records.
    """
    places: list[int] = []
    while True:
        place = 0
        if opened is not None:
            first, start = opened
            place = min(first + most_records, max(int(np.searchsorted(starts, start + most_units)), first + 1))
        if place >= len(starts):
            return places
        places.append(place)
        opened = place, int(starts[place])
