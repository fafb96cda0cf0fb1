"""What a run leaves, without what belongs to it alone: what must be the same wherever it ran."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from pipelines.run_details import detail_lines
from transforms.core.summary import Summary, closing_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# What differs from run to run on one and the same engine, and what follows from how batches were made up.
OWN = {"run_id", "runner", "seconds", "memory", "started", "steps", "settings", "output", "load_id", "time", "command"}
OWN |= {"reads", "bytes_read", "statements"}
NUMBERS = re.compile(r"\d[\d.,]* ?(?:[kKMGT]?i?B|ms|s|rows)?(?:/s)?")


class Ended(NamedTuple):
    """A run that has ended.

    Attributes:
        summary: As it stands in its folder, whole.
        found: What another client finds at the destination.
        account: The summary without what is the run's own.
        words: What it printed beside its first line and its last, without the numbers (rates and memory).
        files: The names in its folder.
        lines: What its outcomes, failures and rejects say, in no order.
    """

    summary: Summary
    found: Any
    account: dict[str, Any]
    words: list[str]
    files: set[str]
    lines: dict[str, list[Any]]

    @property
    def compared(self) -> dict[str, Any]:
        """What is the same wherever the job ran."""
        return {name: value for name, value in self._asdict().items() if name != "summary"}


def ended(texts: Mapping[str, str], own: Sequence[str], found: Any) -> Ended:
    """A run from what it left.

    Args:
        texts: The files of its folder.
        own: Addresses that are this run's alone: its destination, its folder.
        found: What another client finds at the destination.
    """
    summary = Summary.from_json(texts["summary.json"])
    own = [*own, summary.run_id]
    reports = [name for name in texts if name.endswith(".jsonl") and "/" not in name]
    lines = {name: [_common(json.loads(line), own) for line in texts[name].split("\n") if line] for name in reports}
    return Ended(
        summary,
        found,
        _common(json.loads(texts["summary.json"]), own),
        [NUMBERS.sub("#", _common(line, own)) for line in printed(summary)[1:-1]],
        {_common(name, own) for name in texts},
        {name: sorted(found, key=json.dumps) for name, found in lines.items()},
    )


def printed(summary: Summary) -> list[str]:
    """The lines that end a run on the console."""
    *account, report = closing_lines(summary)
    return [*account, *detail_lines(summary), report]


def _common(value: Any, own: Sequence[str]) -> Any:
    if isinstance(value, dict):
        return {key: _common(one, own) for key, one in value.items() if key not in OWN}
    if isinstance(value, list):
        return [_common(one, own) for one in value]
    if isinstance(value, str):
        for text in own:
            value = value.replace(text.rstrip("/"), "…")
    return value
