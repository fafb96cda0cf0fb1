"""What ended a run, in a line: the error that was raised, dug out of what an engine wraps around it."""

from __future__ import annotations

import re

from transforms.core.scrubbing import scrub
from transforms.core.summary import RunError

_RAISED = re.compile(r"^(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*): (.*)$")
_WHERE = re.compile(r"\s*\[while running '[^']*'\]")


def describe(error: BaseException) -> RunError:
    """Names an error for people: its class and its message, without traceback and secrets.

    Engines hand an error of a worker on as text, with its traceback: there the last error raised in it counts.

    Args:
        error: What `run` raised.
    """
    if broken := _broken_connection(error):
        return broken
    text = str(error).strip()
    found = RunError(type(error).__name__, text or type(error).__name__)
    if "Traceback (most recent call last)" in text:
        found = _last_raised(text) or found
    return RunError(found.type, scrub(_WHERE.sub("", found.message).strip()))


def _broken_connection(error: BaseException) -> RunError | None:
    """What gRPC raises holds its state in six lines; two words of them tell people something."""
    code, details = getattr(error, "code", None), getattr(error, "details", None)
    if not (callable(code) and callable(details)):
        return None
    return RunError("EngineLostError", scrub(f"the engine can't be reached any more ({details()}); see hornbeam.log"))


def _last_raised(text: str) -> RunError | None:
    lines = text.splitlines()
    for place in range(len(lines) - 1, -1, -1):
        if match := _RAISED.match(lines[place]):
            return RunError(match[1], "\n".join([match[2], *lines[place + 1 :]]))
    return None
