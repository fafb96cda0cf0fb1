"""The pipelines that exist and the commands beside them: names, one line each, and where they live.

Importing this imports neither Beam nor any pipeline; a module is imported when its name is called.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from transforms.core.errors import ConfigError

if TYPE_CHECKING:
    from types import ModuleType

    from pipelines.settings import PipelineSettings


class PipelineEntry(NamedTuple):
    """One pipeline.

    Attributes:
        line: What it does, in one line of help.
        settings: Its settings class, `module:Class`; importing it imports no Beam.
        module: Its module, with `run(settings, beam_args=())`, `main(argv)`, `check(settings)`, `collector(settings)`
            and `choose(settings, beam_args)`.
    """

    line: str
    settings: str
    module: str


class Command(NamedTuple):
    """A command that is no pipeline.

    Attributes:
        line: What it does, in one line of help.
        modules: Its module by first word, "" for the module that takes every word; each has `main(argv) -> int`.
        usage: How it is written.
    """

    line: str
    modules: dict[str, str]
    usage: str


PIPELINES: dict[str, PipelineEntry] = {
    "ingest": PipelineEntry(
        "Load CSV and Excel files into a database, exactly once.",
        "pipelines.ingest_settings:IngestSettings",
        "pipelines.table_ingest",
    ),
    "copy": PipelineEntry(
        "Copy objects between disk, S3 and GCS, verified and resumable.",
        "pipelines.copy_settings:CopySettings",
        "pipelines.object_copy",
    ),
    "verify": PipelineEntry(
        "Compare objects here and there; change nothing.",
        "pipelines.copy_settings:VerifySettings",
        "pipelines.object_verify",
    ),
}

COMMANDS: dict[str, Command] = {
    "validate": Command(
        "Check a pipeline's settings, credentials and reach; change nothing.",
        {"": "pipelines.validate"},
        "hornbeam validate PIPELINE [--config FILE] [options]",
    ),
    "status": Command(
        "Print the loads that a destination remembers.",
        {"": "pipelines.load_status"},
        "hornbeam status DESTINATION [--table NAME] [--limit N] [--json] [--destination_password REF]",
    ),
    "launch": Command(
        "Start a pipeline's Flex Template on Dataflow and follow its job.",
        {"": "pipelines.flex_launch"},
        "hornbeam launch PIPELINE --project P --region R --temp_location gs://… --template gs://… [--print] [options]",
    ),
    "bench": Command(
        "Measure memory: the streaming way beside the load-it-all way.",
        {"memory": "pipelines.bench_memory"},
        "hornbeam bench memory PIPELINE [options]",
    ),
}


def pipeline(name: str) -> PipelineEntry:
    """The entry of a pipeline.

    Raises:
        ConfigError: There is none of that name; the nearest and all known ones are named.
    """
    try:
        return PIPELINES[name]
    except KeyError as e:
        raise ConfigError(_unknown(name, list(PIPELINES), "pipeline")) from e


def settings_class(name: str) -> type[PipelineSettings]:
    """A pipeline's settings class; imports no Beam. Raises ConfigError as `pipeline` does."""
    module, _, attribute = pipeline(name).settings.partition(":")
    found: type[PipelineSettings] = getattr(import_module(module), attribute)
    return found


def pipeline_module(name: str) -> ModuleType:
    """A pipeline's module, imported now. Raises ConfigError as `pipeline` does."""
    return import_module(pipeline(name).module)


def command_module(name: str, word: str) -> ModuleType | None:
    """The module that a command's first word chooses, or None when the command doesn't know that word."""
    modules = COMMANDS[name].modules
    found = modules.get("") or modules.get(word)
    return None if found is None else import_module(found)


def unknown_name(name: str) -> str:
    """The sentence for a first word that is neither a pipeline nor a command."""
    return _unknown(name, [*PIPELINES, *COMMANDS], "pipeline or command")


def _unknown(name: str, known: list[str], what: str) -> str:
    near = get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"unknown {what} {name!r}: {hint}there are {', '.join(known)}"
