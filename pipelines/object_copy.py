"""`hornbeam copy`: objects between local disk, S3 and GCS, verified and resumable: its settings, its graph, its run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.copy_settings import CopySettings as Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipelines.copy_settings import VerifySettings
    from pipelines.engines.choice import RunnerChoice
    from pipelines.running import BuildContext, Collected
    from pipelines.validate import Finding
    from transforms.core.merging import Merged
    from transforms.core.run_folder import RunFolder
    from transforms.core.summary import Summary

__all__ = ["Settings", "build", "check", "choose", "collector", "main", "run"]

NAME = "copy"


def build(pipeline: Any, settings: Settings, context: BuildContext) -> None:
    """Adds the graph of a copy to a Beam pipeline.

    Args:
        pipeline: The empty pipeline.
        settings: What to copy.
        context: The run's folder and engine.
    """
    from pipelines import copy_stream

    if settings.head == "bounded":
        add(pipeline, NAME, "CopyObjects", settings, context)
    else:
        copy_stream.add(pipeline, settings, context)


def run(settings: Settings, beam_args: Sequence[str] = ()) -> Summary:
    """Copies, and returns what became of it.

    Args:
        settings: What to copy.
        beam_args: Options of Beam, as words.

    Raises:
        ConfigError: The copy can't work as asked; nothing was touched.
    """
    return run_as(NAME, build, settings, beam_args)


def main(argv: Sequence[str]) -> int:
    """The command; returns its exit code."""
    from pipelines.settings_sources import parse

    parsed = parse(Settings, argv)
    return run(parsed.settings, parsed.beam_args).exit_code


def add(pipeline: Any, name: str, transform: str, settings: VerifySettings, context: BuildContext) -> None:
    """Adds the one transform of a pipeline over two sides.

    Args:
        pipeline: The empty pipeline.
        name: The pipeline's.
        transform: Its name in transforms/objects.py.
        settings: Both sides.
        context: The run's folder and engine.
    """
    from pipelines.account_in_job import accounted
    from pipelines.copy_job import copy_settings, ranges_for
    from pipelines.copy_retry import with_retry
    from transforms import objects
    from transforms.pooled import PoolLimits

    wanted = with_retry(ranges_for(copy_settings(settings), context.runner), settings.retry, context.folder)
    limits = PoolLimits(settings.max_concurrent, settings.memory_threshold_mb)
    totals = pipeline | transform >> getattr(objects, transform)(wanted, context.folder, limits)
    accounted(name, totals, settings, context)


def run_as(
    name: str, graph: Callable[[Any, Any, BuildContext], None], settings: VerifySettings, beam_args: Sequence[str]
) -> Summary:
    """Checks both sides, runs a graph over them and accounts for it.

    Args:
        name: The pipeline's.
        graph: Its `build`.
        settings: Both sides.
        beam_args: Options of Beam, as words.

    Raises:
        ConfigError: It can't work as asked; nothing was touched.
    """
    from pipelines.copy_job import prepared
    from pipelines.copy_stream import source_of
    from pipelines.running import run_pipeline
    from transforms import objects  # noqa: F401 - part of the start-up, which the clock leaves out

    choose(settings, beam_args)  # an engine that can't take this is named before either side is looked at
    settings = prepared(settings)
    return run_pipeline(name, settings, beam_args, graph, collector(settings), source=source_of(settings))


def collector(_settings: VerifySettings) -> Callable[[RunFolder, Merged], Collected]:
    """What makes the account of a run with these settings; a job launched from a template is accounted for by it too.

    Args:
        _settings: The run's.
    """
    from pipelines.copy_account import collect

    return collect


def choose(settings: VerifySettings, beam_args: Sequence[str]) -> RunnerChoice:
    """Picks the engine. Raises ConfigError when there is none on which this can work; touches nothing."""
    from pipelines.launch import choose_runner

    return choose_runner(settings, beam_args)


def check(settings: VerifySettings) -> list[Finding]:
    """What would stop this run: source, manifest, destination. Touches nothing."""
    from pipelines.copy_job import findings

    return findings(settings)
