"""Writing and deleting single objects; a write whose answer was lost is settled by looking at what is there."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from transforms.core.errors import SourceChangedError, TransientError
from transforms.core.objects.access import ConflictError, MissingError
from transforms.core.objects.details import Condition, ObjectDetails
from transforms.core.objects.s3_answers import checked, error_of, refusal, unquoted
from transforms.core.objects.s3_details import attribute_headers, checksum_headers, checksums_of, crc32c
from transforms.core.objects.s3_reading import fetched, headed, read
from transforms.core.objects.s3_requests import Asked
from transforms.core.objects.uri import parse, shown
from transforms.core.outcome import ObjectInfo
from transforms.core.retrying import retried

if TYPE_CHECKING:
    from transforms.core.objects.body import Body
    from transforms.core.objects.details import Attributes, Checksums
    from transforms.core.objects.s3_requests import S3Bucket


_PIECE_BYTES = 4 << 20


def condition_headers(condition: Condition) -> dict[str, str]:
    """The headers that make a write conditional."""
    if condition.absent:
        return {"if-none-match": "*"}
    return {"if-match": f'"{condition.etag}"'} if condition.etag else {}


def body_checks(data: bytes | Body, checksums: Checksums) -> dict[str, str]:
    """The headers by which the server checks a body: what the caller knows of it, a CRC32C where that is nothing."""
    headers = checksum_headers(checksums)
    if not isinstance(data, bytes):
        return headers
    return headers if len(headers) > ("content-md5" in headers) else {**headers, "x-amz-checksum-crc32c": crc32c(data)}


def put(
    bucket: S3Bucket, uri: str, data: bytes | Body, attributes: Attributes, checksums: Checksums, condition: Condition
) -> ObjectDetails:
    """See `CopyStore.put`; without a checksum a CRC32C goes along, so that no byte changes on the way unseen."""
    headers = {**attribute_headers(attributes), **condition_headers(condition), **body_checks(data, checksums)}
    asked = Asked("PUT", parse(uri).key, headers=headers, body=data)
    attempts = 0

    def once() -> ObjectDetails:
        nonlocal attempts
        attempts += 1
        answer = bucket.send(asked)
        checked(answer, uri, "write", condition)
        told = answer.headers
        info = ObjectInfo(uri, len(data), unquoted(told.get("etag")), 0.0)
        known = checksums_of(told, md5_etags=bucket.md5_etags)
        bucket.tells_md5s = bool(known.md5)
        return ObjectDetails(info, attributes, known)

    try:
        return retried(once)
    except ConflictError:
        there = _there(bucket, uri, data, checksums) if attempts > 1 else None
        if there is None:
            raise
        return there


def _there(bucket: S3Bucket, uri: str, data: bytes | Body, checksums: Checksums) -> ObjectDetails | None:
    """What stands under a name, if it is `data` (of a body that is gone: if it has its md5)."""
    try:
        there = headed(bucket, uri)
        if there.info.size_bytes != len(data):
            return None
        if isinstance(data, bytes):
            same = fetched(bucket, there.info)[0] == data
        else:
            same = (there.checksums.md5 or _md5(bucket, there.info)) == checksums.md5
    except (MissingError, SourceChangedError):
        return None
    return there if same else None


def _md5(bucket: S3Bucket, info: ObjectInfo) -> str:
    """The md5 of what stands there, read piece by piece: an encrypting bucket's ETag is none."""
    digest = hashlib.md5(usedforsecurity=False)
    for start in range(0, info.size_bytes, _PIECE_BYTES):
        digest.update(read(bucket, info, start, min(start + _PIECE_BYTES, info.size_bytes)))
    return digest.hexdigest()


def delete(bucket: S3Bucket, uri: str, etag: str = "") -> None:
    """See `Store.delete`; with an ETag only that version, where the server can check.

    Raises:
        ConflictError: It is another version.
    """
    headers = {"if-match": f'"{etag}"'} if etag else {}

    def once() -> None:
        answer = bucket.send(Asked("DELETE", parse(uri).key, headers=headers))
        if answer.status < 300:
            checked(answer, uri, "delete")
            return
        refused = refusal(answer, uri)
        if refused.status == 404:
            return
        if refused.status == 409:
            raise TransientError(f"can't delete {shown(uri)}: a write to it is under way")
        raise error_of(refused, uri, "delete", Condition(etag=etag))

    retried(once)
