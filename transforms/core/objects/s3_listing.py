"""Listings of a bucket: pages of 1,000 keys by ListObjectsV2, as streams that hold one page.

S3 lists in the byte order of the keys. SeaweedFS lists folder by folder (`a/b` before `a-b`, since its folder is
called `a`), which s3_folders.py turns into byte order; whatever else comes out of order is an error.
"""

from __future__ import annotations

import datetime as dt
import functools
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, unquote_plus

from transforms.core.objects.access import ListingOrderError
from transforms.core.objects.details import Checksums, Listed
from transforms.core.objects.s3_answers import checked, xml_of
from transforms.core.objects.s3_requests import Asked
from transforms.core.outcome import ObjectInfo
from transforms.core.retrying import retried

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

    from transforms.core.objects.s3_requests import S3Bucket

PAGE_KEYS = 1000
_ENCODED = b"<EncodingType>url</EncodingType>"
_LAST = "\U0010ffff"


class Question(NamedTuple):
    """What is listed.

    Attributes:
        prefix: What keys begin with.
        after: The key behind which it begins; "" for the beginning.
        folders: Whether what shares a `/` behind the prefix comes as one folder.
        page_keys: Most keys in an answer.
    """

    prefix: str
    after: str = ""
    folders: bool = False
    page_keys: int = PAGE_KEYS


class Page(NamedTuple):
    """One answer.

    Attributes:
        keys: (key, object) in the server's order.
        folders: Common prefixes, each ending in `/`.
        token: What asks for the next one; "" for the last one.
        by_folder: Whether the server's order is that of SeaweedFS.
    """

    keys: list[tuple[str, ObjectInfo]]
    folders: list[str]
    token: str
    by_folder: bool


def pages(bucket: S3Bucket, question: Question) -> Iterator[Page]:
    """Asks for page after page."""
    token = ""
    while True:
        page = retried(lambda token=token: _page(bucket, question, token))  # type: ignore[misc]
        yield page
        token = page.token
        if not token:
            return


def rising(keys: Iterator[tuple[str, ObjectInfo]], uri: str) -> Iterator[tuple[str, ObjectInfo]]:
    """The same keys, as long as they rise.

    Raises:
        ListingOrderError: They don't.
    """
    last = b""
    for key, info in keys:
        place = ordered(key)
        if place <= last:
            raise ListingOrderError(
                f"{uri}: the server lists {key!r} after {last.decode(errors='replace')!r}, which is not the byte order "
                "of keys: copy its sub-folders one by one"
            )
        last = place
        yield key, info


def listed(info: ObjectInfo, *, md5_etags: bool) -> Listed:
    """An object of a listing, with the checksum that its ETag is."""
    etag = info.etag
    if not md5_etags or not etag:
        return Listed(info)
    return Listed(info, Checksums(multipart_etag=etag) if "-" in etag else Checksums(md5=etag))


def ordered(key: str) -> bytes:
    """What keys are sorted by."""
    return key.encode("utf-8", "surrogateescape")


def just_before(key: str) -> str:
    """A key before `key` with (almost) nothing between them, to list from `key` on with start-after.

    `ab` gives `aa` and the last code point there is: what lies between is left out by whoever asked.
    """
    if not key or key[-1] == "\0":
        return key[:-1]
    before = ord(key[-1]) - 1
    return f"{key[:-1]}{chr(0xD7FF if 0xD800 <= before <= 0xDFFF else before)}{_LAST}"


def page_of(body: bytes, bucket: str, uri: str, *, by_folder: bool = False) -> Page:
    """Reads an answer.

    Its <Contents> are cut out and their fields found as text where that is safe (keys encoded as asked, no attributes):
    3 microseconds a key, where an XML parser and its elements take 8.

    Raises:
        TransientError: It isn't XML.
    """
    head, *pieces = body.decode(errors="replace").split("<Contents>") if _ENCODED in body else [""]
    cut = [piece.partition("</Contents>") for piece in pieces]
    safe = bool(cut) and all(end for _, end, _ in cut)
    root = xml_of("".join([head, *(rest for _, _, rest in cut)]).encode() if safe else body, uri, "list")
    quoted = root.findtext("{*}EncodingType") == "url"
    keys = [_from_text(block, bucket) for block, _, _ in cut] if safe else list(_from_xml(root, bucket, quoted))
    folders = [_key(item.text or "", quoted) for item in root.iterfind("{*}CommonPrefixes/{*}Prefix")]
    return Page(keys, folders, root.findtext("{*}NextContinuationToken") or "", by_folder)


def _page(bucket: S3Bucket, question: Question, token: str) -> Page:
    # Always said: S3 gives no more than 1,000, but others may (JuiceFS 4,371), of which a range would need but some.
    query = {"list-type": "2", "prefix": question.prefix, "encoding-type": "url", "max-keys": str(question.page_keys)}
    if question.folders:
        query["delimiter"] = "/"
    if token:
        query["continuation-token"] = token
    elif question.after:
        query["start-after"] = question.after
    answer = bucket.send(Asked("GET", None, query))
    uri = bucket.uri(question.prefix)
    by_folder = answer.headers.get("server", "").startswith("SeaweedFS")
    return page_of(checked(answer, uri, "list"), bucket.name, uri, by_folder=by_folder)


def _from_xml(root: Element, bucket: str, quoted: bool) -> Iterator[tuple[str, ObjectInfo]]:
    for item in root.iterfind("{*}Contents"):
        values = {child.tag.rpartition("}")[2]: child.text or "" for child in item}
        key = _key(values.get("Key", ""), quoted)
        yield _object(key, bucket, values.get("Size", ""), values.get("ETag", ""), values.get("LastModified", ""))


def _from_text(block: str, bucket: str) -> tuple[str, ObjectInfo]:
    etag = _field(block, "<ETag>", "</ETag>").replace("&quot;", '"').replace("&#34;", '"')
    size, modified = _field(block, "<Size>", "</Size>"), _field(block, "<LastModified>", "</LastModified>")
    return _object(_key(_field(block, "<Key>", "</Key>"), quoted=True), bucket, size, etag, modified)


def _field(block: str, before: str, behind: str) -> str:
    return block.partition(before)[2].partition(behind)[0]


def _object(key: str, bucket: str, size: str, etag: str, modified: str) -> tuple[str, ObjectInfo]:
    seconds = _timestamp(modified or "1970-01-01T00:00:00Z")
    return key, ObjectInfo(f"s3://{bucket}/{key}", int(size or -1), etag.strip('"'), seconds)


def _key(text: str, quoted: bool) -> str:
    if not quoted:
        return text
    return unquote_plus(text, errors="surrogateescape") if "+" in text else unquote(text, errors="surrogateescape")


@functools.lru_cache(maxsize=4096)
def _timestamp(text: str) -> float:
    return dt.datetime.fromisoformat(text).timestamp()
