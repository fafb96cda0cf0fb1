"""Merging a run's parts into the files that people read, and adding up what they say.

One pass over all parts in the order of their unit ids, one part in memory at a time: the result is deterministic.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from transforms.core.run_folder import ENCODING_ERRORS, failure_line
from transforms.core.summary import Counts, RowCounts

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import IO

    from transforms.core.outcome import Failure
    from transforms.core.run_folder import Line, RunFolder

FILES: Final = {"outcome": "outcomes.jsonl", "failure": "failures.jsonl", "reject": "rejects.jsonl"}
ALWAYS: Final = ("outcome", "failure")
SHOWN: Final = 100


class Merged(NamedTuple):
    """What the parts of a run say together.

    Attributes:
        items: By status; `planned` is what plan lines say, or the outcomes where there are none.
        bytes: Their bytes, likewise.
        rows: Sums of the row lines; None where there are none.
        failures: The first 100 failures.
        rejects: The first 100 rejected records.
        others: Lines of other kinds, the pipeline's own.
    """

    items: Counts
    bytes: Counts
    rows: RowCounts | None
    failures: tuple[Line, ...] = ()
    rejects: tuple[Line, ...] = ()
    others: tuple[Line, ...] = ()


class _Sums:
    """What has been seen so far."""

    def __init__(self) -> None:
        self.items: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()
        self.rows: Counter[str] = Counter()
        self.has_plan = self.has_rows = False
        self.shown: dict[str, list[Line]] = {"failure": [], "reject": []}
        self.others: list[Line] = []

    def add(self, kind: str, line: Line) -> None:
        if kind == "outcome":
            self.items[line["status"]] += 1
            self.bytes[line["status"]] += line["size_bytes"]
        elif kind == "plan":
            self.has_plan = True
            self.items["plan"] += line["items"]
            self.bytes["plan"] += line["bytes"]
        elif kind == "rows":
            self.has_rows = True
            self.rows.update(line)
        elif kind not in self.shown:
            self.others.append({"kind": kind, **line})
        elif len(self.shown[kind]) < SHOWN:
            self.shown[kind].append(line)

    def counts(self, by_status: Counter[str], *, unfinished: bool) -> Counts:
        done, skipped, failed = by_status["done"], by_status["skipped"], by_status["failed"]
        idle = by_status["not_started"] + by_status["planned"]
        planned = by_status["plan"] if self.has_plan else done + skipped + failed + idle
        missing = planned - done - skipped - failed - idle
        return Counts(planned, done, skipped, failed, idle + (max(missing, 0) if unfinished else 0))


def merge_parts(folder: RunFolder, temp_dir: str, *, unfinished: bool, more_failures: Iterable[Failure] = ()) -> Merged:
    """Writes outcomes.jsonl and failures.jsonl (and rejects.jsonl if there are any) from the run's parts.

    Args:
        folder: The run's.
        temp_dir: Local folder in which the files grow before they move into place.
        unfinished: Whether the run was interrupted, crashed or only planned: planned items that no part tells of
            then count as not started. Otherwise they stay missing, and the accounting check finds them.
        more_failures: Failures that no part tells of, such as what ended the run.
    """
    sums = _Sums()
    with ExitStack() as stack:
        files = {kind: stack.enter_context(_grow(temp_dir, kind)) for kind in ALWAYS}
        for line in chain(folder.parts(), map(failure_line, more_failures)):
            kind = line.pop("kind")
            sums.add(kind, line)
            if kind not in FILES:
                continue
            if kind not in files:
                files[kind] = stack.enter_context(_grow(temp_dir, kind))
            files[kind].write(_text(line))
    for kind in files:
        folder.write_file(FILES[kind], Path(temp_dir) / FILES[kind])
    rows = {name: count for name, count in sums.rows.items() if name in RowCounts._fields}
    return Merged(
        sums.counts(sums.items, unfinished=unfinished),
        sums.counts(sums.bytes, unfinished=unfinished),
        RowCounts(**rows) if sums.has_rows else None,
        tuple(sums.shown["failure"]),
        tuple(sums.shown["reject"]),
        tuple(sums.others),
    )


def _grow(temp_dir: str, kind: str) -> IO[str]:
    return (Path(temp_dir) / FILES[kind]).open("w", encoding="utf-8", errors=ENCODING_ERRORS, newline="\n")


def _text(line: dict[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=False) + "\n"
