"""`make templates`: writes each pipeline's Flex Template metadata and the README's tables, all from the settings."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines import registry
from pipelines.settings_options import options, written
from pipelines.settings_tables import with_table

if TYPE_CHECKING:
    from pipelines.settings_options import Option

ROOT = Path(__file__).resolve().parent.parent
_TYPES = {"text": "TEXT", "list": "TEXT", "choice": "ENUM", "integer": "NUMBER", "number": "NUMBER",
          "boolean": "BOOLEAN"}  # fmt: skip
_REGEXES = {"integer": "^[0-9]+$", "number": r"^[0-9]+(\.[0-9]+)?$", "boolean": "^(true|false)$"}


def metadata(name: str) -> dict[str, Any]:
    """A pipeline's metadata in the form that `gcloud dataflow flex-template build --metadata-file` takes.

    Options that a template's job can't honour (local files, the console) are left out.
    """
    return {
        "name": f"Hornbeam {name}",
        "description": registry.pipeline(name).line,
        "parameters": [
            _pipeline(name),
            *(_parameter(one) for one in options(registry.settings_class(name)) if one.template),
        ],
    }


def _pipeline(name: str) -> dict[str, Any]:
    """What tells the one image of all templates which pipeline it is to run."""
    return {
        "name": "pipeline",
        "label": "Pipeline",
        "helpText": f"What the image runs; always {name} for this template.",
        "isOptional": False,
        "groupName": "Pipeline",
        "paramType": "TEXT",
        "regexes": [f"^{name}$"],
        "defaultValue": name,
    }


def _parameter(one: Option) -> dict[str, Any]:
    parameter: dict[str, Any] = {
        "name": one.name,
        "label": one.name.replace("_", " ").capitalize(),
        "helpText": f"{one.sentence} Takes {one.values}.{'' if one.required else f' Default: {one.default_text}.'}",
        "isOptional": not one.required,
        "groupName": one.group,
        "paramType": _TYPES[one.kind],
    }
    regex = one.pattern or _REGEXES.get(one.kind) or (f"^({'|'.join(one.choices)})$" if one.choices else "")
    if regex:
        parameter["regexes"] = [regex]
    if one.choices:
        parameter["enumOptions"] = [{"value": choice, "label": choice} for choice in one.choices]
    if one.default not in {None, ()}:
        parameter["defaultValue"] = written(one.default)
    return parameter


def metadata_text(name: str) -> str:
    """The content of `templates/NAME.json`."""
    return json.dumps(metadata(name), indent=2, ensure_ascii=False) + "\n"


def template_path(name: str) -> Path:
    """Where a pipeline's metadata is checked in."""
    return ROOT / "templates" / f"{name}.json"


def readme_text(readme: str) -> str:
    """The README's text with every pipeline's table brought up to date. Raises ConfigError without markers."""
    for name in registry.PIPELINES:
        readme = with_table(readme, name, registry.settings_class(name))
    return readme


def main() -> int:
    """Writes all generated files, in the checkout that this module stands in."""
    for name in registry.PIPELINES:
        template_path(name).parent.mkdir(exist_ok=True)
        template_path(name).write_text(metadata_text(name), encoding="utf-8")
        sys.stdout.write(f"wrote templates/{name}.json\n")
    readme = ROOT / "README.md"
    readme.write_text(readme_text(readme.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write("wrote the option tables of README.md\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
