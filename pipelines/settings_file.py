"""A config file's keys and values, each with its line; what they mean is decided in settings_sources."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from transforms.core.errors import ConfigError


class Entry(NamedTuple):
    """One setting of a config file.

    Attributes:
        key: As written.
        value: What YAML or JSON makes of it.
        line: Where the key stands, 1-based; 0 when that can't be told.
    """

    key: str
    value: Any
    line: int


def read_config(path: str) -> list[Entry]:
    """Reads a config file.

    Args:
        path: A local .yaml, .yml or .json file: one mapping of settings.

    Raises:
        ConfigError: It isn't there, isn't valid, isn't a mapping, or names a key twice; with file and line.
    """
    suffix = Path(path).suffix.lower()
    reader = _READERS.get(suffix)
    if reader is None:
        raise ConfigError(f"--config={path}: a config file ends in {', '.join(_READERS)}, not {suffix or 'nothing'!r}")
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as e:
        raise ConfigError(f"--config={path} can't be read ({e.strerror}): check path and permissions") from e
    except UnicodeDecodeError as e:
        raise ConfigError(f"--config={path} is not UTF-8 text: save it as UTF-8") from e
    entries = reader(path, text)
    seen: dict[str, int] = {}
    for entry in entries:
        if entry.key in seen:
            raise ConfigError(f"{path} line {entry.line}: {entry.key} is there already (line {seen[entry.key]})")
        seen[entry.key] = entry.line
    return entries


def _read_json(path: str, text: str) -> list[Entry]:
    try:
        pairs = json.loads(text, object_pairs_hook=_Pairs)
    except json.JSONDecodeError as e:
        raise ConfigError(f"{path} line {e.lineno}: not valid JSON ({e.msg}, column {e.colno})") from e
    if not isinstance(pairs, _Pairs):
        raise ConfigError(_not_a_mapping(path, pairs))
    return [Entry(key, value, _json_line(text, key)) for key, value in pairs]


class _Pairs(list[tuple[str, Any]]):
    """A JSON object whose duplicate keys are still there."""


def _json_line(text: str, key: str) -> int:
    found = re.search(re.escape(json.dumps(key)) + r"\s*:", text)
    return text.count("\n", 0, found.start()) + 1 if found else 0


def _read_yaml(path: str, text: str) -> list[Entry]:
    import yaml

    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return []
        if not isinstance(node, yaml.MappingNode):
            raise ConfigError(_not_a_mapping(path, loader.construct_document(node)))
        return [
            Entry(str(key.value), loader.construct_object(value, deep=True), key.start_mark.line + 1)
            for key, value in node.value
        ]
    except yaml.MarkedYAMLError as e:
        line = e.problem_mark.line + 1 if e.problem_mark else 0
        raise ConfigError(f"{path} line {line}: not valid YAML ({e.problem})") from e
    except yaml.YAMLError as e:
        raise ConfigError(f"{path}: not valid YAML ({e})") from e
    finally:
        loader.dispose()


def _not_a_mapping(path: str, content: Any) -> str:
    return f"{path} holds a {type(content).__name__}, not settings: write one `name: value` a line"


_READERS = {".yaml": _read_yaml, ".yml": _read_yaml, ".json": _read_json}
