"""One HTTP exchange with a store: connections, statuses as errors, a ranged body that is resumed where it broke off.

urllib3, not obstore: there one legal key (`a//b`, `./a`) ends a listing, a key that ends in / can't be named, and
Retry-After is out of sight. Loopback, 8 MiB ranges by 4 threads: 1.1 GB/s, as obstore and boto3; small ranges take
0.3 ms of processor (obstore 0.17, boto3 1.1 to 3); a local file by `pread`: 6 GB/s; memory: the block that is read.
"""

from __future__ import annotations

import email.utils
import io
import os
import time
import urllib.request
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import urllib3
from urllib3.exceptions import HTTPError, LocationParseError, SSLError

from transforms.core import pacing
from transforms.core.errors import ConfigError, PermanentError, SourceChangedError, TransientError
from transforms.core.objects import traffic
from transforms.core.objects.access import AlreadyThereError, ForbiddenError, MissingError
from transforms.core.objects.uri import shown
from transforms.core.retrying import retried

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from urllib3 import BaseHTTPResponse, HTTPConnectionPool

    from transforms.core.objects.body import Body
    from transforms.core.objects.wire import Response
    from transforms.core.outcome import ObjectInfo

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0  # the longest silence within a body, not the length of a transfer
CONNECTIONS = 64
SLICE_BYTES = 32 * 1024 * 1024  # in one piece: bytes that are joined are written to fresh memory twice
_ERROR_BODY_BYTES = 64 * 1024
_MAY_PASS = frozenset({408, 425, 429, 500, 502, 503, 504})
_CODE = ("<Code>", "</Code>")


class Request(NamedTuple):
    """What is sent; `target` is the encoded path and query, `headers` includes the signature."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes | Body = b""


def connections(endpoint: str, *, ca_file: str = "") -> HTTPConnectionPool:
    """A pool of connections to one endpoint, through the environment's proxy if it names one. No I/O.

    Args:
        endpoint: `http(s)://host[:port]`.
        ca_file: Certificates to trust in place of the system's.

    Raises:
        ConfigError: The endpoint isn't such a URL.
    """
    certificates = ca_file or os.environ.get("REQUESTS_CA_BUNDLE") or None
    options: dict[str, Any] = {
        "maxsize": CONNECTIONS,
        "timeout": urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        "retries": False,
        "ca_certs": certificates,
    }
    try:
        url = urllib3.util.parse_url(endpoint)
    except LocationParseError as e:
        raise ConfigError(f"endpoint {shown(endpoint)!r} is not a URL: write http(s)://host[:port]") from e
    if url.scheme not in ("http", "https") or not url.host or url.auth:
        raise ConfigError(f"endpoint {shown(endpoint)!r} is not a plain URL: write http(s)://host[:port]")
    proxy = urllib.request.getproxies().get(url.scheme)
    if proxy and not urllib.request.proxy_bypass(url.host):
        return urllib3.ProxyManager(proxy, **options).connection_from_host(url.host, url.port, url.scheme)
    return urllib3.PoolManager(**options).connection_from_host(url.host, url.port, url.scheme)


def sent(pool: HTTPConnectionPool, request: Request, uri: str) -> BaseHTTPResponse:
    """Sends one request and returns its open response, whatever its status; the body is raw, never decompressed.

    Raises:
        TransientError: The connection failed.
        PermanentError: The server's certificate isn't trusted.
    """
    headers = {"accept-encoding": "identity", "user-agent": "hornbeam", **request.headers}
    assert isinstance(request.body, bytes), "only wire.py sends what comes while it goes"
    traffic.count(requests=1)
    sent_at = pacing.pace().before_request()
    try:
        response = pool.urlopen(
            request.method,
            request.target,
            body=request.body if request.body or request.method in ("PUT", "POST") else None,
            headers=headers,
            preload_content=False,
            decode_content=False,
            redirect=False,
            retries=False,
        )
    except SSLError as e:
        raise PermanentError(f"{shown(uri)}: no trusted connection to {pool.host}: {_cause(e)}") from e
    except HTTPError as e:
        raise TransientError(f"{shown(uri)}: no answer from {pool.host}:{pool.port}: {_cause(e)}") from e
    heed(sent_at, response)
    return response


def heed(sent_at: float, response: Response) -> None:
    """Lets the whole process go slower when the server asks for it, and faster again (pacing.py).

    Args:
        sent_at: What `Pace.before_request` returned.
        response: The answer.
    """
    asks = response.status in pacing.SLOWER
    asked = retry_after_seconds(response.headers.get("retry-after")) if asks else None
    pacing.pace().answered(sent_at, response.status, asked)


def drained(response: Response, uri: str) -> bytes:
    """The whole body of a small answer; the connection goes back to its pool.

    Raises:
        TransientError: The body broke off.
    """
    try:
        return response.read(decode_content=False)
    except HTTPError as e:
        raise TransientError(f"{shown(uri)}: the answer broke off: {_cause(e)}") from e
    finally:
        response.release_conn()


def slices(response: Response, wanted: int, uri: str, most: int = SLICE_BYTES) -> Iterator[bytes]:
    """The next `wanted` bytes of a body, as they come, `most` at once; ends early only where the body properly ends.

    Raises:
        TransientError: The body broke off (everything that came before it has been yielded).
    """
    left = wanted
    while left:
        try:
            data = response.read(min(left, most), decode_content=False)
        except HTTPError as e:
            response.close()
            raise TransientError(f"{shown(uri)}: the body broke off {left} bytes early: {_cause(e)}") from e
        if not data:
            return
        traffic.count(bytes_read=len(data))
        left -= len(data)
        yield data


def refuse(response: Response, uri: str, verb: str, remedy: str = "") -> NoReturn:
    """Turns a status that isn't a success into its error, and gives the connection back.

    Args:
        response: The answer.
        uri: What it is about.
        verb: What was tried, as in `can't VERB uri`.
        remedy: What helps when the answer is 401 or 403.
    """
    body = drained(response, uri)[:_ERROR_BODY_BYTES].decode("utf-8", "replace")
    code = body.partition(_CODE[0])[2].partition(_CODE[1])[0] if _CODE[0] in body else ""
    said = f"{response.status}{f' {code}' if code else ''}"
    head = f"can't {verb} {shown(uri)}: the server answered {said}"
    status = response.status
    if status in _MAY_PASS or code in ("SlowDown", "InternalError", "RequestTimeout"):
        too_fast = status == HTTPStatus.TOO_MANY_REQUESTS or code == "SlowDown"
        raise TransientError(head, retry_after_seconds(response.headers.get("retry-after")), too_fast=too_fast)
    if status in (401, 403):
        raise ForbiddenError(f"{head}; {remedy or 'check the credentials and their permissions'}")
    if status in (404, 410):
        raise MissingError(f"{head}: there is no such {'bucket' if code == 'NoSuchBucket' else 'object'}")
    if status in (409, 412) and verb == "write":
        raise AlreadyThereError(f"{shown(uri)} is there already and was left alone")
    if status in (412, 416):
        raise SourceChangedError(f"{shown(uri)} changed since it was planned ({said}): run the command again")
    raise PermanentError(head)


def retry_after_seconds(value: str | None) -> float | None:
    """Reads a Retry-After header: seconds or an HTTP date; None when there is none or it can't be read."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def http_time(value: str | None) -> float:
    """An HTTP date as seconds since the epoch; 0.0 when there is none or it can't be read."""
    try:
        return email.utils.parsedate_to_datetime(value).timestamp() if value else 0.0
    except ValueError:
        return 0.0


def read_range(info: ObjectInfo, start: int, stop: int, open_at: Callable[[int], Response]) -> bytes:
    """Reads bytes `start` to `stop`, over as many requests as it takes; each goes on where the last one broke off.

    Args:
        info: The version to read.
        start: First byte.
        stop: Byte behind the last.
        open_at: Sends a ranged request for `place` to `stop` and returns its response, status already looked at.

    Raises:
        TransientError: It broke off more often than the policy allows.
        SourceChangedError: The response is of another version.
    """
    whole = Gathered()

    def go_on() -> None:
        place = start + whole.size_bytes
        response = open_at(place)
        for data in slices(response, stop - place, info.uri):
            whole.add(data)  # what came before an error stays
        if whole.size_bytes < stop - start:
            raise TransientError(f"{shown(info.uri)}: the server sent fewer bytes than {place} to {stop}")

    if stop > start:
        retried(go_on)
    return whole.value()


class Gathered:
    """Bytes put together as they come: held once (a list of them, joined, would be held twice), and not copied."""

    def __init__(self) -> None:
        self.size_bytes = 0
        self._first = b""
        self._buffer: io.BytesIO | None = None

    def add(self, data: bytes) -> None:
        """Takes the next bytes."""
        if self._buffer is not None:
            self._buffer.write(data)
        elif self.size_bytes:
            self._buffer = io.BytesIO()
            self._buffer.write(self._first)
            self._buffer.write(data)
            self._first = b""
        else:
            self._first = data
        self.size_bytes += len(data)

    def value(self) -> bytes:
        """All of them; nothing can be added afterwards without a copy."""
        return self._first if self._buffer is None else self._buffer.getvalue()


def check_range(response: Response, info: ObjectInfo, place: int, version: str) -> None:
    """Makes sure that a 206 answer is of the planned version and starts where we asked.

    Args:
        response: The answer.
        info: The planned version.
        place: The first byte asked for.
        version: The version mark in the answer, "" when it has none.

    Raises:
        SourceChangedError: It is of another version.
        PermanentError: The server ignored the range.
    """
    said = response.headers.get("content-range", "")
    span, _, size = said.removeprefix("bytes ").partition("/")
    if response.status != HTTPStatus.PARTIAL_CONTENT or span.partition("-")[0] != str(place):
        response.close()
        raise PermanentError(f"{shown(info.uri)}: the server ignores ranges (status {response.status}, {said!r})")
    moved = bool(version and info.etag and version != info.etag)
    resized = size.isdigit() and info.size_bytes >= 0 and int(size) != info.size_bytes
    if moved or resized:
        response.close()
        raise SourceChangedError(
            f"{shown(info.uri)} changed since it was planned (was {info.etag!r}, {info.size_bytes} bytes; "
            f"is {version!r}, {size} bytes): run the command again"
        )


def _cause(error: BaseException) -> str:
    """The innermost reason, without addresses that may hold secrets."""
    reason = getattr(error, "reason", None) or error.__cause__ or error
    return (
        f"{type(reason).__name__}{f' ({reason.strerror})' if isinstance(reason, OSError) and reason.strerror else ''}"
    )
