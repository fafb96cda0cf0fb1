"""`hornbeam verify`: compares objects here and there, and writes nothing but its account: settings, graph, run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.copy_settings import VerifySettings as Settings
from pipelines.object_copy import add, check, choose, collector, run_as

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.running import BuildContext
    from transforms.core.summary import Summary

__all__ = ["Settings", "build", "check", "choose", "collector", "main", "run"]

NAME = "verify"


def build(pipeline: Any, settings: Settings, context: BuildContext) -> None:
    """Adds the graph of a comparison to a Beam pipeline; arguments as for a copy."""
    add(pipeline, NAME, "VerifyObjects", settings, context)


def run(settings: Settings, beam_args: Sequence[str] = ()) -> Summary:
    """Compares, and returns what became of it; arguments and errors as for a copy."""
    return run_as(NAME, build, settings, beam_args)


def main(argv: Sequence[str]) -> int:
    """The command; returns its exit code."""
    from pipelines.settings_sources import parse

    parsed = parse(Settings, argv)
    return run(parsed.settings, parsed.beam_args).exit_code
