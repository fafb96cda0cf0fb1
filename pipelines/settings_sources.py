"""Settings from everywhere: command line before config file before HORNBEAM_* environment before default.

Every value keeps the place that it came from, so that an error names it; values are judged by the model alone.
"""

from __future__ import annotations

import csv
import os
import sys
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from pydantic import ValidationError

from pipelines.settings import PipelineSettings
from pipelines.settings_argv import sort_words, unknown
from pipelines.settings_file import Entry, read_config
from pipelines.settings_options import Option, options
from transforms.core.errors import ConfigError
from transforms.core.scrubbing import scrub

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic_core import ErrorDetails

SettingsT = TypeVar("SettingsT", bound=PipelineSettings)
PREFIX = "HORNBEAM_"


class SettingsError(ConfigError):
    """The settings are wrong.

    Attributes:
        findings: What is wrong, one sentence each.
    """

    def __init__(self, findings: Sequence[str]) -> None:
        super().__init__("; ".join(findings))
        self.findings = tuple(findings)


class Parsed(NamedTuple, Generic[SettingsT]):
    """A command line, understood.

    Attributes:
        settings: Ours.
        beam_args: Beam's and Flink's flags, each as one word `--name=value`, to be given to `PipelineOptions`.
    """

    settings: SettingsT
    beam_args: list[str]


class Given(NamedTuple):
    """One value and where it was given (`--chunk_rows`, `job.yaml line 3`, `HORNBEAM_CHUNK_ROWS`)."""

    value: Any
    place: str


def parse(
    settings_class: type[SettingsT], argv: Sequence[str], environ: Mapping[str, str] | None = None
) -> Parsed[SettingsT]:
    """Reads a pipeline's settings.

    Args:
        settings_class: The pipeline's model.
        argv: The command line's words, without the program's and the pipeline's name.
        environ: The environment; this process's own when None.

    Raises:
        SettingsError: With everything that is wrong, each with its place and what is allowed.
        SystemExit: `--help` was asked for; it is printed.
    """
    if wants_help(argv):
        from pipelines.settings_help import pipeline_help

        sys.stdout.write(pipeline_help(settings_class))
        raise SystemExit(0)
    words = sort_words(options(settings_class), argv)
    findings = list(words.findings)
    environ = os.environ if environ is None else environ
    known = {one.field: one for one in options(settings_class)}
    typed = {field: _from_words(known[field], texts) for field, texts in words.given.items()}
    ambient = {
        one.field: Given(_from_text(one, [environ[name]]), name)
        for one in known.values()
        if environ.get(name := PREFIX + one.name.upper())
    }
    config = {**ambient, **typed}.get("config")
    written = _from_file(known, str(config.value), findings) if config and config.value else {}
    settings = _build(settings_class, {**ambient, **written, **typed}, findings)
    return Parsed(settings, words.foreign)


def wants_help(argv: Sequence[str]) -> bool:
    """Whether `-h` or `--help` is among the words."""
    return any(word in {"-h", "--help"} for word in argv)


def _from_words(one: Option, texts: list[str]) -> Given:
    return Given(_from_text(one, texts), f"--{one.name}")


def _from_text(one: Option, texts: list[str]) -> Any:
    """What an option's texts stand for: a list takes them all, anything else the last one."""
    if one.kind == "list":
        split = str.splitlines if one.repeat_only else _split
        return tuple(value for text in texts for value in split(text))
    text = texts[-1]
    if one.kind == "choice":
        return next((choice for choice in one.choices if choice.lower() == text.lower()), text)
    return None if text == "" and one.default is None and not one.required else text


def _split(text: str) -> list[str]:
    """Splits at commas; a value with a comma in it stands in double quotes."""
    return next(csv.reader([text], skipinitialspace=True), [])


def _from_file(known: dict[str, Option], path: str, findings: list[str]) -> dict[str, Given]:
    by_name = {name: one for one in known.values() for name in (one.name, one.field, *one.aliases)}
    given: dict[str, Given] = {}
    for entry in read_config(path):
        place = f"{path} line {entry.line}" if entry.line else path
        name = entry.key.replace("-", "_")
        one = by_name.get(name)
        if one is None:
            findings.append(f"{place}: {unknown('setting', repr(entry.key), name, by_name)}")
        elif one.field == "config":
            findings.append(f"{place}: a config file can't name another one")
        elif one.field in given:
            findings.append(f"{place}: {entry.key} is given already ({given[one.field].place})")
        elif (problem := _misfit(one, entry.value)) is not None:
            findings.append(f"{place}: {one.name}: {problem}; it takes {one.values}")
        elif entry.value is not None:
            given[one.field] = Given(_from_entry(one, entry), place)
    return given


_FILE_TYPES: dict[str, tuple[type, ...]] = {"integer": (int,), "number": (int, float), "boolean": (bool,)}


def _misfit(one: Option, value: Any) -> str | None:
    """Why a file's value has the wrong type, or None; a file has types, so `"5"` is no number there."""
    allowed = _FILE_TYPES.get(one.kind)
    wrong = value is not None and (
        isinstance(value, dict)
        or (isinstance(value, list) and one.kind != "list")
        or (isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value))
        or (allowed is not None and not isinstance(value, allowed))
        or (allowed is not None and isinstance(value, bool) and one.kind != "boolean")
    )
    if not wrong:
        return None
    shown = "a secret" if one.secret else scrub(repr(value))
    return f"{shown} is a {type(value).__name__}, not a {one.kind}"


def _from_entry(one: Option, entry: Entry) -> Any:
    if one.kind in _FILE_TYPES:
        return entry.value
    if isinstance(entry.value, list):
        return tuple(_word(item) for item in entry.value)
    return _from_text(one, [_word(entry.value)])


def _word(value: Any) -> str:
    """A value as the word that was meant: YAML reads `yes` and `no` as booleans."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _build(settings_class: type[SettingsT], given: dict[str, Given], findings: list[str]) -> SettingsT:
    try:
        settings = settings_class(**{field: one.value for field, one in given.items()})
    except ValidationError as e:
        known = {one.field: one for one in options(settings_class)}
        findings = findings + [sentence for error in e.errors() for sentence in _sentences(error, known, given)]
        raise SettingsError(findings) from e
    except ConfigError as e:
        raise SettingsError([*findings, str(e)]) from e
    if findings:
        raise SettingsError(findings)
    return settings


def _sentences(error: ErrorDetails, known: dict[str, Option], given: dict[str, Given]) -> list[str]:
    """What a person can do about one of pydantic's errors."""
    message = error["msg"].removeprefix("Value error, ")
    if not error["loc"]:
        return message.split("; ")
    one = known[str(error["loc"][0])]
    if error["type"] == "missing" or (one.required and not given[one.field].value):
        return [f"--{one.name} is required ({one.values}): {one.sentence}"]
    place = given[one.field].place
    if error["type"] == "value_error":
        return [f"{place}: {message}"]
    shown = "the value" if one.secret else scrub(repr(error["input"]))
    return [f"{place}: {shown} is not {one.values}"]
