"""What the tests of jobs on Dataflow share: a bucket, the flags that lead to the local servers, a command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

if TYPE_CHECKING:
    from tests.servers.dataflow import DataflowServer
    from tests.servers.gcs import GcsServer


class Cloud(NamedTuple):
    """The local stand-ins, and a bucket of the test's own."""

    dataflow: DataflowServer
    gcs: GcsServer
    bucket: str

    @property
    def environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HORNBEAM_", "CLOUDSDK_"))}
        return kept | {"STORAGE_EMULATOR_HOST": self.gcs.endpoint, "NO_GCE_CHECK": "true"}

    @property
    def flags(self) -> list[str]:
        return [
            f"--dataflow_endpoint={self.dataflow.endpoint}", "--no_auth", "--project=test-project", "--region=local1",
            f"--temp_location=gs://{self.bucket}/temp",
        ]  # fmt: skip

    def client(self) -> storage.Client:
        options = {"api_endpoint": self.gcs.endpoint}
        return storage.Client("test-project", credentials=AnonymousCredentials(), client_options=options)

    def put(self, name: str, data: bytes) -> str:
        self.client().bucket(self.bucket).blob(name).upload_from_string(data)
        return f"gs://{self.bucket}/{name}"

    def names(self, prefix: str = "") -> list[str]:
        return [blob.name for blob in self.client().list_blobs(self.bucket, prefix=prefix)]

    def read(self, name: str) -> bytes:
        return self.client().bucket(self.bucket).blob(name).download_as_bytes()

    def summary(self, folder: str) -> dict[str, Any]:
        return json.loads(self.read(f"{folder}/summary.json"))

    def run(self, *words: str, seconds: float = 120, **more: str) -> subprocess.CompletedProcess[str]:
        """`hornbeam WORDS`, to its end."""
        command = [sys.executable, "-m", "pipelines", *words]
        return subprocess.run(
            command, env=self.environ | more, capture_output=True, text=True, timeout=seconds, check=False
        )


def cloud_with_bucket(dataflow: DataflowServer, gcs: GcsServer) -> Cloud:
    return Cloud(dataflow, gcs, gcs.make_bucket(f"b{uuid.uuid4().hex[:12]}"))
