"""The account of a job that a template launched, from what its workers left in --output.

Its last step makes it (account_in_job.py); `hornbeam launch` does so again, also for a job that didn't come so far.
"""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pipelines import registry
from pipelines.engines.choice import RunnerChoice
from pipelines.launch_dataflow import run_id_of
from pipelines.run_account import Ended, account
from pipelines.run_errors import describe
from pipelines.run_output import Output
from transforms.core.memory_use import MemoryUse
from transforms.core.report.page import report_page
from transforms.core.run_folder import new_run_folder
from transforms.core.summary import RunError

if TYPE_CHECKING:
    from datetime import datetime

    from pipelines.flex_launch_command import Launch
    from transforms.core.summary import Summary

CHOICE = RunnerChoice("DataflowRunner", 1, "remote", "from a template", "dataflow")


def account_for(launch: Launch, started: datetime, seconds: float, error: RunError | None) -> int:
    """Merges what the workers left, writes the run's summary and report, and says the closing lines.

    Args:
        launch: The job that has ended.
        started: When, UTC.
        seconds: How long it took, with its start.
        error: What makes it a failed one, or None.

    Returns:
        The run's exit code.
    """
    run_id = run_id_of([f"--job_name={launch.job_name}"])
    folder = new_run_folder(launch.pipeline, launch.settings.output, run_id=run_id)
    told = describe(_Told(error.message)) if error and "Traceback" in error.message else error
    bounded = launch.settings.head == "bounded"
    if told is None and bounded and next(folder.parts(), None) is None:
        told = RunError("RemoteJobError", f"the job is done, but its workers left no account in {folder.uri}")
    settings = launch.settings.model_copy(update={"runner": "dataflow"})  # so that the next steps go there too
    ended = Ended(
        pipeline=launch.pipeline,
        settings=settings,
        choice=CHOICE,
        folder=folder,
        started=started,
        seconds=seconds,
        memory=MemoryUse(),
        beam_args=launch.beam_args,
        error=told,
    )
    summary = write_account(ended)
    Output(folder, as_events=launch.settings.json_events).closed(summary)
    return summary.exit_code


def write_account(ended: Ended) -> Summary:
    """Merges the parts of a run and writes its summary and report.

    Args:
        ended: The run.
    """
    collect = registry.pipeline_module(ended.pipeline).collector(ended.settings)
    with TemporaryDirectory(prefix="hornbeam-") as temp_dir:
        summary, merged = account(ended, temp_dir, collect)
    ended.folder.write("report.html", report_page(summary, merged))
    ended.folder.write("summary.json", summary.to_json())
    return summary


class _Told(Exception):  # noqa: N818 - an error's text as the service tells it
    """Carries a text with a traceback to `describe`, which digs the error out."""
