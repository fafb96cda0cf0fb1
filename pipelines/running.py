"""How every pipeline runs: folder, log, signals, sampler, the graph, the account of it, the report, four closing lines.

A pipeline gives `build` (adds its graph) and, where it has more to tell than its outcomes, `collect`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from pipelines.launch import RunnerChoice, choose_runner, launch, start_up
from pipelines.logs import LOGGER, logging_to
from pipelines.run_account import Collected, Ended, account, collect_outcomes
from pipelines.run_errors import describe
from pipelines.run_output import Output
from transforms.core import allocator, interrupt, memory, progress, run_context
from transforms.core.errors import ConfigError
from transforms.core.report.page import report_page
from transforms.core.run_context import RunContext
from transforms.core.run_folder import RunFolder, new_run_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipelines.settings import PipelineSettings
    from transforms.core.merging import Merged
    from transforms.core.progress import Amounts
    from transforms.core.summary import RunError, Summary

__all__ = ["BuildContext", "Collected", "collect_outcomes", "run_pipeline"]


class BuildContext(NamedTuple):
    """What a pipeline's `build` gets beside its settings.

    Attributes:
        folder: Where units leave their parts; a plain value that DoFns carry.
        runner: The engine that will run the graph.
    """

    folder: RunFolder
    runner: RunnerChoice


class Job(NamedTuple):
    """What is to be run.

    Attributes:
        name: The pipeline's.
        settings: Its settings.
        beam_args: Flags that Beam owns.
        build: Called with the empty Beam pipeline, the settings and the context; adds the graph.
        collect: Called with the folder and the merged parts when the graph has ended, however it ended.
    """

    name: str
    settings: PipelineSettings
    beam_args: Sequence[str]
    build: Callable[[Any, Any, BuildContext], None]
    collect: Callable[[RunFolder, Merged], Collected]


def run_pipeline(
    name: str,
    settings: PipelineSettings,
    beam_args: Sequence[str],
    build: Callable[[Any, Any, BuildContext], None],
    collect: Callable[[RunFolder, Merged], Collected] = collect_outcomes,
    single_process_reason: str = "",
) -> Summary:
    """Runs a pipeline to its end and leaves its account; one run at a time in a process, further ones wait.

    Args:
        name: The pipeline's.
        settings: Its settings.
        beam_args: Flags that Beam owns.
        build: Called with the empty Beam pipeline, the settings and the context; adds the graph.
        collect: Called with the folder and the merged parts when the graph has ended, however it ended.
        single_process_reason: Why only one process may write; "" when several may.

    Raises:
        ConfigError: The command can't work as it is; nothing ran.
    """
    choice = choose_runner(settings, beam_args, single_process_reason)
    folder = new_run_folder(name, settings.output)
    job = Job(name, settings, beam_args, build, collect)
    with ExitStack() as stack:
        temp_dir = tempfile.mkdtemp(prefix="hornbeam-")
        stack.callback(shutil.rmtree, temp_dir, ignore_errors=True)
        stack.enter_context(run_context.active(RunContext(folder.run_id, os.getpid(), temp_dir, choice.processes)))
        interrupt.reset()
        progress.reset()
        stack.enter_context(interrupt.handling(end_children))
        stack.enter_context(logging_to(folder, settings, temp_dir))
        output = Output(folder, as_events=settings.json_events)
        try:
            summary = _run(job, BuildContext(folder, choice), output, temp_dir)
        except ConfigError:
            if settings.output is None and folder.local_path is not None:
                stack.callback(shutil.rmtree, folder.local_path)
            raise
    output.closed(summary)
    return summary


def end_children() -> None:
    """Ends the processes that this run started: what a hard exit must not leave behind."""
    import psutil

    for child in psutil.Process().children(recursive=True):
        child.kill()


def _run(job: Job, context: BuildContext, output: Output, temp_dir: str) -> Summary:
    allocator.return_freed_memory()
    start_up(context.runner)  # the baseline and the clock come after it
    sampler = memory.start(observe=_done)
    started, clock = datetime.now(UTC), time.monotonic()
    LOGGER.info("%s %s: %s, %s", job.name, context.folder.run_id, context.runner.shown, context.runner.reason)
    output.started(job.name, context.runner)
    try:
        with output.live(sampler):
            error = _graph(job, context)
    finally:
        sampler.stop()
    ended = Ended(
        pipeline=job.name,
        settings=job.settings,
        choice=context.runner,
        folder=context.folder,
        started=started,
        seconds=time.monotonic() - clock,
        memory=sampler.use(job.settings.memory_threshold_mb),
        beam_args=job.beam_args,
        error=error,
    )
    summary, merged = account(ended, temp_dir, job.collect)
    context.folder.write("report.html", report_page(summary, merged))
    context.folder.write("summary.json", summary.to_json())
    LOGGER.info("%s %s, exit code %d", job.name, summary.status, summary.exit_code)
    return summary


def _graph(job: Job, context: BuildContext) -> RunError | None:
    """Runs the graph; what it raises becomes the run's error, its traceback goes to the log only."""
    refused: list[ConfigError] = []

    def build(pipeline: Any) -> None:
        try:
            job.build(pipeline, job.settings, context)
        except ConfigError as error:
            refused.append(error)
            raise

    try:
        launch(build, context.runner, job.settings, job.beam_args)
    except Exception as caught:
        if refused:
            raise  # nothing ran: a wrong command leaves no account
        error = describe(caught)
        LOGGER.error("%s: %s", error.type, error.message)
        LOGGER.info("traceback of %s", error.type, exc_info=caught)
        return error
    return None


def _done() -> Amounts:
    return progress.snapshot().done
