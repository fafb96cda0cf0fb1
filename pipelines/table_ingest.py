"""`hornbeam ingest`: CSV and Excel files into one table, exactly once: its settings, its graph, its run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.ingest_settings import IngestSettings as Settings
from transforms.core.summary import RowCounts, RunError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.running import BuildContext, Collected
    from pipelines.validate import Finding
    from transforms.core.merging import Merged
    from transforms.core.run_folder import RunFolder
    from transforms.core.summary import Summary

__all__ = ["Settings", "build", "check", "main", "run"]

NAME = "ingest"


def build(pipeline: Any, settings: Settings, context: BuildContext) -> None:
    """Adds the graph of a load to a Beam pipeline.

    Args:
        pipeline: The empty pipeline.
        settings: What to load.
        context: The run's folder and engine.
    """
    from pipelines.ingest_load import load_settings
    from transforms.pooled import PoolLimits
    from transforms.tables import LoadTables

    limits = PoolLimits(settings.max_concurrent, settings.memory_threshold_mb)
    pipeline | "LoadTables" >> LoadTables(load_settings(settings), context.folder, limits)


def collect(_folder: RunFolder, merged: Merged) -> Collected:
    """The account of a load: its rows, and what it says of itself."""
    from pipelines.running import Collected

    loads = [line for line in merged.others if line["kind"] == "load"]
    details = loads[0]["details"] if loads else {}
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
    from pipelines.ingest_load import prepared, rejects_covered, single_process_reason
    from pipelines.running import run_pipeline
    from transforms import tables  # noqa: F401 - part of the start-up, which the clock leaves out

    settings = prepared(settings)

    def account(folder: RunFolder, merged: Merged) -> Collected:
        return rejects_covered(collect(folder, merged), settings)

    return run_pipeline(NAME, settings, beam_args, build, account, single_process_reason(settings))


def check(settings: Settings) -> list[Finding]:
    """What would stop this load: sources, schema, destination. Touches nothing."""
    from pipelines.ingest_load import findings

    return findings(settings)


def main(argv: Sequence[str]) -> int:
    """The command; returns its exit code."""
    from pipelines.settings_sources import parse

    parsed = parse(Settings, argv)
    return run(parsed.settings, parsed.beam_args).exit_code
