"""Buckets of a GCS server behind the fault proxy, as copying sees them, and what an object may carry."""

from __future__ import annotations

import hashlib
import itertools

import google_crc32c

from transforms.core.objects.access import (
    StoreAccess,
)
from transforms.core.objects.details import ANY, NO_CHECKSUMS, Attributes, Checksums
from transforms.core.objects.store import open_copy_store

EVERYTHING = Attributes(
    "text/csv",
    "",
    "inline",
    "de",
    "no-store",
    "NEARLINE",
    (("a", "b c"), ("mtime", "1700000000.25")),
    (),
    1700000000.25,
)
PLAIN = Attributes()
AS_JSON = {"content-type": "application/json"}
_numbers = itertools.count()


class Bucket:
    def __init__(self, root, endpoint):
        self.root = root
        self.store = open_copy_store(root, StoreAccess(endpoint_url=endpoint))

    def put(self, key, data=b"new", condition=ANY, attributes=PLAIN, checksums=NO_CHECKSUMS):
        return self.store.put(self.root + key, data, attributes, checksums, condition)

    def keys(self, start="", stop="", limit=0, below=""):
        root = self.root + below
        return [one.info.uri.removeprefix(root) for one in self.store.list_range(root, start, stop, limit=limit)]

    def upload(self, key, data, part_bytes, condition=ANY, attributes=PLAIN):
        """Begins, sends all parts; returns the upload and its parts."""
        upload = self.store.begin(self.root + key, attributes, condition, len(data))
        cuts = enumerate(range(0, len(data), part_bytes), start=1)
        parts = [
            self.store.put_part(upload, number, start, data[start : start + part_bytes], NO_CHECKSUMS)
            for number, start in cuts
        ]
        return upload, parts


def new_name(gcs_server) -> str:
    return gcs_server.make_bucket(f"copy-bucket-{next(_numbers)}")


def empty_bucket(gcs_server, fault_proxy, monkeypatch) -> Bucket:
    """An empty bucket behind the fault proxy."""
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    name = new_name(gcs_server)
    fault_proxy.reset(gcs_server.endpoint)
    return Bucket(f"gs://{name}/", fault_proxy.endpoint)


def sums(data: bytes) -> Checksums:
    return Checksums(md5=hashlib.md5(data).hexdigest(), crc32c=google_crc32c.Checksum(data).digest().hex())
