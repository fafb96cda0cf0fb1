"""What the tests of `hornbeam copy` as a whole share: places with known objects, runs of the command, their ends."""

from __future__ import annotations

import functools
import itertools
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipelines import object_copy, object_verify
from tests.pipelines.ingest_jobs import Run
from transforms.core.objects.local_paths import is_temporary

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.servers.fault_proxy import FaultProxy
    from tests.servers.s3 import S3Server

PART_BYTES = 5 << 20
BUCKET = "copy-jobs"
# Where a copy reads and where it writes; `within`: one server holds both and copies; `s5cmd`: told so by the program.
KINDS = {
    "disk": ("disk", "disk"),
    "to s3": ("disk", "s3"),
    "from s3": ("s3", "disk"),
    "within": ("s3", "s3"),
    "s5cmd": ("s3", "s3"),
}
_session = uuid.uuid4().hex[:8]
_numbers = itertools.count()
Tree = dict[str, bytes]


def tree(count: int = 24, *, large: bool = True) -> Tree:
    """Objects by their keys: of 0 bytes, 1 byte, some hundred; `large`: one of two parts and a byte."""
    found = {f"dir {number % 3}/é{number:04}.bin": f"{number} ".encode() * (number % 97) for number in range(count)}
    found |= {"one byte": b"1", "deep/er/+ %41": b"%"}
    return found | ({"large.bin": bytes(range(256)) * (2 * PART_BYTES // 256) + b"!"} if large else {})


@functools.cache
def client_of(server: S3Server) -> Any:
    return server.client()


@dataclass(frozen=True)
class Place:
    """A folder, or a prefix of the shared bucket; staged and looked at by another client than the one under test."""

    uri: str
    server: S3Server | None = None
    endpoint: str = ""

    @property
    def path(self) -> Path:
        return Path(self.uri.removeprefix("file://"))

    @property
    def prefix(self) -> str:
        return self.uri.removeprefix(f"s3://{BUCKET}/")

    def put(self, objects: Tree) -> None:
        for key, data in objects.items():
            if self.server is not None:
                client_of(self.server).put_object(Bucket=BUCKET, Key=self.prefix + key, Body=data)
                continue
            path = self.path / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def delete(self, key: str) -> None:
        if self.server is None:
            (self.path / key).unlink()
        else:
            client_of(self.server).delete_object(Bucket=BUCKET, Key=self.prefix + key)

    def keys(self) -> list[str]:
        if self.server is None:
            return sorted(str(path.relative_to(self.path)) for path in self.path.rglob("*") if path.is_file())
        pages = client_of(self.server).get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=self.prefix)
        return sorted(one["Key"][len(self.prefix) :] for page in pages for one in page.get("Contents", ()))

    def objects(self) -> Tree:
        """All there is, unfinished temporary files too."""
        if self.server is None:
            return {key: (self.path / key).read_bytes() for key in self.keys()}
        client = client_of(self.server)
        got = {key: client.get_object(Bucket=BUCKET, Key=self.prefix + key) for key in self.keys()}
        return {key: answer["Body"].read() for key, answer in got.items()}

    def unfinished(self) -> list[str]:
        """Temporary files, or uploads under way."""
        if self.server is None:
            return [key for key in self.keys() if is_temporary(key.rpartition("/")[2])]
        listed = client_of(self.server).list_multipart_uploads(Bucket=BUCKET, Prefix=self.prefix)
        return [upload["Key"] for upload in listed.get("Uploads", ())]


@dataclass
class Job:
    """Copies from one place to another; each run gets a folder of its own."""

    source: Place
    destination: Place
    folder: Path
    runs: int = 0
    always: dict[str, Any] = field(default_factory=dict)

    def new_folder(self) -> Path:
        self.runs += 1
        return self.folder / f"run {self.runs}"

    def settings(self, output: Any, changes: dict[str, Any]) -> dict[str, Any]:
        """As the command takes them; a change to None leaves a setting out."""
        given = {"source": self.source.uri, "destination": self.destination.uri, "part_size_mb": 5}
        for side, place in (("source", self.source), ("destination", self.destination)):
            given |= {f"{side}_endpoint_url": place.endpoint} if place.endpoint else {}
        given |= {"output": str(output)} | self.always | changes
        return {name: value for name, value in given.items() if value is not None}

    def run(self, *, beam_args: Iterable[str] = (), **changes: Any) -> Run:
        """Runs the copy in this process."""
        output = self.new_folder()
        return Run(object_copy.run(object_copy.Settings(**self.settings(output, changes)), list(beam_args)), output)

    def verify(self, **changes: Any) -> Run:
        """Runs the comparison in this process."""
        output = self.new_folder()
        settings = self.settings(output, {"part_size_mb": None, "mode": None} | changes)
        return Run(object_verify.run(object_verify.Settings(**settings)), output)

    def command(self, output: Any, **changes: Any) -> list[str]:
        """The words of the command that does the same."""
        given = self.settings(output, changes)
        return [
            "copy",
            *(f"--{name}={str(value).lower() if value is True else value}" for name, value in given.items()),
        ]

    def through(self, proxy: FaultProxy, *sides: str) -> None:
        """Lets the S3 sides (or those named) talk to a proxy in front of their server."""
        for side in sides or ("source", "destination"):
            place: Place = getattr(self, side)
            if place.server is not None:
                proxy.reset(place.server.endpoint)
                setattr(self, side, Place(place.uri, place.server, proxy.endpoint))


def make_place(kind: str, name: str, request: pytest.FixtureRequest, folder: Path) -> Place:
    """An empty place; the keys of a server are in the environment."""
    if kind == "disk":
        (folder / name).mkdir()
        return Place(f"file://{folder / name}/")
    server: S3Server = request.getfixturevalue("s3_environment")
    server.make_bucket(BUCKET)
    return Place(f"s3://{BUCKET}/{_session}/{next(_numbers)}/{name}/", server, server.endpoint)


def make_job(kind: str, request: pytest.FixtureRequest, folder: Path) -> Job:
    """Copies between two empty places of a kind."""
    source, destination = KINDS[kind]
    places = [make_place(*one, request, folder) for one in ((source, "from"), (destination, "to"))]
    return Job(*places, folder, always={"mode": "direct_sync"} if kind == "s5cmd" else {})


def between(*kinds: str) -> Any:
    """Runs a test with its `copy_job` between each of these kinds of places."""
    return pytest.mark.parametrize("copy_job", kinds, indirect=True)


def outcomes(run: Run) -> dict[str, str]:
    """What became of each item; an item that is told of twice is a fault."""
    lines = run.lines("outcomes.jsonl")
    found = {line["destination"] or line["item"]: line["status"] for line in lines}
    assert len(found) == len(lines), "an item stands twice in outcomes.jsonl"
    return found


def writes(proxy: FaultProxy, path: str = "") -> list[tuple[str, str]]:
    """Requests that write or delete, which passed the proxy."""
    return [(method, name) for method, name, *_ in proxy.log if method in ("PUT", "POST", "DELETE") and path in name]


def bodies(proxy: FaultProxy) -> list[str]:
    """Objects of which bytes were asked for through the proxy."""
    return [path for method, path, *_ in proxy.log if method == "GET" and path.strip("/") != BUCKET]
