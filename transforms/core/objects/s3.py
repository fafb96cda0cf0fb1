"""Objects in S3 and in whatever speaks its protocol, as `s3://bucket/raw key`. A version is the ETag, unquoted.

What is asked of a bucket, each group in its module: s3_listing, s3_reading, s3_writing, s3_begin, s3_multipart,
s3_leftovers, s3_copying, s3_deleting; s3_requests sends, wire.py carries. Only REST calls: no client library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.core.objects import (
    patterns,
    s3_begin,
    s3_copying,
    s3_deleting,
    s3_folders,
    s3_leftovers,
    s3_listing,
    s3_multipart,
    s3_reading,
    s3_writing,
)
from transforms.core.objects.access import MissingError
from transforms.core.objects.details import ABSENT, ANY, NO_CHECKSUMS, Attributes, Limits
from transforms.core.objects.s3_requests import S3Bucket
from transforms.core.objects.uri import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from transforms.core.objects.access import StoreAccess
    from transforms.core.objects.body import Body, Opened
    from transforms.core.objects.details import Checksums, Condition, Listed, ObjectDetails, Part, Upload
    from transforms.core.objects.s3_deleting import NotDeleted
    from transforms.core.outcome import ObjectInfo


class S3Store:
    """One bucket (see `CopyStore`). Thread-safe; construction does no I/O."""

    limits = Limits(
        max_put_bytes=5 << 30,
        min_part_bytes=5 << 20,
        max_part_bytes=5 << 30,
        max_parts=s3_copying.MAX_PARTS,  # of S3's 10,000 the last is our marker
        max_copy_bytes=s3_copying.MAX_COPY_BYTES,
        parallel_parts=True,
        max_key_bytes=1024,
        deletes_at_once=s3_deleting.AT_ONCE,
    )

    def __init__(self, bucket: str, access: StoreAccess) -> None:
        self._bucket = S3Bucket(bucket, access)

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
        question = s3_listing.Question(found.prefix, folders=not found.deep)
        for page in s3_listing.pages(self._bucket, question):
            yield from (info for name, info in page.keys if found.matches.fullmatch(name))

    def list_range(self, prefix: str, start: str, stop: str, *, limit: int = 0) -> Iterator[Listed]:
        """See `CopyStore.list_range`."""
        return s3_folders.list_range(self._bucket, parse(prefix).key, start, stop, limit)

    def head(self, uri: str) -> ObjectInfo:
        """See `Store.head`."""
        return s3_reading.headed(self._bucket, uri).info

    def details(self, uri: str) -> ObjectDetails:
        """See `CopyStore.details`."""
        return s3_reading.details(self._bucket, uri)

    def tags(self, info: ObjectInfo) -> tuple[tuple[str, str], ...]:
        """See `CopyStore.tags`."""
        return s3_reading.tags(self._bucket, info)

    def read(self, info: ObjectInfo, start: int, stop: int) -> bytes:
        """See `Store.read`."""
        return s3_reading.read(self._bucket, info, start, stop)

    def fetch(self, info: ObjectInfo) -> tuple[bytes, ObjectDetails]:
        """See `CopyStore.fetch`."""
        return s3_reading.fetched(self._bucket, info)

    @property
    def gives_md5s(self) -> bool:
        """See `BodySource.gives_md5s`."""
        return self._bucket.gives_md5s

    @property
    def tells_md5s(self) -> bool | None:
        """See `BodySink.tells_md5s`."""
        return self._bucket.tells_md5s

    def open_body(self, info: ObjectInfo) -> AbstractContextManager[Opened]:
        """See `BodySource.open_body`."""
        return s3_reading.opened(self._bucket, info)

    def write(self, uri: str, data: bytes, *, if_absent: bool = False) -> None:
        """See `Store.write`."""
        self.put(uri, data, Attributes(), NO_CHECKSUMS, ABSENT if if_absent else ANY)

    def put(
        self, uri: str, data: bytes, attributes: Attributes, checksums: Checksums, condition: Condition
    ) -> ObjectDetails:
        """See `CopyStore.put`."""
        return s3_writing.put(self._bucket, uri, data, attributes, checksums, condition)

    def put_body(
        self, uri: str, body: Body, attributes: Attributes, checksums: Checksums, condition: Condition
    ) -> ObjectDetails:
        """See `BodySink.put_body`."""
        return s3_writing.put(self._bucket, uri, body, attributes, checksums, condition)

    def begin(self, uri: str, attributes: Attributes, condition: Condition, size_bytes: int) -> Upload:  # noqa: ARG002
        """See `CopyStore.begin`; the size is not needed."""
        return s3_begin.begin(self._bucket, uri, attributes, condition)

    def put_part(self, upload: Upload, number: int, start: int, data: bytes, checksums: Checksums) -> Part:  # noqa: ARG002
        """See `CopyStore.put_part`; where it starts follows from the numbers."""
        return s3_multipart.put_part(self._bucket, upload, number, data, checksums)

    def complete(self, upload: Upload, parts: Sequence[Part], checksums: Checksums) -> ObjectDetails:
        """See `CopyStore.complete`."""
        return s3_multipart.complete(self._bucket, upload, parts, checksums)

    def abort(self, upload: Upload) -> None:
        """See `CopyStore.abort`."""
        s3_multipart.abort(self._bucket, upload.uri, upload.token)

    def abort_leftovers(self, prefix: str, older_than_seconds: float) -> int:
        """See `CopyStore.abort_leftovers`."""
        return s3_leftovers.abort_leftovers(self._bucket, prefix, older_than_seconds)

    def copy_within(
        self, source: ObjectDetails, uri: str, attributes: Attributes, condition: Condition
    ) -> ObjectDetails:
        """See `CopyStore.copy_within`; the tags stay where none are given."""
        return s3_copying.copy_within(self._bucket, source, uri, attributes, condition)

    def delete(self, uri: str) -> None:
        """See `Store.delete`."""
        s3_writing.delete(self._bucket, uri)

    def delete_all(self, infos: Sequence[ObjectInfo]) -> NotDeleted:
        """See `CopyStore.delete_all`."""
        return s3_deleting.delete_all(self._bucket, infos)
