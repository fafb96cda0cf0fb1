"""A real S3-protocol server on loopback: SeaweedFS, which enforces signatures (moto accepts any secret).

HORNBEAM_TEST_S3_ENDPOINT (with HORNBEAM_TEST_S3_ACCESS_KEY and HORNBEAM_TEST_S3_SECRET_KEY) names a running one.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import boto3

from tests.servers.ports import free_port, stop, wait_until_listening

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCESS_KEY = "hornbeam-test"
SECRET_KEY = "hornbeam-test-secret"


class S3Server(NamedTuple):
    """A server; `filer` is SeaweedFS's own door to the files behind its buckets, "" where there is none."""

    endpoint: str
    access_key: str
    secret_key: str
    filer: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to reach this server with the right keys."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self):
        """A boto3 client: the second opinion that sets a test's stage."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name="us-east-1",
        )

    def make_bucket(self, name: str) -> str:
        client = self.client()
        with contextlib.suppress(client.exceptions.BucketAlreadyOwnedByYou, client.exceptions.BucketAlreadyExists):
            client.create_bucket(Bucket=name)
        return name


@contextlib.contextmanager
def run_s3_server() -> Iterator[S3Server]:
    named = os.environ.get("HORNBEAM_TEST_S3_ENDPOINT")
    if named:
        key = os.environ.get("HORNBEAM_TEST_S3_ACCESS_KEY", ACCESS_KEY)
        yield S3Server(named, key, os.environ.get("HORNBEAM_TEST_S3_SECRET_KEY", SECRET_KEY))
        return
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="hornbeam-s3-") as folder:
        filer = free_port()
        process = _start(port, folder, filer)
        try:
            wait_until_listening(port, process)
            yield S3Server(f"http://127.0.0.1:{port}", ACCESS_KEY, SECRET_KEY, f"http://127.0.0.1:{filer}")
        finally:
            stop(process)


def _start(port: int, folder: str, filer: int) -> subprocess.Popen:
    ports = {"filer.port": filer} | {
        name: free_port()
        for name in (
            "master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port.grpc",
            "s3.port.grpc", "s3.port.iceberg", "s3.port.lance", "webdav.port", "admin.port", "admin.port.grpc",
        )
    }  # fmt: skip
    command = [str(Path(sys.executable).parent / "weed"), "mini", f"-dir={folder}", "-ip=127.0.0.1"]
    command += ["-ip.bind=127.0.0.1", "-admin.ui=false", "-webdav=false", f"-s3.port={port}"]
    command += ["-volume.max=5000"]  # each bucket takes some: with the default, writes fail after about 60 buckets
    command += [f"-{name}={value}" for name, value in ports.items()]
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
    null = subprocess.DEVNULL
    return subprocess.Popen(command, env=environment, cwd=folder, stdin=null, stdout=null, stderr=null)


@contextlib.contextmanager
def run_moto_server() -> Iterator[S3Server]:
    """moto: takes every key that S3 takes and lists in S3's order, but any secret too."""
    port = free_port()
    null = subprocess.DEVNULL
    command = [str(Path(sys.executable).parent / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdin=null, stdout=null, stderr=null)
    try:
        wait_until_listening(port, process)
        yield S3Server(f"http://127.0.0.1:{port}", "any", "any")
    finally:
        stop(process)
