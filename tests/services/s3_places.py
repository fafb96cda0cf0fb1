"""Empty buckets on the S3 servers of the tests: SeaweedFS, which checks, and moto, which takes every key."""

import itertools
from typing import NamedTuple

import google_crc32c

from tests.servers.s3 import S3Server
from transforms.core.objects.access import StoreAccess
from transforms.core.objects.details import Checksums
from transforms.core.objects.s3 import S3Store

_numbers = itertools.count()


class Place(NamedTuple):
    root: str
    store: S3Store
    server: S3Server
    bucket: str

    def uri(self, key: str) -> str:
        return self.root + key


def new_place(server: S3Server, endpoint: str = "", **access) -> Place:
    """An empty bucket; `endpoint` names a proxy in front of the server."""
    bucket = server.make_bucket(f"copy-{next(_numbers)}")
    store = S3Store(bucket, StoreAccess(endpoint_url=endpoint or server.endpoint, **access))
    return Place(f"s3://{bucket}/", store, server, bucket)


def crc32c_of(data: bytes) -> str:
    return f"{google_crc32c.value(data):08x}"


def checksums_of(data: bytes) -> Checksums:
    return Checksums(crc32c=crc32c_of(data))
