"""Objects behind http and https URLs: sources only, no listing. A version is the ETag, or else Last-Modified.

A server that ignores ranges is read too, through streams that are kept open between reads; going back in one of those
means starting it again, which is allowed a few times only. User and password come from ~/.netrc.
"""

from __future__ import annotations

import base64
import netrc
import threading
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urljoin, urlsplit

from transforms.core.errors import ConfigError, PermanentError, SourceChangedError, TransientError
from transforms.core.objects import exchange, traffic, web_details
from transforms.core.objects.access import ForbiddenError, MissingError, UnsupportedError
from transforms.core.objects.details import NO_CHECKSUMS, Limits, Listed, ObjectDetails
from transforms.core.objects.uri import parse, shown
from transforms.core.objects.web_stream import OpenStreams, Sequential
from transforms.core.outcome import ObjectInfo
from transforms.core.retrying import retried

if TYPE_CHECKING:
    import builtins
    from collections.abc import Iterator, Sequence

    from urllib3 import BaseHTTPResponse, HTTPConnectionPool

    from transforms.core.objects.details import Attributes, Checksums, Condition, Part, Upload

_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 10
_REMEDY = "put the host's user and password into ~/.netrc, or check that a signed URL hasn't expired"


class RangesIgnoredError(Exception):
    """The server answered a ranged request with the whole object; holds the open response."""

    def __init__(self, response: BaseHTTPResponse) -> None:
        super().__init__()
        self.response = response


class WebStore:
    """One host. Thread-safe; construction does no I/O.

    Args:
        scheme: http or https.
        host: `host[:port]`.
        signed: See `StoreAccess.signed`.
    """

    limits = Limits(0, 0, 0, 0, 0, parallel_parts=False, max_key_bytes=0, deletes_at_once=1)

    def __init__(self, scheme: str, host: str, signed: Sequence[str] = ()) -> None:
        self._site = (scheme, host)
        self._signed = {shown(uri): uri for uri in signed}
        self._lock = threading.Lock()
        self._pools: dict[tuple[str, str], HTTPConnectionPool] = {}
        self._authorization: str | None = None
        self._streams = OpenStreams()

    def list(self, pattern: str) -> Iterator[ObjectInfo]:
        """See `Store.list`: a plain URL only; `?` and `[` are part of it, `*` is refused."""
        if "*" in urlsplit(pattern).path:
            raise ConfigError(f"{shown(pattern)!r}: web servers can't be listed; name each file, or use a store")
        try:
            yield self.head(pattern)
        except MissingError:
            return

    def head(self, uri: str) -> ObjectInfo:
        """See `Store.head`: by HEAD; where that is refused or tells no size, by a GET of the first byte."""
        return retried(lambda: self._head(uri))

    def read(self, info: ObjectInfo, start: int, stop: int) -> bytes:
        """See `Store.read`."""
        if self._streams.knows(info.uri):
            return retried(lambda: self._read_stream(info, start, stop)) if stop > start else b""

        def open_at(place: int) -> BaseHTTPResponse:
            response = self._get(info.uri, {"range": f"bytes={place}-{stop - 1}"})
            if response.status == 200:
                raise RangesIgnoredError(response)
            exchange.check_range(response, info, place, _version(response) if info.etag else "")
            return response

        try:
            return exchange.read_range(info, start, stop, open_at)
        except RangesIgnoredError as e:
            _check_whole(e.response, info)
            self._streams.keep(info.uri, info.etag, Sequential(e.response, 0))
        return retried(lambda: self._read_stream(info, start, stop))

    def list_range(self, prefix: str, start: str, stop: str, *, limit: int = 0) -> Iterator[Listed]:  # noqa: ARG002
        """See `CopyStore.list_range`: the one object that `prefix` names, its relative key empty.

        Raises:
            UnsupportedError: It ends in `/`: web servers can't be listed.
        """
        if urlsplit(prefix).path.endswith("/"):
            raise UnsupportedError(f"{shown(prefix)}: web servers can't be listed: name each file in a --manifest")
        if not start:
            details = self.details(prefix)
            yield Listed(details.info, details.checksums, details.attributes.mtime)

    def details(self, uri: str) -> ObjectDetails:
        """See `CopyStore.details`: as `head`, with what its headers tell."""
        return retried(lambda: self._details(uri))

    def tags(self, info: ObjectInfo) -> tuple[tuple[str, str], ...]:  # noqa: ARG002 - the protocol's
        """None: web servers have no tags."""
        return ()

    def fetch(self, info: ObjectInfo) -> tuple[bytes, ObjectDetails]:
        """See `CopyStore.fetch`: one request, whether the server knows ranges or not."""
        return retried(lambda: self._fetch(info))

    def write(self, uri: str, data: bytes, *, if_absent: bool = False) -> None:  # noqa: ARG002 - the protocol's
        """Refused: web servers are sources only."""
        _refuse_writing(uri)

    def delete(self, uri: str) -> None:
        """Refused: web servers are sources only."""
        _refuse_writing(uri)

    def put(
        self,
        uri: str,
        data: bytes,  # noqa: ARG002 - the protocol's
        attributes: Attributes,  # noqa: ARG002
        checksums: Checksums,  # noqa: ARG002
        condition: Condition,  # noqa: ARG002
    ) -> ObjectDetails:
        """Refused: web servers are sources only."""
        _refuse_writing(uri)

    def begin(self, uri: str, attributes: Attributes, condition: Condition, size_bytes: int) -> Upload:  # noqa: ARG002
        """Refused: web servers are sources only."""
        _refuse_writing(uri)

    def put_part(self, upload: Upload, number: int, start: int, data: bytes, checksums: Checksums) -> Part:  # noqa: ARG002
        """Refused: web servers are sources only."""
        _refuse_writing(upload.uri)

    def complete(self, upload: Upload, parts: Sequence[Part], checksums: Checksums) -> ObjectDetails:  # noqa: ARG002
        """Refused: web servers are sources only."""
        _refuse_writing(upload.uri)

    def abort(self, upload: Upload) -> None:
        """Refused: web servers are sources only."""
        _refuse_writing(upload.uri)

    def abort_leftovers(self, prefix: str, older_than_seconds: float) -> int:  # noqa: ARG002
        """Refused: web servers are sources only."""
        _refuse_writing(prefix)

    def copy_within(
        self,
        source: ObjectDetails,  # noqa: ARG002 - the protocol's
        uri: str,
        attributes: Attributes,  # noqa: ARG002
        condition: Condition,  # noqa: ARG002
    ) -> ObjectDetails:
        """Refused: web servers are sources only."""
        _refuse_writing(uri)

    def delete_all(self, infos: Sequence[ObjectInfo]) -> builtins.list[tuple[ObjectInfo, str]]:
        """Refused: web servers are sources only."""
        for info in infos:
            _refuse_writing(info.uri)
        return []

    def _head(self, uri: str) -> ObjectInfo:
        return self._details(uri).info

    def _details(self, asked: str) -> ObjectDetails:
        uri = shown(asked) if shown(asked) in self._signed else asked
        response = self._follow("HEAD", uri, {})
        exchange.drained(response, uri)
        if response.status == 200 and "content-length" in response.headers:
            return _told(uri, response, int(response.headers["content-length"]))
        response = self._get(uri, {"range": "bytes=0-0"})
        response.close()
        if response.status == 416:  # there is no first byte
            return _told(uri, response, 0)
        size = response.headers.get("content-range", "").rpartition("/")[2]
        if response.status == 200:
            size = response.headers.get("content-length", "")
        return _told(uri, response, int(size) if size.isdigit() else -1)

    def _fetch(self, info: ObjectInfo) -> tuple[bytes, ObjectDetails]:
        response = self._get(info.uri, {})
        _check_whole(response, info)
        data = exchange.drained(response, info.uri)
        traffic.count(bytes_read=len(data))
        if len(data) != info.size_bytes >= 0:
            raise TransientError(f"{shown(info.uri)}: {len(data)} bytes came of {info.size_bytes}")
        return data, _told(info.uri, response, len(data))

    def _read_stream(self, info: ObjectInfo, start: int, stop: int) -> bytes:
        held = self._streams.take(info.uri, info.etag, start)
        if held is None:
            response = self._get(info.uri, {})
            _check_whole(response, info)
            held = Sequential(response, 0)
        data = held.read(info.uri, start, stop)
        if info.size_bytes >= 0 and len(data) < stop - start:
            raise TransientError(f"{shown(info.uri)}: the body ended at byte {start + len(data)} of {info.size_bytes}")
        if len(data) == stop - start and stop != info.size_bytes:
            self._streams.keep(info.uri, info.etag, held)
        else:
            held.close()
        return data

    def _get(self, uri: str, headers: dict[str, str]) -> BaseHTTPResponse:
        response = self._follow("GET", uri, headers)
        if response.status >= 300 and not (response.status == 416 and headers.get("range") == "bytes=0-0"):
            exchange.refuse(response, uri, "read", _REMEDY)
        return response

    def _follow(self, method: str, uri: str, headers: dict[str, str]) -> BaseHTTPResponse:
        url = self._signed.get(uri, uri)
        for _ in range(_MOST_REDIRECTS):
            address = parse(url)
            site = (address.scheme, address.bucket)
            own = {"authorization": self._login()} if site == self._site and self._login() else {}
            response = exchange.sent(self._pool(site), exchange.Request(method, address.key, {**headers, **own}), uri)
            if response.status not in _REDIRECTS or "location" not in response.headers:
                return response
            exchange.drained(response, uri)
            url = urljoin(url, response.headers["location"])
            if urlsplit(url).scheme not in ("http", "https") or (address.scheme, url[:5]) == ("https", "http:"):
                raise ForbiddenError(f"{shown(uri)} redirects away from https, to {shown(url)}: name that URL yourself")
        raise PermanentError(f"{shown(uri)} redirects more than {_MOST_REDIRECTS} times")

    def _pool(self, site: tuple[str, str]) -> HTTPConnectionPool:
        with self._lock:
            if site not in self._pools:
                self._pools[site] = exchange.connections(f"{site[0]}://{site[1]}")
            return self._pools[site]

    def _login(self) -> str:
        """The authorization header's value for our own host, "" for none; ~/.netrc is read once."""
        with self._lock:
            if self._authorization is None:
                self._authorization = _login_from_netrc(urlsplit(f"//{self._site[1]}").hostname or "")
            return self._authorization


def _login_from_netrc(host: str) -> str:
    try:
        found = netrc.netrc().authenticators(host)
    except FileNotFoundError:
        return ""
    except netrc.NetrcParseError as e:
        raise ConfigError(f"~/.netrc can't be read (line {e.lineno}): mend it, and make it readable by you only") from e
    if found is None:
        return ""
    return "Basic " + base64.b64encode(f"{found[0]}:{found[2]}".encode()).decode()


def _version(response: BaseHTTPResponse) -> str:
    mark = response.headers.get("etag", "").removeprefix("W/").strip('"')
    return mark or response.headers.get("last-modified", "")


def _told(uri: str, response: BaseHTTPResponse, size_bytes: int) -> ObjectDetails:
    """What the answer tells of the object; checksums only where it is of the whole (a part's may have its own)."""
    modified = exchange.http_time(response.headers.get("last-modified"))
    sums = web_details.checksums_of(response.headers) if response.status == 200 else NO_CHECKSUMS
    info = ObjectInfo(uri, size_bytes, _version(response), modified)
    return ObjectDetails(info, web_details.attributes_of(response.headers, modified), sums)


def _refuse_writing(uri: str) -> NoReturn:
    raise UnsupportedError(
        f"{shown(uri)}: http(s) is a source only, web servers can only be read: write to a path, s3:// or gs://"
    )


def _check_whole(response: BaseHTTPResponse, info: ObjectInfo) -> None:
    """Makes sure that a 200 answer is of the planned version."""
    size = response.headers.get("content-length", "")
    resized = size.isdigit() and info.size_bytes >= 0 and int(size) != info.size_bytes
    if resized or (info.etag and _version(response) not in ("", info.etag)):
        response.close()
        raise SourceChangedError(f"{shown(info.uri)} changed since it was planned: run the command again")
