"""How to go on after a run: the exact commands, as a person would type them, without secrets."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from pipelines.settings import STREAM
from pipelines.settings_options import options
from transforms.core.scrubbing import scrub
from transforms.core.summary import NextStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.settings import PipelineSettings
    from transforms.core.summary import Counts, RunStatus


def command_for(pipeline: str, settings: PipelineSettings, beam_args: Sequence[str] = (), **changes: str | None) -> str:
    """The command line that has these settings; what has its default is left out.

    Args:
        pipeline: The pipeline's name.
        settings: What it ran with.
        beam_args: Flags that Beam owns.
        **changes: Fields with another value; None leaves the option out.
    """
    words = ["hornbeam", pipeline]
    for option in options(type(settings)):
        value = changes.get(option.field, getattr(settings, option.field))
        if value is not None and value != option.default:
            words += [f"--{option.name}={text}" for text in _texts(value)]
    return shlex.join(scrub(word) for word in [*words, *beam_args])


def next_steps(
    pipeline: str, settings: PipelineSettings, beam_args: Sequence[str], status: RunStatus, items: Counts, run: str
) -> tuple[NextStep, ...]:
    """What to do after a run that ended like this.

    Args:
        pipeline: The pipeline's name.
        settings: What it ran with.
        beam_args: Flags that Beam owns.
        status: How it ended.
        items: Its account.
        run: Its folder.
    """
    again = command_for(pipeline, settings, beam_args)
    if status == "planned":
        planned = command_for(pipeline, settings, beam_args, dry_run=None, rate_from=None, workers=None)
        return (NextStep("Do what this run has planned:", planned),)
    steps = []
    if items.failed:
        # What failed is a list that ends: an option that only a stream takes would have the command refused.
        endless = dict.fromkeys(one.field for one in options(type(settings)) if one.group == STREAM)
        retry = command_for(pipeline, settings, beam_args, **endless, retry=run, output=_within(settings.output))
        steps.append(NextStep("Once the cause is removed, do only what failed:", retry))
    if status == "completed":
        steps.append(NextStep("The same command again does only what is new:", again))
    else:
        steps.append(NextStep("Do what is missing; what is done stays done:", again))
    return tuple(steps)


def _within(output: str | None) -> str | None:
    """Where the next run's folder may be: in the same bucket, for engines that take none on this machine."""
    return f"{output.rstrip('/')}/retry" if output and "://" in output else None


def _texts(value: Any) -> list[str]:
    if isinstance(value, tuple):
        return [str(one) for one in value]
    return [str(value).lower() if isinstance(value, bool) else str(value)]
