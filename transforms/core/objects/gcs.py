"""Objects in Google Cloud Storage (JSON API), as `gs://bucket/raw key`. A version is the object's generation.

STORAGE_EMULATOR_HOST or the access's endpoint_url name another server; those are asked without credentials unless the
environment has some. Objects stored with Content-Encoding: gzip are read as stored.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import threading
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from transforms.core.errors import TransientError
from transforms.core.objects import exchange, patterns
from transforms.core.objects.access import AlreadyThereError, MissingError
from transforms.core.objects.gcs_credentials import Tokens
from transforms.core.objects.uri import ObjectUri, parse
from transforms.core.outcome import ObjectInfo
from transforms.core.retrying import retried

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from urllib3 import BaseHTTPResponse, HTTPConnectionPool

    from transforms.core.objects.access import StoreAccess

ENDPOINT = "https://storage.googleapis.com"
_FIELDS = "name,size,generation,updated"
_REMEDY = "set GOOGLE_APPLICATION_CREDENTIALS (or run gcloud auth application-default login), check the permissions"


class GcsStore:
    """One bucket. Thread-safe; construction does no I/O."""

    def __init__(self, bucket: str, access: StoreAccess) -> None:
        self._bucket = bucket
        self._access = access
        self._lock = threading.Lock()
        self._pool: HTTPConnectionPool | None = None
        self._base = ""
        self._tokens = Tokens(anonymous=access.anonymous)

    def list(self, pattern: str) -> Iterator[ObjectInfo]:
        """See `Store.list`; pages of 1,000 keys, folders are skipped by the server where the pattern allows it."""
        key = parse(pattern).key
        if key and not key.endswith("/") and not patterns.is_pattern(key):
            try:
                yield self.head(pattern)
            except MissingError:
                return
            return
        found = patterns.key_pattern(key)
        token = ""
        while True:
            page = retried(lambda token=token: self._page(found, token))  # type: ignore[misc]
            for item in page.get("items", []):
                if found.matches.fullmatch(item["name"]):
                    yield self._info(item)
            token = page.get("nextPageToken", "")
            if not token:
                return

    def head(self, uri: str) -> ObjectInfo:
        """See `Store.head`."""
        key = parse(uri).key
        return self._info(retried(lambda: self._json(self._object(key), {"fields": _FIELDS}, uri, "read")))

    def read(self, info: ObjectInfo, start: int, stop: int) -> bytes:
        """See `Store.read`; the server compares the generation, and so do we."""
        target = self._object(parse(info.uri).key)
        asked = {"alt": "media"} | ({"ifGenerationMatch": info.etag} if info.etag else {})

        def open_at(place: int) -> BaseHTTPResponse:
            headers = {"range": f"bytes={place}-{stop - 1}", "accept-encoding": "gzip"}
            response = self._send("GET", target, asked, info.uri, headers)
            if response.status >= 300:
                exchange.refuse(response, info.uri, "read", _REMEDY)
            exchange.check_range(response, info, place, response.headers.get("x-goog-generation", ""))
            return response

        return exchange.read_range(info, start, stop, open_at)

    def write(self, uri: str, data: bytes, *, if_absent: bool = False) -> None:
        """See `Store.write`; a conditional write whose answer was lost is settled by reading what is there."""
        asked = {"uploadType": "multipart"} | ({"ifGenerationMatch": "0"} if if_absent else {})
        boundary = uuid.uuid4().hex
        headers = {"content-type": f"multipart/related; boundary={boundary}"}
        body = _multipart(boundary, parse(uri).key, data)
        attempts = 0

        def once() -> None:
            nonlocal attempts
            attempts += 1
            target = f"/upload/storage/v1/b/{self._bucket}/o"
            self._settle(self._send("POST", target, asked, uri, headers, body), uri, "write")

        try:
            retried(once)
        except AlreadyThereError:
            info = self.head(uri)
            if attempts == 1 or self.read(info, 0, info.size_bytes) != data:
                raise

    def delete(self, uri: str) -> None:
        """See `Store.delete`."""
        target = self._object(parse(uri).key)
        try:
            retried(lambda: self._settle(self._send("DELETE", target, {}, uri), uri, "delete"))
        except MissingError:
            return

    def _object(self, key: str) -> str:
        return f"/storage/v1/b/{self._bucket}/o/{quote(key, safe='', errors='surrogateescape')}"

    def _info(self, item: Mapping[str, str]) -> ObjectInfo:
        modified = dt.datetime.fromisoformat(item["updated"]).timestamp()
        uri = str(ObjectUri("gs", self._bucket, item["name"]))
        return ObjectInfo(uri, int(item.get("size", 0)), str(item.get("generation", "")), modified)

    def _page(self, found: patterns.KeyPattern, token: str) -> dict[str, Any]:
        asked = {"prefix": found.prefix, "maxResults": "1000", "fields": f"items({_FIELDS}),nextPageToken"}
        if not found.deep:
            asked["delimiter"] = "/"
        if token:
            asked["pageToken"] = token
        return self._json(f"/storage/v1/b/{self._bucket}/o", asked, f"gs://{self._bucket}/{found.prefix}", "list")

    def _json(self, target: str, asked: Mapping[str, str], uri: str, verb: str) -> dict[str, Any]:
        response = self._send("GET", target, asked, uri)
        if response.status >= 300:
            exchange.refuse(response, uri, verb, _REMEDY)
        try:
            answer: dict[str, Any] = json.loads(exchange.drained(response, uri))
        except ValueError as e:
            raise TransientError(f"can't {verb} {uri}: the server's answer isn't JSON") from e
        return answer

    def _settle(self, response: BaseHTTPResponse, uri: str, verb: str) -> None:
        if response.status >= 300:
            exchange.refuse(response, uri, verb, _REMEDY)
        exchange.drained(response, uri)

    def _send(
        self,
        method: str,
        target: str,
        asked: Mapping[str, str],
        uri: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> BaseHTTPResponse:
        pool = self._place()
        sent = {**self._tokens.headers(), **(headers or {})}
        project = os.environ.get("GOOGLE_CLOUD_PROJECT")
        if self._access.requester_pays and project:
            sent["x-goog-user-project"] = project
        query = f"?{urlencode(asked)}" if asked else ""
        return exchange.sent(pool, exchange.Request(method, f"{self._base}{target}{query}", sent, body), uri)

    def _place(self) -> HTTPConnectionPool:
        """The pool; where it leads and as whom is decided at the first request."""
        with self._lock:
            if self._pool is None:
                emulator = os.environ.get("STORAGE_EMULATOR_HOST", "")
                emulator = emulator if "://" in emulator or not emulator else f"http://{emulator}"
                custom = (self._access.endpoint_url or emulator).rstrip("/")
                if custom and not os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"):
                    self._tokens = Tokens(anonymous=True)
                url = urlsplit(custom or ENDPOINT)
                self._base = url.path
                self._pool = exchange.connections(f"{url.scheme}://{url.netloc}" if url.netloc else custom)
            return self._pool


def _multipart(boundary: str, key: str, data: bytes) -> bytes:
    described = json.dumps({"name": key}).encode()
    line = f"--{boundary}".encode()
    first = line + b"\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n" + described + b"\r\n"
    return first + line + b"\r\ncontent-type: application/octet-stream\r\n\r\n" + data + b"\r\n" + line + b"--\r\n"
