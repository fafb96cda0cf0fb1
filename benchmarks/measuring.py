"""Runs commands as whole processes and measures them: seconds, processor seconds, peak memory of the process tree."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import psutil

from transforms.core.memory_sampler import folder_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = Path(sys.executable).parent
GROUPS = Path("/sys/fs/cgroup")
_LOOK_SECONDS = 0.02


class Measure(NamedTuple):
    """One run of a command.

    Attributes:
        seconds: From start to end.
        peak_mib: Resident memory of the whole tree, at its highest.
        graph_seconds: For our own command: the time after start-up, as its summary says; else `seconds`.
        summary: For our own command: its summary.
        output: What it printed.
        temp_mib: Temporary files at their most, those without a name too; only where they were looked for.
    """

    seconds: float
    peak_mib: float
    graph_seconds: float
    summary: dict
    output: str = ""
    temp_mib: float = 0.0


def end_by_sigterm() -> None:
    """Lets SIGTERM end a benchmark as an exit does: its servers stop, its folders go."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def environment() -> dict[str, str]:
    """What commands run with; compiled modules are kept, as on any machine of a user."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def measure(
    command: list[str], env: dict[str, str] | None = None, *, limit_mib: int = 0, temp: Path | None = None
) -> Measure:
    """Runs a command once.

    Args:
        command: Its words.
        env: Its environment.
        limit_mib: A hard limit for its process tree; 0 for none.
        temp: Its folder for temporary files (give TMPDIR too); it is looked at while the command runs.

    Raises:
        RuntimeError: It failed, or there is no way to limit it; the message ends with its output.
    """
    with contextlib.ExitStack() as stack:
        enter = stack.enter_context(limited(limit_mib)) if limit_mib else None
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
        try:
            peak, most_temp = _watch(process, temp)
        finally:
            process.kill()  # only when we are ended ourselves
        seconds = time.perf_counter() - began
        output.seek(0)
        text = output.read()
    if process.returncode:
        raise RuntimeError(f"{command[:4]} ended with {process.returncode}: {text[-2000:]}")
    return Measure(seconds, peak / 2**20, seconds, {}, text, most_temp / 2**20)


def _watch(process: subprocess.Popen, temp: Path | None) -> tuple[int, int]:
    peak = most_temp = 0
    tree = psutil.Process(process.pid)
    while process.poll() is None:
        total = unnamed = 0
        with contextlib.suppress(psutil.NoSuchProcess):
            for one in (tree, *tree.children(recursive=True)):
                total += one.memory_info().rss
                unnamed += _unnamed_bytes(one.pid) if temp else 0
        peak = max(peak, total)
        if temp:
            most_temp = max(most_temp, unnamed + folder_bytes(str(temp)))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK_SECONDS)
    return peak, most_temp


def _unnamed_bytes(pid: int) -> int:
    """Bytes of the files that a process holds open though their names are gone (not its three streams)."""
    total = 0
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if int(link.name) > 2 and str(link.readlink()).endswith(" (deleted)"):
                total += link.stat().st_size
    return total


@contextlib.contextmanager
def limited(mib: int, groups: Path = GROUPS, own: Path = Path("/proc/self/cgroup")) -> Iterator[Callable]:
    """A control group with a hard limit that the command enters; the kernel ends what goes beyond.

    | there is                       | the group is made below    | its limit               | entered by   |
    |--------------------------------|----------------------------|-------------------------|--------------|
    | memory/ (version 1)            | memory/                    | memory.limit_in_bytes   | tasks        |
    | cgroup.controllers (version 2) | the root, or our own group | memory.max, and no swap | cgroup.procs |

    Raises:
        RuntimeError: There is neither, or we may not.
    """
    old = (groups / "memory").is_dir()
    place = groups / "memory" if old else _place(groups, own)
    group = place / f"hornbeam-{os.getpid()}-{time.monotonic_ns()}"
    try:
        group.mkdir()
        (group / ("memory.limit_in_bytes" if old else "memory.max")).write_text(str(mib << 20))
    except OSError as error:
        group.exists() and group.rmdir()
        raise RuntimeError(f"no hard limit: {error}; {_MAY_NOT}") from error
    try:
        if not old and (group / "memory.swap.max").exists():
            (group / "memory.swap.max").write_text("0")
        yield lambda: (group / ("tasks" if old else "cgroup.procs")).write_text(str(os.getpid()))
    finally:
        group.rmdir()


_MAY_NOT = "run as root, not in a container"


def _place(groups: Path, own: Path) -> Path:
    """Where version 2 lets us make a group that limits memory: the root's or our own group's folder."""
    if not (groups / "cgroup.controllers").exists():
        raise RuntimeError(f"no hard limit: no control groups at {groups}; {_MAY_NOT}")
    ours = next(line.split("::", 1)[1] for line in own.read_text().splitlines() if line.startswith("0::"))
    for place in dict.fromkeys((groups, groups / ours.strip("/"))):
        control = place / "cgroup.subtree_control"
        with contextlib.suppress(OSError):  # not ours to change, or processes are in it
            if "memory" not in control.read_text().split():
                control.write_text("+memory")
            if "memory" in control.read_text().split() and os.access(place, os.W_OK):
                return place
    raise RuntimeError(f"no hard limit: no control group of ours gives its children a memory limit; {_MAY_NOT}")


def ingest(*options: str, env: dict[str, str] | None = None, limit_mib: int = 0, temp: Path | None = None) -> Measure:
    """Runs `hornbeam ingest` once and reads its summary."""
    return hornbeam("ingest", *options, env=env, limit_mib=limit_mib, temp=temp)


def hornbeam(
    pipeline: str,
    *options: str,
    env: dict[str, str] | None = None,
    limit_mib: int = 0,
    temp: Path | None = None,
) -> Measure:
    """Runs a pipeline's command once and reads its summary."""
    with tempfile.TemporaryDirectory(prefix="hornbeam-bench-") as folder:
        command = [str(PROGRAMS / "hornbeam"), pipeline, *options, "--output", folder]
        measured = measure(command, env, limit_mib=limit_mib, temp=temp)
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
    told = f"{name:<58}{ours:9.2f} {unit} {peer:9.2f} {unit}  ratio {ratio:6.3f}  target {limit:g}"
    print(f"{told}  {_verdict(ratio <= limit)}", flush=True)


def at_most(name: str, value: float, limit: float, unit: str) -> None:
    """Prints one figure that has a target of its own, and whether it is within."""
    print(f"{name:<58}{value:9.2f} {unit}  target {limit:g}  {_verdict(value <= limit)}", flush=True)


def peaks(mine: Measure, peer: Measure, name: str) -> None:
    """Prints the peak memory of both process trees."""
    print(f"    peak memory: ours {mine.peak_mib:.0f} MiB, {name} {peer.peak_mib:.0f} MiB", flush=True)


def _verdict(within: bool) -> str:
    return "within" if within else "MISSED"
