"""Loads chunks: reads, coerces and writes them, some to a transaction; what the database refuses is rejected."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from transforms.core import interrupt, progress
from transforms.core.tables.destination import BadRowsError
from transforms.core.tables.load_plan import CSV
from transforms.core.tables.load_rows import Numbered, to_rows, without_row
from transforms.core.tables.text_chunks import text_chunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from transforms.core.tables.destination import Destination, LoadSpec
    from transforms.core.tables.load_plan import LoadPlan, PlannedPart
    from transforms.core.tables.load_settings import LoadSettings

# One read, and one transaction, takes at most this much of a CSV (of a stream: TRANSACTION_BYTES).
TASK_BYTES = 4 << 20
# One transaction takes at most this much: it is held in memory, and it is what a crash loses.
TRANSACTION_ROWS = 131_072
TRANSACTION_BYTES = 24 << 20


class LoadTask(NamedTuple):
    """Neighbouring chunks of one part, read by one request: what crosses the shuffle.

    Attributes:
        load_id: The load.
        part: Index of the part in the plan.
        first: Index of the first chunk in the part.
        last: Index of the last.
        size_bytes: Bytes to read.
    """

    load_id: str
    part: int
    first: int
    last: int
    size_bytes: int


def tasks(load_id: str, plan: LoadPlan, done: AbstractSet[int], range_bytes: int) -> Iterator[LoadTask]:
    """The work that is left of a load.

    Args:
        load_id: The load.
        plan: Its stored plan.
        done: Numbers of chunks that are committed.
        range_bytes: How much one task reads (a stream is always one task).
    """
    for number, planned in enumerate(plan.parts):
        missing = [index for index in range(len(planned.chunks)) if planned.first_chunk + index not in done]
        if planned.part.kind != CSV:
            if missing:
                size = max(planned.part.info.size_bytes, 0)
                yield LoadTask(load_id, number, missing[0], missing[-1], size)
            continue
        for first, last in _runs(planned, missing, min(range_bytes, TASK_BYTES)):
            size = planned.chunks[last].stop - planned.chunks[first].start
            yield LoadTask(load_id, number, first, last, size)


def _runs(planned: PlannedPart, missing: Sequence[int], range_bytes: int) -> Iterator[tuple[int, int]]:
    run: list[int] = []
    for index in missing:
        if run and (index != run[-1] + 1 or planned.chunks[index].stop - planned.chunks[run[0]].start > range_bytes):
            yield run[0], run[-1]
            run = []
        run.append(index)
    if run:
        yield run[0], run[-1]


def load_chunks(
    work: Iterable[LoadTask], spec: LoadSpec, plan: LoadPlan, settings: LoadSettings, destination: Destination
) -> int:
    """Loads the chunks of some tasks.

    Returns:
        How many records of them this call committed.

    Raises:
        InterruptedRunError: The run was asked to stop; what is committed stays.
        PermanentError: A file changed, or the load was published or failed elsewhere.
        TransientError: The database could not be reached for long.
    """
    held: list[Numbered] = []
    records = rows = size = 0
    for task in work:
        planned = plan.parts[task.part]
        for index, text in text_chunks(planned, task.first, task.last, settings):
            interrupt.check()
            held.append(to_rows(text, planned, index, plan, ordered=spec.ordered))
            rows += held[-1].rows.rows.num_rows
            size += held[-1].rows.rows.nbytes
            if rows >= TRANSACTION_ROWS or size >= TRANSACTION_BYTES:
                records += _write(held, spec, destination)
                held, rows, size = [], 0, 0
    return records + (_write(held, spec, destination) if held else 0)


def _write(held: Sequence[Numbered], spec: LoadSpec, destination: Destination) -> int:
    try:
        written = destination.write_chunks(spec, [numbered.rows for numbered in held])
    except BadRowsError as error:
        if len(held) > 1:
            return sum(_write([numbered], spec, destination) for numbered in held)
        return _write([_without_refused(held[0], spec, destination, str(error))], spec, destination)
    counts = {numbered.rows.totals.chunk: numbered.rows.totals.counted for numbered in held}
    records = sum(counts[chunk] for chunk in written)
    progress.add(rows=records)
    return records


def _without_refused(numbered: Numbered, spec: LoadSpec, destination: Destination, message: str) -> Numbered:
    """Rejects each row that the database refuses, found by halving what is refused."""
    refused: list[tuple[int, str]] = []
    spans = [(0, numbered.rows.rows.num_rows, message)]
    while spans:
        start, stop, why = spans.pop()
        if stop - start == 1:
            refused.append((start, why))
            continue
        middle = (start + stop) // 2
        for first, last in ((start, middle), (middle, stop)):
            if reason := destination.refusal(spec, numbered.rows.rows.slice(first, last - first)):
                spans.append((first, last, reason))
    for row, why in sorted(refused, reverse=True):
        numbered = without_row(numbered, row, why)
    if not refused:
        raise BadRowsError(f"{numbered.planned.part.label}: the rows are refused together, but none alone: {message}")
    rejects = sorted(numbered.rows.rejects, key=lambda line: int(json.loads(line)["record"]))
    return numbered._replace(rows=numbered.rows._replace(rejects=tuple(rejects)))
