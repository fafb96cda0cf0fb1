"""Finding and aborting the multipart uploads that dead runs of ours left behind (how ours are known: s3_multipart)."""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote_plus

from transforms.core.objects import exchange
from transforms.core.objects.access import MissingError
from transforms.core.objects.s3_answers import checked_xml, unquoted
from transforms.core.objects.s3_details import crc32c
from transforms.core.objects.s3_multipart import MARKER, MARKER_NUMBER, abort
from transforms.core.objects.s3_reading import headed
from transforms.core.objects.s3_requests import Asked
from transforms.core.objects.uri import parse
from transforms.core.retrying import retried

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from xml.etree.ElementTree import Element

    from transforms.core.objects.s3_requests import S3Bucket

_ROUNDED_SECONDS = 1.0  # servers cut or round their times; within it nobody lists an object and begins to overwrite it


class Started(NamedTuple):
    """An upload under way, as the server lists it: the key, the upload's id, its age and beginning by its own clock."""

    key: str
    token: str
    age_seconds: float
    begun: float = 0.0


def abort_leftovers(bucket: S3Bucket, prefix: str, older_than_seconds: float) -> int:
    """See `CopyStore.abort_leftovers`; a request or two more for every upload, whoever began it."""
    ours = [item for item in started(bucket, prefix) if _is_ours(bucket, item)]
    dead = [item for item in ours if item.age_seconds >= older_than_seconds or _is_overtaken(bucket, item)]
    for item in dead:
        abort(bucket, bucket.uri(item.key), item.token)
    return len(dead)


def _is_overtaken(bucket: S3Bucket, item: Started) -> bool:
    """Whether its name got its object after it was begun; ours are begun for a free name, or a version that is gone."""
    try:
        return headed(bucket, bucket.uri(item.key)).info.modified >= item.begun - _ROUNDED_SECONDS
    except MissingError:
        return False


def started(bucket: S3Bucket, prefix: str) -> Iterator[Started]:
    """Lists the uploads under way below a prefix (an absolute address), page by page."""
    query = {"uploads": "", "prefix": parse(prefix).key, "encoding-type": "url"}
    while True:
        root, now = retried(lambda query=query: _page(bucket, query, prefix))  # type: ignore[misc]
        quoted = root.findtext("{*}EncodingType") == "url"
        for item in root.iterfind("{*}Upload"):
            begun = dt.datetime.fromisoformat(item.findtext("{*}Initiated") or "9999-01-01T00:00:00Z").timestamp()
            key, token = _key(item.findtext("{*}Key"), quoted), item.findtext("{*}UploadId") or ""
            yield Started(key, token, max(0.0, now - begun), begun)
        if root.findtext("{*}IsTruncated") != "true":
            return
        query = {
            **query,
            "key-marker": _key(root.findtext("{*}NextKeyMarker"), quoted),
            "upload-id-marker": root.findtext("{*}NextUploadIdMarker") or "",
        }


def _page(bucket: S3Bucket, query: Mapping[str, str], prefix: str) -> tuple[Element, float]:
    """One answer, and the server's time."""
    answer = bucket.send(Asked("GET", None, query))
    now = exchange.http_time(answer.headers.get("date")) or time.time()
    return checked_xml(answer, prefix, "list the uploads below"), now


def has_parts(bucket: S3Bucket, item: Started) -> bool:
    """Whether anything was sent to it.

    Args:
        bucket: Where it is under way.
        item: The upload.

    Raises:
        MissingError: It has ended meanwhile.
    """
    return _part_after(bucket, item, 0).find("{*}Part") is not None


def _part_after(bucket: S3Bucket, item: Started, number: int) -> Element:
    query = {"uploadId": item.token, "part-number-marker": str(number), "max-parts": "1"}
    uri = bucket.uri(item.key)
    return retried(lambda: checked_xml(bucket.send(Asked("GET", item.key, query)), uri, "list the parts of"))


def _is_ours(bucket: S3Bucket, item: Started) -> bool:
    """Whether it holds our marker."""
    try:
        root = _part_after(bucket, item, MARKER_NUMBER - 1)
    except MissingError:  # it has ended meanwhile
        return False
    md5 = hashlib.md5(MARKER, usedforsecurity=False).hexdigest()
    for part in root.iterfind("{*}Part"):
        if part.findtext("{*}PartNumber") == str(MARKER_NUMBER) and part.findtext("{*}Size") == str(len(MARKER)):
            return unquoted(part.findtext("{*}ETag")) == md5 or part.findtext("{*}ChecksumCRC32C") == crc32c(MARKER)
    return False


def _key(text: str | None, quoted: bool) -> str:
    return unquote_plus(text or "", errors="surrogateescape") if quoted else text or ""
