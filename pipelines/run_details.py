"""What a run says on the console beyond its account: how files would be read, notes, where failures and rejects are.

Only what a person has to know now, and no more than a few lines of each; the rest stands in summary.json.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipelines.estimate import estimate_line
from transforms.core.units import human_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from transforms.core.summary import Summary

SHOWN: Final = 5
_DELIMITERS: Final = {"\t": "tab", " ": "space"}
_LINE_ENDS: Final = {"\n": "LF", "\r\n": "CRLF", "\r": "CR"}


def detail_lines(summary: Summary) -> list[str]:
    """The lines that stand before the report's; none for a run of which there is nothing more to say.

    Args:
        summary: Of the run.
    """
    told = (_planned, _stream, _notes, _failed, _rejects, _estimate)
    lines = [line for tell in told for line in tell(summary)]
    return ["".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in line) for line in lines]


def _planned(summary: Summary) -> Iterator[str]:
    if summary.status != "planned":
        return
    details = summary.details
    if "counted" in details:
        yield f"found: {human_count(details['counted'])} records; nothing was loaded"
    if details.get("schema"):
        yield "columns: " + ", ".join(f"{name} {kind}" for name, kind in details["schema"].items())
    dialects = details.get("dialects", {})
    yield from _few([f"read: {file} {_dialect(found)}" for file, found in dialects.items()], "files")


def _dialect(found: Mapping[str, Any]) -> str:
    if "sheet" in found:
        return f"from row {found['first_row']}, {'after its header' if found['header'] else 'no header'}"
    delimiter, quote = found["delimiter"], found["quote"]
    header = f"header before line {found['data_line']}" if found["header"] else "no header"
    quoted = f"quoted by {quote}" if quote else "no quotes"
    ended = f", ended by {_LINE_ENDS[found['line_end']]} alone" if found.get("line_end_given") else ""
    return f"as {found['encoding']}, delimited by {_DELIMITERS.get(delimiter, delimiter)}, {quoted}{ended}, {header}"


def _stream(summary: Summary) -> Iterator[str]:
    if told := summary.details.get("stream"):
        more = "".join(f", {human_count(count)} {name}" for name, count in told.items() if name != "told" and count)
        yield f"stream: told of {human_count(told['told'])} objects{more}"


def _notes(summary: Summary) -> Iterator[str]:
    yield from _few([f"note: {note}" for note in summary.details.get("notes", ())], "notes")


def _failed(summary: Summary) -> Iterator[str]:
    if summary.items.failed and summary.error is None:
        place = f"{summary.output.rstrip('/')}/failures.jsonl"
        yield f"failed: {human_count(summary.items.failed)}, each with its reason in {place}"


def _rejects(summary: Summary) -> Iterator[str]:
    if summary.rows and summary.rows.rejected:
        why = "" if summary.rejects_allowed else f"; exit code {summary.exit_code}: --max_rejects doesn't cover them"
        yield f"rejects: {human_count(summary.rows.rejected)} in {summary.output.rstrip('/')}/rejects.jsonl{why}"
        yield from _few([f"  {_rule(one)}" for one in summary.details.get("rejects", ())], "rules")


def _rule(found: Mapping[str, Any]) -> str:
    place = f"column {found['column']}: " if found["column"] else ""
    return f"{human_count(found['records'])} by {place}{found['rule']}"


def _estimate(summary: Summary) -> Iterator[str]:
    if "estimate" in summary.details:
        yield estimate_line(summary.details["estimate"])


def _few(lines: list[str], what: str) -> Iterator[str]:
    yield from lines[:SHOWN]
    if len(lines) > SHOWN:
        yield f"… and {human_count(len(lines) - SHOWN)} more {what}: see summary.json"
