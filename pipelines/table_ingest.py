"""`hornbeam ingest`: CSV and Excel files into one table, exactly once: its settings, its graph, its run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.ingest_settings import IngestSettings as Settings
from transforms.core.summary import RowCounts, RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipelines.engines.choice import RunnerChoice
    from pipelines.running import BuildContext, Collected
    from pipelines.validate import Finding
    from transforms.core.merging import Merged
    from transforms.core.run_folder import RunFolder
    from transforms.core.summary import Summary

__all__ = ["Settings", "build", "check", "choose", "main", "run"]

NAME = "ingest"


def build(pipeline: Any, settings: Settings, context: BuildContext) -> None:
    """Adds the graph of a load to a Beam pipeline.

    Args:
        pipeline: The empty pipeline.
        settings: What to load.
        context: The run's folder and engine.
    """
    if settings.head != "bounded":
        from pipelines import ingest_stream

        ingest_stream.add(pipeline, settings, context)
        return
    from pipelines.account_in_job import accounted
    from pipelines.ingest_load import load_settings
    from transforms.pooled import PoolLimits
    from transforms.tables import LoadTables

    limits = PoolLimits(settings.max_concurrent, settings.memory_threshold_mb)
    totals = pipeline | "LoadTables" >> LoadTables(load_settings(settings), context.folder, limits)
    accounted(NAME, totals, settings, context)


def collect(_folder: RunFolder, merged: Merged) -> Collected:
    """The account of a load: its rows, and what it says of itself."""
    from pipelines.running import Collected

    loads = [line for line in merged.others if line["kind"] == "load"]
    details = loads[0]["details"] if loads else {}
    if merged.rules:
        details["rejects"] = [
            {"rule": rule, "column": column, "records": count} for column, rule, count in merged.rules
        ]
    name, message = loads[0]["error"] if loads else ("", "")
    rows = merged.rows
    if rows is not None and details.get("load_status") != "completed":
        rows = RowCounts(*rows) if rows.counted == sum(rows[1:]) else None
    return Collected(merged.items, merged.bytes, rows, details, False, RunError(name, message) if name else None)


def run(settings: Settings, beam_args: Sequence[str] = ()) -> Summary:
    """Loads, and returns what became of it.

    Args:
        settings: What to load.
        beam_args: Options of Beam, as words.

    Raises:
        ConfigError: The load can't work as asked; nothing was touched.
    """
    from pipelines.ingest_load import prepared, single_process_reason
    from pipelines.ingest_stream import source_of
    from pipelines.running import run_pipeline
    from transforms import tables  # noqa: F401 - part of the start-up, which the clock leaves out

    choose(settings, beam_args)  # an engine that can't take this is named before sources and destination are looked at
    settings = prepared(settings)
    one = single_process_reason(settings)
    return run_pipeline(NAME, settings, beam_args, build, collector(settings), one, source_of(settings))


def collector(settings: Settings) -> Callable[[RunFolder, Merged], Collected]:
    """What makes the account of a run with these settings; a job launched from a template is accounted for by it too.

    Args:
        settings: The run's.
    """
    from pipelines import ingest_stream
    from pipelines.ingest_load import rejects_covered

    def account(folder: RunFolder, merged: Merged) -> Collected:
        found = collect(folder, merged) if settings.head == "bounded" else ingest_stream.collect(merged)
        return rejects_covered(found, settings)

    return account


def choose(settings: Settings, beam_args: Sequence[str]) -> RunnerChoice:
    """Picks the engine. Raises ConfigError when there is none on which this load can work; touches nothing."""
    from pipelines.ingest_load import single_process_reason
    from pipelines.launch import choose_runner

    return choose_runner(settings, beam_args, single_process_reason(settings))


def check(settings: Settings) -> list[Finding]:
    """What would stop this load, or else what it would find: sources, schema, destination. Touches nothing."""
    from pipelines.ingest_load import looked

    return looked(settings)


def main(argv: Sequence[str]) -> int:
    """The command; returns its exit code."""
    from pipelines.settings_sources import parse

    parsed = parse(Settings, argv)
    return run(parsed.settings, parsed.beam_args).exit_code
