"""`hornbeam bench memory PIPELINE …`: the streaming and the load-it-all way side by side, each in its own process.

A way's memory is the highest resident memory of its process tree, above that of a process that only imports what the
way uses. Both load into an empty temporary place of the destination's kind; the destination itself isn't touched.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import psutil

from pipelines import registry
from pipelines.settings_sources import parse
from transforms.core.errors import ConfigError
from transforms.core.scrubbing import scrub
from transforms.core.units import human_count

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipelines.settings import PipelineSettings

MIB = 1 << 20
SAMPLE_SECONDS = 0.01
CHILDREN_SECONDS = 0.5  # who the children are is looked up this often: a look costs more than a sample

# Each pipeline's load-it-all way: a module with `load(settings)`, which returns how many rows or objects, and
# `temporary_place(settings, folder)`.
LOAD_IT_ALL: dict[str, str] = {
    "ingest": "pipelines.ingest_at_once",
    "copy": "pipelines.copy_at_once",
    "verify": "pipelines.copy_at_once",
}


class Measured(NamedTuple):
    """A process that has ended.

    Attributes:
        peak_bytes: Highest resident memory of its tree.
        seconds: From its start to its end.
        rows: What it loaded.
        problem: Why it failed; "" otherwise.
    """

    peak_bytes: int
    seconds: float
    rows: int
    problem: str


class Way(NamedTuple):
    """One way's figures: at work, and its imports alone."""

    name: str
    work: Measured
    idle: Measured

    @property
    def above_mb(self) -> float:
        """MiB above the idle import; at least 0.1, since a ratio is made of it."""
        return max((self.work.peak_bytes - self.idle.peak_bytes) / MIB, 0.1)


def main(argv: Sequence[str]) -> int:
    """Measures both ways of a pipeline and prints a table.

    Args:
        argv: The pipeline's name and its options, as for a run.

    Returns:
        0, or 1 when a way failed.

    Raises:
        ConfigError: The command is wrong, or the pipeline has no load-it-all way.
    """
    name, words = (argv[0], argv[1:]) if argv else ("", ())
    if name not in LOAD_IT_ALL:
        usage = registry.COMMANDS["bench"].usage
        raise ConfigError(f"bench memory knows {', '.join(LOAD_IT_ALL)}, not {scrub(name)!r}: {usage}")
    settings = parse(registry.settings_class(name), words).settings
    ways = measure(name, settings)
    sys.stdout.write("\n".join(table_of(name, ways)) + "\n")
    return int(any(way.work.problem for way in ways))


def measure(name: str, settings: PipelineSettings) -> list[Way]:
    """Runs both ways, one after the other.

    Args:
        name: The pipeline's.
        settings: As for a run; output, dry_run and retry don't count.

    Raises:
        ConfigError: The run can't start as asked.
    """
    ways = []
    for way in WAYS:
        with tempfile.TemporaryDirectory(prefix="hornbeam-bench-") as temporary:
            folder = Path(temporary)
            own = {"output": f"{folder}/run", "dry_run": False, "retry": None, "config": None}
            asked = settings.model_copy(update=own)
            with import_module(LOAD_IT_ALL[name]).temporary_place(asked, folder) as placed:
                if found := [one for one in registry.pipeline_module(name).check(placed) if not one.well]:
                    raise ConfigError("; ".join(f"{one.place}: {one.message}" for one in found))
                idle = _measured([way, name, "idle"], placed, folder)
                ways.append(Way(way, _measured([way, name, "work"], placed, folder), idle))
    return ways


def _measured(words: Sequence[str], settings: PipelineSettings, folder: Path) -> Measured:
    """Runs this module as a program of its own and watches its tree."""
    command = [sys.executable, "-m", __name__, *words, str(folder / "rows.json")]
    started = time.monotonic()
    with (folder / "printed.txt").open("w+b") as printed:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=printed, stderr=subprocess.STDOUT)
        with process:
            assert process.stdin is not None, "it was opened as a pipe"
            process.stdin.write(settings.to_json().encode())
            process.stdin.close()
            peak = _watch(process)
        seconds = time.monotonic() - started
        printed.seek(0)
        text = printed.read().decode(errors="replace").strip()
    if process.returncode:
        reason = "killed, most likely for want of memory" if process.returncode == -9 else text.rpartition("\n")[2]
        return Measured(peak, seconds, 0, f"exit {process.returncode}: {scrub(reason)}")
    return Measured(peak, seconds, int(json.loads((folder / "rows.json").read_text())), "")


def _watch(process: subprocess.Popen[bytes]) -> int:
    """The highest resident memory of a process tree until it ends, in bytes."""
    peak, look_at, tree = 0, 0.0, [psutil.Process(process.pid)]
    while process.poll() is None:
        if time.monotonic() >= look_at:
            tree = [tree[0], *_children(tree[0])]
            look_at = time.monotonic() + CHILDREN_SECONDS
        peak = max(peak, sum(map(_resident, tree)))
        time.sleep(SAMPLE_SECONDS)
    return peak


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:  # it has just ended
        return []


def _resident(process: psutil.Process) -> int:
    try:
        resident: int = process.memory_info().rss
    except psutil.Error:  # it ended between being listed and being read
        return 0
    return resident


def table_of(name: str, ways: Sequence[Way]) -> list[str]:
    """The figures as a table, and their ratio in a sentence.

    Args:
        name: The pipeline's.
        ways: Streaming, then load-it-all.
    """
    what = "rows" if name == "ingest" else "objects"
    rows = ", ".join(f"{human_count(way.work.rows)} {what} {way.name}" for way in ways if not way.work.problem)
    lines = [f"{name}: {rows or 'no way succeeded'}", ""]
    lines.append(f"{'way':<12}{'peak MiB':>10}{'idle import MiB':>17}{'above idle MiB':>16}{'seconds':>9}")
    for way in ways:
        peaks = f"{way.work.peak_bytes / MIB:>10.0f}{way.idle.peak_bytes / MIB:>17.0f}{way.above_mb:>16.0f}"
        lines.append(f"{way.name:<12}{peaks}{way.work.seconds:>9.1f}")
    lines += [f"{way.name} failed: {way.work.problem}" for way in ways if way.work.problem]
    streaming, at_once = ways
    if not streaming.work.problem and not at_once.work.problem:
        memory = at_once.above_mb / streaming.above_mb
        seconds = at_once.work.seconds / streaming.work.seconds
        lines += ["", f"load-it-all takes {memory:.1f} x the memory above idle and {seconds:.1f} x the time"]
    return lines


def _stream_idle(_name: str, _settings: PipelineSettings) -> int:
    import_module("apache_beam")
    return 0


def _stream(name: str, settings: PipelineSettings) -> int:
    summary: Any = registry.pipeline_module(name).run(settings)
    if summary.error is not None:
        raise SystemExit(f"{summary.error.type}: {summary.error.message}")
    return int(summary.rows.loaded) if summary.rows else int(summary.items.done)


def _load_idle(name: str, _settings: PipelineSettings) -> int:
    import_module(LOAD_IT_ALL[name])
    return 0


def _load(name: str, settings: PipelineSettings) -> int:
    rows: int = import_module(LOAD_IT_ALL[name]).load(settings)
    return rows


WAYS: dict[str, dict[str, Callable[[str, PipelineSettings], int]]] = {
    "streaming": {"idle": _stream_idle, "work": _stream},
    "load-it-all": {"idle": _load_idle, "work": _load},
}


def child(way: str, name: str, task: str, result: str) -> int:
    """What the measured process does; its settings come by standard input, where no process list shows them."""
    settings = registry.settings_class(name).from_json(sys.stdin.read())
    Path(result).write_text(str(WAYS[way][task](name, settings)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(child(*sys.argv[1:]))
