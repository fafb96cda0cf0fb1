"""An HTTP proxy that stands in front of any server, breaks answers on demand, and counts what passes.

The client talks to `proxy.endpoint` as if it were the server (host header and signature pass unchanged).
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import struct
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE_BYTES = 64 * 1024
_OWN = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect"}


@dataclass
class Fault:
    """What happens to the next `times` requests whose path holds `path`, whose query holds `query`, by `method`.

    status: answered by the proxy itself, with retry_after, headers and body; without one, headers (in lower case)
    stand in the server's answer, in place of its own. cut_after: the connection ends after that
    many body bytes (reset: with a TCP reset). flip_at: one bit of that body byte is inverted. delay_seconds: before the
    answer. lose_answer: the request reaches the server, its answer is dropped. after_bytes: only once that many body
    bytes have passed in all. until: the request waits for it, at most a minute. chunked: the answer tells no length.
    """

    times: int = 1
    path: str = ""
    method: str = "GET"
    status: int = 0
    retry_after: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut_after: int = -1
    reset: bool = False
    flip_at: int = -1
    delay_seconds: float = 0.0
    lose_answer: bool = False
    after_bytes: int = 0
    query: str = ""
    until: threading.Event | None = None
    chunked: bool = False


class FaultProxy:
    def __init__(self, endpoint: str, upstream: str) -> None:
        self.endpoint = endpoint
        self.upstream = upstream
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self.body_bytes: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self.log: list[tuple[str, str, int, dict[str, str]]] = []
        self.described: list[tuple[str, bytes]] = []  # path and body of what was sent as JSON
        self.connections = 0  # of those whose client has died too, until the server has answered it

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def reset(self, upstream: str | None = None) -> None:
        """Forgets faults and counts; `upstream` changes the server behind."""
        with self._lock:
            self.upstream = upstream or self.upstream
            self._faults.clear()
            self.body_bytes.clear()
            self.requests.clear()
            self.log.clear()
            self.described.clear()

    @property
    def pending_faults(self) -> int:
        with self._lock:
            return sum(fault.times for fault in self._faults)

    def total_bytes(self, path: str = "") -> int:
        """Body bytes sent to clients for paths (unquoted, without query) that hold `path`."""
        with self._lock:
            return sum(count for name, count in self.body_bytes.items() if path in name)

    def total_requests(self, path: str = "") -> int:
        with self._lock:
            return sum(count for name, count in self.requests.items() if path in name)

    def take_fault(self, method: str, path: str, query: str = "") -> Fault | None:
        with self._lock:
            passed = sum(self.body_bytes.values())
            for fault in self._faults:
                fits = fault.path in path and fault.query in query and fault.method in ("", method)
                fits = fits and fault.after_bytes <= passed
                if fault.times > 0 and fits:
                    fault.times -= 1
                    return fault
            return None

    def count_connections(self, change: int) -> None:
        with self._lock:
            self.connections += change

    def note(self, method: str, path: str, status: int, headers: dict[str, str]) -> None:
        with self._lock:
            self.requests[path] += 1
            self.log.append((method, path, status, headers))

    def note_description(self, path: str, body: bytes) -> None:
        with self._lock:
            self.described.append((path, body))

    def note_bytes(self, path: str, count: int) -> None:
        with self._lock:
            self.body_bytes[path] += count


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 0
    disable_nagle_algorithm = True
    proxy: FaultProxy

    def log_message(self, *_: object) -> None:
        pass

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def forward(self) -> None:
        split = urlsplit(self.path)
        path = unquote(split.path)
        body = self.rfile.read(length := int(self.headers.get("content-length") or 0))
        if len(body) < length:  # a request that broke off is none
            self.close_connection = True
            return
        fault = self.proxy.take_fault(self.command, path, unquote(split.query)) or Fault(times=0)
        asked = {name.lower(): value for name, value in self.headers.items()}
        if asked.get("content-type", "").startswith("application/json"):
            self.proxy.note_description(path, body)
        if fault.delay_seconds:
            time.sleep(fault.delay_seconds)
        if fault.until is not None:
            fault.until.wait(60)
        if fault.status:
            self.proxy.note(self.command, path, fault.status, asked)
            self._answer_ourselves(fault)
            return
        with contextlib.closing(self._upstream(body)) as upstream:
            response = upstream.getresponse()
            self.proxy.note(self.command, path, response.status, asked)
            if fault.lose_answer:
                response.read()
                self._break_off(fault)
                return
            self._pass_on(response, path, fault)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = forward  # noqa: N815 - http.server's names

    def _upstream(self, body: bytes) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(urlsplit(self.proxy.upstream).netloc, timeout=60)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in _OWN:
                connection.putheader(name, value)
        if "content-length" in self.headers:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        return connection

    def _answer_ourselves(self, fault: Fault) -> None:
        self.send_response(fault.status)
        if fault.retry_after:
            self.send_header("Retry-After", fault.retry_after)
        for name, value in fault.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(fault.body)))
        self.end_headers()
        self.wfile.write(fault.body)

    def _pass_on(self, response: http.client.HTTPResponse, path: str, fault: Fault) -> None:
        length = None if fault.chunked else response.getheader("content-length")
        bodyless = self.command == "HEAD" or response.status in (204, 304)
        self.send_response_only(response.status, response.reason)
        for name, value in response.getheaders():
            if name.lower() not in _OWN and name.lower() not in fault.headers:
                self.send_header(name, value)
        for name, value in fault.headers.items():
            self.send_header(name, value)
        chunked = length is None and not bodyless
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif length is not None:
            self.send_header("Content-Length", length)
        self.end_headers()
        sent = 0
        while not bodyless and (piece := response.read(PIECE_BYTES)):
            data = _flipped(piece, fault.flip_at - sent)
            if 0 <= fault.cut_after <= sent + len(data):
                data = data[: fault.cut_after - sent]
                self.proxy.note_bytes(path, len(data))
                self._write(data, chunked=chunked)
                self._break_off(fault)
                return
            self.proxy.note_bytes(path, len(data))
            self._write(data, chunked=chunked)
            sent += len(data)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _write(self, data: bytes, *, chunked: bool) -> None:
        if data:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data) if chunked else data)

    def _break_off(self, fault: Fault) -> None:
        self.close_connection = True
        if fault.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        else:
            self.connection.shutdown(socket.SHUT_RDWR)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    proxy: FaultProxy

    def process_request(self, request: Any, client_address: Any) -> None:
        self.proxy.count_connections(+1)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.proxy.count_connections(-1)


def _flipped(piece: bytes, place: int) -> bytes:
    if not 0 <= place < len(piece):
        return piece
    return piece[:place] + bytes([piece[place] ^ 1]) + piece[place + 1 :]


@contextlib.contextmanager
def run_fault_proxy(upstream: str = "") -> Iterator[FaultProxy]:
    proxy = FaultProxy("", upstream)
    handler = type("Handler", (_Handler,), {"proxy": proxy})
    server = _Server(("127.0.0.1", 0), handler)
    server.proxy = proxy
    proxy.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
