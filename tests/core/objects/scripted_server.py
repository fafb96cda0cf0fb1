"""A server that says, byte for byte, what a test wants it to say, and a wire to it."""

from __future__ import annotations

import contextlib
import socketserver
import threading
from typing import TYPE_CHECKING

from transforms.core.objects import exchange
from transforms.core.objects.exchange import Request
from transforms.core.objects.wire import Wire

if TYPE_CHECKING:
    import ssl

    from transforms.core.objects.body import Body

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Two: a\r\nx-two:  b \r\n\r\nhi"


class Script(socketserver.ThreadingTCPServer):
    """Answers each request with the next of `answers`; b"" closes without a word."""

    daemon_threads = True

    def __init__(self, answers: list[bytes], context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.answers, self.context = answers, context
        self.connections = 0
        self.requests: list[bytes] = []
        scheme = "https" if context else "http"
        self.endpoint = f"{scheme}://127.0.0.1:{self.server_address[1]}"


class _Talk(socketserver.BaseRequestHandler):
    server: Script

    def handle(self) -> None:
        self.server.connections += 1
        with contextlib.suppress(OSError):
            connection = self.request
            if self.server.context:
                connection = self.server.context.wrap_socket(connection, server_side=True)
            with connection.makefile("rb") as lines:
                while self.server.answers and (head := _head(lines)):
                    size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
                    self.server.requests.append(head + lines.read(size))
                    answer = self.server.answers.pop(0)
                    connection.sendall(answer)
                    if not answer or b"nnection: close" in answer or answer.endswith(b"CUT"):
                        return


def _head(lines) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = lines.readline()
        if not line:
            return b""
        head += line
    return head


@contextlib.contextmanager
def talking(*answers: bytes, context: ssl.SSLContext | None = None):
    server = Script(list(answers), context)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def wire_to(server: Script, silence_seconds: float = 5.0) -> Wire:
    return Wire(exchange.connections(server.endpoint), silence_seconds)


def ask(wire: Wire, method: str = "GET", target: str = "/", body: bytes | Body = b"", **headers: str):
    return wire.sent(Request(method, target, {"host": "h", **headers}, body), "s3://b/k")
