"""Large objects by resumable uploads: one stream of parts in order, nothing visible before the last byte.

Not by composing temporary objects, which can be sent at once: those lie in the bucket under names of their own (billed
for their class's shortest time, left behind by a killed run), and what is composed has no md5. A session that is not
finished stores nothing under any name, and the server forgets it after a week.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from transforms.core.errors import PermanentError, TransientError
from transforms.core.objects import exchange
from transforms.core.objects.details import Checksums, ObjectDetails, Part, Upload
from transforms.core.objects.gcs_details import details_of, precondition, resource_of, to_base64
from transforms.core.objects.gcs_requests import AS_JSON, answered, refuse_write
from transforms.core.objects.uri import parse
from transforms.core.retrying import retried

if TYPE_CHECKING:
    from transforms.core.objects.details import Attributes, Condition
    from transforms.core.objects.gcs_requests import GcsRequests
    from transforms.core.objects.wire import Answer

QUANTUM_BYTES = 256 * 1024  # what is sent before the end is a multiple of this
_GO_ON = 308
_GONE = (404, 410)
_CANCELLED = 499


class _Session:
    """What this process knows of one upload; its parts come one after the other."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self.sent_bytes = 0
        self.tail = b""


class ResumableUploads:
    """The uploads under way to one bucket. Thread-safe for different uploads; construction does no I/O."""

    def __init__(self, requests: GcsRequests) -> None:
        self._requests = requests
        self._lock = threading.Lock()
        self._sessions: dict[str, _Session] = {}

    def begin(self, uri: str, attributes: Attributes, condition: Condition, size_bytes: int) -> Upload:
        """Opens a session; its own path and query are the token."""
        asked = {"uploadType": "resumable", **precondition(condition)}
        body = json.dumps(resource_of(parse(uri).key, attributes)).encode()

        def once() -> str:
            response = self._requests.send("POST", self._requests.uploads, asked, uri, AS_JSON, body)
            if response.status >= 300:
                refuse_write(response, uri, condition)
            exchange.drained(response, uri)
            url = urlsplit(response.headers.get("location", ""))
            if not url.query:
                raise TransientError(f"can't write {uri}: the server opened no upload session")
            return f"{url.path}?{url.query}"

        token = retried(once)
        with self._lock:
            self._sessions[token] = _Session(size_bytes)
        return Upload(uri, token, attributes, condition)

    def put_part(self, upload: Upload, number: int, start: int, data: bytes, checksums: Checksums) -> Part:
        """Sends a part; what is no multiple of the quantum, and the very end, waits for what comes next.

        Raises:
            PermanentError: It isn't the next part.
        """
        session = self._session(upload)
        known = session.sent_bytes + len(session.tail)
        if start + len(data) <= known and data:
            return Part(number, len(data), "", checksums)
        if start != known:
            raise PermanentError(f"{upload.uri}: a part from byte {start} on came, {known} was due: copy it again")
        pending = session.tail + data if session.tail else data
        ending = known + len(data) >= session.size_bytes
        ready = (len(pending) - (1 if ending else 0)) // QUANTUM_BYTES * QUANTUM_BYTES
        if ready > 0 and self._sent(upload, session, pending[:ready], {}) is not None:
            raise PermanentError(f"{upload.uri}: the server ended the upload before its last byte: copy it again")
        session.tail = pending[max(ready, 0) :]
        return Part(number, len(data), "", checksums)

    def complete(self, upload: Upload, size_bytes: int, checksums: Checksums) -> ObjectDetails:
        """Sends the end, with the checksums of the whole for the server to compare before it shows the object.

        Raises:
            PermanentError: Parts are missing.
            ConflictError: The condition doesn't hold.
            CorruptedError: The server got other bytes.
        """
        session = self._session(upload)
        if not session.sent_bytes + len(session.tail) == size_bytes == session.size_bytes:
            there = session.sent_bytes + len(session.tail)
            raise PermanentError(f"{upload.uri}: {there} of {session.size_bytes} bytes were sent: copy it again")
        known = (("crc32c", checksums.crc32c), ("md5", checksums.md5))
        hashes = ",".join(f"{name}={to_base64(digest)}" for name, digest in known if digest)
        answer = self._sent(upload, session, session.tail, {"x-goog-hash": hashes} if hashes else {}, last=True)
        if answer is None:
            raise PermanentError(f"{upload.uri}: the server got all bytes and shows no object: copy it again")
        with self._lock:
            self._sessions.pop(upload.token, None)
        return details_of(self._requests.bucket, answer)

    def abort(self, upload: Upload) -> None:
        """Ends a session; one that is over already is fine."""
        with self._lock:
            self._sessions.pop(upload.token, None)

        def once() -> None:
            response = self._requests.send_raw("DELETE", upload.token, upload.uri)
            if response.status >= 300 and response.status not in (*_GONE, _CANCELLED):
                exchange.refuse(response, upload.uri, "abort")
            exchange.drained(response, upload.uri)

        retried(once)

    def _session(self, upload: Upload) -> _Session:
        with self._lock:
            if upload.token not in self._sessions:
                raise PermanentError(f"{upload.uri}: its upload was begun elsewhere or is over: copy it again")
            return self._sessions[upload.token]

    def _sent(
        self, upload: Upload, session: _Session, body: bytes, headers: dict[str, str], *, last: bool = False
    ) -> dict[str, Any] | None:
        """Sends bytes on from where the server is, asking it first after a lost answer; the object once it is done."""
        first, stop = session.sent_bytes, session.sent_bytes + len(body)
        asks = False

        def once() -> dict[str, Any] | None:
            nonlocal asks
            if asks:
                done = self._told(upload, session, self._put(upload, f"bytes */{session.size_bytes}", {}, b""))
                if done is not None or (session.sent_bytes >= stop and not last):
                    return done
            asks = True
            left = body[session.sent_bytes - first :] if session.sent_bytes > first else body
            total = str(session.size_bytes) if last else "*"
            span = f"{session.sent_bytes}-{stop - 1}" if left else "*"
            done = self._told(upload, session, self._put(upload, f"bytes {span}/{total}", headers, left))
            if done is None and session.sent_bytes < stop:
                raise TransientError(f"{upload.uri}: the server took {session.sent_bytes} bytes of {stop}")
            return done

        return retried(once)

    def _put(self, upload: Upload, content_range: str, headers: dict[str, str], body: bytes) -> Answer:
        sent = {**headers, "content-range": content_range}
        if upload.attributes.content_type:
            sent["content-type"] = upload.attributes.content_type
        return self._requests.send_raw("PUT", upload.token, upload.uri, sent, body)

    def _told(self, upload: Upload, session: _Session, response: Answer) -> dict[str, Any] | None:
        """How far the server is (into the session), or the object when it is done."""
        if response.status == _GO_ON:
            held = response.headers.get("range", "").rpartition("-")[2]
            exchange.drained(response, upload.uri)
            session.sent_bytes = int(held) + 1 if held.isdigit() else 0
            return None
        if response.status in _GONE:
            exchange.drained(response, upload.uri)
            raise PermanentError(f"{upload.uri}: its upload session is over ({response.status}): copy it again")
        if response.status >= 300:
            refuse_write(response, upload.uri, upload.condition)
        return answered(response, upload.uri, "write")
