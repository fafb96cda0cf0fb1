"""What a closed batch of a stream leaves in the run folder: one part, which a repeated batch overwrites.

An engine that restarts makes up its batches differently, so an object may stand in two parts: merging counts it once.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from transforms.core.run_folder import Line, RunFolder
    from transforms.core.streams.notice import Notice


class BatchTotals(NamedTuple):
    """What became of a closed batch; its outcomes stand in its part.

    Attributes:
        told: Notices in it.
        duplicates: Those that named what another had named, or what was worked before.
        outdated: Those whose object is gone or newer by now.
        done: Objects worked.
        skipped: Objects that needed no work.
        failed: Objects that failed.
        not_started: Objects left because the stream was stopped.
        bytes: Of the objects done.
    """

    told: int = 0
    duplicates: int = 0
    outdated: int = 0
    done: int = 0
    skipped: int = 0
    failed: int = 0
    not_started: int = 0
    bytes: int = 0


def write_batch(folder: RunFolder, batch: Sequence[Notice], lines: Iterable[Line], totals: BatchTotals) -> None:
    """Writes a batch's part.

    Args:
        folder: The run's.
        batch: What was in it.
        lines: Outcome, failure, reject lines; each has a field `of`, the identity of the notice that it belongs to.
        totals: What became of the batch.
    """
    told = {"told": totals.told, "duplicates": totals.duplicates, "outdated": totals.outdated}
    folder.write_part(unit_id(batch), [*lines, {"kind": "stream", **told}])


def unit_id(batch: Sequence[Notice]) -> str:
    """The name of a batch's part: follows from what is in it, in whatever order.

    Args:
        batch: What is in it.
    """
    text = "\n\n".join(sorted(notice.identity for notice in batch))
    return f"batch-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
