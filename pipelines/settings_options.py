"""A settings model read as a table of options: the one view that parsing, help, templates and README share."""

from __future__ import annotations

import types
import typing
from functools import cache
from typing import Any, Literal, NamedTuple

from pydantic_core import PydanticUndefined

from pipelines.settings import STREAM, PipelineSettings

Kind = Literal["text", "choice", "integer", "number", "boolean", "list"]
UNITS = {"_mb": "MiB", "_seconds": "s", "_rows": "rows", "_bytes": "bytes", "_per_second": "a second"}


class Option(NamedTuple):
    """One setting, as every derived form sees it.

    Attributes:
        field: The model's field.
        name: Its name on the command line, in config files and templates.
        aliases: Other names it is known by.
        kind: What its value is.
        sentence: What it does.
        group: The heading it stands under.
        required: Whether it has no default.
        default: Its default (None when required).
        default_text: The default in words, with the unit; "required" when there is none.
        values: What it takes, in words, with the unit.
        unit: The unit in its name, "" without one.
        choices: The allowed words (choice only).
        pattern: Regular expression of the whole value, "" without one.
        metavar: The word for its value in help.
        repeat_only: Whether only repeating it adds to the list.
        positional: Whether a bare word is a value of it.
        secret: Whether its value is never shown.
        address: Whether it is a path or address that a run reads or writes.
        template: Whether a Flex Template has it.
        common: Whether every pipeline has it.
    """

    field: str
    name: str
    aliases: tuple[str, ...]
    kind: Kind
    sentence: str
    group: str
    required: bool
    default: Any
    default_text: str
    values: str
    unit: str
    choices: tuple[str, ...]
    pattern: str
    metavar: str
    repeat_only: bool
    positional: bool
    secret: bool
    address: bool
    template: bool
    common: bool


@cache
def options(settings_class: type[PipelineSettings]) -> tuple[Option, ...]:
    """All options of a pipeline, group by group: its own first, then streams, then those that all pipelines have."""
    found = [_option(field, settings_class) for field in settings_class.model_fields]
    groups = list(dict.fromkeys(one.group for one in sorted(found, key=lambda one: (one.common, one.group == STREAM))))
    return tuple(sorted(found, key=lambda one: groups.index(one.group)))


def by_group(settings_class: type[PipelineSettings]) -> dict[str, list[Option]]:
    """The options under their headings, in the order of `options`."""
    grouped: dict[str, list[Option]] = {}
    for one in options(settings_class):
        grouped.setdefault(one.group, []).append(one)
    return grouped


def _option(field: str, settings_class: type[PipelineSettings]) -> Option:
    info = settings_class.model_fields[field]
    extra: Any = info.json_schema_extra
    kind, choices = _kind(info.annotation)
    required = info.default is PydanticUndefined
    default = None if required else info.default
    bounds = {name: getattr(part, name) for part in info.metadata for name in ("ge", "le") if hasattr(part, name)}
    pattern = next((part.pattern for part in info.metadata if getattr(part, "pattern", None)), "")
    unit = next((unit for suffix, unit in reversed(UNITS.items()) if field.endswith(suffix)), "")
    return Option(
        field=field,
        name=extra["name"] or field,
        aliases=tuple(extra["aliases"]),
        kind=kind,
        sentence=info.description or "",
        group=extra["group"],
        required=required,
        default=default,
        default_text="required" if required else extra["default_text"] or _default_text(default, unit),
        values=extra["values"] or _values(kind, choices, bounds, unit),
        unit=unit,
        choices=choices,
        pattern=pattern,
        metavar=extra["metavar"] or _METAVARS[kind],
        repeat_only=extra["repeat_only"],
        positional=extra["positional"],
        secret=extra["secret"],
        address=extra["address"],
        template=extra["template"],
        common=field in PipelineSettings.model_fields,
    )


_METAVARS: dict[Kind, str] = {
    "text": "TEXT", "choice": "WORD", "integer": "N", "number": "X", "boolean": "", "list": "A,B",
}  # fmt: skip
_SCALARS: dict[Any, Kind] = {bool: "boolean", int: "integer", float: "number", str: "text"}


def _kind(annotation: Any) -> tuple[Kind, tuple[str, ...]]:
    """What a field's annotation says: `X | None` counts as X, `tuple[str, ...]` is a list of words."""
    if typing.get_origin(annotation) in {types.UnionType, typing.Union}:
        annotation = next(part for part in typing.get_args(annotation) if part is not type(None))
    origin = typing.get_origin(annotation)
    if origin is Literal:
        return "choice", tuple(typing.get_args(annotation))
    if origin is tuple:
        return "list", ()
    try:
        return _SCALARS[annotation], ()
    except KeyError as e:
        known = "bool, int, float, str, Literal, tuple[str, ...], or one of them | None"
        raise TypeError(f"a setting can't have the type {annotation}: use {known}") from e


def _values(kind: Kind, choices: tuple[str, ...], bounds: dict[str, float], unit: str) -> str:
    if kind == "choice":
        return " or ".join([", ".join(choices[:-1]), choices[-1]]) if len(choices) > 1 else choices[0]
    if kind == "boolean":
        return "true or false"
    if kind in {"integer", "number"} and len(bounds) == 2:
        return f"{bounds['ge']} to {bounds['le']} {unit}".rstrip()
    raise TypeError(f"a setting of kind {kind} needs its bounds, or its values in words")


def _default_text(default: Any, unit: str) -> str:
    return f"{written(default)} {unit}" if unit and default is not None else written(default)


def written(value: Any) -> str:
    """A value as help, README and template write it: `none`, `true`, `a,b`, `10000`."""
    if value is None or value in {"", ()}:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, tuple) else str(value)
