"""Copying on the server: CopyObject up to 5 GiB, UploadPartCopy (several parts at once) above.

A copy keeps the source's metadata by directive where that is what is wanted, which costs no HEAD, and its tags where
none are given. Of one exact version (If-Match on the source), under the condition on the name.
"""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from transforms.core import interrupt
from transforms.core.errors import SourceChangedError
from transforms.core.objects.access import ConflictError, MissingError
from transforms.core.objects.details import Attributes, Checksums, ObjectDetails, Part
from transforms.core.objects.s3_answers import checked_xml, told, unquoted
from transforms.core.objects.s3_begin import begin
from transforms.core.objects.s3_details import attribute_headers, checksums_of, encoded_source
from transforms.core.objects.s3_multipart import abort, complete
from transforms.core.objects.s3_reading import details, headed
from transforms.core.objects.s3_requests import Asked
from transforms.core.objects.s3_writing import condition_headers
from transforms.core.objects.uri import parse, shown
from transforms.core.outcome import ObjectInfo
from transforms.core.retrying import retried

if TYPE_CHECKING:
    from collections.abc import Callable

    from transforms.core.objects.details import Condition, Upload
    from transforms.core.objects.s3_requests import S3Bucket

MAX_COPY_BYTES = 5 << 30
MAX_PARTS = 9_999
PART_THREADS = 8
_MIN_PART_BYTES, _PART_BYTES, _MAX_PART_BYTES = 5 << 20, 256 << 20, 5 << 30


def copy_within(
    bucket: S3Bucket, source: ObjectDetails, uri: str, attributes: Attributes, condition: Condition
) -> ObjectDetails:
    """See `CopyStore.copy_within`."""
    if source.info.size_bytes > MAX_COPY_BYTES:
        return _copied_by_parts(bucket, source, uri, attributes, condition)
    return _copied_whole(bucket, source, uri, attributes, condition)


def directives(source: Attributes, wanted: Attributes) -> dict[str, str]:
    """The headers that say what becomes of metadata and tags.

    | wanted, but for tags and storage class | metadata |
    |---|---|
    | what the source has (or as little as is known of it) | COPY: the server keeps it, with what we don't know of |
    | anything else | REPLACE, with all of it |

    | wanted tags | tags |
    |---|---|
    | none | the server's default: kept |
    | some | REPLACE, with them |
    """
    if wanted._replace(tags=(), storage_class="") == source._replace(tags=(), storage_class=""):
        headers = {"x-amz-metadata-directive": "COPY"}
        headers |= attribute_headers(Attributes(tags=wanted.tags, storage_class=wanted.storage_class))
    else:
        headers = {"x-amz-metadata-directive": "REPLACE", **attribute_headers(wanted)}
    return {**headers, "x-amz-tagging-directive": "REPLACE"} if wanted.tags else headers


def part_bytes_of(size_bytes: int, source_part_bytes: int) -> int:
    """How large the parts are in which an object is copied.

    | the source's parts | parts |
    |---|---|
    | of 5 MiB to 5 GiB, at most 9,999 | the same: the ETag will be the same too |
    | unknown, or others | 256 MiB, more (whole MiB) where that makes more than 9,999 |
    """
    fits = _MIN_PART_BYTES <= source_part_bytes <= _MAX_PART_BYTES
    if fits and -(-size_bytes // source_part_bytes) <= MAX_PARTS:
        return source_part_bytes
    least = -(-size_bytes // MAX_PARTS)
    return max(_PART_BYTES, -(-least // (1 << 20)) << 20)


def _copied_whole(
    bucket: S3Bucket, source: ObjectDetails, uri: str, attributes: Attributes, condition: Condition
) -> ObjectDetails:
    headers = {**_source_headers(source.info), **directives(source.attributes, attributes)}
    asked = Asked("PUT", parse(uri).key, headers={**headers, **condition_headers(condition)}, slow=True)
    attempts = 0

    def once() -> ObjectDetails:
        nonlocal attempts
        attempts += 1
        answer = bucket.send(asked)
        root = checked_xml(answer, uri, "write", condition)
        found = told(answer, root)
        modified = dt.datetime.fromisoformat(root.findtext("{*}LastModified") or "1970-01-01T00:00:00Z").timestamp()
        info = ObjectInfo(uri, source.info.size_bytes, unquoted(found["etag"]), modified)
        return ObjectDetails(info, attributes, checksums_of(found, md5_etags=bucket.md5_etags))

    try:
        return retried(once)
    except (ConflictError, SourceChangedError, MissingError):
        _checked_source(bucket, source.info, headed)
        there = _there(bucket, source, uri) if attempts > 1 else None
        if there is None:
            raise
        return there


def _copied_by_parts(
    bucket: S3Bucket, source: ObjectDetails, uri: str, attributes: Attributes, condition: Condition
) -> ObjectDetails:
    found = _checked_source(bucket, source.info, details)
    if directives(source.attributes, attributes)["x-amz-metadata-directive"] == "COPY":
        attributes = found.attributes._replace(tags=attributes.tags, storage_class=attributes.storage_class)
    size_bytes = source.info.size_bytes
    part_bytes = part_bytes_of(size_bytes, found.part_bytes)
    algorithm = "crc64nvme" if found.checksums.crc64nvme else "crc32c"
    upload = begin(bucket, uri, attributes, condition, algorithm)
    starts, copied_part = range(0, size_bytes, part_bytes), interrupt.carried(_copied_part)
    try:
        with ThreadPoolExecutor(PART_THREADS) as threads:
            asked = [
                threads.submit(copied_part, bucket, upload, source.info, number, start, part_bytes)
                for number, start in enumerate(starts, 1)
            ]
            try:
                parts = [part.result() for part in asked]
            except BaseException:
                threads.shutdown(cancel_futures=True)
                raise
        return complete(bucket, upload, parts, found.checksums)
    except BaseException:
        abort(bucket, uri, upload.token)
        raise


def _copied_part(bucket: S3Bucket, upload: Upload, info: ObjectInfo, number: int, start: int, part_bytes: int) -> Part:
    stop = min(start + part_bytes, info.size_bytes)
    headers = {**_source_headers(info), "x-amz-copy-source-range": f"bytes={start}-{stop - 1}"}
    query = {"partNumber": str(number), "uploadId": upload.token}
    asked = Asked("PUT", parse(upload.uri).key, query, headers, slow=True)

    def once() -> Part:
        answer = bucket.send(asked)
        found = told(answer, checked_xml(answer, upload.uri, "copy a part to"))
        etag = unquoted(found.pop("etag"))
        return Part(number, stop - start, etag, checksums_of(found))

    return retried(once)


def _source_headers(info: ObjectInfo) -> dict[str, str]:
    address = parse(info.uri)
    headers = {"x-amz-copy-source": encoded_source(address.bucket, address.key)}
    return {**headers, "x-amz-copy-source-if-match": f'"{info.etag}"'} if info.etag else headers


def _checked_source(
    bucket: S3Bucket, info: ObjectInfo, look: Callable[[S3Bucket, str], ObjectDetails]
) -> ObjectDetails:
    """What the source is now, as `headed` or `details` tell.

    Raises:
        MissingError: There is none any more.
        SourceChangedError: It isn't the planned version.
    """
    found = look(bucket.sibling(parse(info.uri).bucket), info.uri)
    if info.etag and found.info.etag != info.etag:
        raise SourceChangedError(
            f"{shown(info.uri)} changed since it was planned (was {info.etag!r}, is {found.info.etag!r}): run the "
            "command again"
        )
    return found


def _there(bucket: S3Bucket, source: ObjectDetails, uri: str) -> ObjectDetails | None:
    """What stands under the name, if it is a copy of the source as far as their checksums tell."""
    try:
        there = headed(bucket, uri)
    except MissingError:
        return None
    pairs = zip(there.checksums, source.checksums or Checksums(), strict=True)
    return there if any(ours and ours == theirs for ours, theirs in pairs) else None
