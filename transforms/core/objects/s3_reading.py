"""Reading: HEADs with checksums, ranges and whole objects of one known version, tags."""

from __future__ import annotations

from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from transforms.core.errors import SourceChangedError, TransientError
from transforms.core.objects import exchange
from transforms.core.objects.access import UnsupportedError
from transforms.core.objects.body import Opened
from transforms.core.objects.s3_answers import checked, checked_xml, error_of, refusal, unquoted
from transforms.core.objects.s3_details import details_of, part_count, uniform_part_bytes
from transforms.core.objects.s3_requests import Asked
from transforms.core.objects.uri import parse, shown
from transforms.core.retrying import retried

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transforms.core.objects.body import Slices
    from transforms.core.objects.details import ObjectDetails
    from transforms.core.objects.s3_requests import S3Bucket
    from transforms.core.objects.wire import Answer
    from transforms.core.outcome import ObjectInfo

_SLICE_BYTES = 256 * 1024  # in the processor's cache while it is hashed and sent on
_CHECKSUMS = {"x-amz-checksum-mode": "ENABLED"}


def headed(bucket: S3Bucket, uri: str) -> ObjectDetails:
    """What one HEAD tells, retried."""

    def once() -> ObjectDetails:
        answer = bucket.send(Asked("HEAD", parse(uri).key, headers=_CHECKSUMS))
        checked(answer, uri, "read")
        size_bytes = int(answer.headers.get("content-length", -1))
        return details_of(uri, answer.headers, size_bytes, md5_etags=bucket.md5_etags)

    return retried(once)


def details(bucket: S3Bucket, uri: str) -> ObjectDetails:
    """See `CopyStore.details`; an object of several parts takes a second HEAD, which tells the first one's size."""
    found = headed(bucket, uri)
    count = part_count(found.info.etag)
    if count < 2:
        return found

    def once() -> int:
        answer = bucket.send(Asked("HEAD", parse(uri).key, {"partNumber": "1"}))
        if answer.status < 300:
            checked(answer, uri, "read")
            return int(answer.headers.get("content-length", 0))
        error = error_of(refusal(answer, uri), uri, "read")
        if isinstance(error, TransientError):
            raise error
        return 0  # a server that doesn't know of parts leaves their size unknown

    return found._replace(part_bytes=uniform_part_bytes(found.info.size_bytes, count, retried(once)))


def read(bucket: S3Bucket, info: ObjectInfo, start: int, stop: int) -> bytes:
    """See `Store.read`; the server compares the ETag (If-Match), and so do we."""
    key = parse(info.uri).key

    def open_at(place: int) -> Answer:
        headers = {"range": f"bytes={place}-{stop - 1}"}
        if info.etag:
            headers["if-match"] = f'"{info.etag}"'
        answer = bucket.send(Asked("GET", key, headers=headers))
        if answer.status >= 300:
            raise error_of(refusal(answer, info.uri), info.uri, "read")
        exchange.check_range(answer, info, place, unquoted(answer.headers.get("etag")))
        return answer

    return exchange.read_range(info, start, stop, open_at)


def fetched(bucket: S3Bucket, info: ObjectInfo) -> tuple[bytes, ObjectDetails]:
    """See `CopyStore.fetch`; broken off, it begins again (small objects only)."""

    def once() -> tuple[bytes, ObjectDetails]:
        answer, found = _begun(bucket, info)
        whole = exchange.Gathered()
        for data in exchange.slices(answer, info.size_bytes, info.uri):
            whole.add(data)
        answer.release_conn()  # of a chunked body the end is still unread
        if whole.size_bytes != info.size_bytes:
            raise TransientError(f"{shown(info.uri)}: the server sent {whole.size_bytes} bytes of {info.size_bytes}")
        return whole.value(), found

    return retried(once)


@contextmanager
def opened(bucket: S3Bucket, info: ObjectInfo) -> Iterator[Opened]:
    """See `BodySource.open_body`."""
    first, details = retried(lambda: _begun(bucket, info))
    bucket.gives_md5s = bucket.gives_md5s and bool(details.checksums.md5)
    unread = [first]

    def slices() -> Slices:
        answer = unread.pop() if unread else _begun(bucket, info)[0]
        left = info.size_bytes
        try:
            for data in exchange.slices(answer, left, info.uri, _SLICE_BYTES):
                left -= len(data)
                yield data
        finally:
            if left:
                answer.close()
            else:
                answer.release_conn()  # of a chunked body the end is still unread
        if left:
            raise TransientError(f"{shown(info.uri)}: the server sent {left} bytes less than {info.size_bytes}")

    try:
        yield Opened(details, slices)
    finally:
        for answer in unread:
            answer.close()


def _begun(bucket: S3Bucket, info: ObjectInfo) -> tuple[Answer, ObjectDetails]:
    """The open answer to a GET of a whole version, and what it tells."""
    headers = {**_CHECKSUMS, "if-match": f'"{info.etag}"'} if info.etag else _CHECKSUMS
    answer = bucket.send(Asked("GET", parse(info.uri).key, headers=headers))
    if answer.status != HTTPStatus.OK:
        raise error_of(refusal(answer, info.uri), info.uri, "read")
    told = answer.headers
    found = details_of(info.uri, told, int(told.get("content-length", -1)), md5_etags=bucket.md5_etags)
    _check_version(answer, info, found.info)
    return answer, found


def _check_version(answer: Answer, planned: ObjectInfo, found: ObjectInfo) -> None:
    moved = planned.etag and found.etag and planned.etag != found.etag
    if moved or found.size_bytes not in (planned.size_bytes, -1):
        answer.close()
        raise SourceChangedError(
            f"{shown(planned.uri)} changed since it was planned (was {planned.etag!r}, {planned.size_bytes} bytes; "
            f"is {found.etag!r}, {found.size_bytes} bytes): run the command again"
        )


def tags(bucket: S3Bucket, info: ObjectInfo) -> tuple[tuple[str, str], ...]:
    """See `CopyStore.tags`; a server without tags has none."""

    def once() -> tuple[tuple[str, str], ...]:
        answer = bucket.send(Asked("GET", parse(info.uri).key, {"tagging": ""}))
        if answer.status == HTTPStatus.NOT_FOUND:
            refused = refusal(answer, info.uri)
            if refused.code == "NoSuchTagSet":
                return ()
            raise error_of(refused, info.uri, "read the tags of")
        root = checked_xml(answer, info.uri, "read the tags of")
        pairs = root.iterfind("{*}TagSet/{*}Tag")
        return tuple(sorted((pair.findtext("{*}Key") or "", pair.findtext("{*}Value") or "") for pair in pairs))

    try:
        return retried(once)
    except UnsupportedError:
        return ()
