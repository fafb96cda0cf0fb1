"""The command line's words, sorted into our options, Beam's and Flink's; nothing is converted here.

Not argparse: `--no_x`, `--x=true`, dashes for underscores and foreign flags in between are all ours to define.
"""

from __future__ import annotations

from collections import deque
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from pipelines import foreign_flags
from transforms.core.scrubbing import scrub

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.settings_options import Option


class Words(NamedTuple):
    """A command line, sorted.

    Attributes:
        given: For each of our fields that was named, the texts in order (`true` or `false` for a bare boolean).
        foreign: Beam's and Flink's flags, each as one word, `--name=value`.
        findings: What is wrong, one sentence each.
    """

    given: dict[str, list[str]]
    foreign: list[str]
    findings: list[str]


def sort_words(options: Sequence[Option], argv: Sequence[str]) -> Words:
    """Sorts a command line: `--name=value`, `--name value`, `--flag`, `--no_flag`, and words for positional options."""
    known = {name: one for one in options for name in (one.name, *one.aliases)}
    bare = [one for one in options if one.positional]
    words = Words({}, [], [])
    rest = deque(argv)
    while rest:
        word = rest.popleft()
        if word.startswith("-") and word not in {"-", "--"}:
            _take_flag(word, rest, known, words)
        elif word != "--":
            _take_bare(word, bare, words)
    return words


def _take_flag(word: str, rest: deque[str], known: dict[str, Option], words: Words) -> None:
    typed, equals, value = word.partition("=")
    name = typed.lstrip("-").replace("-", "_")
    one = known.get(name)
    if one is None and name.startswith("no_") and (negated := known.get(name[3:])) and negated.kind == "boolean":
        if equals:
            words.findings.append(f"{word}: {typed} takes no value; write --{negated.name}={value}")
        words.given.setdefault(negated.field, []).append("false")
    elif one is None or not word.startswith("--"):
        _take_foreign(word, rest, known, words)
    elif one.kind == "boolean":
        words.given.setdefault(one.field, []).append(value if equals else "true")
    else:
        text = value if equals else _next_value(rest)
        if text is None:
            words.findings.append(f"{typed} needs a value: {one.values}")
        else:
            words.given.setdefault(one.field, []).append(text)


def _take_foreign(word: str, rest: deque[str], known: dict[str, Option], words: Words) -> None:
    typed, equals, _ = word.partition("=")
    name = typed.lstrip("-").replace("-", "_")
    valued = foreign_flags.takes_value(name) if word.startswith("--") else None
    if valued is None:
        words.findings.append(unknown("option", scrub(typed), name, known))
        if not equals:
            _next_value(rest)
    elif valued and not equals:
        text = _next_value(rest)
        if text is None:
            words.findings.append(f"{typed} (an option of Beam or Flink) needs a value")
        else:
            words.foreign.append(f"--{name}={text}")
    else:
        words.foreign.append(f"--{name}{word[len(typed) :]}")


def _next_value(rest: deque[str]) -> str | None:
    """Takes the next word, unless it is an option itself."""
    return rest.popleft() if rest and not rest[0].startswith("--") else None


def _take_bare(word: str, bare: list[Option], words: Words) -> None:
    for one in bare:
        if one.kind == "list" or one.field not in words.given:
            words.given.setdefault(one.field, []).append(word)
            return
    words.findings.append(
        f"{scrub(word)!r} is a word without an option before it: options are written --name=value or --name value, "
        "true or false only --name=true, wildcards in quotes"
    )


def unknown(what: str, shown: str, name: str, known: dict[str, Option]) -> str:
    """The sentence for a name that nobody owns, with the nearest that is known."""
    near = get_close_matches(name, [*known, *(f"no_{key}" for key, one in known.items() if one.kind == "boolean")], 1)
    dashes = "--" if shown.startswith("-") else ""
    hint = f"did you mean {dashes}{near[0]}?" if near else "--help lists all of them"
    return f"unknown {what} {shown}: {hint}"
