"""Loads chunks: reads, coerces and writes them, some to a transaction; what the database refuses is rejected."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from transforms.core import interrupt, memory, progress
from transforms.core.tables.databases.registry import find_database
from transforms.core.tables.loads.destination import BadRowsError, LongWriter
from transforms.core.tables.loads.element_sizes import READ_BYTES, least_bytes, runs
from transforms.core.tables.loads.load_plan import CSV
from transforms.core.tables.loads.load_rows import Numbered, to_rows, without_row
from transforms.core.tables.loads.long_transactions import load_long
from transforms.core.tables.loads.text_chunks import text_chunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from transforms.core.tables.loads.destination import Destination, LoadSpec
    from transforms.core.tables.loads.load_plan import LoadPlan
    from transforms.core.tables.loads.load_settings import LoadSettings

# One transaction takes at most this much (of a CSV READ_BYTES): it is held in memory, and it is what a crash loses.
TRANSACTION_ROWS = 131_072
TRANSACTION_BYTES = 24 << 20
# Ranges whose tasks make one transaction, where the database wants long ones.
LONG_RANGES = 5


class LoadTask(NamedTuple):
    """Neighbouring chunks of one part, mostly read by one request: what crosses the shuffle.

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
        range_bytes: How much one task reads, if there are not too many then (a stream is always one task).
    """
    cut = [planned.chunks for planned in plan.parts if planned.part.kind == CSV and planned.chunks]
    # Twice: of two runs together one is more than half full.
    least = least_bytes(len(plan.parts), 2 * sum(chunks[-1].stop - chunks[0].start for chunks in cut))
    most = max(min(range_bytes, READ_BYTES), least)
    for number, planned in enumerate(plan.parts):
        missing = [index for index in range(len(planned.chunks)) if planned.first_chunk + index not in done]
        if planned.part.kind != CSV:
            if missing:
                size = max(planned.part.info.size_bytes, 0)
                yield LoadTask(load_id, number, missing[0], missing[-1], size)
            continue
        for first, last in runs(planned, missing, most):
            size = planned.chunks[last].stop - planned.chunks[first].start
            yield LoadTask(load_id, number, first, last, size)


def batch_bytes(destination: str, range_bytes: int) -> int:
    """How much is given to one worker, and mostly goes into one transaction.

    Args:
        destination: The destination's URI.
        range_bytes: `--range_mb` in bytes.
    """
    long = find_database(destination).long_transactions
    return LONG_RANGES * range_bytes if long else min(range_bytes, READ_BYTES)


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
    records = 0
    if isinstance(destination, LongWriter):
        records, work = load_long(list(work), spec, plan, settings, destination)
    held: list[Numbered] = []
    rows = size = 0
    for task in work:
        planned = plan.parts[task.part]
        for index, text in text_chunks(planned, task.first, task.last, settings, plan.rules):
            interrupt.check()
            held.append(to_rows(text, planned, index, plan, ordered=spec.ordered))
            rows += held[-1].rows.totals.counted
            size += held[-1].rows.size_bytes
            if is_full(rows, size):
                records += _write(held, spec, destination)
                held, rows, size = [], 0, 0
    return records + (_write(held, spec, destination) if held else 0)


def is_full(rows: int, size_bytes: int) -> bool:
    """Whether a transaction of so much should end here: the sooner, the more memory is under pressure."""
    divisor = memory.batch_divisor()
    return rows * divisor >= TRANSACTION_ROWS or size_bytes * divisor >= TRANSACTION_BYTES


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
