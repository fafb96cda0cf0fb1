"""`hornbeam validate PIPELINE …`: everything that can be checked before any work, one line a finding.

First the settings; only when they are right, the engine and the pipeline's own `check` (credentials, reach,
permissions).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from pipelines import registry
from pipelines.settings_sources import SettingsError, parse, wants_help
from pipelines.stream_graph import demand_head
from transforms.core.errors import ConfigError
from transforms.core.scrubbing import scrub

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from pipelines.settings import PipelineSettings


class Finding(NamedTuple):
    """One thing that would stop a run, or one that is well.

    Attributes:
        place: The option or address that it is about (`--destination`).
        message: Value, cause and remedy; never a secret.
        well: Whether it stops nothing: it only tells what was found.
    """

    place: str
    message: str
    well: bool = False


def main(argv: Sequence[str]) -> int:
    """Checks a pipeline's command line; prints one line a finding, or that all is well.

    Returns:
        0 when a run could start, 2 when it couldn't.

    Raises:
        ConfigError: No pipeline was named, or an unknown one.
    """
    if not argv or (argv[0].startswith("-") and not wants_help(argv)):
        usage = registry.COMMANDS["validate"].usage
        raise ConfigError(f"validate needs a pipeline as its first word ({', '.join(registry.PIPELINES)}): {usage}")
    name = argv[0]
    found = findings(name, argv[1:])
    for one in found:
        sys.stdout.write(scrub(": ".join(part for part in one[:2] if part)) + "\n")
    if all(one.well for one in found):
        sys.stdout.write(f"{name}: settings, credentials, reach and permissions are well; nothing was changed\n")
        return 0
    return 2


def findings(name: str, argv: Sequence[str]) -> list[Finding]:
    """What would stop this command; when nothing would, what was found.

    Args:
        name: The pipeline.
        argv: Its options.
    """
    try:
        settings, beam_args = parse(registry.settings_class(name), argv)
    except SettingsError as e:
        return [Finding("", sentence) for sentence in e.findings]
    except ConfigError as e:
        if name not in registry.PIPELINES:
            raise
        return [Finding("", str(e))]
    module = registry.pipeline_module(name)
    return [*_engine_findings(module, settings, beam_args), *module.check(settings)]


def _engine_findings(module: ModuleType, settings: PipelineSettings, beam_args: Sequence[str]) -> list[Finding]:
    try:
        choice = module.choose(settings, beam_args)
    except SettingsError as e:
        return [Finding("", sentence) for sentence in e.findings]
    except ConfigError as e:
        return [Finding("", str(e))]
    try:
        demand_head(settings, choice)
    except ConfigError as e:
        return [Finding("--subscription", str(e))]
    return [Finding(f"--runner={choice.engine}", choice.warning, well=True)] if choice.warning else []
