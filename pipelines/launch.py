"""The only file that knows runners: picks one, says which and why, and refuses what can't work before anything runs.

The default, `direct`, is FnApiRunner by name: Beam's own DirectRunner would try to download another runner first.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from transforms.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipelines.settings import PipelineSettings

IN_PROCESS: Final = {"direct": "FnApiRunner", "directrunner": "FnApiRunner", "fnapirunner": "FnApiRunner"}
FOR_TESTS: Final = {"bundlebaseddirectrunner": "BundleBasedDirectRunner"}
LATER: Final = ("PrismRunner", "FlinkRunner", "DataflowRunner", "PortableRunner")


class RunnerChoice(NamedTuple):
    """The engine of a run.

    Attributes:
        name: The runner's class name.
        processes: Processes that work elements; 1 when this one does.
        mode: in_memory, multi_threading or multi_processing.
        reason: Why this one, in words.
    """

    name: str
    processes: int
    mode: str
    reason: str

    @property
    def shown(self) -> str:
        """The runner for summary and console: `FnApiRunner`, `FnApiRunner, 2 processes`."""
        return self.name if self.processes == 1 else f"{self.name}, {self.processes} processes"


def choose_runner(
    settings: PipelineSettings, beam_args: Sequence[str], single_process_reason: str = ""
) -> RunnerChoice:
    """Picks the engine, without importing Beam.

    Args:
        settings: The run's.
        beam_args: Flags that Beam owns.
        single_process_reason: Why only one process may write (`DuckDB locks its file`); "" when several may.

    Raises:
        ConfigError: An unknown runner, one that is not supported, or more processes than the destination bears.
    """
    flags = _direct_flags(beam_args)
    asked = flags.runner or settings.runner
    name = (IN_PROCESS | FOR_TESTS).get(asked.lower())
    if name is None:
        _refuse(asked)
    workers = flags.direct_num_workers or (os.cpu_count() or 1 if flags.direct_num_workers == 0 else 1)
    processes = workers if flags.direct_running_mode == "multi_processing" else 1
    if single_process_reason and flags.direct_running_mode == "multi_processing":
        raise ConfigError(
            f"--direct_running_mode=multi_processing with {workers} workers: {single_process_reason}."
            " Leave that flag away, or load into PostgreSQL, Parquet or BigQuery"
        )
    if name == "BundleBasedDirectRunner":
        return RunnerChoice(name, 1, "in_memory", "asked for; it repeats failing bundles and is slow: meant for tests")
    reason = "bounded input on this machine" if processes == 1 else f"{processes} processes on this machine"
    return RunnerChoice(name or "FnApiRunner", processes, flags.direct_running_mode, reason)


def start_up(choice: RunnerChoice) -> None:
    """Imports Beam and the engine: what every run pays before its first work.

    Args:
        choice: What `choose_runner` picked.
    """
    import_module("apache_beam")
    if choice.name == "FnApiRunner":
        import_module("apache_beam.runners.portability.fn_api_runner.fn_runner")


def launch(
    build: Callable[[Any], None], choice: RunnerChoice, settings: PipelineSettings, beam_args: Sequence[str]
) -> None:
    """Builds the graph and runs it to its end.

    Args:
        build: Called with the empty pipeline; adds the graph.
        choice: What `choose_runner` picked.
        settings: Carried as JSON, without secrets.
        beam_args: Passed through to Beam.
    """
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions, TypeOptions

    from pipelines.options import HornbeamOptions

    options = PipelineOptions([arg for arg in beam_args if arg])
    options.view_as(HornbeamOptions).hornbeam_settings = settings.to_json()
    options.view_as(TypeOptions).pipeline_type_check = False  # 0.1 s a run; tests/transforms check each graph's types
    setup = options.view_as(SetupOptions)
    if choice.mode == "multi_processing":
        setup.beam_plugins = [*(setup.beam_plugins or ()), "transforms.worker_start"]
    with beam.Pipeline(runner=_runner(choice, options), options=options) as pipeline:
        build(pipeline)


def _runner(choice: RunnerChoice, options: Any) -> Any:
    """The runner object; FnApiRunner is given the options as its workers get them, as Beam's DirectRunner does."""
    if choice.name == "BundleBasedDirectRunner":
        from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner

        return BundleBasedDirectRunner()
    from apache_beam.options.pipeline_options import DirectOptions
    from apache_beam.portability.api import beam_provision_api_pb2
    from apache_beam.runners.portability.fn_api_runner import fn_runner
    from apache_beam.runners.portability.portable_runner import JobServiceHandle

    direct = options.view_as(DirectOptions)
    encoded = JobServiceHandle.encode_pipeline_options(options.get_all_options())
    provision = beam_provision_api_pb2.ProvisionInfo(pipeline_options=encoded)
    extended = fn_runner.ExtendedProvisionInfo(provision)
    if choice.mode != "multi_processing":
        return fn_runner.FnApiRunner(provision_info=extended)
    direct.direct_running_mode = "given"  # or FnApiRunner would make its own environment
    return fn_runner.FnApiRunner(default_environment=_worker_processes(), provision_info=extended)


def _worker_processes() -> Any:
    """Beam's worker as a process; its own command breaks on a path with a space, and on Ctrl-C while it starts."""
    from apache_beam.transforms.environments import SubprocessSDKEnvironment

    python = shlex.quote(sys.executable)
    command = f"trap '' INT TERM; exec {python} -m apache_beam.runners.worker.sdk_worker_main"
    return SubprocessSDKEnvironment.from_command_string(command_string=command)


def _refuse(asked: str) -> None:
    known = ", ".join(["direct", *sorted({*IN_PROCESS.values(), *FOR_TESTS.values()})])
    for name in LATER:
        if asked.lower() in (name.lower(), name.removesuffix("Runner").lower()):
            raise ConfigError(f"--runner={asked}: {name} is not supported yet. Use one of: {known}")
    raise ConfigError(f"--runner={asked}: there is no such runner. Use one of: {known}")


def _direct_flags(beam_args: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(allow_abbrev=False, add_help=False)
    parser.add_argument("--runner", default="")
    parser.add_argument("--direct_running_mode", default="in_memory")
    parser.add_argument("--direct_num_workers", type=int, default=1)
    flags, _ = parser.parse_known_args(list(beam_args))
    return flags
