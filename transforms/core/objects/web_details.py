"""What the headers of a web server's answer tell of a whole object. Pure, no I/O."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from transforms.core.objects.details import Attributes, Checksums

if TYPE_CHECKING:
    from collections.abc import Mapping

_SIZES = {"md5": 16, "crc32c": 4, "sha256": 32, "sha1": 20}
_DIGEST = re.compile(r"([A-Za-z0-9-]+)=:?([A-Za-z0-9+/]+=*)")


def attributes_of(headers: Mapping[str, str], modified: float) -> Attributes:
    """What a copy keeps; `modified` (Last-Modified, seconds since the epoch) is the file's own time there."""
    return Attributes(
        content_type=headers.get("content-type", ""),
        content_encoding=_encoding(headers),
        content_disposition=headers.get("content-disposition", ""),
        content_language=headers.get("content-language", ""),
        cache_control=headers.get("cache-control", ""),
        mtime=modified,
    )


def checksums_of(headers: Mapping[str, str]) -> Checksums:
    """The checksums that an answer with the whole object, or a HEAD, tells; what can't be read is left out.

    | header | read as |
    |---|---|
    | `Content-MD5: BASE64` | md5 |
    | `Repr-Digest: sha-256=:BASE64:`, `Digest: sha-256=BASE64, md5=BASE64` | sha256, md5, sha1, crc32c |
    | `X-Goog-Hash: crc32c=BASE64,md5=BASE64` (public GCS URLs) | crc32c, md5 |
    | `X-Checksum-Sha256: HEX` (package repositories), the object not encoded | sha256, sha1, md5 |
    | `ETag` | nothing: nobody promises what it is |
    """
    found: dict[str, str] = {}
    if not _encoding(headers):
        found |= {name: headers.get(f"x-checksum-{name}", "").lower() for name in ("md5", "sha1", "sha256")}
    found["md5"] = _hex(headers.get("content-md5", "")) or found.get("md5", "")
    for header in ("digest", "repr-digest", "x-goog-hash"):
        for name, text in _DIGEST.findall(headers.get(header, "")):
            if _plain(name) in _SIZES:
                found[_plain(name)] = _hex(text)
    good = {name: text for name, text in found.items() if re.fullmatch(f"[0-9a-f]{{{2 * _SIZES[name]}}}", text)}
    return Checksums(**good)


def _plain(name: str) -> str:
    return {"sha": "sha1"}.get(name.lower(), name.lower().replace("-", ""))


def _encoding(headers: Mapping[str, str]) -> str:
    encoding = headers.get("content-encoding", "")
    return "" if encoding.lower() == "identity" else encoding


def _hex(text: str) -> str:
    try:
        return base64.b64decode(text.strip(), validate=True).hex()
    except binascii.Error:
        return ""
