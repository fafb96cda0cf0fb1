"""What a copy asks of servers and of the system: requests that don't grow with what is there, bounded sockets."""

import contextlib
import math
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.pipelines.ingest_jobs import start
from tests.services.copy_ends import Folder, Run, copy
from transforms.core.copying.workshop import PROGRAMS
from transforms.core.summary import Summary

PAIRS = [("file", "s3"), ("s3", "file"), ("s3", "s3"), ("file", "gs"), ("gs", "file"), ("gs", "gs")]
CONCURRENT = 4


@pytest.fixture
def pair(new_end, fault_proxy):
    """Two ends whose servers stand behind the proxy."""

    def make(source, destination):
        ends = [new_end(kind, name, fault_proxy.endpoint) for kind, name in ((source, "here"), (destination, "there"))]
        for end in ends:
            if not isinstance(end, Folder):
                fault_proxy.reset(end.server.endpoint)
        return ends

    return make


def put(end, numbers):
    for number in numbers:
        end.put(f"{number % 3}/{number:03}", b"%03d" % number)
    over = math.floor(time.time()) + 1  # S3 stamps with whole seconds: a copy in the same one is asked for more
    while time.time() < over:
        time.sleep(0.01)


@pytest.mark.parametrize(("source", "destination"), PAIRS)
def test_a_run_with_nothing_to_do_asks_for_listings_only_however_many_objects_there_are(
    pair, fault_proxy, tmp_path, source, destination
):
    here, there = pair(source, destination)
    asked = []
    for numbers in (range(5), range(5, 60)):
        put(here, numbers)
        assert copy(here, there, tmp_path).counts[0] == len(numbers)
        fault_proxy.reset()
        assert copy(here, there, tmp_path).counts == (0, numbers.stop, 0, 0)
        asked.append(Counter(method for method, *_ in fault_proxy.log))
    assert asked[0] == asked[1], [entry[:3] for entry in fault_proxy.log]
    assert asked[0].keys() == {"GET"}
    assert not any("/0/" in path or "/1/" in path for _, path, *_ in fault_proxy.log), "no object was asked for"


class Opened(NamedTuple):
    """The most that a process, and what it runs of s5cmd, has open at any one time."""

    files: int = 0
    connections: int = 0
    programs: int = 0


def watched(process: subprocess.Popen) -> Opened:
    """Looks every few milliseconds until the process ends."""
    most = Opened()
    while process.poll() is None:
        programs = s5cmd_of(process)
        names = [name for path in (Path(f"/proc/{process.pid}"), *programs) for name in open_in(path)]
        now = Opened(len(names), sum(name.startswith("socket:") for name in names), len(programs))
        most = Opened(*map(max, most, now))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.003)
    return most


def s5cmd_of(process: subprocess.Popen) -> list[Path]:
    children = (pid for path in Path(f"/proc/{process.pid}").glob("task/*/children") for pid in text_of(path).split())
    return [Path(f"/proc/{pid}") for pid in children if text_of(Path(f"/proc/{pid}/comm")) == "s5cmd\n"]


def text_of(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # ended meanwhile
        return ""


def open_in(process: Path) -> list[str]:
    try:
        return [name_of(path) for path in (process / "fd").iterdir()]
    except OSError:
        return []


def name_of(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:  # closed meanwhile
        return ""


@pytest.mark.parametrize(
    ("source", "destination", "mode"),
    [
        ("file", "s3", "auto"),
        ("s3", "file", "auto"),
        ("gs", "s3", "auto"),
        ("file", "gs", "auto"),
        ("s3", "s3", "traditional"),
        ("s3", "s3", "direct_sync"),
    ],
)
def test_files_and_connections_are_bounded_by_what_is_worked_at_once(new_end, tmp_path, source, destination, mode):
    here, there = new_end(source, "here"), new_end(destination, "there")
    for number in range(200):
        here.put(f"{number:03}", b"x" * 20_000)
    output = tmp_path / "run"
    words = {"source": here.root, "destination": there.root, "mode": mode, "max_concurrent": CONCURRENT}
    words |= here.options("source") | there.options("destination") | {"output": output}
    process = start(["copy", *(f"--{name}={value}" for name, value in words.items())])
    most = watched(process)
    assert process.wait() == 0, process.communicate()
    run = Run(Summary.from_json((output / "summary.json").read_text()), output, here.root, there.root)
    assert run.counts == (200, 0, 0, 0)
    assert ({one["mode"] for one in run.outcomes.values()} == {"direct_sync"}) == (mode == "direct_sync")
    assert 0 < most.connections <= 2 * CONCURRENT + 8, "of both sides; and some that list"
    assert most.files <= 6 * CONCURRENT + 32, "connections, files, their folders; the run's own"
    assert most.programs <= PROGRAMS
