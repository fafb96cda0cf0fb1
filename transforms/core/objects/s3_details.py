"""What S3's headers tell of an object, and the headers that tell S3: attributes, checksums, ETags. Pure.

Metadata that isn't plain ASCII travels as RFC 2047 says (`=?UTF-8?B?…?=`), which is what S3 itself does with it.
"""

from __future__ import annotations

import base64
import binascii
import email.errors
import email.header
import functools
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from transforms.core.errors import PermanentError
from transforms.core.objects import exchange
from transforms.core.objects.details import Attributes, Checksums, ObjectDetails
from transforms.core.objects.s3_answers import unquoted
from transforms.core.outcome import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHMS = ("sha256", "sha1", "crc64nvme", "crc32c")  # strongest first
META = "x-amz-meta-"
_MD5 = re.compile(r"[0-9a-f]{32}")
_MULTIPART = re.compile(r"[0-9a-f]{32}-[1-9][0-9]*")
_PLAIN = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HEADERS = {
    "content_type": "content-type",
    "content_encoding": "content-encoding",
    "content_disposition": "content-disposition",
    "content_language": "content-language",
    "cache_control": "cache-control",
    "storage_class": "x-amz-storage-class",
}


def attribute_headers(attributes: Attributes) -> dict[str, str]:
    """The headers that give an object its attributes.

    Raises:
        PermanentError: A value holds control characters.
    """
    headers = {}
    for field, name in _HEADERS.items():
        if value := getattr(attributes, field):
            headers[name] = _one_line(name, value)
    for name, value in attributes.user:
        if not _TOKEN.fullmatch(name):
            raise PermanentError(f"the name of the metadata {name!r} holds characters that no header can carry")
        headers[f"{META}{name}"] = value if _PLAIN.fullmatch(value) else _mail_safe(value)
    if attributes.mtime and f"{META}mtime" not in headers:
        headers[f"{META}mtime"] = f"{attributes.mtime:.9f}".rstrip("0").rstrip(".")
    if attributes.tags:
        headers["x-amz-tagging"] = "&".join(
            f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in attributes.tags
        )
    return headers


def attributes_of(headers: Mapping[str, str]) -> Attributes:
    """The attributes that an answer's headers tell; without tags, which no HEAD tells."""
    user = tuple(sorted((name[len(META) :], _read(value)) for name, value in headers.items() if name.startswith(META)))
    plain: dict[str, Any] = {field: _utf8(headers.get(name, "")) for field, name in _HEADERS.items()}
    return Attributes(**plain, user=user, mtime=_seconds(dict(user).get("mtime", "")))


def checksums_of(headers: Mapping[str, str], *, md5_etags: bool = True) -> Checksums:
    """The checksums that an answer's headers tell.

    | ETag | server-side encryption | told as |
    |---|---|---|
    | 32 hex digits | none, AES256 | md5 |
    | 32 hex digits | aws:kms, aws:kms:dsse, customer's key; directory bucket | nothing: it isn't one |
    | 32 hex digits-count | none, AES256 | multipart_etag |

    | x-amz-checksum-… | x-amz-checksum-type | told as |
    |---|---|---|
    | base64 | FULL_OBJECT, or none and the ETag isn't a multipart one | its own field, as hex |
    | base64-count | any | composite |
    | base64 | COMPOSITE, or none and the ETag is a multipart one | nothing: its parts' number is unknown |
    """
    etag = unquoted(headers.get("etag"))
    kms = headers.get("x-amz-server-side-encryption", "").startswith("aws:")
    honest = md5_etags and not kms and "x-amz-server-side-encryption-customer-algorithm" not in headers
    by_parts = headers.get("x-amz-checksum-type", "COMPOSITE" if "-" in etag else "FULL_OBJECT") != "FULL_OBJECT"
    known: dict[str, str] = {}
    for name in ALGORITHMS:
        value = headers.get(f"x-amz-checksum-{name}", "")
        if "-" in value:
            known.setdefault("composite", f"{name}:{value}")
        elif value and not by_parts:
            known[name] = hex_of(value)
    if honest and _MD5.fullmatch(etag):
        known["md5"] = etag
    if honest and _MULTIPART.fullmatch(etag):
        known["multipart_etag"] = etag
    return Checksums(**known)


def details_of(uri: str, headers: Mapping[str, str], size_bytes: int, *, md5_etags: bool = True) -> ObjectDetails:
    """An object as the headers of a HEAD or of a whole GET tell of it."""
    info = ObjectInfo(uri, size_bytes, unquoted(headers.get("etag")), _http_time(headers.get("last-modified")))
    checksums = checksums_of(headers, md5_etags=md5_etags)
    part_bytes = size_bytes if info.etag.endswith("-1") else 0
    return ObjectDetails(info, attributes_of(headers), checksums, part_bytes)


def part_count(etag: str) -> int:
    """How many parts an ETag tells of; 0 for an object written in one piece."""
    count = etag.rpartition("-")[2] if "-" in etag else ""
    return int(count) if count.isdigit() else 0


def uniform_part_bytes(size_bytes: int, count: int, first_bytes: int) -> int:
    """The size of all parts but the last, given the first one's; 0 when they can't all have it."""
    fits = count > 1 and (count - 1) * first_bytes < size_bytes <= count * first_bytes
    return first_bytes if fits else 0


def checksum_headers(checksums: Checksums) -> dict[str, str]:
    """The headers with which a server checks a body: Content-MD5, and one of its own kinds (S3 takes no two)."""
    headers = {"content-md5": base64_of(checksums.md5)} if checksums.md5 else {}
    for name in ("crc32c", "crc64nvme", "sha256", "sha1"):
        if value := getattr(checksums, name):
            return {**headers, f"x-amz-checksum-{name}": base64_of(value)}
    return headers


def crc32c(data: bytes) -> str:
    """The CRC32C of some bytes as base64: 2.7 microseconds for 64 KiB (google-crc32c; its SHA-256: 41)."""
    import google_crc32c  # noqa: PLC0415 - listing and reading do without

    return base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()


def encoded_source(bucket: str, key: str) -> str:
    """An object as `x-amz-copy-source` names it."""
    return quote(f"{bucket}/{key}", safe="/-_.~", errors="surrogateescape")


def base64_of(text: str) -> str:
    """Hex as base64."""
    return base64.b64encode(bytes.fromhex(text)).decode()


def hex_of(text: str) -> str:
    """Base64 as hex; "" when it is none."""
    try:
        return base64.b64decode(text, validate=True).hex()
    except binascii.Error:
        return ""


_http_time = functools.lru_cache(maxsize=1024)(exchange.http_time)  # objects of one run share their seconds


def _one_line(name: str, value: str) -> str:
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
        raise PermanentError(f"{name} {value!r} holds control characters, which no header can carry")
    return value


def _mail_safe(value: str) -> str:
    return f"=?UTF-8?B?{base64.b64encode(value.encode()).decode()}?=" if value else ""


def _read(value: str) -> str:
    """A metadata value: RFC 2047 as S3 answers, or UTF-8 as other servers do."""
    if "=?" not in value:
        return _utf8(value)
    try:
        return str(email.header.make_header(email.header.decode_header(value)))
    except (email.errors.HeaderParseError, LookupError, UnicodeDecodeError):
        return value


def _utf8(value: str) -> str:
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError:
        return value


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
