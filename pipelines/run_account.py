"""From what a run's parts say to its Summary: status, counts, failures; whatever way the run ended."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from pipelines.estimate import estimate
from pipelines.next_steps import next_steps
from transforms.core import interrupt, progress
from transforms.core.merging import Merged, merge_parts
from transforms.core.outcome import Failure
from transforms.core.scrubbing import scrub
from transforms.core.summary import (
    AccountingError,
    Counts,
    RowCounts,
    RunError,
    RunStatus,
    Summary,
    check_accounting,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipelines.launch import RunnerChoice
    from pipelines.settings import PipelineSettings
    from transforms.core.memory import MemoryUse
    from transforms.core.run_folder import RunFolder

SHOWN_UNREADABLE = 3


@dataclass(frozen=True)
class Collected:
    """What a pipeline says of its run, from its parts and its destination.

    Attributes:
        items: Items by what became of them.
        bytes: Their bytes, likewise.
        rows: Rows by what became of them; None where there are none.
        details: The pipeline's own, for the summary.
        rejects_allowed: Whether `--max_rejects` covers the rejected rows.
        error: What makes the run a failed one though its graph ended, or None.
    """

    items: Counts
    bytes: Counts
    rows: RowCounts | None = None
    details: dict[str, Any] = field(default_factory=dict)
    rejects_allowed: bool = False
    error: RunError | None = None


def collect_outcomes(_folder: RunFolder, merged: Merged) -> Collected:
    """The account of a pipeline that has nothing to add to its outcomes.

    Args:
        _folder: The run's.
        merged: What the parts say together.
    """
    return Collected(merged.items, merged.bytes, merged.rows)


@dataclass(frozen=True)
class Ended:
    """A run whose graph has ended, one way or the other.

    Attributes:
        pipeline: The pipeline's name.
        settings: Its settings.
        choice: The engine.
        folder: The run's folder.
        started: When, UTC.
        seconds: From the first work after start-up.
        memory: Of the process tree.
        beam_args: Flags that Beam owns.
        error: What ended it, or None.
    """

    pipeline: str
    settings: PipelineSettings
    choice: RunnerChoice
    folder: RunFolder
    started: datetime
    seconds: float
    memory: MemoryUse
    beam_args: Sequence[str]
    error: RunError | None


def account(ended: Ended, temp_dir: str, collect: Callable[[RunFolder, Merged], Collected]) -> tuple[Summary, Merged]:
    """Merges the parts, asks the pipeline what it has to say, and checks that everything adds up.

    Args:
        ended: The run.
        temp_dir: Local folder for files that grow.
        collect: The pipeline's.

    Returns:
        The summary, and what the parts say (for the report).
    """
    number = interrupt.signalled()
    unfinished = bool(number or ended.error or _only_planned(ended))
    failures = [_failure(ended.error)] if ended.error else []
    merged = merge_parts(ended.folder, temp_dir, unfinished=unfinished, more_failures=failures, stream=_streams(ended))
    collected = collect(ended.folder, merged)
    summary = _summary(ended, collected, number, merged)
    try:
        check_accounting(summary)
    except AccountingError as error:
        problem = RunError(type(error).__name__, str(error))
        return replace(summary, status="failed", error=summary.error or problem), merged
    return summary, merged


def _summary(ended: Ended, collected: Collected, number: int, merged: Merged) -> Summary:
    error = ended.error or collected.error
    status: RunStatus = "completed"
    if number:
        status = "interrupted"
    elif error or collected.items.failed:
        status = "failed"
    elif _only_planned(ended):
        status = "planned"
    details = {name: value for name, value in collected.details.items() if name != "work"}
    if _streams(ended):
        details["stream"] = {"told": 0, **merged.stream}
        details["notes"] = [*details.get("notes", ()), *_unreadable(merged)]
    if ended.choice.warning:
        details["notes"] = [ended.choice.warning, *details.get("notes", ())]
    if status == "planned" and ended.settings.dry_run:
        details["estimate"] = estimate(collected, ended.pipeline, ended.settings)
    return Summary(
        pipeline=ended.pipeline,
        run_id=ended.folder.run_id,
        status=status,
        runner=ended.choice.shown,
        versions=versions(),
        settings=dict(ended.settings.shown()),
        items=collected.items,
        bytes=collected.bytes,
        rows=collected.rows,
        seconds=round(ended.seconds, 3),
        memory=ended.memory,
        output=ended.folder.shown,
        steps=progress.snapshot().steps,
        details=details,
        started=ended.started.isoformat(timespec="milliseconds"),
        error=None if number else error,
        signal=number,
        rejects_allowed=collected.rejects_allowed,
        next_steps=next_steps(
            ended.pipeline, ended.settings, ended.beam_args, status, collected.items, ended.folder.shown
        ),
    )


def _unreadable(merged: Merged) -> list[str]:
    found = [line for line in merged.others if line["kind"] == "unreadable"][:SHOWN_UNREADABLE]
    return [scrub(f"a notification can't be read: {line['reason']}: {line['data']!r}") for line in found]


def _streams(ended: Ended) -> bool:
    return ended.settings.head != "bounded"


def _only_planned(ended: Ended) -> bool:
    """A dry run, or a template's launcher: the job that it describes is still to come."""
    return ended.settings.dry_run or ended.choice.mode == "template"


def versions() -> dict[str, str]:
    """The versions that a report of a problem needs."""
    found = {"python": platform.python_version()}
    for name in ("hornbeam", "apache-beam", "pyarrow"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed as a package"
    return found


def _failure(error: RunError) -> Failure:
    return Failure("run", "", error.type, error.message, 1, datetime.now(UTC).isoformat(timespec="seconds"))
