"""Listed objects for tables: small, with what a test needs to say of them."""

from __future__ import annotations

from transforms.core.objects.details import NO_CHECKSUMS, Listed
from transforms.core.outcome import ObjectInfo


def listed(key="k", size=1, etag="", modified=0.0, checksums=NO_CHECKSUMS, mtime=0.0, prefix="s3://b/p/", written=0.0):
    return Listed(ObjectInfo(f"{prefix}{key}", size, etag, modified), checksums, mtime, written)


def key_order(key):
    return key.encode("utf-8", "surrogateescape")
