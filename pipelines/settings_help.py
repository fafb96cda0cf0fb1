"""The text of `--help`, for the whole command and for each pipeline, 80 columns wide."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from pipelines.registry import COMMANDS, PIPELINES
from pipelines.settings_options import by_group

if TYPE_CHECKING:
    from pipelines.settings import PipelineSettings
    from pipelines.settings_options import Option

WIDTH = 79
FOOTER = (
    "Options of Apache Beam and Flink (--project, --direct_num_workers, --checkpointing_interval, ...) pass through. "
    "Every option can also stand in the --config file by its name, or in the environment as HORNBEAM_ and its name in "
    "capitals; the command line goes before the file, the file before the environment. Dashes and underscores are the "
    "same. Lists are repeated or separated by commas; a value with a comma in it stands in double quotes."
)
EXIT_CODES = "Exit codes: 0 all done, 1 something failed or was rejected, 2 the command is wrong, 130/143 interrupted."


def main_help() -> str:
    """What `hornbeam --help` prints: the pipelines and the other commands, one line each."""
    names = [*PIPELINES, *COMMANDS]
    width = max(len(name) for name in names) + 2
    lines = ["Usage: hornbeam PIPELINE [options]", "       hornbeam COMMAND ...", "", "Pipelines:"]
    lines += [f"  {name:<{width}}{entry.line}" for name, entry in PIPELINES.items()]
    lines += ["", "Commands:"]
    lines += [f"  {name:<{width}}{command.line}" for name, command in COMMANDS.items()]
    lines += ["", "hornbeam PIPELINE --help lists a pipeline's options; hornbeam --version."]
    return "\n".join(lines) + "\n"


def pipeline_help(settings_class: type[PipelineSettings]) -> str:
    """What `hornbeam PIPELINE --help` prints: all options in groups, with default, range and unit."""
    name, line = next(
        ((name, entry.line) for name, entry in PIPELINES.items() if entry.settings.endswith(settings_class.__name__)),
        (settings_class.__name__, (settings_class.__doc__ or "").partition("\n")[0]),
    )
    parts = [f"Usage: hornbeam {name} [options]", "", *textwrap.wrap(line, WIDTH)]
    for group, members in by_group(settings_class).items():
        parts += ["", f"{group}:"]
        for one in members:
            parts += option_help(one)
    parts += ["", *textwrap.wrap(FOOTER, WIDTH), "", *textwrap.wrap(EXIT_CODES, WIDTH)]
    return "\n".join(parts) + "\n"


def option_help(one: Option) -> list[str]:
    """One option's lines: how it is written, what it does, what it takes, what it is without being given."""
    shown = f"  --{one.name}" + (f" {one.metavar}" if one.metavar else "")
    if one.kind == "boolean":
        shown = f"  --{one.name}, --no_{one.name}"
    takes = f"Takes {one.values}{'; repeat it for more' if one.repeat_only else ''}."
    default = "Required." if one.required else f"Default: {one.default_text}."
    indent = " " * 8
    wrapper = textwrap.TextWrapper(WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
    return [shown, *wrapper.wrap(one.sentence), *wrapper.wrap(f"{takes} {default}")]
