"""This machine, by FnApiRunner's name: Beam's own DirectRunner would try to download another runner first.

Also the bundle-based runner: for subscriptions, and for tests, since it repeats failing bundles.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from pipelines.engines.bundle_ends import end_promptly
from pipelines.engines.choice import Asked, RunnerChoice
from transforms.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: Final = ("direct", "DirectRunner", "FnApiRunner", "BundleBasedDirectRunner")
MODULES: Final = ("apache_beam.runners.portability.fn_api_runner.fn_runner",)


def choose(asked: Asked) -> RunnerChoice:
    """FnApiRunner, in this process or in several; no Beam is imported.

    Args:
        asked: By the command.

    Raises:
        ConfigError: More processes than the destination bears.
    """
    flags = asked.flags
    workers = flags.direct_num_workers or (os.cpu_count() or 1 if flags.direct_num_workers == 0 else 1)
    several = flags.direct_running_mode == "multi_processing"
    processes = workers if several else 1
    if asked.single_process_reason and several:
        raise ConfigError(
            f"--direct_running_mode=multi_processing with {workers} workers: {asked.single_process_reason}."
            " Leave that flag away, or load into PostgreSQL, Parquet or BigQuery"
        )
    if asked.word.lower() == "bundlebaseddirectrunner":
        why = "asked for; it repeats failing bundles and is slow: meant for tests"
        return RunnerChoice("BundleBasedDirectRunner", 1, "in_memory", why)
    if asked.settings.head == "subscription":
        why = "a subscription on this machine: Beam's streaming runner"
        return RunnerChoice("BundleBasedDirectRunner", 1, "in_memory", why)
    if asked.settings.head == "watch":
        return RunnerChoice("FnApiRunner", 1, flags.direct_running_mode, "one bounded graph after each look")
    reason = "bounded input on this machine" if processes == 1 else "asked for by --direct_running_mode"
    return RunnerChoice("FnApiRunner", processes, flags.direct_running_mode, reason)


@contextmanager
def serving(choice: RunnerChoice, flags: Any, temp_dir: str) -> Iterator[str]:
    """Nothing: this engine lives in the process."""
    del choice, flags, temp_dir
    yield ""


@contextmanager
def running(choice: RunnerChoice, options: Any, endpoint: str) -> Iterator[Any]:
    """The runner object; FnApiRunner is given the options as its workers get them, as Beam's DirectRunner does.

    Args:
        choice: What `choose` picked.
        options: The pipeline's.
        endpoint: None here.
    """
    del endpoint
    if choice.name == "BundleBasedDirectRunner" and choice.streams:
        from pipelines.engines.subscribed import SubscribedRunner
        from pipelines.options import HornbeamOptions

        settings = json.loads(options.view_as(HornbeamOptions).hornbeam_settings)
        yield SubscribedRunner(settings["stop_after_idle_seconds"])
        return
    if choice.name == "BundleBasedDirectRunner":
        from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner

        yield BundleBasedDirectRunner()
        return
    from apache_beam.options.pipeline_options import DirectOptions, SetupOptions
    from apache_beam.portability.api import beam_provision_api_pb2
    from apache_beam.runners.portability.fn_api_runner import fn_runner
    from apache_beam.runners.portability.portable_runner import JobServiceHandle

    if choice.mode == "multi_processing":
        setup = options.view_as(SetupOptions)
        setup.beam_plugins = [*(setup.beam_plugins or ()), "transforms.worker_start"]
    encoded = JobServiceHandle.encode_pipeline_options(options.get_all_options())
    extended = fn_runner.ExtendedProvisionInfo(beam_provision_api_pb2.ProvisionInfo(pipeline_options=encoded))
    if choice.mode != "multi_processing":
        end_promptly()
        yield fn_runner.FnApiRunner(provision_info=extended)
        return
    options.view_as(DirectOptions).direct_running_mode = "given"  # or FnApiRunner would make its own environment
    yield fn_runner.FnApiRunner(default_environment=_worker_processes(), provision_info=extended)


def _worker_processes() -> Any:
    """Beam's worker as a process; its own command breaks on a path with a space, and on Ctrl-C while it starts."""
    from apache_beam.transforms.environments import SubprocessSDKEnvironment

    python = shlex.quote(sys.executable)
    command = f"trap '' INT TERM; exec {python} -m apache_beam.runners.worker.sdk_worker_main"
    return SubprocessSDKEnvironment.from_command_string(command_string=command)
