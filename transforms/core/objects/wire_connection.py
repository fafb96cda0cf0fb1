"""One open connection to a server, read and written a whole head or body at a time; urllib3 opened it.

A plain socket blocks in the kernel (SO_RCVTIMEO in place of Python's poll before every call), so that a body is one
call without the GIL, into its final place (MSG_PEEK finds where the head ends, MSG_WAITALL takes the rest).
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from typing import TYPE_CHECKING

from urllib3.exceptions import ProtocolError
from urllib3.util import connection as urllib3_connection

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection

    from transforms.core.objects.body import Body

FRESH_SECONDS = 1.0  # after so much rest it is looked whether the server has closed the connection
HEAD_BYTES = 256 * 1024
_PEEK_BYTES = 4096
_JOINED_BYTES = 64 * 1024


class Connection:
    """One open connection; used by one thread at a time."""

    def __init__(self, opened: HTTPConnection, silence_seconds: float) -> None:
        assert opened.sock is not None
        self._opened = opened
        self._sock = opened.sock
        self._plain = type(opened.sock) is socket.socket
        self.used_at = 0.0
        self.rest = b""
        self.be_patient(silence_seconds)

    def be_patient(self, silence_seconds: float) -> None:
        """Sets the longest silence that is waited through."""
        self.silence_seconds = silence_seconds
        if not self._plain:
            self._sock.settimeout(silence_seconds)
            return
        self._sock.settimeout(None)
        span = struct.pack("ll", int(silence_seconds), int(silence_seconds % 1 * 1e6))
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, span)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, span)

    def dropped(self) -> bool:
        """Whether the server closed it while it was idle."""
        return time.monotonic() - self.used_at > FRESH_SECONDS and urllib3_connection.is_connection_dropped(
            self._opened
        )

    def send(self, head: bytes, body: bytes | Body) -> None:
        """Writes a request. Raises OSError, and what the source of a `Body` raises."""
        if not isinstance(body, bytes):
            self._sock.sendall(head)
            with contextlib.closing(body.slices()) as slices:
                for data in slices:
                    self._sock.sendall(data)
        elif self._plain and body:
            sent = self._sock.sendmsg((head, body))
            if sent < len(head):
                self._sock.sendall(head[sent:])
                sent = len(head)
            if sent < len(head) + len(body):
                self._sock.sendall(memoryview(body)[sent - len(head) :])
        elif len(body) <= _JOINED_BYTES:
            self._sock.sendall(head + body)
        else:
            self._sock.sendall(head)
            self._sock.sendall(body)

    def head(self, *, long_body: bool) -> bytes:
        """Reads up to the empty line; b"" when the server closed without a word.

        Args:
            long_body: Whether a long body may follow, of which nothing should come along; a short one comes with its
                head in one call.

        Raises:
            OSError: The connection broke off, or was silent.
            ProtocolError: It broke off amid the head, or what comes is none.
        """
        if long_body and self._plain and not self.rest:
            end = self._sock.recv(_PEEK_BYTES, socket.MSG_PEEK).find(b"\r\n\r\n")
            if end >= 0:
                return self._sock.recv(end + 4)[:-4]
        while (end := self.rest.find(b"\r\n\r\n")) < 0:
            data = self._sock.recv(_PEEK_BYTES)
            if not data:
                if self.rest:
                    raise ProtocolError("the head of the answer broke off")
                return b""
            self.rest += data
            if len(self.rest) > HEAD_BYTES:
                raise ProtocolError(f"the head of the answer exceeds {HEAD_BYTES} bytes")
        head, self.rest = self.rest[:end], self.rest[end + 4 :]
        return head

    def line(self) -> bytes:
        """The next line of a chunked body, without its end."""
        while (end := self.rest.find(b"\r\n")) < 0:
            data = self._sock.recv(_PEEK_BYTES)
            if not data or len(self.rest) > HEAD_BYTES:
                raise ProtocolError("a chunk of the body broke off")
            self.rest += data
        line, self.rest = self.rest[:end], self.rest[end + 2 :]
        return line

    def most(self, count: int) -> bytes:
        """The next `count` bytes, fewer only where the server stops sending; b"" where it closed."""
        if self.rest:
            data, self.rest = self.rest[:count], self.rest[count:]
            return data if len(data) == count or not self._plain else data + self._sock.recv(count - len(data))
        if self._plain:
            return self._sock.recv(count, socket.MSG_WAITALL)
        return self._most_decrypted(count)

    def _most_decrypted(self, count: int) -> bytes:
        """TLS hands out 16 KiB at a time."""
        data = bytearray(count)
        view, filled = memoryview(data), 0
        while filled < count:
            try:
                got = self._sock.recv_into(view[filled:])
            except OSError:
                if not filled:
                    raise
                break
            if not got:
                break
            filled += got
        return bytes(view[:filled])

    def close(self) -> None:
        """Closes the socket."""
        self._opened.close()
