"""How much one element of a load's shuffles does: a little, but so much that none of them carries too many. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from transforms.core.tables.loads.load_plan import PlannedPart

# An element costs up to 35 microseconds and 3 KiB of whoever drives the run; so no shuffle carries more than these.
MOST_ELEMENTS = 100_000
# One read, and one transaction, takes at most this much of a CSV.
READ_BYTES = 4 << 20


def least_bytes(things: int, total_bytes: int) -> int:
    """What an element must do at least, where each of some things makes one element or more, the big ones of its bytes.

    | things, bytes together       | an element does at least                          |
    |------------------------------|---------------------------------------------------|
    | n below MOST_ELEMENTS, b     | b / (MOST_ELEMENTS - n): n + that many are enough |
    | MOST_ELEMENTS or more, b     | b: each thing is one element                      |
    """
    return -(-total_bytes // max(MOST_ELEMENTS - things, 1))


def runs(planned: PlannedPart, indexes: Iterable[int], most_bytes: int) -> Iterator[tuple[int, int]]:
    """Neighbouring chunks of a CSV, together: the first and the last of each run.

    Args:
        planned: The part.
        indexes: Chunks of it, ascending.
        most_bytes: In a run; a longer chunk is one of its own.
    """
    run: list[int] = []
    for index in indexes:
        if run and (index != run[-1] + 1 or planned.chunks[index].stop - planned.chunks[run[0]].start > most_bytes):
            yield run[0], run[-1]
            run = []
        run.append(index)
    if run:
        yield run[0], run[-1]
