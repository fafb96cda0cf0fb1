"""A real S3-protocol server on loopback with one object in it, for the benchmarks.

JuiceFS, since it serves a GB a second and so leaves the two cores to what is measured; SeaweedFS takes one second of
processor for 75 MB.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.juicefs_server import run_juicefs_server
from benchmarks.measuring import environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Serving(NamedTuple):
    """A served file: its address, the options that reach it, the environment with its keys."""

    uri: str
    options: tuple[str, ...]
    environment: dict[str, str]


@contextlib.contextmanager
def serving(source: Path) -> Iterator[Serving]:
    """Puts a file into a bucket of its own and serves it."""
    with run_juicefs_server("bench", "bench-secret") as server:
        bucket = server.make_bucket("source")
        server.client().upload_file(str(source), bucket, source.name)
        options = ("--source_endpoint_url", server.endpoint)
        yield Serving(f"s3://{bucket}/{source.name}", options, {**environment(), **server.environment})
