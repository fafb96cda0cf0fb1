"""Loads chunks into a database that wants long transactions, each chunk given as soon as it is read.

DuckDB writes a row group (122,880 rows) once when one transaction fills it, else twice, by way of its log. 3,000,000
rows, processor and wall seconds per 500,000: transactions of 28,000 rows 1.01 and 0.89, of 250,000 0.84 and 0.47; as
much memory, since only one chunk is held at a time. A few rows left over, or none, make no transaction of their own.
Under memory's pressure they are shorter all the same: what isn't committed waits in the database's memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from transforms.core import interrupt, memory, progress
from transforms.core.tables.loads.destination import BadRowsError
from transforms.core.tables.loads.load_rows import to_rows
from transforms.core.tables.loads.text_chunks import text_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transforms.core.tables.loads.destination import ChunkRows, ChunkTotals, LoadSpec, LongWriter
    from transforms.core.tables.loads.load_chunks import LoadTask
    from transforms.core.tables.loads.load_plan import LoadPlan
    from transforms.core.tables.loads.load_settings import LoadSettings

LONG_ROWS = 245_760  # two row groups
LONG_BYTES = 96 << 20
# Rows so wide that a batch never fills a row group gain nothing, and would wait in the database's memory.
WIDE_ROW_BYTES = 400
WIDE_BYTES = 12 << 20


class Written(NamedTuple):
    """What came of it.

    Attributes:
        records: Records committed.
        left: Tasks that must be gone over chunk by chunk: the database refused a value, or somebody else was faster.
    """

    records: int
    left: Sequence[LoadTask]


def load_long(
    work: Sequence[LoadTask], spec: LoadSpec, plan: LoadPlan, settings: LoadSettings, destination: LongWriter
) -> Written:
    """Loads the chunks of some tasks in as few transactions as is good.

    Raises:
        InterruptedRunError: The run was asked to stop; what is committed stays.
        PermanentError: A file changed, or the load was published or failed elsewhere.
        TransientError: The database could not be reached for long.
    """
    expected = [chunk.records for task in work for chunk in plan.parts[task.part].chunks[task.first : task.last + 1]]
    feed = _Feed(_chunks(work, spec, plan, settings), len(expected), even_rows(sum(expected)))
    records = 0
    committed: set[int] = set()
    while not feed.ended:
        given: list[ChunkTotals] = []
        try:
            written = destination.write_long(spec, feed.transaction(given))
        except BadRowsError:
            written = False
        if not written:
            return Written(records, [task for task in work if not _numbers(task, plan) <= committed])
        committed |= {totals.chunk for totals in given}
        count = sum(totals.counted for totals in given)
        progress.add(rows=count)
        records += count
    interrupt.check()
    return Written(records, ())


class _Feed:
    """Chunks, a transaction's worth at a time.

    Args:
        chunks: All of them; fewer when the run is asked to stop.
        left: How many there are.
        most_rows: As `is_full` has it.
    """

    def __init__(self, chunks: Iterator[ChunkRows], left: int, most_rows: int) -> None:
        self.chunks, self.left = chunks, left
        self.most_rows = most_rows
        self.ended = False

    def transaction(self, given: list[ChunkTotals]) -> Iterator[ChunkRows]:
        rows = size = 0
        for chunk in self.chunks:
            rows += chunk.totals.counted
            size += chunk.size_bytes
            given.append(chunk.totals)
            yield chunk
            self.left -= 1
            divisor = memory.batch_divisor()
            if self.left and is_full(rows * divisor, size * divisor, self.most_rows):
                return
        self.ended = True


def even_rows(rows: int) -> int:
    """The rows of a transaction, so that the last one isn't left with a few.

    | rows to load               | transactions | rows of each          |
    |----------------------------|--------------|-----------------------|
    | up to one and a half times | 1            | all                   |
    | LONG_ROWS                  |              |                       |
    | n times LONG_ROWS, rounded | n            | an n-th               |
    """
    return max(-(-rows // max(round(rows / LONG_ROWS), 1)), 1)


def is_full(rows: int, size_bytes: int, most_rows: int) -> bool:
    """Whether a transaction of so many rows should end here.

    | rows            | bytes          | a row              | ends |
    |-----------------|----------------|--------------------|------|
    | most_rows       | any            | any                | yes  |
    | fewer           | LONG_BYTES     | any                | yes  |
    | fewer           | WIDE_BYTES     | WIDE_ROW_BYTES     | yes  |
    | otherwise       |                |                    | no   |
    """
    wide = size_bytes >= WIDE_BYTES and size_bytes >= rows * WIDE_ROW_BYTES
    return rows >= most_rows or size_bytes >= LONG_BYTES or wide


def _chunks(work: Sequence[LoadTask], spec: LoadSpec, plan: LoadPlan, settings: LoadSettings) -> Iterator[ChunkRows]:
    for task in work:
        planned = plan.parts[task.part]
        for index, text in text_chunks(planned, task.first, task.last, settings, plan.rules):
            if interrupt.requested():
                return
            yield to_rows(text, planned, index, plan, ordered=spec.ordered).rows


def _numbers(task: LoadTask, plan: LoadPlan) -> set[int]:
    first = plan.parts[task.part].first_chunk
    return set(range(first + task.first, first + task.last + 1))
