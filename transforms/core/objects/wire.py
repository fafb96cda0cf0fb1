"""HTTP/1.1 on sockets of our own: one write for a request, two reads for an answer; an idle connection is used again.

urllib3 connects (TLS, certificates, proxies); what it and http.client do around a request is left out: a GET of 64 KiB
took 0.58 ms of processor and takes 0.17, a PUT 0.74 and 0.21. Body bytes are as they came, never decompressed.
"""

from __future__ import annotations

import collections
import contextlib
import ssl
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol, cast

from urllib3.exceptions import HTTPError, IncompleteRead, ProtocolError

from transforms.core import pacing
from transforms.core.errors import PermanentError, TransientError
from transforms.core.objects import exchange, traffic
from transforms.core.objects.uri import shown
from transforms.core.objects.wire_connection import Connection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from urllib3 import HTTPConnectionPool
    from urllib3.connection import HTTPConnection

    from transforms.core.objects.exchange import Request

IDLE_CONNECTIONS = 64
_NO_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class Response(Protocol):
    """An open answer, of this module or of urllib3."""

    status: int

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in any case for urllib3, in lower case here: ask for lower case."""

    def read(self, amt: int | None = None, decode_content: bool | None = None) -> bytes:
        """The next bytes, at most `amt`; b"" at the end. Raises urllib3's HTTPError."""

    def release_conn(self) -> None:
        """Gives the connection back; it is closed where the body wasn't read."""

    def close(self) -> None:
        """Drops the connection."""


class Answer:
    """One answer, its body still on the connection (see `Response`)."""

    __slots__ = ("_chunked", "_connection", "_keep", "_left", "_wire", "headers", "status")

    def __init__(self, wire: Wire, connection: Connection, head: bytes, method: str) -> None:
        lines = head.decode("latin-1").split("\r\n")
        version, _, rest = lines[0].partition(" ")
        if not version.startswith("HTTP/1.") or not rest[:3].isdigit():
            raise ProtocolError(f"the answer doesn't speak HTTP/1.1: {lines[0][:40]!r}")
        self.status = int(rest[:3])
        headers: dict[str, str] = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            name = name.lower()
            headers[name] = f"{headers[name]}, {value.strip()}" if name in headers else value.strip()
        self.headers = headers
        self._wire, self._connection = wire, connection
        closing = headers.get("connection", "").lower()
        self._keep = closing != "close" and (version != "HTTP/1.0" or closing == "keep-alive")
        self._chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        length = headers.get("content-length", "")
        self._left = int(length) if length.isdigit() and not self._chunked else -1
        if method == "HEAD" or self.status in _NO_BODY or self._left == 0:
            self._left, self._chunked = 0, False
            self._give_back()
        elif self._left < 0 and not self._chunked:
            self._keep = False

    def read(self, amt: int | None = None, decode_content: bool | None = None) -> bytes:  # noqa: ARG002 - see Response
        """See `Response.read`."""
        if amt is None:
            return b"".join(iter(lambda: self.read(max(self._left, 1 << 20)), b""))
        connection = self._connection
        try:
            if self._chunked and self._left <= 0:
                self._next_chunk(connection)
            if not self._left or not amt:
                return b""
            data = connection.most(min(amt, self._left) if self._left > 0 else amt)
        except OSError as e:
            self.close()
            raise ProtocolError(f"the connection broke off: {reason(e)}", e) from e
        if self._left < 0:
            self._left = -1 if data else 0
        elif not data:
            self.close()
            raise IncompleteRead(0, self._left)
        else:
            self._left -= len(data)
            if self._left == 0 and not self._chunked:
                self._give_back()
        return data

    def _next_chunk(self, connection: Connection) -> None:
        if self._left == 0:
            connection.line()
        try:
            self._left = int(connection.line().partition(b";")[0], 16)
        except ValueError as e:
            raise ProtocolError("the size of a chunk can't be read") from e
        if self._left == 0:
            while connection.line():
                pass
            self._chunked = False
            self._give_back()

    def release_conn(self) -> None:
        """See `Response.release_conn`."""
        if self._left or self._chunked:
            self.close()

    def close(self) -> None:
        """See `Response.close`."""
        self._connection.close()

    def _give_back(self) -> None:
        if self._keep and not self._connection.rest:
            self._wire.idle(self._connection)
        else:
            self._connection.close()


class Wire:
    """The connections to one endpoint. Thread-safe; construction does no I/O."""

    def __init__(self, pool: HTTPConnectionPool, silence_seconds: float) -> None:
        self._pool = pool
        self._silence_seconds = silence_seconds
        self._idle: collections.deque[Connection] = collections.deque()
        self._forwarded = pool.proxy is not None and pool.scheme == "http"

    def sent(self, request: Request, uri: str, silence_seconds: float = 0.0) -> Answer:
        """Sends one request and returns its open answer, whatever its status.

        Args:
            request: What is sent; its headers hold `host`.
            uri: What it is about, for messages.
            silence_seconds: The longest silence waited through; 0 for the usual.

        Raises:
            TransientError: The connection failed.
            PermanentError: The server's certificate isn't trusted.
        """
        traffic.count(requests=1)
        server = f"http://{request.headers['host']}" if self._forwarded else ""  # a proxy wants the whole address
        lines = [f"{request.method} {server}{request.target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in request.headers.items()]
        if request.body or request.method in ("PUT", "POST"):
            lines.append(f"content-length: {len(request.body)}")
        if "accept-encoding" not in request.headers:
            lines.append("accept-encoding: identity")
        head = "\r\n".join([*lines, "user-agent: hornbeam", "\r\n"]).encode()
        sent_at = pacing.pace().before_request()
        connection = self._connection(uri)
        try:
            if connection.silence_seconds != (silence_seconds or self._silence_seconds):
                connection.be_patient(silence_seconds or self._silence_seconds)
            answer = Answer(self, connection, _exchanged(connection, head, request), request.method)
        except (HTTPError, OSError) as e:
            connection.close()
            raise TransientError(f"{shown(uri)}: no answer from {self._place}: {reason(e)}") from e
        except BaseException:  # the source of the body broke off: what was sent of it is no request
            connection.close()
            raise
        exchange.heed(sent_at, answer)
        return answer

    def idle(self, connection: Connection) -> None:
        """Keeps a connection for the next request."""
        connection.used_at = time.monotonic()
        if len(self._idle) < IDLE_CONNECTIONS:
            self._idle.append(connection)
        else:
            connection.close()

    @property
    def _place(self) -> str:
        return f"{self._pool.host}:{self._pool.port}"

    def _connection(self, uri: str) -> Connection:
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if not connection.dropped():
                return connection
            connection.close()
        opened = cast("HTTPConnection", self._pool._new_conn())  # noqa: SLF001 - the one hook for connecting only
        try:
            if self._pool.proxy is not None and self._pool.scheme == "https":
                self._pool._prepare_proxy(opened)  # noqa: SLF001
            else:
                opened.connect()
            return Connection(opened, self._silence_seconds)
        except ssl.SSLError as e:
            raise PermanentError(f"{shown(uri)}: no trusted connection to {self._pool.host}: {reason(e)}") from e
        except (HTTPError, OSError) as e:
            raise TransientError(f"{shown(uri)}: no answer from {self._place}: {reason(e)}") from e


def _exchanged(connection: Connection, head: bytes, request: Request) -> bytes:
    """The head of the final answer. Raises HTTPError, OSError."""
    long_body = request.method == "GET"
    # Refused before all was sent: the answer may tell why.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.send(head, request.body)
    answer = connection.head(long_body=long_body)
    while answer[9:10] == b"1":
        answer = connection.head(long_body=long_body)
    if not answer:
        raise ProtocolError("the server closed the connection without an answer")
    return answer


def reason(error: BaseException) -> str:
    """The innermost reason, without addresses that may hold secrets."""
    if isinstance(error, BlockingIOError | TimeoutError):
        return "it is silent"
    if isinstance(error, ProtocolError) and error.args:
        return str(error.args[0])
    cause = getattr(error, "reason", None) or error.__cause__ or error
    if isinstance(cause, OSError) and cause.strerror:
        return f"{type(cause).__name__} ({cause.strerror})"
    return f"{type(cause).__name__}"
