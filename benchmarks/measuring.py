"""Runs commands as whole processes and measures them: seconds, processor seconds, peak memory of the process tree."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = Path(sys.executable).parent
CGROUP = Path("/sys/fs/cgroup/memory")
_LOOK_SECONDS = 0.02


class Measure(NamedTuple):
    """One run of a command.

    Attributes:
        seconds: From start to end.
        peak_mib: Resident memory of the whole tree, at its highest.
        graph_seconds: For our own command: the time after start-up, as its summary says; else `seconds`.
        summary: For our own command: its summary.
    """

    seconds: float
    peak_mib: float
    graph_seconds: float
    summary: dict


def environment() -> dict[str, str]:
    """What commands run with; compiled modules are kept, as on any machine of a user."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def measure(command: list[str], env: dict[str, str] | None = None, *, limit_mib: int = 0) -> Measure:
    """Runs a command once.

    Raises:
        RuntimeError: It failed; the message ends with its output.
    """
    with contextlib.ExitStack() as stack:
        enter = stack.enter_context(_limited(limit_mib)) if limit_mib else None
        output = stack.enter_context(tempfile.TemporaryFile("w+"))
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            env=env or environment(),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=enter,
        )
        peak = _watch(process)
        seconds = time.perf_counter() - began
        output.seek(0)
        text = output.read()
    if process.returncode:
        raise RuntimeError(f"{command[:4]} ended with {process.returncode}: {text[-2000:]}")
    return Measure(seconds, peak / 2**20, seconds, {})


def _watch(process: subprocess.Popen) -> int:
    peak = 0
    tree = psutil.Process(process.pid)
    while process.poll() is None:
        total = 0
        with contextlib.suppress(psutil.NoSuchProcess):
            for one in (tree, *tree.children(recursive=True)):
                total += one.memory_info().rss
        peak = max(peak, total)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK_SECONDS)
    return peak


@contextlib.contextmanager
def _limited(mib: int):
    """A control group with a hard limit that the command enters; the kernel ends what goes beyond."""
    group = CGROUP / f"hornbeam-{os.getpid()}-{time.monotonic_ns()}"
    group.mkdir()
    try:
        (group / "memory.limit_in_bytes").write_text(str(mib << 20))
        yield lambda: (group / "tasks").write_text(str(os.getpid()))
    finally:
        group.rmdir()


def ingest(*options: str, env: dict[str, str] | None = None, limit_mib: int = 0) -> Measure:
    """Runs `hornbeam ingest` once and reads its summary."""
    with tempfile.TemporaryDirectory(prefix="hornbeam-bench-") as folder:
        command = [str(PROGRAMS / "hornbeam"), "ingest", *options, "--output", folder]
        measured = measure(command, env, limit_mib=limit_mib)
        summary = json.loads((Path(folder) / "summary.json").read_text())
    return measured._replace(graph_seconds=summary["seconds"], summary=summary)


def middle(runs: list[Measure]) -> Measure:
    """The run with the median seconds in the graph."""
    wanted = median(run.graph_seconds for run in runs)
    return min(runs, key=lambda run: abs(run.graph_seconds - wanted))


def idle_mib() -> float:
    """Resident memory of a process that has imported Beam and nothing else."""
    code = "import apache_beam, psutil; print(psutil.Process().memory_info().rss)"
    out = subprocess.run([sys.executable, "-c", code], env=environment(), check=True, capture_output=True, text=True)
    return int(out.stdout.split()[-1]) / 2**20


def line(name: str, ours: float, peer: float, limit: float, unit: str = "s") -> None:
    """Prints one comparison: ours, the peer's, the ratio and whether it is within the target."""
    ratio = ours / peer
    verdict = "within" if ratio <= limit else "MISSED"
    told = f"{name:<58}{ours:9.2f} {unit} {peer:9.2f} {unit}  ratio {ratio:6.3f}  target {limit:g}  {verdict}"
    print(told, flush=True)
