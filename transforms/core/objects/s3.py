"""Objects in S3 and in whatever speaks its protocol, as `s3://bucket/raw key`. A version is the ETag, unquoted.

Custom endpoints are addressed by path, AWS by virtual host; the region, where none is given, is what the bucket's own
answers say. Only the REST calls that reading and small writes need.
"""

from __future__ import annotations

import datetime as dt
import os
import threading
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus, urlsplit
from xml.etree import ElementTree as ET

from transforms.core.errors import TransientError
from transforms.core.objects import exchange, patterns
from transforms.core.objects.access import AlreadyThereError, MissingError
from transforms.core.objects.s3_signing import Credentials, Signable, encoded, query_text, signed_headers
from transforms.core.objects.uri import ObjectUri, parse
from transforms.core.outcome import ObjectInfo
from transforms.core.retrying import retried

if TYPE_CHECKING:
    from collections.abc import Iterator

    from urllib3 import BaseHTTPResponse, HTTPConnectionPool

    from transforms.core.objects.access import StoreAccess

FIRST_REGION = "us-east-1"
_REMEDY = "check the keys (AWS_ACCESS_KEY_ID or the profile), the bucket's policy and requester-pays"


class S3Store:
    """One bucket. Thread-safe; construction does no I/O."""

    def __init__(self, bucket: str, access: StoreAccess) -> None:
        self._bucket = bucket
        self._access = access
        self._credentials = Credentials(access)
        self._lock = threading.Lock()
        self._region = access.region
        self._pool: HTTPConnectionPool | None = None
        self._base = ("", "")

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
            yield from (info for info in _contents(page, self._bucket) if found.matches.fullmatch(parse(info.uri).key))
            token = page.findtext("{*}NextContinuationToken") or ""
            if not token:
                return

    def head(self, uri: str) -> ObjectInfo:
        """See `Store.head`."""
        return retried(lambda: self._head(uri))

    def read(self, info: ObjectInfo, start: int, stop: int) -> bytes:
        """See `Store.read`; the server compares the ETag (If-Match), and so do we."""
        key = parse(info.uri).key

        def open_at(place: int) -> BaseHTTPResponse:
            headers = {"range": f"bytes={place}-{stop - 1}"}
            if info.etag:
                headers["if-match"] = f'"{info.etag}"'
            response = self._send("GET", key, headers=headers)
            if response.status >= 300:
                exchange.refuse(response, info.uri, "read", _REMEDY)
            exchange.check_range(response, info, place, _unquoted(response.headers.get("etag")))
            return response

        return exchange.read_range(info, start, stop, open_at)

    def write(self, uri: str, data: bytes, *, if_absent: bool = False) -> None:
        """See `Store.write`; a conditional write whose answer was lost is settled by reading what is there."""
        attempts = 0

        def once() -> None:
            nonlocal attempts
            attempts += 1
            response = self._send("PUT", parse(uri).key, headers={"if-none-match": "*"} if if_absent else {}, body=data)
            if response.status == 409:  # another conditional write is under way: its end decides
                exchange.drained(response, uri)
                raise TransientError(f"can't write {uri}: a write to it is under way")
            self._settle(response, uri, "write")

        try:
            retried(once)
        except AlreadyThereError:
            if attempts == 1 or self._whole(uri) != data:
                raise

    def delete(self, uri: str) -> None:
        """See `Store.delete`."""

        def once() -> None:
            response = self._send("DELETE", parse(uri).key)
            if response.status == 404:
                exchange.drained(response, uri)
                return
            self._settle(response, uri, "delete")

        retried(once)

    def _whole(self, uri: str) -> bytes:
        info = self.head(uri)
        return self.read(info, 0, info.size_bytes)

    def _settle(self, response: BaseHTTPResponse, uri: str, verb: str) -> None:
        if response.status >= 300:
            exchange.refuse(response, uri, verb, _REMEDY)
        exchange.drained(response, uri)

    def _head(self, uri: str) -> ObjectInfo:
        response = self._send("HEAD", parse(uri).key)
        if response.status >= 300:
            exchange.refuse(response, uri, "read", _REMEDY)
        exchange.drained(response, uri)
        head = response.headers
        modified = exchange.http_time(head.get("last-modified"))
        return ObjectInfo(uri, int(head.get("content-length", -1)), _unquoted(head.get("etag")), modified)

    def _page(self, found: patterns.KeyPattern, token: str) -> ET.Element:
        asked = {"list-type": "2", "prefix": found.prefix, "encoding-type": "url"}
        if not found.deep:
            asked["delimiter"] = "/"
        if token:
            asked["continuation-token"] = token
        uri = f"s3://{self._bucket}/{found.prefix}"
        response = self._send("GET", None, query=query_text(asked))
        if response.status >= 300:
            exchange.refuse(response, uri, "list", _REMEDY)
        try:
            return ET.fromstring(exchange.drained(response, uri))  # noqa: S314 - expat 2.4.1+ bounds entities
        except ET.ParseError as e:
            raise TransientError(f"can't list {uri}: the server's answer isn't XML") from e

    def _send(
        self, method: str, key: str | None, *, query: str = "", headers: dict[str, str] | None = None, body: bytes = b""
    ) -> BaseHTTPResponse:
        """Sends a request about a key (None: the bucket), once more in the region that the bucket names as its own."""
        uri = str(ObjectUri("s3", self._bucket, key or ""))
        response = self._send_to_region(method, key, query, headers or {}, body)
        region = response.headers.get("x-amz-bucket-region", "")
        if response.status in (301, 307, 400, 403) and region and region != self._region:
            exchange.drained(response, uri)
            with self._lock:
                self._region, self._pool = region, None
            response = self._send_to_region(method, key, query, headers or {}, body)
        return response

    def _send_to_region(
        self, method: str, key: str | None, query: str, headers: dict[str, str], body: bytes
    ) -> BaseHTTPResponse:
        pool, host, base = self._place()
        path = f"{base}/{encoded(key)}" if key is not None else base or "/"
        unsigned = {**headers, "host": host}
        if self._access.requester_pays:
            unsigned["x-amz-request-payer"] = "requester"
        keys = self._credentials.keys()
        if keys is not None:
            request = Signable(method, path, query, unsigned, body)
            unsigned = signed_headers(request, keys, self._region, dt.datetime.now(dt.UTC))
        target = f"{path}?{query}" if query else path
        uri = str(ObjectUri("s3", self._bucket, key or ""))
        return exchange.sent(pool, exchange.Request(method, target, unsigned, body), uri)

    def _place(self) -> tuple[HTTPConnectionPool, str, str]:
        """The pool, the host header and the path of the bucket; decided at the first request."""
        with self._lock:
            if self._pool is None:
                self._region = self._region or self._configured_region()
                endpoint, base = self._endpoint()
                ca_file = os.environ.get("AWS_CA_BUNDLE", "")
                self._pool = exchange.connections(endpoint, ca_file=ca_file)
                self._base = (urlsplit(endpoint).netloc, base)
            return self._pool, *self._base

    def _configured_region(self) -> str:
        named = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        if named and not self._access.profile:
            return named
        return ("" if self._access.anonymous else self._credentials.configured("region")) or named or FIRST_REGION

    def _endpoint(self) -> tuple[str, str]:
        """The URL to connect to, and the path under which the bucket is found there."""
        custom = (
            self._access.endpoint_url
            or os.environ.get("AWS_ENDPOINT_URL_S3")
            or os.environ.get("AWS_ENDPOINT_URL")
            or ("" if self._access.anonymous else self._credentials.configured("endpoint_url"))
        )
        if custom:
            url = urlsplit(custom.rstrip("/"))
            return (f"{url.scheme}://{url.netloc}" if url.netloc else custom), f"{url.path}/{self._bucket}"
        suffix = "amazonaws.com.cn" if self._region.startswith("cn-") else "amazonaws.com"
        if "." in self._bucket:  # a certificate's * doesn't span dots
            return f"https://s3.{self._region}.{suffix}", f"/{self._bucket}"
        return f"https://{self._bucket}.s3.{self._region}.{suffix}", ""


def _contents(page: ET.Element, bucket: str) -> Iterator[ObjectInfo]:
    quoted = page.findtext("{*}EncodingType") == "url"
    for item in page.iterfind("{*}Contents"):
        key = item.findtext("{*}Key") or ""
        modified = dt.datetime.fromisoformat(item.findtext("{*}LastModified") or "1970-01-01T00:00:00Z")
        yield ObjectInfo(
            str(ObjectUri("s3", bucket, unquote_plus(key) if quoted else key)),
            int(item.findtext("{*}Size") or -1),
            _unquoted(item.findtext("{*}ETag")),
            modified.timestamp(),
        )


def _unquoted(etag: str | None) -> str:
    return (etag or "").strip('"')
