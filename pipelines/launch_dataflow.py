"""Dataflow as an engine (`--runner dataflow`): what is checked before, what is staged, how a job is named.

The package travels as a wheel (launch_dataflow_package.py) unless the workers' image brings it. In a template's
launcher nothing is submitted: the job's description is all that is wanted there. No Beam at import.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from importlib.util import find_spec
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from pipelines.engines.choice import Asked, RunnerChoice
from pipelines.launch_dataflow_package import write_wheel
from pipelines.launch_dataflow_rules import flag_findings, flags_of, settings_findings
from pipelines.settings_sources import SettingsError
from transforms.core import run_context
from transforms.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipelines.settings import PipelineSettings

NAMES: Final = ("dataflow", "DataflowRunner")
MODULES: Final = ("apache_beam.runners.dataflow.dataflow_runner",)
JOB_NAME: Final = re.compile(r"[a-z][-a-z0-9]*-(\d{8})t(\d{6})z-([0-9a-f]{6})")


def refuse_unfit(settings: PipelineSettings, beam_args: Sequence[str]) -> None:
    """Makes sure that a run can work on Dataflow, before anything runs.

    Args:
        settings: The run's.
        beam_args: Flags that Beam owns.

    Raises:
        SettingsError: With everything that can't work there, each with its remedy.
    """
    if found := [*flag_findings(flags_of(beam_args)), *settings_findings(settings)]:
        raise SettingsError(found)


def choose(asked: Asked) -> RunnerChoice:
    """Dataflow, in the region that was named; `refuse_unfit` has judged the command.

    Args:
        asked: By the command.

    Raises:
        ConfigError: The client of the service isn't installed.
    """
    if not _has_client():
        raise ConfigError(f"--runner={asked.word} needs Dataflow's client, which isn't installed: hornbeam[gcp] has it")
    if asked.flags.template_location:
        return RunnerChoice("DataflowRunner", 1, "template", "describes a job for a template's launcher", "dataflow")
    return RunnerChoice("DataflowRunner", 1, "remote", "asked for", "dataflow")


def _has_client() -> bool:
    try:
        return find_spec("google.cloud.dataflow_v1beta3") is not None
    except ModuleNotFoundError:  # not even the package that it is in
        return False


@contextmanager
def serving(choice: RunnerChoice, flags: Any, temp_dir: str) -> Iterator[str]:
    """Nothing is started for Dataflow.

    Args:
        choice: What `choose` picked.
        flags: Those of the command.
        temp_dir: The run's.

    Yields:
        "": Beam's own flags say where the service is.
    """
    del choice, flags, temp_dir
    yield ""


@contextmanager
def running(choice: RunnerChoice, options: Any, endpoint: str) -> Iterator[Any]:
    """The runner that submits to Dataflow and follows the job.

    Args:
        choice: What `choose` picked.
        options: The pipeline's; the job's name and the package are added.
        endpoint: Not used.
    """
    del choice, endpoint
    from apache_beam.options.pipeline_options import GoogleCloudOptions, SetupOptions, WorkerOptions

    from pipelines.launch_dataflow_job import FollowingDataflowRunner

    setup, cloud = options.view_as(SetupOptions), options.view_as(GoogleCloudOptions)
    cloud.job_name = cloud.job_name or job_name()
    brought = options.view_as(WorkerOptions).sdk_container_image or setup.setup_file or setup.extra_packages
    with TemporaryDirectory(prefix="hornbeam-package-") as folder:
        if not brought:
            setup.extra_packages = [str(write_wheel(folder))]
        yield FollowingDataflowRunner()


def job_name() -> str:
    """A name for this run's job that tells which run it is."""
    context = run_context.current()
    return f"hornbeam-{context.run_id.lower()}" if context else "hornbeam"


def run_id_of(beam_args: Sequence[str]) -> str:
    """The run that a job's name tells of (a template's launcher works for the run that launched it), or ""."""
    match = JOB_NAME.fullmatch(flags_of(beam_args).job_name)
    return f"{match[1]}T{match[2]}Z-{match[3]}" if match else ""
