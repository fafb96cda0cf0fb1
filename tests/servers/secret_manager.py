"""Secret Manager on loopback: the REST form of `access`, with what a test puts there."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE = "SECRET_MANAGER_EMULATOR_HOST"


class SecretManager(NamedTuple):
    """A running server.

    Attributes:
        address: `host:port`.
        values: Texts by the names of their versions.
        asked: The versions that somebody asked for, in order.
    """

    address: str
    values: dict[str, str]
    asked: list[str]

    def put(self, secret: str, text: str) -> str:
        """Keeps a text; returns the reference to it."""
        version = f"projects/p/secrets/{secret}/versions/latest"
        self.values[version] = text
        return f"secret://{version}"


@contextlib.contextmanager
def run_secret_manager() -> Iterator[SecretManager]:
    """Serves until the block ends."""
    values: dict[str, str] = {}
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            match = re.fullmatch(r"/v1/(.+):access", self.path.split("?")[0])
            name = match[1] if match else ""
            asked.append(name)
            answer = {"error": {"code": 404, "message": "no"}}
            if name in values:
                answer = {"name": name, "payload": {"data": base64.b64encode(values[name].encode()).decode()}}
            self.send_response(200 if name in values else 404)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield SecretManager(f"127.0.0.1:{server.server_port}", values, asked)
    finally:
        server.shutdown()
        server.server_close()
