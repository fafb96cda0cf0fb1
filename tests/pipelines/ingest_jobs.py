"""What the tests of `hornbeam ingest` share: sources with known records, runs of the command, and what they leave."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb
import psutil
import pytest

from pipelines import table_ingest
from transforms.core.tables.databases.registry import open_destination

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.services.destination_cases import Place
    from transforms.core.summary import Summary

ROOT = Path(__file__).parents[2]
HEADER = ("id", "name", "amount")
COLUMNS = "id, name, CAST(amount AS double precision)"  # a decimal is a text in SQLite


def records(count: int, start: int = 0) -> list[tuple[int, str, float]]:
    """Rows of HEADER; every 7th name holds a line end, a comma and a quote."""
    return [
        (number, f'two\n"lines", {number}' if number % 7 == 0 else f"name {number}", number / 4)
        for number in range(start, start + count)
    ]


def csv_bytes(rows: Iterable[tuple], header: tuple[str, ...] = HEADER) -> bytes:
    """Rows as Python's csv module writes them."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def write_csv(path: Path, rows: Iterable[tuple], header: tuple[str, ...] = HEADER) -> Path:
    path.write_bytes(csv_bytes(rows, header))
    return path


def on(*kinds: str) -> Any:
    """Runs a test with its `job` on each of these kinds of place."""
    return pytest.mark.parametrize("job", kinds, indirect=True)


class Run(NamedTuple):
    """A run that has ended: its summary, and the folder it left."""

    summary: Summary
    folder: Path

    def lines(self, name: str) -> list[dict[str, Any]]:
        path = self.folder / name
        return [json.loads(line) for line in path.read_text().split("\n") if line] if path.exists() else []

    @property
    def rejects(self) -> list[dict[str, Any]]:
        return self.lines("rejects.jsonl")


@dataclass
class Job:
    """Loads into one place; each run gets a folder of its own."""

    place: Place
    folder: Path
    runs: int = 0
    words: list[str] = field(default_factory=list)

    def new_folder(self) -> Path:
        self.runs += 1
        return self.folder / f"run {self.runs}"

    def run(self, *sources: Any, beam_args: Iterable[str] = (), **changes: Any) -> Run:
        """Runs the load in this process."""
        output = self.new_folder()
        given = {"table": "t", "chunk_rows": 50, "range_mb": 1} | changes
        settings = table_ingest.Settings(
            source=tuple(map(str, sources)), destination=self.place.uri, output=str(output), **given
        )
        return Run(table_ingest.run(settings, list(beam_args)), output)

    def command(self, *sources: Any, output: Path, **changes: Any) -> list[str]:
        """The words of the command that does the same."""
        given = {"table": "t", "chunk_rows": 50, "range_mb": 1} | changes
        words = [f"--source={source}" for source in sources]
        words += [f"--destination={self.place.uri}", f"--output={output}"]
        return ["ingest", *words, *(f"--{name}={value}" for name, value in given.items())]

    def rows(self, columns: str = COLUMNS, table: str = "t") -> list[tuple]:
        """The table's rows, sorted, as another client of the database reads them."""
        if self.place.kind == "parquet":
            files = f"{self.place.uri.removeprefix('parquet:')}/{table}/*.parquet"
            return sorted(duckdb.sql(f"SELECT {columns} FROM read_parquet('{files}', union_by_name=true)").fetchall())
        return sorted(self.place.run(f"SELECT {columns} FROM {table}"))

    @contextlib.contextmanager
    def destination(self) -> Iterator[Any]:
        """The place as a load sees it: its loads, ledger and rejects."""
        destination = open_destination(self.place.uri, self.place.password)
        destination.open()
        try:
            yield destination
        finally:
            destination.close()

    def loads(self) -> list[Any]:
        with self.destination() as destination:
            return list(destination.loads())

    def ledger(self, load_id: str) -> list[tuple]:
        with self.destination() as destination:
            return sorted(destination.ledger(load_id).values())


def start(words: Iterable[str], module: str = "pipelines", **environment: str) -> subprocess.Popen[str]:
    """Starts the command as a process of its own, with its own process group."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *words],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 120.0) -> Any:
    """Polls a condition; fails when it doesn't come true in time."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
        time.sleep(0.01)
    return found


def end_by_signal(process: subprocess.Popen[str], ready: Callable[[], Any], number: int, *, to_group: bool) -> str:
    """Sends a command a signal, and makes sure that it ends of it, soon, with all that it started.

    Args:
        process: The command.
        ready: Waits for the moment.
        number: The signal.
        to_group: As a terminal does: worker processes get it too.

    Returns:
        What it still printed.
    """
    try:
        ready()
        (os.killpg if to_group else os.kill)(process.pid, number)
        left = psutil.Process(process.pid).children(recursive=True)
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 128 + number, err
    assert "Traceback" not in err, err
    assert psutil.wait_procs(left, timeout=120)[1] == []
    return out
