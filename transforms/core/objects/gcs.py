"""Objects in Google Cloud Storage (JSON API), as `gs://bucket/raw key`. A version is the object's generation.

STORAGE_EMULATOR_HOST or the access's endpoint_url name another server; those are asked without credentials unless the
environment has some. Objects stored with Content-Encoding: gzip are read and copied as stored.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from transforms.core.errors import PermanentError, SourceChangedError, TransientError
from transforms.core.objects import exchange, gcs_writing, patterns
from transforms.core.objects.access import CorruptedError, ListingOrderError, MissingError
from transforms.core.objects.details import (
    NO_CHECKSUMS,
    Attributes,
    Checksums,
    Condition,
    Limits,
    Listed,
    ObjectDetails,
    Part,
    Upload,
)
from transforms.core.objects.gcs_details import (
    DETAIL_FIELDS,
    INFO_FIELDS,
    LISTED_FIELDS,
    details_of,
    differing,
    info_of,
    listed_of,
)
from transforms.core.objects.gcs_requests import REMEDY, GcsRequests
from transforms.core.objects.gcs_resumable import QUANTUM_BYTES, ResumableUploads
from transforms.core.objects.uri import parse
from transforms.core.retrying import retried

if TYPE_CHECKING:
    import builtins
    from collections.abc import Iterator, Sequence

    from transforms.core.objects.access import StoreAccess
    from transforms.core.objects.wire import Answer
    from transforms.core.outcome import ObjectInfo

_PAGE = 1000
_MOST_BYTES = 5 << 40
LIMITS = Limits(
    max_put_bytes=1 << 31,
    min_part_bytes=QUANTUM_BYTES,
    max_part_bytes=1 << 31,
    max_parts=_MOST_BYTES // QUANTUM_BYTES,
    max_copy_bytes=_MOST_BYTES,
    parallel_parts=False,
    max_key_bytes=1024,
    deletes_at_once=1,
)


class GcsStore:
    """One bucket. Thread-safe; construction does no I/O."""

    limits = LIMITS

    def __init__(self, bucket: str, access: StoreAccess) -> None:
        self._bucket = bucket
        self._requests = GcsRequests(bucket, access)
        self._uploads = ResumableUploads(self._requests)

    def list(self, pattern: str) -> Iterator[ObjectInfo]:
        """See `Store.list`; pages of 1,000 keys, folders are skipped by the server where the pattern allows it."""
        key = parse(pattern).key
        if key and not key.endswith("/") and not patterns.is_pattern(key):
            try:
                yield self.head(pattern)
            except MissingError:
                return
            return
        found = patterns.key_pattern(key)
        asked = {"prefix": found.prefix} | ({} if found.deep else {"delimiter": "/"})
        for item in self._items(asked, INFO_FIELDS):
            if found.matches.fullmatch(item["name"]):
                yield info_of(self._bucket, item)

    def list_range(self, prefix: str, start: str, stop: str, *, limit: int = 0) -> Iterator[Listed]:
        """See `CopyStore.list_range`; the server itself cuts the range, and tells md5, crc32c and kept times."""
        first = parse(prefix).key
        asked = {"prefix": first} | ({"startOffset": first + start} if start else {})
        asked |= {"endOffset": first + stop} if stop else {}
        last = ""
        for item in itertools.islice(self._items(asked, LISTED_FIELDS, limit), limit or None):
            name = item["name"]
            if name <= last:
                raise ListingOrderError(f"gs://{self._bucket}/{name} is listed after {last!r}: names out of order")
            last = name
            yield listed_of(self._bucket, item)

    def head(self, uri: str) -> ObjectInfo:
        """See `Store.head`."""
        return info_of(self._bucket, self._described(uri, INFO_FIELDS))

    def details(self, uri: str) -> ObjectDetails:
        """See `CopyStore.details`."""
        return details_of(self._bucket, self._described(uri, DETAIL_FIELDS))

    def tags(self, info: ObjectInfo) -> tuple[tuple[str, str], ...]:  # noqa: ARG002 - the protocol's
        """None: GCS has no tags."""
        return ()

    def read(self, info: ObjectInfo, start: int, stop: int) -> bytes:
        """See `Store.read`; the server compares the generation, and so do we."""
        target = self._requests.object(parse(info.uri).key)
        asked = {"alt": "media"} | ({"ifGenerationMatch": info.etag} if info.etag else {})

        def open_at(place: int) -> Answer:
            headers = {"range": f"bytes={place}-{stop - 1}", "accept-encoding": "gzip"}
            response = self._requests.send("GET", target, asked, info.uri, headers)
            if response.status >= 300:
                exchange.refuse(response, info.uri, "read", REMEDY)
            exchange.check_range(response, info, place, response.headers.get("x-goog-generation", ""))
            return response

        return exchange.read_range(info, start, stop, open_at)

    def fetch(self, info: ObjectInfo) -> tuple[bytes, ObjectDetails]:
        """See `CopyStore.fetch`; two requests, since an answer with bytes tells no user metadata here."""
        details = self.details(info.uri)
        if info.etag and details.info.etag != info.etag:
            raise SourceChangedError(
                f"{info.uri} changed since it was planned (was generation {info.etag}, is {details.info.etag}): "
                "run the command again"
            )
        return self.read(details.info, 0, details.info.size_bytes), details

    def write(self, uri: str, data: bytes, *, if_absent: bool = False) -> None:
        """See `Store.write`."""
        self.put(uri, data, Attributes(), NO_CHECKSUMS, Condition(absent=if_absent))

    def put(
        self, uri: str, data: bytes, attributes: Attributes, checksums: Checksums, condition: Condition
    ) -> ObjectDetails:
        """See `CopyStore.put`."""

        def same() -> ObjectDetails | None:
            found = self.details(uri)
            alike = found.info.size_bytes == len(data) and self.read(found.info, 0, len(data)) == data
            return found if alike else None

        name = gcs_writing.Name(uri, condition)
        return self._checked(gcs_writing.put(self._requests, name, data, attributes, checksums, same), checksums)

    def begin(self, uri: str, attributes: Attributes, condition: Condition, size_bytes: int) -> Upload:
        """See `CopyStore.begin`: a resumable upload; its parts are sent by this process, in order."""
        return self._uploads.begin(uri, attributes, condition, size_bytes)

    def put_part(self, upload: Upload, number: int, start: int, data: bytes, checksums: Checksums) -> Part:
        """See `CopyStore.put_part`; sent again, a part that has arrived is not looked at any more."""
        return self._uploads.put_part(upload, number, start, data, checksums)

    def complete(self, upload: Upload, parts: Sequence[Part], checksums: Checksums) -> ObjectDetails:
        """See `CopyStore.complete`."""
        size_bytes = sum(part.size_bytes for part in parts)
        return self._checked(self._uploads.complete(upload, size_bytes, checksums), checksums)

    def abort(self, upload: Upload) -> None:
        """See `CopyStore.abort`."""
        self._uploads.abort(upload)

    def abort_leftovers(self, prefix: str, older_than_seconds: float) -> int:  # noqa: ARG002 - the protocol's
        """Nothing to do: unfinished uploads hold no name and no billed byte, and the server drops them in a week."""
        return 0

    def copy_within(
        self, source: ObjectDetails, uri: str, attributes: Attributes, condition: Condition
    ) -> ObjectDetails:
        """See `CopyStore.copy_within`: by rewrites, any size."""
        name = gcs_writing.Name(uri, condition)
        return gcs_writing.rewrite(self._requests, source, name, attributes, self.details)

    def delete(self, uri: str) -> None:
        """See `Store.delete`."""
        target = self._requests.object(parse(uri).key)
        try:
            retried(lambda: self._requests.settle(self._requests.send("DELETE", target, {}, uri), uri, "delete"))
        except MissingError:
            return

    def delete_all(self, infos: Sequence[ObjectInfo]) -> builtins.list[tuple[ObjectInfo, str]]:
        """See `CopyStore.delete_all`: one request each, of the given generation only."""
        refused = []
        for info in infos:
            try:
                why = gcs_writing.delete(self._requests, info)
            except (PermanentError, TransientError) as e:
                why = str(e)
            if why:
                refused.append((info, why))
        return refused

    def _checked(self, details: ObjectDetails, checksums: Checksums) -> ObjectDetails:
        """What was written, if the server's checksums are ours; real ones refuse such bytes, others store them."""
        name = differing(checksums, details.checksums)
        if name:
            kept = gcs_writing.delete(self._requests, details.info)
            raise CorruptedError(
                f"{details.info.uri} arrived wrong: its {name} differs; "
                + (f"it could not be deleted ({kept}): delete it by hand" if kept else "it was deleted again")
            )
        return details

    def _described(self, uri: str, fields: str) -> dict[str, Any]:
        target = self._requests.object(parse(uri).key)
        bucket = parse(uri).bucket
        if bucket != self._bucket:  # the source of a copy within one server
            target = target.replace(f"/b/{self._bucket}/", f"/b/{bucket}/", 1)
        return retried(lambda: self._requests.json(target, {"fields": fields}, uri, "read"))

    def _items(self, asked: dict[str, str], fields: str, limit: int = 0) -> Iterator[dict[str, Any]]:
        size = str(min(limit or _PAGE, _PAGE))
        asked = {**asked, "maxResults": size, "fields": f"items({fields}),nextPageToken"}
        place = f"gs://{self._bucket}/{asked['prefix']}"
        while True:
            page = retried(lambda asked=asked: self._requests.json(self._requests.objects, asked, place, "list"))  # type: ignore[misc]
            yield from page.get("items", [])
            if not page.get("nextPageToken"):
                return
            asked = {**asked, "pageToken": page["nextPageToken"]}
