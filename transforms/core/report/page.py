"""report.html: one page that needs no network and no script: what happened, how fast, what failed, how to go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transforms.core.report import series
from transforms.core.report.charts import Limit, bar_chart, line_chart
from transforms.core.report.markup import Markup, element, join
from transforms.core.report.style import STYLE
from transforms.core.report.tables import lines_table, pairs_table, table
from transforms.core.units import human_bytes, human_count, human_seconds

if TYPE_CHECKING:
    from transforms.core.merging import Merged
    from transforms.core.summary import Counts, Summary


def report_page(summary: Summary, merged: Merged) -> str:
    """The page.

    Args:
        summary: The run's account.
        merged: Its first failures and rejects.
    """
    title = f"{summary.pipeline} {summary.status} · {summary.run_id}"
    head = element(
        "head",
        Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'),
        element("title", title),
        element("style", Markup(STYLE)),
    )
    main = element(
        "main",
        _headline(summary),
        _tiles(summary),
        _accounts(summary),
        _charts(summary),
        _steps(summary),
        _records("Failures", merged.failures, "failures.jsonl"),
        _records("Rejected records", merged.rejects, "rejects.jsonl", _rules(merged)),
        _next_steps(summary),
        _details(summary.details),
        _section("Settings", pairs_table(summary.settings)),
        _section("Versions", pairs_table({**summary.versions, "runner": summary.runner})),
    )
    return f'<!doctype html>\n<html lang="en">{head}{element("body", main)}</html>\n'


def _section(title: str, *children: Any) -> Markup:
    return element("section", element("h2", title), *children)


def _headline(summary: Summary) -> Markup:
    code = f", exit code {summary.exit_code}"
    error = None
    if summary.error is not None:
        error = element("section", element("b", summary.error.type), ": ", summary.error.message, class_="error")
    return element(
        "header",
        element("h1", summary.pipeline),
        element("span", summary.status, class_=f"badge {summary.status}"),
        element("p", f"Run {summary.run_id} on {summary.runner}, started {summary.started}{code}", class_="soft"),
        element("p", summary.output, class_="soft mono"),
        error,
    )


def _tiles(summary: Summary) -> Markup:
    rate = 1 / summary.seconds if summary.seconds > 0 else 0.0
    memory = summary.memory
    tiles = [("time", human_seconds(summary.seconds)), ("items done", human_count(summary.items.done))]
    tiles += [("done", human_bytes(summary.bytes.done)), ("a second", human_bytes(summary.bytes.done * rate))]
    if summary.rows is not None:
        tiles.append(("rows loaded", human_count(summary.rows.loaded)))
        tiles.append(("rows a second", human_count(round(summary.rows.loaded * rate))))
    tiles.append(("memory, above start", f"{memory.peak_mb - memory.baseline_mb:.0f} MiB"))
    return element("div", *(element("div", element("b", value), name) for name, value in tiles), class_="tiles")


def _accounts(summary: Summary) -> Markup:
    heads = ("", "planned", "done", "skipped", "failed", "not started")
    counts: list[tuple[str, Counts, Any]] = [
        ("items", summary.items, human_count),
        ("bytes", summary.bytes, human_bytes),
    ]
    rows = [(name, *(show(value) for value in values)) for name, values, show in counts]
    tables = [table(heads, rows, frozenset(range(1, 6)))]
    if summary.rows is not None:
        row = ("rows", *(human_count(value) for value in summary.rows))
        tables.append(table(("", "counted", "loaded", "rejected", "skipped"), [row], frozenset(range(1, 5))))
    return _section("Account", *tables)


def _charts(summary: Summary) -> Markup:
    memory, line = summary.memory, series.throughput(summary.memory.timeline)
    show = human_bytes if line.unit == "bytes" else lambda value: human_count(round(value))
    limit = None
    if memory.threshold_mb:
        limit = Limit(memory.baseline_mb + memory.threshold_mb, f"threshold: start + {memory.threshold_mb:.0f} MiB")
    marks = series.moments(memory.timeline)
    fast = line_chart(f"{line.unit} a second over time", line.points, show, marks=marks)
    used = line_chart(
        "memory over time", series.memory(memory.timeline), lambda value: f"{value:.0f} MiB", limit=limit, marks=marks
    )
    facts = (
        f"Peak {memory.peak_mb:.0f} MiB, average {memory.average_mb:.0f}, at start {memory.baseline_mb:.0f};"
        f" processor {human_seconds(memory.cpu_seconds)}; temporary files at most {memory.temp_peak_mb:.0f} MiB."
    )
    return element(
        "div",
        _section(f"Throughput: {line.unit} a second", fast),
        _section("Memory of the process tree", used, element("p", facts, class_="soft")),
        class_="charts",
    )


def _steps(summary: Summary) -> Markup | None:
    if not summary.steps:
        return None
    steps = sorted(summary.steps, key=lambda step: -step.seconds)
    rows = [
        (
            step.name,
            human_count(step.elements),
            human_count(step.failed),
            human_seconds(step.seconds),
            human_seconds(step.seconds / step.elements if step.elements else 0.0),
            human_seconds(step.longest_seconds),
        )
        for step in steps
    ]
    bars = [(step.name, step.seconds, human_seconds(step.seconds)) for step in steps]
    heads = ("step", "elements", "failed", "time, all tasks", "mean", "longest")
    note = "Time is summed over tasks that ran at once, so it may exceed the run's."
    return _section(
        "Where the time went",
        bar_chart("time by step", bars),
        table(heads, rows, frozenset(range(1, 6))),
        element("p", note, class_="soft"),
    )


def _records(title: str, lines: tuple[dict[str, Any], ...], file: str, first: Markup | None = None) -> Markup | None:
    if not lines:
        return None
    note = element("p", f"The first {len(lines)}; all of them are in {file}.", class_="soft")
    return _section(title, first, lines_table(lines), note)


def _rules(merged: Merged) -> Markup:
    rows = [(rule, column, human_count(records)) for column, rule, records in merged.rules]
    return table(("rule", "column", "records"), rows, frozenset([2]))


def _next_steps(summary: Summary) -> Markup | None:
    if not summary.next_steps:
        return None
    steps = (join(element("p", step.text), element("pre", step.command)) for step in summary.next_steps)
    return _section("How to go on", *steps)


def _details(details: dict[str, Any]) -> Markup | None:
    """The pipeline's own: a list of records as a table, a mapping as pairs, the rest together."""
    if not details:
        return None
    simple = {name: value for name, value in details.items() if not _nested(value)}
    parts = [pairs_table(simple)] if simple else []
    for name, value in details.items():
        if _nested(value):
            shown = pairs_table(value) if isinstance(value, dict) else lines_table(value[:100])
            parts.append(join(element("h3", name.replace("_", " ")), shown))
    return _section("Details", *parts)


def _nested(value: Any) -> bool:
    return bool(value) and (
        isinstance(value, dict) or (isinstance(value, list) and all(isinstance(one, dict) for one in value))
    )
