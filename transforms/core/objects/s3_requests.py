"""Requests to one bucket: where it is reached, signed and sent there, once more in the region that it names as its own.

Custom endpoints are addressed by path, AWS by virtual host; the region, where none is given, is what the bucket's own
answers say. Keys go out as they are: nothing normalises `//`, `./` or `../`.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from transforms.core.objects import exchange
from transforms.core.objects.s3_signing import (
    Credentials,
    Signable,
    encoded,
    payload_mark,
    query_text,
    signed_headers,
)
from transforms.core.objects.uri import ObjectUri
from transforms.core.objects.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transforms.core.objects.access import StoreAccess
    from transforms.core.objects.body import Body
    from transforms.core.objects.wire import Answer

FIRST_REGION = "us-east-1"
SLOW_SECONDS = 900.0  # what a server may take to copy 5 GiB or to join 10,000 parts without a word
_NOTHING: dict[str, str] = {}


class Asked(NamedTuple):
    """One request before it is placed and signed.

    Attributes:
        method: GET, HEAD, PUT, POST, DELETE.
        key: The raw key; None for the bucket itself.
        query: Parameters, raw.
        headers: Lower-case names; a value may not hold control characters.
        body: What is sent.
        slow: Whether the server may take long to answer.
    """

    method: str
    key: str | None
    query: Mapping[str, str] = _NOTHING
    headers: Mapping[str, str] = _NOTHING
    body: bytes | Body = b""
    slow: bool = False


class _Place(NamedTuple):
    wire: Wire
    region: str
    host: str
    path: str
    secure: bool


def custom_endpoint(access: StoreAccess, credentials: Credentials | None = None) -> str:
    """The server that is named for a side: by its option, the environment or its profile; "" = AWS.

    Args:
        access: How the side is reached.
        credentials: The same side's, where they are at hand.

    Raises:
        ConfigError: There is no such profile.
    """
    return (
        access.endpoint_url
        or os.environ.get("AWS_ENDPOINT_URL_S3")
        or os.environ.get("AWS_ENDPOINT_URL")
        or ("" if access.anonymous else (credentials or Credentials(access)).configured("endpoint_url"))
    )


class S3Bucket:
    """One bucket as its REST interface. Thread-safe; construction does no I/O."""

    def __init__(self, name: str, access: StoreAccess) -> None:
        self.name = name
        self.md5_etags = not name.endswith("--x-s3")  # a directory bucket's ETags are random
        self.lists_by_folder = False  # set by the first answer that says so (s3_folders.py)
        self.gives_md5s = True  # until an object that is listed with one has none (s3_reading.py)
        self.tells_md5s: bool | None = None  # as the last write's answer did (s3_writing.py)
        self._access = access
        self._credentials = Credentials(access)
        self._lock = threading.Lock()
        self._region = access.region
        self._placed: _Place | None = None

    def sibling(self, name: str) -> S3Bucket:
        """Another bucket, reached the same way; this one when it has that name."""
        return self if name == self.name else S3Bucket(name, self._access)

    def uri(self, key: str | None) -> str:
        """The address of a key."""
        return str(ObjectUri("s3", self.name, key or ""))

    def send(self, asked: Asked) -> Answer:
        """Sends one request, and returns its open answer, whatever its status.

        Raises:
            TransientError: The connection failed.
            ConfigError: There are no credentials, or the endpoint isn't a URL.
        """
        place = self._placed or self._find_place()
        answer = self._send_to(place, asked)
        if answer.status in (301, 307, 400, 403):
            region = answer.headers.get("x-amz-bucket-region", "")
            if region and region != place.region:
                exchange.drained(answer, self.uri(asked.key))
                with self._lock:
                    self._region, self._placed = region, None
                return self._send_to(self._find_place(), asked)
        return answer

    def _send_to(self, place: _Place, asked: Asked) -> Answer:
        path = f"{place.path}/{encoded(asked.key)}" if asked.key is not None else place.path or "/"
        query = query_text(asked.query) if asked.query else ""
        headers = {"host": place.host, **asked.headers}
        if self._access.requester_pays:
            headers["x-amz-request-payer"] = "requester"
        keys = self._credentials.keys()
        if keys is not None:
            mark = payload_mark(asked.body, secure=place.secure, checksummed=_is_checksummed(asked.headers))
            headers = signed_headers(
                Signable(asked.method, path, query, headers, mark), keys, place.region, time.time()
            )
        request = exchange.Request(asked.method, f"{path}?{query}" if query else path, headers, asked.body)
        return place.wire.sent(request, self.uri(asked.key), SLOW_SECONDS if asked.slow else 0.0)

    def _find_place(self) -> _Place:
        with self._lock:
            if self._placed is None:
                region = self._region or self._configured_region()
                endpoint, path = self._endpoint(region)
                pool = exchange.connections(endpoint, ca_file=os.environ.get("AWS_CA_BUNDLE", ""))
                url = urlsplit(endpoint)
                wire = Wire(pool, exchange.READ_SECONDS)
                self._placed = _Place(wire, region, url.netloc, path, url.scheme == "https")
            return self._placed

    def _configured_region(self) -> str:
        named = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        if named and not self._access.profile:
            return named
        return ("" if self._access.anonymous else self._credentials.configured("region")) or named or FIRST_REGION

    def _endpoint(self, region: str) -> tuple[str, str]:
        """The URL to connect to, and the path under which the bucket is found there."""
        custom = custom_endpoint(self._access, self._credentials)
        if custom:
            url = urlsplit(custom.rstrip("/"))
            return (f"{url.scheme}://{url.netloc}" if url.netloc else custom), f"{url.path}/{self.name}"
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        if "." in self.name:  # a certificate's * doesn't span dots
            return f"https://s3.{region}.{suffix}", f"/{self.name}"
        return f"https://{self.name}.s3.{region}.{suffix}", ""


def _is_checksummed(headers: Mapping[str, str]) -> bool:
    return "content-md5" in headers or any(name.startswith("x-amz-checksum-") for name in headers)
