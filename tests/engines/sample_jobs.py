"""What each pipeline runs on every engine: sources staged once, and a new, empty destination for each run.

A pipeline of the registry without a sample here fails the tests: SAMPLES is where it declares one.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.pipelines.conftest import make_place
from tests.pipelines.ingest_jobs import Job, records, write_csv

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from tests.services.copy_ends import End

LIMIT_BYTES = 5 << 20
BODIES = {"empty": 0, "one": 1, "a part": LIMIT_BYTES, "above a part": LIMIT_BYTES + 1} | {
    f"many/é {number:03}": number * 7 for number in range(150)
}


class Destination(NamedTuple):
    """A place for one run: its settings, what another client finds there afterwards, and the text that names it."""

    settings: dict[str, Any]
    found: Callable[[], Any]
    name: str


class Sample(NamedTuple):
    """A job: its settings without the destination, and a new destination by a run's name."""

    settings: dict[str, Any]
    destination: Callable[[str], Destination]


class Stage(NamedTuple):
    """What samples are made from: the test's folder, its fixtures, and ends of copies."""

    folder: Path
    request: pytest.FixtureRequest
    new_end: Callable[..., End]


def _ingest(stage: Stage, kind: str) -> Sample:
    source = stage.folder / "sources"
    source.mkdir()
    for number in range(4):
        write_csv(source / f"{number}.csv", records(400, number * 400))
    with (source / "3.csv").open("a") as last:
        last.write("1,too,many,values\n")
    settings = {"table": "t", "source": (f"{source}/*.csv",), "chunk_rows": 50, "range_mb": 1, "max_rejects": "1"}

    def destination(name: str) -> Destination:
        folder = stage.folder / name
        folder.mkdir()
        place = make_place(kind, stage.request, folder)
        return Destination({"destination": place.uri}, Job(place, folder).rows, place.uri)

    return Sample(settings, destination)


def ingest_to_postgresql(stage: Stage) -> Sample:
    return _ingest(stage, "postgresql")


def ingest_to_parquet(stage: Stage) -> Sample:
    return _ingest(stage, "parquet")


def ingest_to_duckdb(stage: Stage) -> Sample:
    return _ingest(stage, "duckdb")


def ingest_to_sqlite(stage: Stage) -> Sample:
    return _ingest(stage, "sqlite")


def _objects(source: End) -> None:
    for key, size in BODIES.items():
        source.put(key, os.urandom(size))


def _copy(stage: Stage, source: End, kind: str) -> Sample:
    _objects(source)

    def destination(name: str) -> Destination:
        end = stage.new_end(kind, name)
        found = {"destination": end.root, **end.options("destination")}
        return Destination(found, lambda: {key: end.got(key).body for key in sorted(end.keys())}, end.root)

    return Sample({"source": source.root, "part_size_mb": 5, **source.options("source")}, destination)


def copy_between_servers(stage: Stage) -> Sample:
    """Two endpoints, so that the bytes go through the workers."""
    proxy = stage.request.getfixturevalue("fault_proxy")
    source = stage.new_end("s3", "source", proxy.endpoint)
    proxy.reset(source.server.endpoint)
    return _copy(stage, source, "s3")


def copy_within_a_server(stage: Stage) -> Sample:
    return _copy(stage, stage.new_end("s3"), "s3")


def copy_to_disk(stage: Stage) -> Sample:
    return _copy(stage, stage.new_end("s3"), "file")


def verify_what_differs(stage: Stage) -> Sample:
    source, other = stage.new_end("s3"), stage.new_end("file", "other")
    _objects(source)
    for key in sorted(source.keys()):
        other.put(key, source.got(key).body)
    other.put("one", b"another")
    other.delete("empty")
    other.put("more", b"than there is")
    place = Destination({"destination": other.root}, dict, other.root)
    return Sample({"source": source.root, **source.options("source")}, lambda _name: place)


SAMPLES: dict[str, tuple[Callable[[Stage], Sample], ...]] = {
    "ingest": (ingest_to_postgresql, ingest_to_parquet),
    "copy": (copy_between_servers, copy_within_a_server, copy_to_disk),
    "verify": (verify_what_differs,),
}
# Databases that one process writes: not for every engine.
LOCAL: dict[str, Callable[[Stage], Sample]] = {"duckdb": ingest_to_duckdb, "sqlite": ingest_to_sqlite}
