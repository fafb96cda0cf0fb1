"""Multipart writes once they are begun. Ours are known by a marker: a few bytes as part 10,000, sent first (s3_begin).

It takes no part in the object (only listed parts do) and no room (it goes when the upload ends), needs nothing beside
the right to write, and can't be taken for anybody else's: neither initiators nor key names tell one tool from another.
"""

from __future__ import annotations

import binascii
import hashlib
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from transforms.core.objects.access import ConflictError, MissingError
from transforms.core.objects.details import Checksums, ObjectDetails, Part, Upload
from transforms.core.objects.s3_answers import Refusal, checked, checked_xml, error_of, refusal, told, unquoted
from transforms.core.objects.s3_details import base64_of, checksums_of, hex_of, uniform_part_bytes
from transforms.core.objects.s3_reading import headed
from transforms.core.objects.s3_requests import Asked
from transforms.core.objects.s3_writing import body_checks, condition_headers
from transforms.core.objects.uri import parse
from transforms.core.outcome import ObjectInfo
from transforms.core.retrying import retried

if TYPE_CHECKING:
    from collections.abc import Sequence
    from xml.etree.ElementTree import Element

    from transforms.core.objects.s3_requests import S3Bucket
    from transforms.core.objects.wire import Answer

MARKER_NUMBER = 10_000
MARKER = b"hornbeam: an upload of its own; a dead one may be aborted\n"
MARKER_CHECKS = {"crc32c": "77bf5bb5", "crc64nvme": "d80b0b8f5421ff57"}


def put_part(bucket: S3Bucket, upload: Upload, number: int, data: bytes, checksums: Checksums) -> Part:
    """See `CopyStore.put_part`; its CRC32C goes along in any case (the upload was begun with it)."""
    headers = body_checks(data, Checksums(md5=checksums.md5, crc32c=checksums.crc32c))
    etag = _sent(bucket, upload, number, data, headers)
    return Part(number, len(data), etag, checksums._replace(crc32c=hex_of(headers["x-amz-checksum-crc32c"])))


def mark(bucket: S3Bucket, upload: Upload, algorithm: str) -> None:
    """Sends the marker.

    Args:
        bucket: Where it was begun.
        upload: To mark as ours.
        algorithm: The one of MARKER_CHECKS that it was begun with; a server refuses another.
    """
    checks = {f"x-amz-checksum-{algorithm}": base64_of(MARKER_CHECKS[algorithm])}
    _sent(bucket, upload, MARKER_NUMBER, MARKER, checks)


def _sent(bucket: S3Bucket, upload: Upload, number: int, data: bytes, headers: dict[str, str]) -> str:
    """Sends a part and returns its ETag."""
    query = {"partNumber": str(number), "uploadId": upload.token}
    asked = Asked("PUT", parse(upload.uri).key, query, headers, data)

    def once() -> str:
        answer = bucket.send(asked)
        checked(answer, upload.uri, "upload a part of")
        return unquoted(answer.headers.get("etag"))

    return retried(once)


def complete(bucket: S3Bucket, upload: Upload, parts: Sequence[Part], checksums: Checksums) -> ObjectDetails:
    """See `CopyStore.complete`; an upload that is gone, or a name taken after a lost answer, may be our work."""
    headers = {**condition_headers(upload.condition), **_whole_checks(parts, checksums)}
    asked = Asked("POST", parse(upload.uri).key, {"uploadId": upload.token}, headers, _parts_xml(parts), slow=True)
    attempts = 0

    def once() -> ObjectDetails:
        nonlocal attempts
        attempts += 1
        answer = bucket.send(asked)
        headers = told(answer, _joined(answer, upload))
        size_bytes = sum(part.size_bytes for part in parts)
        info = ObjectInfo(upload.uri, size_bytes, unquoted(headers["etag"]), 0.0)
        known = checksums_of(headers, md5_etags=bucket.md5_etags)
        return ObjectDetails(info, upload.attributes, known, _part_bytes(parts))

    try:
        return retried(once)
    except (ConflictError, MissingError) as e:
        there = _there(bucket, upload.uri, parts, checksums) if attempts > 1 or isinstance(e, MissingError) else None
        if there is None:
            raise
        return there._replace(part_bytes=_part_bytes(parts))


def abort(bucket: S3Bucket, uri: str, token: str) -> None:
    """See `CopyStore.abort`."""

    def once() -> None:
        answer = bucket.send(Asked("DELETE", parse(uri).key, {"uploadId": token}))
        if answer.status == 404:
            refusal(answer, uri)
        else:
            checked(answer, uri, "abort an upload to")

    retried(once)


def expected_etag(parts: Sequence[Part]) -> str:
    """The ETag that the joined object has where those of its parts are MD5s; "" where they can't be."""
    try:
        digests = b"".join(binascii.unhexlify(part.token) for part in parts)
    except binascii.Error:
        return ""
    return f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"


def _joined(answer: Answer, upload: Upload) -> Element:
    if answer.status == 409:  # unlike a PUT's, such an upload can't be completed any more
        refusal(answer, upload.uri)
        raise error_of(Refusal(412, "PreconditionFailed"), upload.uri, "complete", upload.condition)
    return checked_xml(answer, upload.uri, "complete", upload.condition)


def _whole_checks(parts: Sequence[Part], checksums: Checksums) -> dict[str, str]:
    """The checksum of the whole, for the server to check: of the kind that it has of every part."""
    for name in MARKER_CHECKS:
        value = getattr(checksums, name)
        if value and all(getattr(part.checksums, name) for part in parts):
            return {f"x-amz-checksum-{name}": base64_of(value), "x-amz-checksum-type": "FULL_OBJECT"}
    return {}


def _there(bucket: S3Bucket, uri: str, parts: Sequence[Part], checksums: Checksums) -> ObjectDetails | None:
    """What stands under the name, if it is what these parts make."""
    try:
        there = headed(bucket, uri)
    except MissingError:
        return None
    same_etag = there.info.etag == expected_etag(parts)
    same_crc = bool(checksums.crc32c) and there.checksums.crc32c == checksums.crc32c
    same_size = there.info.size_bytes == sum(part.size_bytes for part in parts)
    return there if same_size and (same_etag or same_crc) else None


def _part_bytes(parts: Sequence[Part]) -> int:
    size_bytes = sum(part.size_bytes for part in parts)
    if len(parts) == 1:
        return size_bytes
    uniform = all(part.size_bytes == parts[0].size_bytes for part in parts[:-1])
    return uniform_part_bytes(size_bytes, len(parts), parts[0].size_bytes) if uniform else 0


def _parts_xml(parts: Sequence[Part]) -> bytes:
    text = ['<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">']
    for part in parts:
        name = next((name for name in MARKER_CHECKS if getattr(part.checksums, name)), "")
        tag = f"Checksum{name.upper()}"
        check = f"<{tag}>{base64_of(getattr(part.checksums, name))}</{tag}>" if name else ""
        etag = f"&quot;{escape(part.token)}&quot;"
        text.append(f"<Part><ETag>{etag}</ETag>{check}<PartNumber>{part.number}</PartNumber></Part>")
    return "".join([*text, "</CompleteMultipartUpload>"]).encode()
