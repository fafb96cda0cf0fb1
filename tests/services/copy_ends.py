"""The ends of a copy (a folder, a prefix of a bucket), staged and looked at by other clients than the one under test.

And the commands between them, run in this process.
"""

from __future__ import annotations

import itertools
import json
import os
import urllib.parse
import urllib.request
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
from botocore.config import Config

from pipelines import object_copy, object_verify

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.gcs import GcsServer
    from tests.servers.s3 import S3Server
    from transforms.core.summary import Summary

PART = 5 << 20
_session = uuid.uuid4().hex[:8]  # a server that HORNBEAM_TEST_* names may hold what earlier sessions left
_numbers = itertools.count()
# As S3 and GCS name them in their APIs.
HEADERS = {
    "ContentType": "contentType",
    "ContentEncoding": "contentEncoding",
    "ContentDisposition": "contentDisposition",
    "ContentLanguage": "contentLanguage",
    "CacheControl": "cacheControl",
}


def own_prefix() -> str:
    return f"{_session}/{next(_numbers)}/"


class Stored(NamedTuple):
    """An object as another client finds it; `headers` by S3's names."""

    body: bytes
    headers: dict[str, str]
    user: dict[str, str]
    storage_class: str = ""


class Folder:
    """A folder on this disk."""

    kind = "file"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.root = f"{path}/"

    def options(self, _side: str) -> dict[str, Any]:
        return {}

    def put(self, key: str, body: bytes, **more: Any) -> None:
        assert not more, "a file has no headers"
        path = self.path / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def delete(self, key: str) -> None:
        (self.path / key).unlink()

    def keys(self) -> set[str]:
        return {str(path.relative_to(self.path)) for path in self.path.rglob("*") if not path.is_dir()}

    def got(self, key: str) -> Stored:
        return Stored((self.path / key).read_bytes(), {}, {})


def _client(server: S3Server) -> Any:
    """As `S3Server.client`, but believing the bytes: moto tells wrong checksums of objects in parts."""
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        region_name="us-east-1",
        config=Config(response_checksum_validation="when_required"),
    )


class S3Prefix:
    """A prefix of a bucket on an S3 server; `endpoint` names a proxy in front of it."""

    kind = "s3"

    def __init__(self, server: S3Server, endpoint: str = "", bucket: str = "hornbeam-copy") -> None:
        self.server, self.endpoint = server, endpoint or server.endpoint
        self.client, self.bucket, self.prefix = _client(server), server.make_bucket(bucket), own_prefix()
        self.root = f"s3://{self.bucket}/{self.prefix}"

    def options(self, side: str) -> dict[str, Any]:
        return {f"{side}_endpoint_url": self.endpoint}

    def put(self, key: str, body: bytes, **more: Any) -> None:
        self.client.put_object(Bucket=self.bucket, Key=self.prefix + key, Body=body, **more)

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=self.prefix + key)

    def keys(self) -> set[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix)
        return {one["Key"].removeprefix(self.prefix) for page in pages for one in page.get("Contents", ())}

    def bucket_keys(self) -> set[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return {one["Key"] for page in pages for one in page.get("Contents", ())}

    def got(self, key: str) -> Stored:
        found = self.client.get_object(Bucket=self.bucket, Key=self.prefix + key)
        headers = {name: found[name] for name in HEADERS if found.get(name)}
        return Stored(found["Body"].read(), headers, found["Metadata"], found.get("StorageClass", ""))

    def version(self, key: str) -> str:
        """As S3 tells it in an event."""
        return self.client.head_object(Bucket=self.bucket, Key=self.prefix + key)["ETag"].strip('"')

    def tags(self, key: str) -> dict[str, str]:
        found = self.client.get_object_tagging(Bucket=self.bucket, Key=self.prefix + key)["TagSet"]
        return {one["Key"]: one["Value"] for one in found}

    def uploads(self) -> list[str]:
        """Keys of unfinished multipart uploads."""
        found = self.client.list_multipart_uploads(Bucket=self.bucket, Prefix=self.prefix).get("Uploads", ())
        return [one["Key"] for one in found]


class GcsPrefix:
    """A prefix of a bucket on a GCS server; `endpoint` names a proxy in front of it."""

    kind = "gs"

    def __init__(self, server: GcsServer, endpoint: str = "", bucket: str = "hornbeam-copy") -> None:
        self.server, self.endpoint = server, endpoint or server.endpoint
        self.bucket, self.prefix = server.make_bucket(bucket), own_prefix()
        self.root = f"gs://{self.bucket}/{self.prefix}"

    def options(self, side: str) -> dict[str, Any]:
        return {f"{side}_endpoint_url": self.endpoint}

    def put(self, key: str, body: bytes, Metadata: dict[str, str] | None = None, **headers: str) -> None:  # noqa: N803 - S3's word
        about = {"name": self.prefix + key, "metadata": Metadata or {}}
        about |= {HEADERS[name]: value for name, value in headers.items()}
        data = b"--cut\r\ncontent-type: application/json\r\n\r\n" + json.dumps(about).encode()
        part_kind = headers.get("ContentType", "application/octet-stream")
        data += f"\r\n--cut\r\ncontent-type: {part_kind}\r\n\r\n".encode() + body + b"\r\n--cut--"
        kind = {"content-type": "multipart/related; boundary=cut"}
        self._ask(f"/upload/storage/v1/b/{self.bucket}/o?uploadType=multipart", data, kind)

    def delete(self, key: str) -> None:
        self._ask(self._path(key), method="DELETE")

    def keys(self) -> set[str]:
        found, token = set(), ""
        while True:
            asked = urllib.parse.urlencode({"prefix": self.prefix, "pageToken": token})
            page = json.loads(self._ask(f"/storage/v1/b/{self.bucket}/o?{asked}"))
            found |= {one["name"].removeprefix(self.prefix) for one in page.get("items", ())}
            if not (token := page.get("nextPageToken", "")):
                return found

    def got(self, key: str) -> Stored:
        about = json.loads(self._ask(self._path(key)))
        body = self._ask(f"{self._path(key)}?alt=media", headers={"accept-encoding": "gzip"})
        headers = {name: about[theirs] for name, theirs in HEADERS.items() if about.get(theirs)}
        return Stored(body, headers, about.get("metadata", {}), about.get("storageClass", ""))

    def version(self, key: str) -> str:
        """As Cloud Storage tells it in a notification."""
        return json.loads(self._ask(self._path(key)))["generation"]

    def _path(self, key: str) -> str:
        return f"/storage/v1/b/{self.bucket}/o/{urllib.parse.quote(self.prefix + key, safe='')}"

    def _ask(
        self, path: str, data: bytes | None = None, headers: dict[str, str] | None = None, method: str | None = None
    ) -> bytes:
        request = urllib.request.Request(self.server.endpoint + path, data, headers or {}, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()


End = Folder | S3Prefix | GcsPrefix


def bodies(end: End) -> dict[str, bytes]:
    """All that an end holds."""
    return {key: end.got(key).body for key in sorted(end.keys())}


def apart(end: End) -> dict[str, Any]:
    """A source's server in another spelling: nothing tells then that one server holds both sides, and could copy."""
    return {name: f"{url}#apart" for name, url in end.options("source").items()}


class Run(NamedTuple):
    """A command that has ended: its summary, the folder it left, and both ends of it."""

    summary: Summary
    folder: Path
    source: str
    destination: str

    def lines(self, name: str) -> list[dict[str, Any]]:
        path = self.folder / name
        return [json.loads(line) for line in path.read_text().split("\n") if line] if path.exists() else []

    @property
    def outcomes(self) -> dict[str, dict[str, Any]]:
        """By the key relative to the source (an extra: to the destination)."""
        return {self._key(line["item"]): line for line in self.lines("outcomes.jsonl")}

    @property
    def failures(self) -> dict[str, dict[str, Any]]:
        return {self._key(line["item"]): line for line in self.lines("failures.jsonl")}

    def statuses(self) -> dict[str, str]:
        return {key: line["status"] for key, line in self.outcomes.items()}

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Done, skipped, failed, not started."""
        return tuple(self.summary.items[1:])

    def _key(self, item: str) -> str:
        for root in (self.source, self.destination):
            for start in (root, f"file://{root}"):
                if item.startswith(start):
                    return item.removeprefix(start)
        return item


def copy(source: End | None, destination: End, output: Path, /, **settings: Any) -> Run:
    """Runs `hornbeam copy`, from one end to the other."""
    return _run(object_copy, source, destination, output, settings)


def verify(source: End | None, destination: End, output: Path, /, **settings: Any) -> Run:
    """Runs `hornbeam verify`."""
    return _run(object_verify, source, destination, output, settings)


def _run(command: Any, source: End | None, destination: End, output: Path, settings: dict[str, Any]) -> Run:
    given: dict[str, Any] = {"destination": destination.root, **destination.options("destination")}
    if source is not None:
        given |= {"source": source.root, **source.options("source")}
    folder = output / f"run {next(_numbers)}"
    wanted = command.Settings(**given | {"output": str(folder)} | settings)
    summary = command.run(wanted)
    return Run(summary, folder, wanted.source or "", wanted.destination)


def set_time(path: Path, seconds: float) -> None:
    os.utime(path, (seconds, seconds))
