"""Merging a run's parts into the files that people read, and adding up what they say.

One pass over all parts in the order of their unit ids (a stream's: two), one part in memory at a time.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from transforms.core.run_folder import ENCODING_ERRORS, failure_line
from transforms.core.streams.winners import Winners
from transforms.core.summary import Counts, RowCounts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import IO

    from transforms.core.outcome import Failure
    from transforms.core.run_folder import Line, RunFolder

FILES: Final = {"outcome": "outcomes.jsonl", "failure": "failures.jsonl", "reject": "rejects.jsonl"}
ALWAYS: Final = ("outcome", "failure")
SHOWN: Final = 100
SHOWN_RULES: Final = 20
SUMMED_NAMES: Final = 1000


class Merged(NamedTuple):
    """What the parts of a run say together.

    Attributes:
        items: By status; `planned` is what plan lines say, or the outcomes where there are none.
        bytes: Their bytes, likewise.
        rows: Sums of the row lines; None where there are none.
        failures: The first 100 failures.
        rejects: The first 100 rejected records.
        others: Lines of other kinds, the pipeline's own.
        rules: How many records were rejected by (column, rule), most first; the 20 that rejected most.
        stream: What a stream's batches say of their notices, added up; empty where there was no stream.
        sums: What lines of kind `sums` count, added up by word and name; of each word the first 1,000 names.
    """

    items: Counts
    bytes: Counts
    rows: RowCounts | None
    failures: tuple[Line, ...] = ()
    rejects: tuple[Line, ...] = ()
    others: tuple[Line, ...] = ()
    rules: tuple[tuple[str, str, int], ...] = ()
    stream: Mapping[str, int] = MappingProxyType({})
    sums: Mapping[str, Counter[str]] = MappingProxyType({})


class _Sums:
    """What has been seen so far."""

    def __init__(self) -> None:
        self.items: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()
        self.rows: Counter[str] = Counter()
        self.has_plan = self.has_rows = False
        self.shown: dict[str, list[Line]] = {"failure": [], "reject": []}
        self.others: list[Line] = []
        self.rules: Counter[tuple[str, str]] = Counter()
        self.stream: Counter[str] = Counter()
        self.sums: dict[str, Counter[str]] = {}

    def add(self, kind: str, line: Line) -> None:
        if kind == "reject":
            self.rules[str(line.get("column", "")), _rule(line)] += 1
        if kind == "outcome":
            self.items[line["status"]] += 1
            self.bytes[line["status"]] += line["size_bytes"]
            self._add_rows({name: line[f"rows_{name}"] for name in RowCounts._fields if f"rows_{name}" in line})
        elif kind == "plan":
            self.has_plan = True
            self.items["plan"] += line["items"]
            self.bytes["plan"] += line["bytes"]
        elif kind == "rows":
            self._add_rows(line)
        elif kind == "stream":
            self.stream.update(line)
        elif kind == "sums":
            self._add_sums(line)
        elif kind not in self.shown:
            self.others.append({"kind": kind, **line})
        elif len(self.shown[kind]) < SHOWN:
            self.shown[kind].append(line)

    def _add_rows(self, rows: Mapping[str, int]) -> None:
        self.has_rows = self.has_rows or bool(rows)
        self.rows.update(rows)

    def _add_sums(self, line: Line) -> None:
        for word, counts in line.items():
            known = self.sums.setdefault(word, Counter())
            for name, count in counts.items():
                if name in known or len(known) < SUMMED_NAMES:
                    known[name] += count

    def counts(self, by_status: Counter[str], *, unfinished: bool) -> Counts:
        done, skipped, failed = by_status["done"], by_status["skipped"], by_status["failed"]
        idle = by_status["not_started"] + by_status["planned"]
        planned = by_status["plan"] if self.has_plan else done + skipped + failed + idle
        missing = planned - done - skipped - failed - idle
        return Counts(planned, done, skipped, failed, idle + (max(missing, 0) if unfinished else 0))


def merge_parts(
    folder: RunFolder,
    temp_dir: str,
    *,
    unfinished: bool,
    more_failures: Iterable[Failure] = (),
    stream: bool = False,
) -> Merged:
    """Writes outcomes.jsonl and failures.jsonl (and rejects.jsonl if there are any) from the run's parts.

    Args:
        folder: The run's.
        temp_dir: Local folder in which the files grow before they move into place.
        unfinished: Whether the run was interrupted, crashed or only planned: planned items that no part tells of
            then count as not started. Otherwise they stay missing, and the accounting check finds them.
        more_failures: Failures that no part tells of, such as what ended the run.
        stream: Whether several parts may tell of one object: it counts once.
    """
    sums, winners = _Sums(), _winners(folder) if stream else Winners()
    with ExitStack() as stack:
        files = {kind: stack.enter_context(_grow(temp_dir, kind)) for kind in ALWAYS}
        more = ((-1, json.dumps(failure_line(one))) for one in more_failures)
        for number, text in chain(folder.part_texts(), more):
            line = json.loads(text)
            if not winners.tells(number, line):
                continue
            kind = line.pop("kind")
            sums.add(kind, line)
            if kind not in FILES:
                continue
            if kind not in files:
                files[kind] = stack.enter_context(_grow(temp_dir, kind))
            files[kind].write(_without_kind(text, kind, line))
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
        tuple((*place, count) for place, count in sums.rules.most_common(SHOWN_RULES)),
        dict(sums.stream),
        sums.sums,
    )


def _winners(folder: RunFolder) -> Winners:
    winners = Winners()
    for number, text in folder.part_texts():
        line = json.loads(text)
        if line["kind"] == "outcome" and "of" in line:
            winners.see(number, line)
    return winners


def _rule(line: Line) -> str:
    """A reject's rule; a database's refusals, each in words of its own, are one."""
    rule = str(line.get("rule", ""))
    return "database" if rule.startswith("database: ") else rule


def _grow(temp_dir: str, kind: str) -> IO[str]:
    return (Path(temp_dir) / FILES[kind]).open("w", encoding="utf-8", errors=ENCODING_ERRORS, newline="\n")


def _without_kind(text: str, kind: str, line: dict[str, Any]) -> str:
    """The line as it goes to a file; where its kind stands first, it is cut off, not encoded anew."""
    if line.pop("of", None) is not None:
        return f"{json.dumps(line, ensure_ascii=False)}\n"
    first = f'{{"kind": "{kind}", '
    kept = f"{{{text[len(first) :]}" if text.startswith(first) else json.dumps(line, ensure_ascii=False)
    return f"{kept}\n"
