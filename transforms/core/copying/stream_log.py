"""The account of a stream's batch: an outcome for each object's version, in one part that a repeated batch overwrites.

What an earlier attempt at the same batch told of as done stays done, with what it said.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from transforms.core.copying.outcome_lines import Item, OutcomeLines, Sums
from transforms.core.streams.stream_part import BatchTotals, unit_id, write_batch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transforms.core.run_folder import Line, RunFolder
    from transforms.core.streams.notice import Notice


class StreamLog(OutcomeLines):
    """The account of one batch. Used by one thread at a time.

    An item's `info` is the object's as it was found (as it was told of where nobody could look): its address and
    version are the identity that counts once in a run, in whatever batch it comes again.

    Args:
        folder: The run's.
        batch: What is in it.
        step: For failures.
    """

    def __init__(self, folder: RunFolder, batch: Sequence[Notice], step: str) -> None:
        super().__init__(step)
        self._folder, self._batch = folder, batch
        self._failures: dict[str, Line] = {}
        self._outcomes: dict[str, Line] = {}

    def plan(self, item: Item) -> None:
        """Counts an object as planned; exactly one of the other calls tells what became of it."""
        self._tell("plan", 1, max(item.info.size_bytes, 0))

    def close(self, duplicates: int, outdated: int) -> BatchTotals:
        """Writes the part.

        Args:
            duplicates: Notices that named what another had named.
            outdated: Those whose object is gone or newer by now.
        """
        self._keep(self._folder.read_part(unit_id(self._batch)))
        outcomes, sums, counts = list(self._outcomes.values()), Sums(), Counter[str]()
        for line in outcomes:
            sums.count(line)
            counts[line["status"]] += 1
        totals = BatchTotals(
            told=len(self._batch),
            duplicates=duplicates,
            outdated=outdated,
            done=counts["done"],
            skipped=counts["skipped"],
            failed=counts["failed"],
            not_started=counts["not_started"],
            bytes=sum(line["size_bytes"] for line in outcomes if line["status"] == "done"),
        )
        write_batch(self._folder, self._batch, [*self._failures.values(), *outcomes, sums.line(0)], totals)
        self._tell_now()
        return totals

    def _take(self, item: Item, line: Line) -> None:
        of = f"{item.info.uri}\n{item.info.etag}"
        self._outcomes[of] = {**line, "of": of}

    def _take_failure(self, item: Item, line: Line) -> None:
        of = f"{item.info.uri}\n{item.info.etag}"
        self._failures[of] = {**line, "of": of}

    def _keep(self, earlier: Sequence[Line]) -> None:
        """Puts what an earlier attempt did in the place of what this one found done, or could not do again."""
        for line in earlier:
            if line.get("status") == "done" and self._outcomes.get(line["of"], {}).get("status") != "done":
                self._outcomes[line["of"]] = line
                self._failures.pop(line["of"], None)
