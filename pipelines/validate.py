"""`hornbeam validate PIPELINE …`: everything that can be checked before any work, one line a finding.

First the settings; only when they are right, the pipeline's own `check` (credentials, reach, permissions).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from pipelines import registry
from pipelines.settings_sources import SettingsError, parse, wants_help
from transforms.core.errors import ConfigError
from transforms.core.scrubbing import scrub

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Finding(NamedTuple):
    """One thing that would stop a run.

    Attributes:
        place: The option or address that it is about (`--destination`).
        message: Value, cause and remedy; never a secret.
    """

    place: str
    message: str


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
    lines = [scrub(line) for line in findings(name, argv[1:])]
    for line in lines:
        sys.stdout.write(line + "\n")
    if not lines:
        sys.stdout.write(f"{name}: settings, credentials, reach and permissions are well; nothing was changed\n")
    return 2 if lines else 0


def findings(name: str, argv: Sequence[str]) -> Iterable[str]:
    """What would stop this command, one line each.

    Args:
        name: The pipeline.
        argv: Its options.
    """
    try:
        settings, _ = parse(registry.settings_class(name), argv)
    except SettingsError as e:
        return list(e.findings)
    except ConfigError as e:
        if name not in registry.PIPELINES:
            raise
        return [str(e)]
    found: Iterable[Finding] = registry.pipeline_module(name).check(settings)
    return [f"{one.place}: {one.message}" for one in found]
