"""Prism: Beam's own engine for one machine, a Go program. Its workers are this process; one bundle at a time."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipelines.engines.built import REMEDY, engines_folder
from pipelines.engines.choice import Asked, RunnerChoice
from pipelines.engines.free_port import free_port
from pipelines.engines.job_server import EngineCommand, running_server
from pipelines.engines.portable import MODULES, portable_runner
from transforms.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MODULES", "NAMES", "choose", "running", "serving"]

NAMES: Final = ("prism", "PrismRunner")


def choose(asked: Asked) -> RunnerChoice:
    """Prism on this machine, or the one that `--job_endpoint` names; no Beam is imported.

    Args:
        asked: By the command.

    Raises:
        ConfigError: There is no Prism, or its workers would be other processes where only one may write.
    """
    flags = asked.flags
    worker = flags.environment_type.upper()
    if worker not in {"", "LOOPBACK"}:
        raise ConfigError(
            f"--environment_type={flags.environment_type}: on Prism this process is the worker; leave that flag away,"
            " or use --runner=flink for workers of their own"
        )
    if flags.job_endpoint:
        return RunnerChoice("PrismRunner", 1, "loopback", "asked for", "prism", flags.job_endpoint)
    _program(flags.prism_location)
    return RunnerChoice("PrismRunner", 1, "loopback", "asked for; started for this run", "prism")


@contextmanager
def serving(choice: RunnerChoice, flags: Any, temp_dir: str) -> Iterator[str]:
    """Runs a Prism of the run's own, unless one was named.

    Args:
        choice: What `choose` picked.
        flags: Those of the command.
        temp_dir: The run's.

    Yields:
        Where it takes jobs.
    """
    if choice.place:
        yield choice.place
        return
    port = free_port()
    words = [_program(flags.prism_location), f"--job_port={port}", "--serve_http=false", "--log_kind=text"]
    remedy = f"Check {words[0]}: {REMEDY}"
    with running_server(EngineCommand("Prism", words, port, Path(temp_dir) / "prism.log", remedy)) as endpoint:
        yield endpoint


@contextmanager
def running(choice: RunnerChoice, options: Any, endpoint: str) -> Iterator[Any]:
    """The runner that submits to Prism.

    Args:
        choice: What `choose` picked.
        options: The pipeline's.
        endpoint: Where Prism takes jobs.
    """
    from apache_beam.options.pipeline_options import DebugOptions

    from pipelines.engines.portable_job import Ending

    if choice.streams:
        # Prism splits a slow bundle, and gives the rest of a key out again while the key's first part is still at work:
        # that starts from the state of before, and what the first part had put by is lost.
        options.view_as(DebugOptions).add_experiment("prism_disable_sdf_split")
    with portable_runner(options, endpoint, Ending(choice.drains)) as runner:
        yield runner


def _program(location: str) -> str:
    """Prism's program: the one that is named, else the one of `make engines`, else the one on the path."""
    if location:
        if Path(location).is_file():
            return location
        raise ConfigError(f"--prism_location={location}: there is no such program; nothing is downloaded, {REMEDY}")
    built = engines_folder() / "bin" / "prism"
    found = str(built) if built.is_file() else shutil.which("prism")
    if not found:
        raise ConfigError(f"--runner=prism: no Prism at {built} or on the path: {REMEDY}, or give --prism_location")
    return found
