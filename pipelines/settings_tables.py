"""The README's option tables, between `<!-- options:PIPELINE -->` and `<!-- /options -->`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipelines.settings_options import Option, by_group
from transforms.core.errors import ConfigError

if TYPE_CHECKING:
    from pipelines.settings import PipelineSettings


def start_marker(name: str) -> str:
    """The line before a pipeline's table."""
    return f"<!-- options:{name} -->"


END_MARKER = "<!-- /options -->"


def option_table(settings_class: type[PipelineSettings]) -> str:
    """One Markdown table a group."""
    parts: list[str] = []
    for group, members in by_group(settings_class).items():
        rows = [_row(one) for one in members]
        parts += [f"**{group}**", "", "| option | default | takes | what it does |", "|---|---|---|---|", *rows, ""]
    return "\n".join(parts)


def with_table(readme: str, name: str, settings_class: type[PipelineSettings]) -> str:
    """The README's text with a pipeline's table brought up to date.

    Raises:
        ConfigError: The markers aren't there.
    """
    start = start_marker(name)
    pattern = re.compile(re.escape(start) + r"\n.*?" + re.escape(END_MARKER), re.DOTALL)
    if not pattern.search(readme):
        raise ConfigError(f"README.md has no lines {start} and {END_MARKER}: put them where {name}'s options belong")
    table = f"{start}\n\n{option_table(settings_class)}\n{END_MARKER}"
    return pattern.sub(lambda _: table, readme, count=1)


def _row(one: Option) -> str:
    cells = (f"`--{one.name}`", one.default_text, one.values, one.sentence)
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    """A cell's text: the bar would end it, and stars and angles would be markup."""
    return re.sub(r"([|*<>])", r"\\\1", text) if not text.startswith("`") else text
