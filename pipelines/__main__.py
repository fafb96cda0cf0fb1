"""The command line: `hornbeam PIPELINE …` (= `python -m pipelines PIPELINE …`) and the commands beside it.

It imports only what the first word asks for: no Beam for help, version or a wrong command.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from pipelines import launch, registry
from pipelines.settings_help import main_help, pipeline_help
from pipelines.settings_sources import SettingsError, parse, wants_help
from transforms.core.errors import ConfigError
from transforms.core.scrubbing import hide_command_line, scrub

if TYPE_CHECKING:
    from collections.abc import Sequence


def console(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: Its words without the program's name; this process's own when None.

    Returns:
        The exit code: 0 all done, 1 something failed or was rejected, 2 the command is wrong, 130/143 interrupted.
    """
    words = hide_command_line() if argv is None else list(argv)
    try:
        return _dispatch(words, alone=argv is None)
    except ConfigError as e:
        sys.stderr.write(f"hornbeam: {_one_line(str(e))}\n")
        return 2
    except KeyboardInterrupt:  # a run handles it itself: this one hadn't begun
        sys.stderr.write("hornbeam: interrupted before anything was done\n")
        return 130


def _dispatch(words: list[str], *, alone: bool) -> int:
    name, rest = (words[0], words[1:]) if words else ("--help", [])
    if name in {"-h", "--help", "help"}:
        sys.stdout.write(main_help())
        return 0 if words else 2
    if name == "--version":
        sys.stdout.write(f"hornbeam {_version()}\n")
        return 0
    if name in registry.PIPELINES:
        return _run_pipeline(name, rest, alone=alone)
    if name in registry.COMMANDS:
        return _run_command(name, rest)
    raise ConfigError(registry.unknown_name(scrub(name)))


def _run_pipeline(name: str, rest: list[str], *, alone: bool) -> int:
    if wants_help(rest):
        sys.stdout.write(pipeline_help(registry.settings_class(name)))
        return 0
    as_events = _asks_for_events(rest)
    try:
        parsed = parse(registry.settings_class(name), rest)  # a wrong command says so before Beam is imported
        as_events = parsed.settings.json_events
        if alone:
            launch.start_up_for_good(parsed.settings, parsed.beam_args)
        code: int = registry.pipeline_module(name).main(rest)
    except ConfigError as e:
        if as_events:
            sys.stdout.write(f"{_error_event(e)}\n")
        raise
    return code


def _asks_for_events(words: list[str]) -> bool:
    """What `--json` is meant to be where the settings, being wrong, can't be asked."""
    given = [word for word in words if word.partition("=")[0] in {"--json", "--no_json", "--no-json"}]
    text = given[-1].lower() if given else f"--json={os.environ.get('HORNBEAM_JSON', 'false').lower()}"
    return text in {"--json", "--json=true", "--json=1", "--json=yes"}


def _error_event(error: ConfigError) -> str:
    findings = error.findings if isinstance(error, SettingsError) else (str(error),)
    told = {"type": "ConfigError", "message": _one_line(str(error)), "findings": [_one_line(one) for one in findings]}
    return json.dumps({"event": "error", "exit_code": 2, "error": told})


def _run_command(name: str, rest: list[str]) -> int:
    command = registry.COMMANDS[name]
    if wants_help(rest):
        sys.stdout.write(f"Usage: {command.usage}\n\n{command.line}\n")
        return 0
    by_word = "" not in command.modules
    module = registry.command_module(name, rest[0] if rest else "")
    if module is None:
        known = ", ".join(command.modules)
        raise ConfigError(f"{name} knows {known}, not {scrub(rest[0]) if rest else 'nothing'!r}: {command.usage}")
    code: int = module.main(rest[1:] if by_word else rest)
    return code


def _version() -> str:
    try:
        return version("hornbeam")
    except PackageNotFoundError:
        return "(run from its source, not installed)"


def _one_line(message: str) -> str:
    return " ".join(scrub(message).split())


if __name__ == "__main__":
    sys.exit(console())
