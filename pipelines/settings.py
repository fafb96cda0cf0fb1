"""What every pipeline's settings are: a frozen pydantic model whose fields are declared once, by `option`.

Command line, help, config file, templates and README tables are derived from these declarations (settings_*.py).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticUndefined

from transforms.core.errors import ConfigError
from transforms.core.scrubbing import remember, scrub
from transforms.core.secret import FORMS, is_reference, take_out_password

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUIRED: Any = PydanticUndefined
Head = Literal["bounded", "watch", "subscription"]
STREAM = "Going on"
RUN, LOG, MEMORY = "Run", "Console and log", "Concurrency and memory"


def option(  # noqa: PLR0913 - one keyword for each thing that a setting may declare
    sentence: str,
    *,
    group: str,
    default: Any = REQUIRED,
    values: str = "",
    default_text: str = "",
    name: str = "",
    aliases: tuple[str, ...] = (),
    metavar: str = "",
    ge: float | None = None,
    le: float | None = None,
    pattern: str | None = None,
    min_length: int | None = None,
    repeat_only: bool = False,
    positional: bool = False,
    password_field: str = "",
    secret: bool = False,
    address: bool = False,
    template: bool = True,
) -> Any:
    """Declares one setting; the annotation beside it gives the type, and the field's name the unit.

    Args:
        sentence: What it does, for help, README and template.
        group: The heading under which help lists it.
        default: Its default; without one it is required.
        values: What it takes, in words; for numbers, choices and booleans this is derived.
        default_text: What an absent value means, where `none` would not tell.
        name: The option's name where it can't be the field's (`schema`, `json`).
        aliases: Other names that the command line and config files know it by.
        metavar: The word for its value in help.
        ge: Smallest value.
        le: Largest value.
        pattern: Regular expression (RE2) of the whole value.
        min_length: How many values a list needs at least.
        repeat_only: Whether a list's values may hold commas, so that only repeating the option adds to it.
        positional: Whether a bare word of the command line is a value of it.
        password_field: The field that takes the reference to a password found in this address.
        secret: Whether it is a reference to a secret: its value is never shown in a message.
        address: Whether it is a path or address that a run reads or writes: a local one is refused where workers are
            on other machines.
        template: Whether it makes sense as a Flex Template's parameter.
    """
    extra: dict[str, Any] = {
        "group": group,
        "values": values,
        "default_text": default_text,
        "name": name,
        "aliases": list(aliases),
        "metavar": metavar,
        "repeat_only": repeat_only,
        "positional": positional,
        "password_field": password_field,
        "secret": secret,
        "address": address,
        "template": template,
    }
    bounds = {"ge": ge, "le": le, "pattern": pattern, "min_length": min_length}
    given: dict[str, Any] = {key: bound for key, bound in bounds.items() if bound is not None}
    return Field(default, description=sentence, json_schema_extra=extra, **given)


class PipelineSettings(BaseModel):
    """The settings that all pipelines have; each adds its own in a subclass.

    Built in Python, from a command line (`settings_sources.parse`) or from `to_json`'s text. A password in an address
    is taken out as the first thing: no settings object ever holds one.

    Raises:
        pydantic.ValidationError: A value is wrong; the message never shows the input.
        ConfigError: A password is in the wrong place.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, coerce_numbers_to_str=True, validate_default=False
    )

    config: str | None = option(
        "File with settings by their names; the command line goes before it.",
        group=RUN,
        default=None,
        values="path of a .yaml, .yml or .json file",
        metavar="FILE",
        template=False,
    )
    output: str | None = option(
        "Folder that takes summary, outcomes, failures, log and report of the run.",
        group=RUN,
        default=None,
        default_text="runs/PIPELINE-TIME-ID",
        values="local folder, s3:// or gs:// prefix",
        metavar="DIR",
        address=True,
    )
    dry_run: bool = option("Plan everything and write nothing but the run's folder.", group=RUN, default=False)
    rate_from: str | None = option(
        "With --dry_run: an earlier run of the pipeline, whose rate makes hours of the estimate.",
        group=RUN,
        default=None,
        values="folder of that run",
        metavar="RUN",
        template=False,
    )
    workers: int = option(
        "With --rate_from: how many workers, each as fast as that run, the estimate is for.",
        group=RUN,
        default=1,
        ge=1,
        le=100_000,
        template=False,
    )
    retry: str | None = option(
        "Do only what failed in an earlier run.",
        group=RUN,
        default=None,
        values="folder of that run",
        metavar="RUN",
        address=True,
    )
    runner: str = option(
        "The engine that runs the graph.",
        group=RUN,
        default="direct",
        values="direct, prism, flink or dataflow, or Beam's name of it",
        pattern=r"^[A-Za-z][A-Za-z0-9_.]*$",
        template=False,
    )
    shared_disk: bool = option(
        "Every worker sees the same folders as this machine: lets local paths be used on Flink.",
        group=RUN,
        default=False,
        template=False,
    )
    json_events: bool = option(
        "Print machine-readable events, one JSON line each, in place of progress and closing lines.",
        name="json",
        group=LOG,
        default=False,
        template=False,
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = option(
        "Least severe message that is logged.", group=LOG, default="INFO"
    )
    log_file: str | None = option(
        "Where the log is written.",
        group=LOG,
        default=None,
        default_text="hornbeam.log in the run's folder",
        values="local path",
        metavar="FILE",
        template=False,
    )
    log_max_mb: int = option(
        "Size at which the log file is rotated.", group=LOG, default=10, ge=1, le=10_000, template=False
    )
    log_backups: int = option("Rotated log files that are kept.", group=LOG, default=5, ge=0, le=100, template=False)
    max_concurrent: int = option(
        "Units worked at the same time in each worker process.", group=MEMORY, default=16, ge=1, le=256
    )
    memory_threshold_mb: int = option(
        "Memory above the start-up level at which no new unit starts until usage falls.",
        group=MEMORY,
        default=500,
        ge=50,
        le=1_048_576,
    )

    @model_validator(mode="before")
    @classmethod
    def _accept_python_values(cls, data: Any) -> Any:
        """One path or word stands for a list of one, paths for their text; passwords leave their addresses."""
        if not isinstance(data, dict):
            return data
        values = {key: _plain(value) for key, value in data.items()}
        for field, info in cls.model_fields.items():
            if isinstance(values.get(field), str) and str(info.annotation).startswith("tuple["):
                values[field] = (values[field],)
            extra: Any = info.json_schema_extra
            if extra["secret"]:
                _refuse_plain_secret(values.get(field), extra["name"] or field)
            if extra["password_field"] and isinstance(values.get(field), str):
                _move_password(values, field, extra["password_field"])
        return values

    @model_validator(mode="after")
    def _rate_is_for_dry_runs(self) -> Self:
        if self.rate_from and not self.dry_run:
            raise ValueError("--rate_from is for an estimate: give --dry_run too")
        if self.workers > 1 and not self.rate_from:
            raise ValueError("--workers is for an estimate: give --rate_from RUN too, an earlier run")
        return self

    @property
    def head(self) -> Head:
        """Where the graph's elements come from: `bounded` is what is there now; others go on (stream_settings.py)."""
        return "bounded"

    def to_json(self) -> str:
        """All settings as JSON text: what a graph carries to its workers. It holds references, never secrets."""
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The settings that `to_json` wrote."""
        return cls.model_validate_json(text)

    def shown(self) -> Mapping[str, Any]:
        """The settings for a summary or a page: as `to_json`, and signed parameters of addresses are masked too."""
        return {field: _scrubbed(value) for field, value in self.model_dump(mode="json").items()}

    def __repr__(self) -> str:
        return scrub(super().__repr__())

    __str__ = __repr__


def _scrubbed(value: Any) -> Any:
    if isinstance(value, str):
        return scrub(value)
    return [_scrubbed(item) for item in value] if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, (list, tuple)):
        return tuple(_plain(item) for item in value)
    return value


def _refuse_plain_secret(value: Any, name: str) -> None:
    """A ConfigError, since pydantic's own errors keep their input for those who ask."""
    if isinstance(value, str) and not is_reference(value):
        remember(value)
        raise ConfigError(f"--{name} takes a reference, not the secret itself: {FORMS}")


def _move_password(values: dict[str, Any], field: str, password_field: str) -> None:
    clean = take_out_password(values[field])
    values[field] = clean.uri
    if clean.reference is None:
        return
    if values.get(password_field) not in {None, clean.reference}:
        raise ConfigError(f"--{field} holds a password and --{password_field} gives another one: keep one of them")
    values[password_field] = clean.reference
