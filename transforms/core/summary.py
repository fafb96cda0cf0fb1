"""What a run did, as one frozen value: written as summary.json, returned to programs, told in four closing lines.

Nothing here reads or writes; `check_accounting` is the only judge of whether a run's numbers add up.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple

from transforms.core.errors import HornbeamError
from transforms.core.memory_use import MemoryUse, Point
from transforms.core.progress import Step
from transforms.core.units import human_bytes, human_count, human_seconds

RunStatus = Literal["completed", "failed", "interrupted", "planned"]


class AccountingError(HornbeamError):
    """A run's numbers don't add up: something was lost or counted twice."""


class Counts(NamedTuple):
    """Items, or their bytes, by what became of them: planned = done + skipped + failed + not_started."""

    planned: int = 0
    done: int = 0
    skipped: int = 0
    failed: int = 0
    not_started: int = 0


class RowCounts(NamedTuple):
    """Rows by what became of them: counted = loaded + rejected + skipped."""

    counted: int = 0
    loaded: int = 0
    rejected: int = 0
    skipped: int = 0


class RunError(NamedTuple):
    """What ended a run.

    Attributes:
        type: The exception's class name.
        message: Value, place, cause, remedy; never a secret.
    """

    type: str
    message: str


class NextStep(NamedTuple):
    """How to go on.

    Attributes:
        text: What for.
        command: The exact command.
    """

    text: str
    command: str


@dataclass(frozen=True)
class Summary:
    """A run's account.

    Attributes:
        pipeline: The pipeline's name.
        run_id: The run's id.
        status: completed, failed, interrupted or planned (a dry run).
        runner: The engine that ran the graph.
        versions: Of Hornbeam, Beam, Python.
        settings: All settings, without secrets.
        items: Items by what became of them.
        bytes: Their bytes, likewise.
        rows: Rows by what became of them; None where there are none.
        seconds: From the first work after start-up to the end.
        memory: Of the whole process tree.
        steps: Per-step counts and latencies.
        details: The pipeline's own: dialects, schema, statements.
        output: The run folder's address.
        started: When, ISO 8601 in UTC.
        error: What ended the run, if an error did.
        signal: The signal that interrupted it, or 0.
        next_steps: How to go on.
        rejects_allowed: Whether `--max_rejects` covers the rejected rows.
    """

    pipeline: str
    run_id: str
    status: RunStatus
    runner: str
    versions: dict[str, str]
    settings: dict[str, Any]
    items: Counts
    bytes: Counts
    rows: RowCounts | None
    seconds: float
    memory: MemoryUse
    output: str
    steps: tuple[Step, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
    started: str = ""
    error: RunError | None = None
    signal: int = 0
    rejects_allowed: bool = False
    next_steps: tuple[NextStep, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 all well; 1 something failed or was rejected; 2 wrong configuration; 130, 143 interrupted."""
        if self.status == "interrupted":
            return 128 + self.signal
        if self.error is not None and self.error.type == "ConfigError":
            return 2
        rejected = self.rows is not None and self.rows.rejected > 0 and not self.rejects_allowed
        return int(self.status == "failed" or self.items.failed > 0 or rejected)

    def to_json(self) -> str:
        """The summary as JSON text, indented."""
        plain = asdict(self)
        plain["items"], plain["bytes"] = self.items._asdict(), self.bytes._asdict()
        plain["rows"] = self.rows and self.rows._asdict()
        plain["memory"] = self.memory.to_plain()
        plain["steps"] = [step._asdict() for step in self.steps]
        plain["next_steps"] = [step._asdict() for step in self.next_steps]
        plain["error"] = self.error and self.error._asdict()
        return json.dumps(plain, indent=1, ensure_ascii=False, default=str)

    @classmethod
    def from_json(cls, text: str) -> Summary:
        """The summary that `to_json` wrote.

        Args:
            text: summary.json's text.
        """
        plain = json.loads(text)
        memory = plain.pop("memory")
        timeline = tuple(Point(**point) for point in memory.pop("timeline"))
        return cls(
            **plain
            | {
                "items": Counts(**plain["items"]),
                "bytes": Counts(**plain["bytes"]),
                "rows": plain["rows"] and RowCounts(**plain["rows"]),
                "memory": MemoryUse(**memory, timeline=timeline),
                "steps": tuple(Step(**step) for step in plain["steps"]),
                "next_steps": tuple(NextStep(**step) for step in plain["next_steps"]),
                "error": plain["error"] and RunError(**plain["error"]),
            }
        )


def check_accounting(summary: Summary) -> None:
    """Makes sure that nothing is missing from a run's account.

    Args:
        summary: Of a run that has ended.

    Raises:
        AccountingError: Items, bytes or rows don't add up, or something was not started without a reason.
    """
    problems = [
        f"{name}: planned {counts.planned} is not done + skipped + failed + not_started = {sum(counts[1:])}"
        for name, counts in (("items", summary.items), ("bytes", summary.bytes))
        if counts.planned != sum(counts[1:]) or min(counts) < 0
    ]
    if summary.status == "completed" and summary.items.not_started:
        problems.append(f"items: {summary.items.not_started} were not started, though nobody interrupted the run")
    rows = summary.rows
    if rows is not None and summary.status == "completed" and rows.counted != sum(rows[1:]):
        problems.append(f"rows: counted {rows.counted} is not loaded + rejected + skipped = {sum(rows[1:])}")
    if problems:
        raise AccountingError(
            f"{summary.pipeline} run {summary.run_id}: {'; '.join(problems)}. This is a fault of Hornbeam: "
            f"keep {summary.output} and report it; the same command again does what is missing."
        )


def closing_lines(summary: Summary) -> list[str]:
    """The four lines that end a run's console output.

    Args:
        summary: Of the run.
    """
    items, rows = summary.items, summary.rows
    head = f"{summary.pipeline} {summary.status} in {human_seconds(summary.seconds)}"
    moved = human_bytes(items_bytes := summary.bytes.done)
    pace = human_bytes(items_bytes / summary.seconds) if summary.seconds > 0 else "0 B"
    account = (
        f"{human_count(items.planned)} planned = {human_count(items.done)} done + {human_count(items.skipped)} skipped"
        f" + {human_count(items.failed)} failed + {human_count(items.not_started)} not started"
    )
    third = f"bytes: {moved} done at {pace}/s"
    if rows is not None:
        rate = human_count(round(rows.loaded / summary.seconds)) if summary.seconds > 0 else "0"
        third = (
            f"rows: {human_count(rows.counted)} counted = {human_count(rows.loaded)} loaded +"
            f" {human_count(rows.rejected)} rejected + {human_count(rows.skipped)} skipped; {rate} rows/s, {moved}"
        )
    memory = summary.memory
    reason = f": {' '.join(summary.error.message.split())}" if summary.error else ""
    return [
        f"{head} on {summary.runner} (run {summary.run_id}){reason}",
        f"items: {account}",
        f"{third}; memory {memory.peak_mb:.0f} MiB at most, {memory.peak_mb - memory.baseline_mb:.0f} above start",
        f"report: {summary.output.rstrip('/')}/report.html",
    ]
