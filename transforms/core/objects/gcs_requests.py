"""Requests to one bucket's JSON API: where it is, as whom we ask, and what a refusal means."""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn
from urllib.parse import quote, urlencode, urlsplit

from transforms.core.errors import ConfigError, PermanentError, TransientError
from transforms.core.objects import exchange
from transforms.core.objects.access import AlreadyThereError, ConflictError, CorruptedError, UnsupportedError
from transforms.core.objects.gcs_credentials import Tokens
from transforms.core.objects.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transforms.core.objects.access import StoreAccess
    from transforms.core.objects.details import Condition
    from transforms.core.objects.wire import Answer, Response

ENDPOINT = "https://storage.googleapis.com"
REMEDY = "set GOOGLE_APPLICATION_CREDENTIALS (or run gcloud auth application-default login), check the permissions"
AS_JSON = {"content-type": "application/json; charset=UTF-8"}
_ERROR_BYTES = 500


class _Place(NamedTuple):
    wire: Wire
    host: str
    path: str


class GcsRequests:
    """One bucket's requests. Thread-safe; construction does no I/O."""

    def __init__(self, bucket: str, access: StoreAccess) -> None:
        self.bucket = bucket
        self._access = access
        self._lock = threading.Lock()
        self._placed: _Place | None = None
        self._tokens = Tokens(anonymous=access.anonymous)

    @property
    def objects(self) -> str:
        """Where objects are listed."""
        return f"/storage/v1/b/{self.bucket}/o"

    @property
    def uploads(self) -> str:
        """Where objects are written."""
        return f"/upload/storage/v1/b/{self.bucket}/o"

    def object(self, key: str) -> str:
        """Where one object is."""
        return f"{self.objects}/{encoded(key)}"

    def json(self, target: str, asked: Mapping[str, str], uri: str, verb: str) -> dict[str, Any]:
        """One GET that is answered in JSON."""
        response = self.send("GET", target, asked, uri)
        if response.status >= 300:
            exchange.refuse(response, uri, verb, REMEDY)
        return answered(response, uri, verb)

    def settle(self, response: Response, uri: str, verb: str) -> None:
        """Makes sure that a request was obeyed; its answer is of no interest."""
        if response.status >= 300:
            exchange.refuse(response, uri, verb, REMEDY)
        exchange.drained(response, uri)

    def send(
        self,
        method: str,
        target: str,
        asked: Mapping[str, str],
        uri: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer:
        """Sends one request; returns its open answer, whatever its status."""
        query = f"?{urlencode(asked)}" if asked else ""
        return self.send_raw(method, f"{self._place().path}{target}{query}", uri, headers, body)

    def send_raw(
        self, method: str, target: str, uri: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        """As `send`, to a path and query that the server itself gave us."""
        place = self._place()
        sent = {"host": place.host, **self._payer(), **self._tokens.headers(), **(headers or {})}
        return place.wire.sent(exchange.Request(method, target, sent, body), uri)

    def _place(self) -> _Place:
        """Where requests go; that, and as whom, is decided at the first one."""
        with self._lock:
            if self._placed is None:
                emulator = os.environ.get("STORAGE_EMULATOR_HOST", "")
                emulator = emulator if "://" in emulator or not emulator else f"http://{emulator}"
                custom = (self._access.endpoint_url or emulator).rstrip("/")
                if custom and not os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"):
                    self._tokens = Tokens(anonymous=True)
                url = urlsplit(custom or ENDPOINT)
                pool = exchange.connections(f"{url.scheme}://{url.netloc}" if url.netloc else custom)
                self._placed = _Place(Wire(pool, exchange.READ_SECONDS), url.netloc, url.path)
            return self._placed

    def _payer(self) -> dict[str, str]:
        """The header that names the project that pays, where we do."""
        if not self._access.requester_pays:
            return {}
        project = os.environ.get("GOOGLE_CLOUD_PROJECT", "")
        if not project:
            raise ConfigError(
                f"gs://{self.bucket} is to be read as a requester that pays, but no project is named: "
                "set GOOGLE_CLOUD_PROJECT to the one that is billed"
            )
        return {"x-goog-user-project": project}


def encoded(key: str) -> str:
    """A key as one part of a path."""
    return quote(key, safe="", errors="surrogateescape")


def answered(response: Response, uri: str, verb: str) -> dict[str, Any]:
    """The JSON of a good answer."""
    try:
        answer: dict[str, Any] = json.loads(exchange.drained(response, uri))
    except ValueError as e:
        raise TransientError(f"can't {verb} {uri}: the server's answer isn't JSON") from e
    return answer


def refuse_write(response: Response, uri: str, condition: Condition) -> NoReturn:
    """Turns a status that isn't a success of a write into its error.

    | status | error |
    |---|---|
    | 412, the name had to be free | AlreadyThereError |
    | 412, a version had to stand there | ConflictError |
    | 400 that tells of a hash, checksum or MD5 | CorruptedError |
    | other 400 | PermanentError with the server's words |
    | 405, 501 | UnsupportedError |
    | others | as exchange.refuse |
    """
    status = response.status
    if status not in (400, 405, 412, 501):
        exchange.refuse(response, uri, "write", REMEDY)
    said = exchange.drained(response, uri)[:_ERROR_BYTES].decode("utf-8", "replace")
    if status == 412 and condition.etag:
        raise ConflictError(
            f"{uri} changed since it was planned (its generation isn't {condition.etag}) and was left alone: "
            "run the command again"
        )
    if status == 412:
        raise AlreadyThereError(f"{uri} is there already and was left alone")
    if status == 400 and any(word in said.lower() for word in ("hash", "checksum", "md5", "crc32c")):
        raise CorruptedError(f"can't write {uri}: the bytes that the server got aren't those that were sent: {said}")
    if status == 400:
        raise PermanentError(f"can't write {uri}: the server answered 400: {said}")
    raise UnsupportedError(f"can't write {uri}: the server can't do this ({status})")
