"""A small web file server: Range, HEAD, ETag; the first folder of a path takes some of that away.

/plain/f: all of it. /norange/f: always the whole file. /nohead/f: HEAD is refused. /nosize/f: chunked, no length.
/redirect/f: sends to /plain/f. /private/f: wants USER and PASSWORD. /gzip/f: labelled Content-Encoding: gzip.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import ssl
import tempfile
import threading
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

USER, PASSWORD = "ada", "difference-engine"


class WebServer(NamedTuple):
    endpoint: str
    folder: Path

    def put(self, name: str, data: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def url(self, name: str, kind: str = "plain") -> str:
        return f"{self.endpoint}/{kind}/{quote(name)}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder: Path

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        kind, _, name = unquote(urlsplit(self.path).path).lstrip("/").partition("/")
        path = self.folder / name
        if kind == "redirect":
            self._answer(302, b"", {"Location": f"/plain/{quote(name)}"})
        elif kind == "nohead" and self.command == "HEAD":
            self._answer(405, b"", {})
        elif kind == "private" and self.headers.get("authorization") != _login():
            self._answer(401, b"", {"WWW-Authenticate": "Basic"})
        elif not path.is_file():
            self._answer(404, b"no such file", {})
        else:
            self._send(kind, path)

    def _send(self, kind: str, path: Path) -> None:
        data = path.read_bytes()
        headers = {
            "ETag": f'"{hashlib.md5(data).hexdigest()}"',
            "Last-Modified": formatdate(path.stat().st_mtime, usegmt=True),
        }
        if kind == "gzip":
            headers["Content-Encoding"] = "gzip"
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("range", ""))
        if asked is None or kind in ("norange", "nosize"):
            self._answer(200, data, headers, chunked=kind == "nosize")
            return
        start, stop = int(asked[1]), min(int(asked[2] or len(data)) + 1, len(data))
        if start >= len(data):
            self._answer(416, b"", headers | {"Content-Range": f"bytes */{len(data)}"})
            return
        self._answer(206, data[start:stop], headers | {"Content-Range": f"bytes {start}-{stop - 1}/{len(data)}"})

    def _answer(self, status: int, body: bytes, headers: dict[str, str], *, chunked: bool = False) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header(*(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(body)))))
        self.end_headers()
        if self.command == "HEAD":
            return
        with contextlib.suppress(ConnectionError):
            if chunked and body:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))
            self.wfile.write(b"0\r\n\r\n" if chunked else body)


def _login() -> str:
    return "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


@contextlib.contextmanager
def run_web_server(certificate: str = "") -> Iterator[WebServer]:
    """A server of a new folder; with a file of a certificate and its key, over TLS."""
    with tempfile.TemporaryDirectory(prefix="hornbeam-web-") as folder:
        handler = type("Handler", (_Handler,), {"folder": Path(folder)})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            scheme = "https" if certificate else "http"
            yield WebServer(f"{scheme}://127.0.0.1:{server.server_port}", Path(folder))
        finally:
            server.shutdown()
            server.server_close()
