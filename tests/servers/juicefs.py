"""The JuiceFS gateway, an S3-protocol server over a folder: quick, and it holds sparse objects.

It lacks conditional writes and checksum headers, so most tests use SeaweedFS. Copies of whole objects are clones that
move no bytes; parts (UploadPartCopy) are copied byte by byte, and blocks of zeros are stored compressed.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.servers.ports import free_port, stop, wait_until_listening
from tests.servers.s3 import ACCESS_KEY, SECRET_KEY, S3Server

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROGRAM = str(Path(sys.executable).parent / "juicefs")
_CHUNK_BYTES = 64 << 20  # of its bookkeeping
_QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


class Volume(NamedTuple):
    """A file system: its folder holds the blocks, and the names in a badger database."""

    folder: Path
    access_key: str
    secret_key: str
    names: str = "names"

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "MINIO_ROOT_USER": self.access_key, "MINIO_ROOT_PASSWORD": self.secret_key}

    @property
    def metadata(self) -> str:
        return f"badger://{self.folder / self.names}"

    def tool(self, *words: str) -> None:
        subprocess.run([_PROGRAM, *words], check=True, capture_output=True, env=self.environment)

    def make(self, *options: str) -> None:
        place = ["--storage", "file", "--bucket", f"{self.folder}/blocks/", "--trash-days", "0"]
        self.tool("format", "--no-update", *place, *options, self.metadata, "volume")

    @contextlib.contextmanager
    def served(self) -> Iterator[S3Server]:
        port = free_port()
        command = [_PROGRAM, "gateway", self.metadata, f"127.0.0.1:{port}", "--multi-buckets", "--keep-etag"]
        command += ["--object-tag", "--object-meta", "--no-banner", "--no-usage-report", "--backup-meta", "0"]
        command += ["--cache-dir", f"{self.folder}/cache", "--cache-size", "0", "--log", f"{self.folder}/gateway.log"]
        command += ["--metrics", f"127.0.0.1:{free_port()}"]
        process = subprocess.Popen(command, env=self.environment, cwd=self.folder, **_QUIET)
        try:
            wait_until_listening(port, process)
            yield S3Server(f"http://127.0.0.1:{port}", self.access_key, self.secret_key)
        finally:
            stop(process)


@contextlib.contextmanager
def run_juicefs_server(access_key: str = ACCESS_KEY, secret_key: str = SECRET_KEY) -> Iterator[S3Server]:
    """A server with its own keys (of 3 and 8 characters or more) and an empty store in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="hornbeam-juicefs-") as folder:
        volume = Volume(Path(folder), access_key, secret_key)
        volume.make()
        with volume.served() as server:
            yield server


@contextlib.contextmanager
def run_sparse_s3_server(bucket: str, key: str, size: int) -> Iterator[S3Server]:
    """A server with one object whose only stored byte, `!`, is its last.

    S3 can't say so: it is written into a dump of the names, with one byte and moved to the end, and loaded from there.
    """
    with tempfile.TemporaryDirectory(prefix="hornbeam-juicefs-") as folder:
        dense = Volume(Path(folder), ACCESS_KEY, SECRET_KEY)
        dense.make("--compress", "lz4")
        with dense.served() as server:
            server.make_bucket(bucket)
            server.client().put_object(Bucket=bucket, Key=key, Body=b"!")
        dump = Path(folder) / "dump.json"
        dense.tool("dump", "--keep-secret-key", dense.metadata, str(dump))
        tree = json.loads(dump.read_text())
        entry = tree["FSTree"]["entries"][bucket]["entries"][key]
        entry["attr"]["length"] = size
        [chunk] = entry["chunks"]
        chunk["index"], chunk["slices"][0]["pos"] = divmod(size - 1, _CHUNK_BYTES)
        dump.write_text(json.dumps(tree))
        sparse = dense._replace(names="sparse")
        sparse.tool("load", sparse.metadata, str(dump))
        with sparse.served() as server:
            yield server
