"""Writing, copying and deleting objects in one request each (or a chain of them, for a rewrite on the server)."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from transforms.core.errors import SourceChangedError
from transforms.core.objects.access import ConflictError, MissingError
from transforms.core.objects.gcs_details import details_of, differing, precondition, resource_of
from transforms.core.objects.gcs_requests import AS_JSON, answered, encoded, refuse_write
from transforms.core.objects.uri import parse
from transforms.core.retrying import retried

if TYPE_CHECKING:
    from collections.abc import Callable

    from transforms.core.objects.details import Attributes, Checksums, Condition, ObjectDetails
    from transforms.core.objects.gcs_requests import GcsRequests
    from transforms.core.outcome import ObjectInfo


class Name(NamedTuple):
    """A name to be written.

    Attributes:
        uri: Its address.
        condition: What must hold of it.
    """

    uri: str
    condition: Condition


def put(
    requests: GcsRequests,
    name: Name,
    data: bytes,
    attributes: Attributes,
    checksums: Checksums,
    same: Callable[[], ObjectDetails | None],
) -> ObjectDetails:
    """Writes an object with its attributes in one multipart/related request.

    Args:
        requests: To the bucket.
        name: Where to.
        data: All of it.
        attributes: What it carries.
        checksums: For the server to check.
        same: What stands there, if it has our bytes; asked when an answer was lost and the repetition was refused.

    Raises:
        ConflictError: The condition doesn't hold.
        CorruptedError: The server got other bytes.
    """
    uri, condition = name
    resource = resource_of(parse(uri).key, attributes, checksums)
    boundary = uuid.uuid4().hex
    headers = {"content-type": f"multipart/related; boundary={boundary}"}
    body = _related(boundary, resource, data)
    asked = {"uploadType": "multipart", **precondition(condition)}
    attempts = 0

    def once() -> ObjectDetails:
        nonlocal attempts
        attempts += 1
        response = requests.send("POST", requests.uploads, asked, uri, headers, body)
        if response.status >= 300:
            refuse_write(response, uri, condition)
        return details_of(requests.bucket, answered(response, uri, "write"))

    try:
        return retried(once)
    except ConflictError:
        ours = same() if attempts > 1 else None
        if ours is None:
            raise
        return ours


def rewrite(
    requests: GcsRequests,
    source: ObjectDetails,
    name: Name,
    attributes: Attributes,
    look: Callable[[str], ObjectDetails],
) -> ObjectDetails:
    """Copies an object on the server, call after call until it says that it is done.

    Args:
        requests: To the destination's bucket.
        source: What is copied, this generation only.
        name: Where to.
        attributes: What it carries.
        look: Describes an object as it is now.

    Raises:
        ConflictError: The condition doesn't hold.
        SourceChangedError: The source is another version.
        ForbiddenError: We may not.
    """
    address, key = parse(source.info.uri), parse(name.uri).key
    target = f"/storage/v1/b/{address.bucket}/o/{encoded(address.key)}/rewriteTo/b/{requests.bucket}/o/{encoded(key)}"
    asked = precondition(name.condition)
    asked |= {"ifSourceGenerationMatch": source.info.etag} if source.info.etag else {}
    body = json.dumps(resource_of("", attributes)).encode()
    attempts = 0

    def once() -> dict[str, Any]:
        nonlocal attempts
        attempts += 1
        response = requests.send("POST", target, asked, name.uri, AS_JSON, body)
        if response.status >= 300:
            refuse_write(response, name.uri, name.condition)
        return answered(response, name.uri, "write")

    while True:
        attempts = 0
        try:
            answer = retried(once)
        except ConflictError as e:
            return _settled(e, source, name.uri, look, lost=attempts > 1)
        if answer["done"]:
            return details_of(requests.bucket, answer["resource"])
        asked["rewriteToken"] = answer["rewriteToken"]


def _settled(
    error: ConflictError, source: ObjectDetails, uri: str, look: Callable[[str], ObjectDetails], *, lost: bool
) -> ObjectDetails:
    """What a refused rewrite means: the source changed, an earlier call of ours did it, or it is a conflict."""
    now = look(source.info.uri).info
    if source.info.etag and now.etag != source.info.etag:
        raise SourceChangedError(
            f"{source.info.uri} changed since it was planned (was generation {source.info.etag}, is {now.etag}): "
            "run the command again"
        ) from error
    if not lost:
        raise error
    found = look(uri)
    known = found.checksums.crc32c and source.checksums.crc32c
    same = found.info.size_bytes == source.info.size_bytes and not differing(source.checksums, found.checksums)
    if not (known and same):
        raise error
    return found


def delete(requests: GcsRequests, info: ObjectInfo) -> str:
    """Deletes the given generation; returns why not, "" when it is gone."""

    def once() -> bool:
        asked = {"ifGenerationMatch": info.etag} if info.etag else {}
        response = requests.send("DELETE", requests.object(parse(info.uri).key), asked, info.uri)
        if response.status == 412:
            response.close()
            return False
        requests.settle(response, info.uri, "delete")
        return True

    try:
        gone = retried(once)
    except MissingError:
        return ""
    return "" if gone else f"{info.uri} changed since it was listed (generation {info.etag}): left alone"


def _related(boundary: str, resource: dict[str, Any], data: bytes) -> bytes:
    line = f"--{boundary}".encode()
    kind = str(resource.get("contentType", "application/octet-stream")).encode()
    first = b"\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n" + json.dumps(resource).encode()
    second = b"\r\ncontent-type: " + kind + b"\r\n\r\n"
    return b"".join((line, first, b"\r\n", line, second, data, b"\r\n", line, b"--\r\n"))
