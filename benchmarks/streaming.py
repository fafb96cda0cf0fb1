"""A stream of small files into PostgreSQL: how long from 'file visible' to 'row visible', and the memory of a long one.

    python benchmarks/streaming.py [direct] [prism] [flink] [--rates 1,10,50] [--seconds 20] [--memory_files 18000]

All of it takes half an hour at 50 files a second; `--memory_files 0` leaves the long streams out: five minutes.

Files of ten rows are moved into a watched folder at a steady rate; PostgreSQL itself says when their rows were
committed (`track_commit_timestamp`). A file on a disk is taken at the second look that finds it unchanged, so with
`--watch 0.5` about 0.75 s of each figure is waiting; objects in a store are taken at the first.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measuring import PROGRAMS, ROOT, end_by_sigterm, environment
from tests.servers.postgres import PostgresServer, running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

ENGINES = {
    "direct": (),
    "prism": ("--runner=prism", "--shared_disk"),
    "flink": ("--runner=flink", "--shared_disk", "--checkpointing_interval=1000"),
}
PROGRAMS_OF_ENGINES = {"prism", "java"}
WATCH_SECONDS = 0.5
ROWS = 10
LOOK_SECONDS = 0.05
HELD_SECONDS = 10.0
COMMITS = "SELECT file, extract(epoch FROM max(pg_xact_commit_timestamp(xmin)))::float8 FROM {table} GROUP BY file"


class Stream(NamedTuple):
    """A command that watches a folder.

    Attributes:
        process: Of the command.
        folder: What it watches.
        output: Its run folder.
        table: What it loads.
    """

    process: subprocess.Popen
    folder: Path
    output: Path
    table: str


def main() -> None:
    """Every engine at every rate; then the memory of a long stream at the highest rate that held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engines", nargs="*", default=list(ENGINES), choices=[*ENGINES, []])
    parser.add_argument("--rates", default="1,10,50")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--memory_files", type=int, default=18_000)
    options = parser.parse_args()
    end_by_sigterm()
    with running_postgres(settings=("track_commit_timestamp = on",)) as server:
        for engine in options.engines:
            held = 0.0
            for rate in map(float, options.rates.split(",")):
                if latencies(server, engine, rate, options.seconds):
                    held = rate
            if options.memory_files and held:
                memory(server, engine, held, options.memory_files)
            elif options.memory_files:
                print(f"{engine:7} held no rate: no memory of a long stream", flush=True)


def latencies(server: PostgresServer, engine: str, rate: float, seconds: float) -> bool:
    """Prints one engine's latencies at one rate; whether it kept up: the last file's rows came soon after it."""
    count = max(int(rate * seconds), 5)
    with stream(server, engine) as running:
        visible = feed(running, rate, count, "f")
        committed = wait_for_rows(server, running)
    waits = sorted(committed[name] - at for name, at in visible.items())
    last = committed[max(visible, key=lambda name: visible[name])] - max(visible.values())
    held = last < HELD_SECONDS
    half, most = waits[len(waits) // 2], waits[min(int(len(waits) * 0.99), len(waits) - 1)]
    kept = "held" if held else f"NOT HELD, {last:.1f} s behind at the end"
    print(f"{engine:7} {rate:4.0f} files/s, {count} files: p50 {half:5.2f} s, p99 {most:5.2f} s, {kept}", flush=True)
    return held


def memory(server: PostgresServer, engine: str, rate: float, files: int) -> None:
    """Prints the memory of a long stream: of Python's processes, and of the engine's own, at its tenths."""
    with stream(server, engine) as running:
        points: list[tuple[int, float, float]] = []
        tenth = files // 10
        for number in range(10):
            feed(running, rate, tenth, f"m{number}-")
            points.append(((number + 1) * tenth, *resident(running.process)))
        wait_for_rows(server, running)
    for count, ours, engines in points:
        print(f"{engine:7} after {count:6,} files: {ours:5.0f} MiB ours, {engines:5.0f} MiB the engine's", flush=True)
    growth = points[-1][1] / points[1][1]
    print(f"{engine:7} memory at the end / at a fifth, ours: {growth:.2f}", flush=True)


@contextmanager
def stream(server: PostgresServer, engine: str) -> Iterator[Stream]:
    """A command that has loaded its first file; ended by SIGTERM, and its account looked at."""
    table = f"t{time.monotonic_ns()}"
    with server.connect() as connection:
        connection.execute(f"CREATE TABLE {table} (file text, number bigint, at double precision)")
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp) / "in"
        folder.mkdir()
        words = [f"--source={folder}/*.csv", f"--destination={server.uri()}", f"--table={table}"]
        words += [f"--watch={WATCH_SECONDS}", "--window_seconds=0.2", f"--output={temp}/run", *ENGINES[engine]]
        log = (Path(temp) / "log").open("w")
        process = subprocess.Popen(
            [str(PROGRAMS / "hornbeam"), "ingest", *words],
            env=environment() | {"PGPASSWORD": server.password},
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
        running = Stream(process, folder, Path(temp) / "run", table)
        try:
            feed(running, 100, 1, "first")
            wait_for_rows(server, running)
            yield running
            process.send_signal(signal.SIGTERM)
            process.wait(120)
            check(running)
        finally:
            if process.poll() is None:
                process.kill()
            log.close()


def check(running: Stream) -> None:
    """The stream's own account must be whole.

    Raises:
        RuntimeError: It isn't.
    """
    summary = json.loads((running.output / "summary.json").read_text())
    items = summary["items"]
    if summary["status"] != "interrupted" or items["planned"] != items["done"]:
        raise RuntimeError(f"{running.output}: {summary['status']}, {items}, {summary['error']}")


def feed(running: Stream, rate: float, count: int, prefix: str) -> dict[str, float]:
    """Moves files into the folder at a steady rate; returns when each became visible."""
    visible = {}
    began = time.time()
    pause = threading.Event()
    for number in range(count):
        pause.wait(max(began + number / rate - time.time(), 0))
        name = f"{prefix}{number:06}"
        made = running.folder / f".{name}"
        made.write_text("file,number,at\n" + "".join(f"{name},{row},{row / 3:.6f}\n" for row in range(ROWS)))
        made.rename(running.folder / f"{name}.csv")
        visible[name] = time.time()
    return visible


def wait_for_rows(server: PostgresServer, running: Stream) -> dict[str, float]:
    """When each file's rows were committed, once those of all files in the folder are.

    Raises:
        RuntimeError: The command ended.
    """
    wanted = sum(1 for _ in running.folder.glob("*.csv")) * ROWS
    pause = threading.Event()
    with server.connect() as connection:
        while True:
            [(found,)] = connection.execute(f"SELECT count(*) FROM {running.table}").fetchall()
            if found >= wanted:
                return dict(connection.execute(COMMITS.format(table=running.table)).fetchall())
            if running.process.poll() is not None:
                log = (running.output.parent / "log").read_text()
                raise RuntimeError(f"the stream ended with {running.process.returncode}: {log[-3000:]}")
            pause.wait(LOOK_SECONDS)


def resident(process: subprocess.Popen) -> tuple[float, float]:
    """MiB of a command's own processes, and of the engine's below it."""
    ours = engines = 0.0
    top = psutil.Process(process.pid)
    for one in (top, *top.children(recursive=True)):
        try:
            mib = one.memory_info().rss / 2**20
            ours, engines = (ours, engines + mib) if one.name() in PROGRAMS_OF_ENGINES else (ours + mib, engines)
        except psutil.NoSuchProcess:
            continue
    return ours, engines


if __name__ == "__main__":
    main()
