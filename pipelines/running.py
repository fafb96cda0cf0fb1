"""How every pipeline runs: folder, log, signals, sampler, the graph, the account of it, the report, four closing lines.

A pipeline gives `build` (adds its graph) and, where it has more to tell than its outcomes, `collect`.
"""

from __future__ import annotations

import os
import shutil
import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from pipelines.estimate import read_rate
from pipelines.launch import RunnerChoice, choose_runner, launch, start_up
from pipelines.launch_dataflow import run_id_of
from pipelines.logs import LOGGER, logging_to
from pipelines.run_account import Collected, Ended, account, collect_outcomes
from pipelines.run_errors import describe
from pipelines.run_output import Output
from pipelines.stream_graph import StreamSource, demand_head, watch_here
from pipelines.temp_folder import temp_folder
from transforms.core import allocator, interrupt, memory, progress, progress_afar, run_context
from transforms.core.errors import ConfigError, HornbeamError, InterruptedRunError
from transforms.core.report.page import report_page
from transforms.core.run_context import RunContext
from transforms.core.run_folder import RunFolder, new_run_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipelines.settings import PipelineSettings
    from pipelines.stream_settings import StreamSettings
    from transforms.core.merging import Merged
    from transforms.core.progress import Amounts
    from transforms.core.streams.notice import Notice
    from transforms.core.summary import RunError, Summary

__all__ = ["BuildContext", "Collected", "collect_outcomes", "run_pipeline"]


class BuildContext(NamedTuple):
    """What a pipeline's `build` gets beside its settings.

    Attributes:
        folder: Where units leave their parts; a plain value that DoFns carry.
        runner: The engine that will run the graph.
        found: What a look at a stream's source found, for a graph over just that; None for any other graph.
        beam_args: Flags that Beam owns.
    """

    folder: RunFolder
    runner: RunnerChoice
    found: Sequence[Notice] | None = None
    beam_args: Sequence[str] = ()


class Job(NamedTuple):
    """What is to be run.

    Attributes:
        name: The pipeline's.
        settings: Its settings.
        beam_args: Flags that Beam owns.
        build: Called with the empty Beam pipeline, the settings and the context; adds the graph.
        collect: Called with the folder and the merged parts when the graph has ended, however it ended.
        source: What a stream is fed from; None where the settings ask for none.
    """

    name: str
    settings: PipelineSettings
    beam_args: Sequence[str]
    build: Callable[[Any, Any, BuildContext], None]
    collect: Callable[[RunFolder, Merged], Collected]
    source: StreamSource | None


def run_pipeline(
    name: str,
    settings: PipelineSettings,
    beam_args: Sequence[str],
    build: Callable[[Any, Any, BuildContext], None],
    collect: Callable[[RunFolder, Merged], Collected] = collect_outcomes,
    single_process_reason: str = "",
    source: StreamSource | None = None,
) -> Summary:
    """Runs a pipeline to its end and leaves its account; one run at a time in a process, further ones wait.

    Args:
        name: The pipeline's.
        settings: Its settings.
        beam_args: Flags that Beam owns.
        build: Called with the empty Beam pipeline, the settings and the context; adds the graph.
        collect: Called with the folder and the merged parts when the graph has ended, however it ended.
        single_process_reason: Why only one process may write; "" when several may.
        source: What a stream is fed from; None where the settings ask for none.

    Raises:
        ConfigError: The command can't work as it is; nothing ran.
    """
    choice = choose_runner(settings, beam_args, single_process_reason)
    if settings.rate_from:
        read_rate(name, settings.rate_from)
    demand_head(settings, choice)
    folder = new_run_folder(name, settings.output, run_id=run_id_of(beam_args))
    _demand_writable(folder)
    job = Job(name, settings, beam_args, build, collect, source)
    with ExitStack() as stack:
        temp_dir = stack.enter_context(temp_folder())
        shared_dir = _shared_dir(choice, folder, stack)
        afar = "" if choice.drains or folder.local_path is not None else folder.uri
        run = RunContext(folder.run_id, os.getpid(), temp_dir, choice.processes, shared_dir, choice.drains, afar)
        stack.enter_context(run_context.active(run))
        interrupt.reset()
        progress.reset()
        stack.enter_context(interrupt.handling(end_children))
        stack.enter_context(logging_to(folder, settings, temp_dir))
        output = Output(folder, as_events=settings.json_events)
        try:
            summary = _run(job, BuildContext(folder, choice, beam_args=beam_args), output, temp_dir)
        except ConfigError:
            if settings.output is None and folder.local_path is not None:
                stack.callback(shutil.rmtree, folder.local_path)
            raise
    output.closed(summary)
    return summary


def _demand_writable(folder: RunFolder) -> None:
    """A run that works for hours and then can't say what it did would be worse than none."""
    if folder.local_path is not None:
        return
    try:
        folder.write("hornbeam.log", "")
    except HornbeamError as e:
        hint = "a compatible store's address is taken from AWS_ENDPOINT_URL or STORAGE_EMULATOR_HOST"
        raise ConfigError(f"--output {folder.shown} can't be written: {e} ({hint})") from e


def _shared_dir(choice: RunnerChoice, folder: RunFolder, stack: ExitStack) -> str:
    """Where workers of an engine's own learn of a stop and tell how far they are: in the run folder, while it runs."""
    if choice.mode != "remote" or not choice.drains or folder.local_path is None:
        return ""
    shared = folder.local_path / "running"
    stack.callback(shutil.rmtree, shared, ignore_errors=True)
    return str(shared)


def end_children() -> None:
    """Ends the processes that this run started: what a hard exit must not leave behind."""
    import psutil

    for child in psutil.Process().children(recursive=True):
        child.kill()


def _run(job: Job, context: BuildContext, output: Output, temp_dir: str) -> Summary:
    allocator.return_freed_memory()
    choice, shown = context.runner, {"console": not job.settings.json_events}
    # Now, not when it is up: an engine may take seconds for that.
    LOGGER.info("%s %s: on %s (%s)", job.name, context.folder.run_id, choice.shown, choice.reason, extra=shown)
    if choice.warning:
        LOGGER.warning("%s", choice.warning)
    with ExitStack() as engine:
        endpoint = None
        with suppress(InterruptedRunError):  # before the engine was up: the account says that nothing was done
            endpoint = engine.enter_context(start_up(choice, job.settings, job.beam_args, temp_dir))
        return _account(job, context, output, temp_dir, endpoint)


def _account(job: Job, context: BuildContext, output: Output, temp_dir: str, endpoint: str | None) -> Summary:
    sampler = memory.start(observe=_done)  # the baseline and the clock come after the start-up
    started, clock = datetime.now(UTC), time.monotonic()
    output.started(job.name, context.runner)
    try:
        with output.live(sampler):
            error = None if endpoint is None else _heard_graph(job, context, endpoint)
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
    if context.runner.mode != "template":  # there the job is still to come, and its account
        context.folder.write("report.html", report_page(summary, merged))
        context.folder.write("summary.json", summary.to_json())
    LOGGER.info("%s %s, exit code %d", job.name, summary.status, summary.exit_code)
    return summary


def _heard_graph(job: Job, context: BuildContext, endpoint: str) -> RunError | None:
    run = run_context.current()
    assert run is not None
    with progress_afar.heard(run):
        return _graph(job, context, endpoint)


def _graph(job: Job, context: BuildContext, endpoint: str) -> RunError | None:
    """Runs the graph; what it raises becomes the run's error, its traceback goes to the log only."""
    refused: list[ConfigError] = []
    built: list[int] = []

    def run(found: Sequence[Notice] | None = None) -> None:
        launch(partial(build, context._replace(found=found)), context.runner, job.settings, job.beam_args, endpoint)

    def build(context: BuildContext, pipeline: Any) -> None:
        try:
            job.build(pipeline, job.settings, context)
        except ConfigError as error:
            refused.append(error)
            raise
        built.append(1)

    try:
        if job.source is not None and job.settings.head == "watch" and context.runner.engine == "direct":
            watch_here(cast("StreamSettings", job.settings), job.source, run)
        else:
            run()
    except Exception as caught:
        if refused and not built:
            raise  # nothing ran: a wrong command leaves no account
        error = describe(caught)
        LOGGER.error("%s: %s", error.type, error.message)
        LOGGER.info("traceback of %s", error.type, exc_info=caught)
        return error
    return None


def _done() -> Amounts:
    return progress.snapshot().done
