"""`hornbeam launch PIPELINE --template gs://…`: a template's job, checked here, started by gcloud, followed to its end.

The settings are the pipeline's own, from the same command line and config files.
"""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pipelines import flex_launch_job, registry
from pipelines.flex_launch_command import Launch, command
from pipelines.launch_dataflow import refuse_unfit
from pipelines.launch_dataflow_rules import flags_of
from pipelines.settings_sources import parse, wants_help
from transforms.core.errors import ConfigError
from transforms.core.run_folder import new_run_id
from transforms.core.scrubbing import scrub

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.settings import PipelineSettings

RUNNERS: Final = ("direct", "dataflow", "dataflowrunner")
TEMPLATE: Final = re.compile(r"gs://[^/]+/.+")
JOB_NAME: Final = re.compile(r"[a-z]([-a-z0-9]{0,37}[a-z0-9])?")


class Words(NamedTuple):
    """The command's own words, and the rest.

    Attributes:
        template: gs:// address of the template's specification.
        only_print: Whether the command is printed and nothing else done.
        rest: What is for the pipeline, Beam and gcloud.
    """

    template: str
    only_print: bool
    rest: list[str]


def main(argv: Sequence[str]) -> int:
    """Launches, or prints the command that would.

    Returns:
        0 the job did all, 1 it failed or something in it did, 130 or 143 it was stopped.

    Raises:
        ConfigError: The command can't work; nothing was started.
    """
    if not argv or argv[0].startswith("-"):
        usage = registry.COMMANDS["launch"].usage
        raise ConfigError(f"launch needs a pipeline as its first word ({', '.join(registry.PIPELINES)}): {usage}")
    name = argv[0]
    settings_class = registry.settings_class(name)
    words = own_words(argv[1:])
    parsed = parse(settings_class, words.rest)
    launch = prepared(name, parsed.settings, parsed.beam_args, words.template, new_run_id())
    line = command(launch)
    if words.only_print:
        sys.stdout.write(shlex.join(line) + "\n")
        return 0
    if shutil.which(line[0]) is None:
        raise ConfigError(
            "gcloud is not on the path: install the Google Cloud CLI, or print the command with --print and run it "
            "where it is"
        )
    try:
        return flex_launch_job.launch_and_follow(launch, line)
    except (flex_launch_job.GcloudError, flex_launch_job.AccountUnreachableError) as error:
        sys.stderr.write(f"hornbeam: {error}\n")
        return 1


def own_words(argv: Sequence[str]) -> Words:
    """Takes `--template` and `--print` out of a command line.

    Args:
        argv: The words after the pipeline's name.

    Raises:
        ConfigError: No template is named, or it is no gs:// address.
    """
    template, only_print, rest = "", False, []
    words = iter(argv)
    for word in words:
        if word == "--print":
            only_print = True
        elif word == "--template":
            template = next(words, "")
        elif word.startswith("--template="):
            template = word.partition("=")[2]
        else:
            rest.append(word)
    if not TEMPLATE.fullmatch(template) and not wants_help(rest):
        shown = f"{scrub(template)!r} is none" if template else "none was given"
        raise ConfigError(
            f"--template takes the gs:// address that `make template-build` wrote (gs://BUCKET/PIPELINE.json): {shown}"
        )
    return Words(template, only_print, rest)


def prepared(name: str, settings: PipelineSettings, beam_args: list[str], template: str, run_id: str) -> Launch:
    """A launch whose settings and flags were all judged.

    Args:
        name: The pipeline.
        settings: Its settings.
        beam_args: Flags that Beam owns.
        template: The template's specification.
        run_id: The run's; the end of the job's name, by which the launcher knows it.

    Raises:
        ConfigError: With everything that can't work.
    """
    runner = _runner(settings, beam_args)
    if runner.lower() not in RUNNERS:
        raise ConfigError(f"--runner={runner}: a template runs on Dataflow; leave --runner away")
    job_name = flags_of(beam_args).job_name or f"hornbeam-{name}"
    if not JOB_NAME.fullmatch(job_name):
        raise ConfigError(
            f"--job_name={job_name}: a job's name has up to 39 small letters, digits and '-', a letter first"
            " (the run's id is put behind it)"
        )
    refuse_unfit(settings, beam_args)
    rest = [arg for arg in beam_args if not arg.startswith("--runner=")]
    return Launch(name, settings, template, f"{job_name}-{run_id.lower()}", rest)


def _runner(settings: PipelineSettings, beam_args: Sequence[str]) -> str:
    given: Any = [arg.partition("=")[2] for arg in beam_args if arg.startswith("--runner=")]
    return str(given[-1] if given else settings.runner)
