"""What a copy was in the end, as one small value: what `CopyObjects` hands on to the rest of a program's pipeline."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from transforms.core.copying.finish_copy import UNIT
from transforms.core.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transforms.core.copying.copy_tasks import TaskResult
    from transforms.core.run_folder import Line, RunFolder


class CopyTotals(NamedTuple):
    """What became of a copy or a comparison.

    Attributes:
        done: Objects copied (or found the same by a comparison).
        failed: Objects that failed, or couldn't be deleted.
        not_started: Objects that were not started.
        unverified: Objects copied without proof.
        error: Why extras were kept; "" when nothing is wrong with them.
        folder: Address of the folder with the account.
    """

    done: int
    failed: int
    not_started: int
    unverified: int
    error: str
    folder: str

    def complete(self) -> CopyTotals:
        """Itself, when nothing is missing: in `beam.Map` it ends a pipeline otherwise.

        Raises:
            PermanentError: Something failed, was not started, or was kept that should have been deleted.
        """
        if self.failed or self.not_started or self.error:
            raise PermanentError(
                f"copy not complete: {self.done:,} done, {self.failed:,} failed, {self.not_started:,} not started"
                f"{self.error and '; '}{self.error}; the reasons stand in {self.folder}/parts"
            )
        return self


def copy_totals(results: Sequence[TaskResult], folder: RunFolder) -> CopyTotals:
    """Adds up what the tasks say, and what the end did.

    Args:
        results: Of all tasks, repeats among them.
        folder: The run's, with its last part.
    """
    by_number = {result.number: result for result in results}.values()
    ended = list(_last_lines(folder))
    kept = [line["reason"] for line in ended if line["kind"] == "deletion"]
    undeleted = sum(line["kind"] == "outcome" and line["status"] == "failed" for line in ended)
    return CopyTotals(
        sum(result.done for result in by_number),
        sum(result.failed for result in by_number) + undeleted,
        sum(result.not_started for result in by_number),
        sum(result.unverified for result in by_number),
        "; ".join(filter(None, kept)),
        folder.uri,
    )


def _last_lines(folder: RunFolder) -> Iterator[Line]:
    for piece in count():
        lines = folder.read_part(f"{UNIT}.{piece:06}")
        if not lines:
            return
        yield from lines
