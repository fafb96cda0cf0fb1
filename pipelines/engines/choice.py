"""The values between a command and its engine: what is asked, and what was chosen. Imports no Beam."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final, NamedTuple

from pipelines.settings_options import options
from transforms.core.errors import ConfigError
from transforms.core.scrubbing import scrub

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipelines.settings import Head, PipelineSettings

READ_HERE: Final = ("retry", "schema_file")  # addresses that only the launching process reads


class RunnerChoice(NamedTuple):
    """The engine of a run.

    Attributes:
        name: The runner's class name.
        processes: Processes that work elements; 1 when this one does.
        mode: in_memory, multi_threading, multi_processing, loopback (an engine's own process sends the work to this
            one) or remote (workers that this machine didn't start).
        reason: Why this one, in words.
        engine: Which of `launch.ENGINES` it is.
        place: Where the engine runs: `embedded`, `host:port`; "" when in this process.
        drains: Whether all workers learn of a signal, by this process or a shared folder: then what is under way is
            finished. Else the engine is asked to cancel the job.
        head: Where the graph's elements come from.
        marks_at: Where workers say that a stream is through, if not in the run's shared or temporary folder.
        warning: What may not go well there, with the remedy; "" where there is nothing to say.
    """

    name: str
    processes: int
    mode: str
    reason: str
    engine: str = "direct"
    place: str = ""
    drains: bool = True
    head: Head = "bounded"
    marks_at: str = ""
    warning: str = ""

    @property
    def shown(self) -> str:
        """The runner for summary and console: `FnApiRunner`, `FnApiRunner, 2 processes`, `FlinkRunner, embedded`."""
        parts = [self.name, self.place, "" if self.processes == 1 else f"{self.processes} processes"]
        return ", ".join(part for part in parts if part)

    @property
    def streams(self) -> bool:
        """Whether the graph that the engine gets is unbounded; on this machine watching is a loop of bounded ones."""
        return self.head == "subscription" or (self.head == "watch" and self.engine != "direct")

    @property
    def stopping(self) -> str:
        """What a signal makes of the run, in words."""
        if self.engine not in {"prism", "flink"}:
            return "finishing what is under way"
        if self.drains:
            return f"asked the {self.name} job to drain: finishing what is under way"
        return f"asked {self.name} to cancel the job: what is under way is broken off, the same command goes on later"


class Asked(NamedTuple):
    """What a command asks of an engine.

    Attributes:
        word: The runner as it was given.
        flags: The flags of Beam and Flink that decide where a graph runs.
        single_process_reason: Why only one process may write; "" when several may.
        local: Options and their values that lie on this machine's disk: `--source data.csv`.
        settings: The run's.
        beam_args: All flags that Beam owns.
    """

    word: str
    flags: argparse.Namespace
    single_process_reason: str
    local: tuple[str, ...]
    settings: PipelineSettings
    beam_args: tuple[str, ...]


def asked_of(settings: PipelineSettings, beam_args: Sequence[str], single_process_reason: str) -> Asked:
    """Reads a command.

    Args:
        settings: The run's.
        beam_args: Flags that Beam owns.
        single_process_reason: Why only one process may write; "" when several may.
    """
    flags = _placing_flags(beam_args)
    local = tuple(_local_places(settings))
    return Asked(flags.runner or settings.runner, flags, single_process_reason, local, settings, tuple(beam_args))


def _local_places(settings: PipelineSettings) -> Iterator[str]:
    if settings.output is None:
        yield "--output (without it runs/ takes the account)"
    for one in options(type(settings)):
        value = getattr(settings, one.field) if one.address and one.field not in READ_HERE else None
        for address in (value,) if isinstance(value, str) else value or ():
            if is_local(address):
                yield f"--{one.name} {scrub(address)}"


def is_local(address: str) -> bool:
    """Whether an address is a path: databases in files are another matter (`single_process_reason`)."""
    bare = address.removeprefix("parquet:")
    return "://" not in bare or bare.startswith("file://")


def _placing_flags(beam_args: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(allow_abbrev=False, add_help=False)
    parser.add_argument("--direct_running_mode", default="in_memory")
    parser.add_argument("--direct_num_workers", type=int, default=1)
    parser.add_argument("--checkpointing_interval", type=int, default=-1)
    parser.add_argument("--streaming", nargs="?", const="true", default="")
    texts = "runner job_endpoint environment_type environment_config prism_location flink_master flink_job_server_jar"
    kept = "state_backend state_backend_factory state_backend_storage_path"
    for name in (*texts.split(), *kept.split(), "template_location"):
        parser.add_argument(f"--{name}", default="")
    flags, _ = parser.parse_known_args(list(beam_args))
    return flags


def refuse_head(engine: str, head: Head, flags: argparse.Namespace) -> None:
    """Makes sure that a graph with this head can run on this engine.

    | head         | direct             | prism   | flink                         | dataflow |
    |--------------|--------------------|---------|-------------------------------|----------|
    | bounded      | yes                | yes     | yes                           | yes      |
    | watch        | in one process (a) | yes     | with --checkpointing_interval | yes      |
    | subscription | in one process (b) | refused | refused                       | yes      |

    (a) The command repeats bounded graphs. (b) On Beam's bundle-based runner.

    Args:
        engine: Which of `launch.ENGINES`.
        head: Where the graph's elements come from.
        flags: What `asked_of` read.

    Raises:
        ConfigError: It can't, with the remedy.
    """
    option = f"--{head} on --runner={engine}"
    if head == "subscription" and engine in {"prism", "flink"}:
        raise ConfigError(
            f"{option}: that engine can't read from Pub/Sub. Use --runner=direct or --runner=dataflow, or --watch"
        )
    if head == "watch" and engine == "flink" and flags.checkpointing_interval <= 0:
        raise ConfigError(
            f"{option}: without checkpoints it keeps nothing of what it has seen: give --checkpointing_interval,"
            " in milliseconds, such as 10000"
        )
    if head != "bounded" and engine == "direct" and flags.direct_running_mode == "multi_processing":
        raise ConfigError(
            f"{option}: a stream runs in one process here. Leave --direct_running_mode=multi_processing away, or use"
            " --runner=flink"
        )
