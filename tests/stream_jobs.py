"""Streams to test: each pipeline that has one puts objects, and tells what must be at the destination in the end.

A pipeline with a head and without an entry in STREAMS fails the tests.
"""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from pipelines import registry
from tests.pipelines.conftest import make_place
from tests.pipelines.ingest_jobs import Job, csv_bytes, records, wait_until
from tests.servers.fault_proxy import Fault, FaultProxy
from tests.services.copy_ends import Folder, S3Prefix, bodies

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    import pytest

HELD = 1000
ROWS = 10
SCHEMA = {
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "name", "type": "string"},
        {"name": "amount", "type": "number"},
    ]
}


class Watched(Folder):
    """A folder in which files appear as a whole, as a rename makes them."""

    def put(self, key: str, body: bytes, **_: Any) -> None:
        made = self.path.with_name("made")
        made.write_bytes(body)
        made.rename(self.path / key)


class Held(NamedTuple):
    """Requests for objects' bytes that a server doesn't answer until `release` is set."""

    fault: Fault
    release: threading.Event

    def wait_for(self, process: subprocess.Popen[str]) -> None:
        """Until an object is being read, or written."""

        def begun() -> bool:
            assert process.poll() is None, process.communicate()
            return self.fault.times < HELD

        wait_until(begun, "an object at work", 120)


@dataclass
class StreamJob:
    """A stream over a folder, or a prefix of a bucket.

    Attributes:
        folder: The test's own.
        source: What is watched.
        words: The command's, without head and output.
        body: An object's bytes, by its name and version.
        found: What is at the destination.
        expected: What must be there for the (name, version) pairs that were put and not replaced before they were seen.
        spoil: Puts an object that fails.
        bucket: The end that is in a bucket, behind `proxy`, if one is.
        proxy: What stands in front of that bucket's server.
        put_so_far: The pairs, in their order.
    """

    folder: Path
    source: Folder | S3Prefix
    words: list[str]
    body: Callable[[str, int], bytes]
    found: Callable[[], Any]
    expected: Callable[[list[tuple[str, int]]], Any]
    spoil: Callable[[str], None]
    bucket: S3Prefix | None = None
    proxy: FaultProxy | None = None
    put_so_far: list[tuple[str, int]] = field(default_factory=list)

    def put(self, name: str, version: int = 0) -> None:
        """Makes an object appear as a whole, or replaces it."""
        self.source.put(name, self.body(name, version))
        self.put_so_far.append((name, version))

    def command(self, output: Path, *head: str) -> list[str]:
        return [*self.words, f"--output={output}", *head]

    def is_exact(self) -> bool:
        found, expected = self.found(), self.expected(self.put_so_far)
        assert found == expected
        return True

    def looks(self) -> int:
        """How often the bucket was asked for anything so far; while reads are held, only its listing is looked at."""
        assert self.proxy is not None
        return self.proxy.total_requests()

    def hold(self) -> Held:
        """From now on, whatever reads bytes from the source's bucket (or writes them to the destination's) waits."""
        assert self.proxy is not None
        assert self.bucket is not None
        method, release = "GET" if self.bucket is self.source else "PUT", threading.Event()
        fault = Fault(times=HELD, path=self.bucket.prefix, method=method, until=release)
        self.proxy.add(fault)
        return Held(fault, release)


def outcomes(output: Path) -> Counter[str]:
    """What the closed batches of a run say so far, by status; a batch that is being written counts next time."""
    statuses: Counter[str] = Counter()
    for part in output.glob("parts/*/batch-*.jsonl"):
        lines = [json.loads(line) for line in part.read_text().splitlines()]
        statuses.update(line["status"] for line in lines if line["kind"] == "outcome")
    return statuses


def ended(process: subprocess.Popen[str], code: int) -> str:
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, out + err
    assert "Traceback" not in err
    return out


def summary(output: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((output / "summary.json").read_text())
    assert found["items"]["planned"] == sum(count for name, count in found["items"].items() if name != "planned")
    return found


def until(process: subprocess.Popen[str], output: Path, status: str, count: int) -> None:
    """Waits until so many objects have that outcome."""

    def reached() -> bool:
        assert process.poll() is None, process.communicate()
        return outcomes(output)[status] >= count

    wait_until(reached, f"{count} objects {status}", 120)


def ask_to_stop(process: subprocess.Popen[str], number: int) -> None:
    """Sends SIGINT as a terminal does, to all processes, or SIGTERM as `kill` does; until the command says it heard."""
    (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
    name = signal.Signals(number).name
    assert any(f"{name}: asked to stop" in line and "finishing what is under way" in line for line in process.stderr)


def make_bucket(request: pytest.FixtureRequest) -> S3Prefix:
    """An empty prefix on the S3 server, behind the proxy."""
    proxy = request.getfixturevalue("fault_proxy")
    end: S3Prefix = request.getfixturevalue("new_end")("s3", endpoint=proxy.endpoint)
    proxy.reset(end.server.endpoint)
    return end


def make_source(kind: str, request: pytest.FixtureRequest, folder: Path) -> Folder | S3Prefix:
    """What is watched: `s3`, or a folder."""
    if kind == "s3":
        return make_bucket(request)
    (folder / "in").mkdir()
    return Watched(folder / "in")


def flags(end: Folder | S3Prefix, side: str) -> list[str]:
    return [f"--{name}={value}" for name, value in end.options(side).items()]


def ingest_job(tmp_path: Path, request: pytest.FixtureRequest, source_kind: str, kind: str) -> StreamJob:
    """Files of ten rows into a database; another version of a file has other rows, and both stay."""
    place = make_place(kind, request, tmp_path)
    source = make_source(source_kind, request, tmp_path)
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))

    def rows(name: str, version: int) -> list[tuple[int, str, float]]:
        return records(ROWS, 100_000 * version + 100 * int(name.partition(".")[0]))

    words = ["ingest", f"--source={source.root}*.csv", *flags(source, "source"), f"--destination={place.uri}"]
    bucket = source if isinstance(source, S3Prefix) else None
    return StreamJob(
        tmp_path,
        source,
        [*words, "--table=t", f"--schema={tmp_path}/schema.json"],
        lambda name, version: csv_bytes(rows(name, version)),
        Job(place, tmp_path).rows,
        lambda put: sorted(row for name, version in put for row in rows(name, version)),
        lambda name: source.put(name, b"quite,other,columns\n1,2,3\n"),
        bucket,
        request.getfixturevalue("fault_proxy") if bucket else None,
    )


def copy_job(tmp_path: Path, request: pytest.FixtureRequest, source_kind: str, kind: str) -> StreamJob:
    """Objects from place to place, at most one of them a bucket; the last version of each stays."""
    source = make_source(source_kind, request, tmp_path)
    destination = make_bucket(request) if kind == "s3" else Folder(tmp_path / "out")
    bucket = next((end for end in (source, destination) if isinstance(end, S3Prefix)), None)
    proxy = request.getfixturevalue("fault_proxy") if bucket else None

    def spoil(name: str) -> None:
        if isinstance(destination, S3Prefix):
            proxy.add(Fault(times=HELD, path=destination.prefix + name, method="PUT", status=403))
        else:
            (destination.path / name / "in the way").mkdir(parents=True)
        source.put(name, b"bad")

    def body(name: str, version: int) -> bytes:
        return f"{name} {version}\n".encode() * (version + 1)

    words = ["copy", f"--source={source.root}", *flags(source, "source"), f"--destination={destination.root}"]
    return StreamJob(
        tmp_path,
        source,
        [*words, *flags(destination, "destination")],
        body,
        lambda: bodies(destination),
        lambda put: {name: body(name, version) for name, version in put},
        spoil,
        bucket,
        proxy,
    )


STREAMS: dict[str, Callable[[Path, pytest.FixtureRequest, str, str], StreamJob]] = {
    "ingest": ingest_job,
    "copy": copy_job,
}
WORDS = re.compile(r"(\w+)(?: from (\w+))?(?: to (\w+))?")


def make_stream(which: str, tmp_path: Path, request: pytest.FixtureRequest) -> StreamJob:
    """A stream by its pipeline and the kinds of its ends, where they are no folder: `ingest from s3 to duckdb`."""
    words = WORDS.fullmatch(which)
    assert words is not None, which
    name, *kinds = words.groups(default="")
    return STREAMS[name](tmp_path, request, *kinds)


def with_heads() -> set[str]:
    """The pipelines that can be streams; each has its tests wherever streams are tested."""
    return {name for name in registry.PIPELINES if "watch" in registry.settings_class(name).model_fields}
