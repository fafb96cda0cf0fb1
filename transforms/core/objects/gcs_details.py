"""Objects as the JSON API describes them, and our values from and for that. Pure, no I/O."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from typing import TYPE_CHECKING, Any

from transforms.core.objects.details import Attributes, Checksums, Listed, ObjectDetails
from transforms.core.objects.uri import ObjectUri
from transforms.core.outcome import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transforms.core.objects.details import Condition

INFO_FIELDS = "name,size,generation,updated"
LISTED_FIELDS = f"{INFO_FIELDS},md5Hash,crc32c,metadata(mtime,goog-reserved-file-mtime)"
DETAIL_FIELDS = (
    f"{INFO_FIELDS},md5Hash,crc32c,metadata,contentType,contentEncoding,contentDisposition,contentLanguage,"
    "cacheControl,storageClass"
)
_NAMES = {
    "content_type": "contentType",
    "content_encoding": "contentEncoding",
    "content_disposition": "contentDisposition",
    "content_language": "contentLanguage",
    "cache_control": "cacheControl",
    "storage_class": "storageClass",
}


def info_of(bucket: str, item: Mapping[str, Any]) -> ObjectInfo:
    """An object's address, size, generation and time of last modification."""
    modified = dt.datetime.fromisoformat(item["updated"]).timestamp()
    uri = str(ObjectUri("gs", bucket, item["name"]))
    return ObjectInfo(uri, int(item.get("size", 0)), str(item.get("generation", "")), modified)


def listed_of(bucket: str, item: Mapping[str, Any]) -> Listed:
    """An object as a listing with LISTED_FIELDS tells of it."""
    return Listed(info_of(bucket, item), checksums_of(item), mtime_of(item.get("metadata") or {}))


def details_of(bucket: str, item: Mapping[str, Any]) -> ObjectDetails:
    """An object as a request with DETAIL_FIELDS, or a finished write, tells of it."""
    metadata = item.get("metadata") or {}
    plain = {name: item.get(theirs, "") for name, theirs in _NAMES.items()}
    user = tuple(sorted((name.lower(), value) for name, value in metadata.items()))
    attributes = Attributes(**plain, user=user, mtime=mtime_of(metadata))
    return ObjectDetails(info_of(bucket, item), attributes, checksums_of(item))


def checksums_of(item: Mapping[str, Any]) -> Checksums:
    """The checksums of the stored bytes; composed objects have no md5."""
    return Checksums(md5=_hex(item.get("md5Hash", "")), crc32c=_hex(item.get("crc32c", "")))


def resource_of(key: str, attributes: Attributes, checksums: Checksums = Checksums()) -> dict[str, Any]:  # noqa: B008 - an immutable value
    """What is sent to describe a new object; the server compares the checksums with the bytes that come."""
    resource: dict[str, Any] = {"name": key} if key else {}
    resource |= {theirs: getattr(attributes, name) for name, theirs in _NAMES.items() if getattr(attributes, name)}
    metadata = dict(attributes.user)
    if attributes.mtime and "mtime" not in metadata:
        metadata["mtime"] = f"{attributes.mtime:.9f}".rstrip("0").rstrip(".")
    if metadata:
        resource["metadata"] = metadata
    if checksums.md5:
        resource["md5Hash"] = to_base64(checksums.md5)
    if checksums.crc32c:
        resource["crc32c"] = to_base64(checksums.crc32c)
    return resource


def precondition(condition: Condition) -> dict[str, str]:
    """The condition as a query; generation 0 is a name that is free."""
    if condition.absent:
        return {"ifGenerationMatch": "0"}
    return {"ifGenerationMatch": condition.etag} if condition.etag else {}


def mtime_of(metadata: Mapping[str, str]) -> float:
    """The kept modification time, seconds since the epoch.

    | metadata | written by | seconds |
    |---|---|---|
    | `mtime: 1700000000.25` | Hornbeam, rclone to S3 | 1700000000.25 |
    | `mtime: 2023-11-14T22:13:20.25Z` | rclone to GCS | 1700000000.25 |
    | `goog-reserved-file-mtime: 1700000000` | gsutil, gcloud | 1700000000.0 |
    | none of them, or unreadable | | 0.0 |
    """
    for text in (metadata.get("mtime", ""), metadata.get("goog-reserved-file-mtime", "")):
        for read in (float, _moment):
            try:
                seconds = read(text)
            except (ValueError, OverflowError):
                continue
            if 0 < seconds < 1e11:
                return seconds
    return 0.0


def differing(asked: Checksums, told: Checksums) -> str:
    """Names a checksum that both know and that isn't the same; "" when there is none."""
    pairs = zip(Checksums._fields, asked, told, strict=True)
    return next((name for name, ours, theirs in pairs if ours and theirs and ours != theirs), "")


def to_base64(digest: str) -> str:
    """A hexadecimal checksum as GCS writes it."""
    return base64.b64encode(bytes.fromhex(digest)).decode()


def _moment(text: str) -> float:
    return dt.datetime.fromisoformat(text).timestamp()


def _hex(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).hex()
    except binascii.Error:
        return ""
