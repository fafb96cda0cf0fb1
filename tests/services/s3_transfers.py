"""Two buckets and a folder between which objects are transferred, directly or through the fault proxy."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.core.copying.copies import MIB, settings_for
from transforms.core import interrupt, pacing
from transforms.core.objects import store
from transforms.core.objects.access import (
    StoreAccess,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

PART = 5 * MIB
_numbers = itertools.count()


@contextmanager
def fresh_process() -> Iterator[None]:
    """No stop is asked for, nothing paces, no store is known, before and after."""
    interrupt.reset()
    store._opened.clear()
    yield
    interrupt.reset()
    pacing.limit(1)
    pacing.limit()  # forgets the slowness that a 503 of this test asked for


class Buckets:
    """A folder, and prefixes of two buckets on one server, each reached directly or through the proxy."""

    def __init__(self, server, proxy, folder):
        self.client, self.proxy, self.folder = server.client(), proxy, folder
        self.prefix = f"{next(_numbers)}/"
        self.source, self.destination = (server.make_bucket(f"transfer-{side}") for side in "ab")
        proxy.reset(server.endpoint)
        self.direct, self.through = StoreAccess(server.endpoint), StoreAccess(proxy.endpoint)
        self.apart = StoreAccess(f"{proxy.endpoint}#apart")  # the proxy, too: nothing tells that it is one server

    def settings(self, ends="s3 s3", source_access=None, destination_access=None, **more):
        """Between the two; by default the two sides have different endpoints, and the proxy stands at the source."""
        places = [
            f"s3://{bucket}/{self.prefix}" if kind == "s3" else f"file://{self.folder}/"
            for kind, bucket in zip(ends.split(), (self.source, self.destination), strict=True)
        ]
        more["source_access"] = source_access or self.through
        more["destination_access"] = destination_access or self.direct
        return settings_for(*places, part_bytes=PART, **more)

    def put(self, key, data, **more):
        self.client.put_object(Bucket=self.source, Key=self.prefix + key, Body=data, **more)

    def put_there(self, key, data):
        self.client.put_object(Bucket=self.destination, Key=self.prefix + key, Body=data)

    def found(self, key, **more):
        return self.client.get_object(Bucket=self.destination, Key=self.prefix + key, **more)

    def got(self, key):
        return self.found(key)["Body"].read()

    def there(self):
        uploads = self.client.list_multipart_uploads(Bucket=self.destination).get("Uploads", ())
        assert not [upload for upload in uploads if upload["Key"].startswith(self.prefix)]
        return self.keys()

    def keys(self):
        listing = self.client.list_objects_v2(Bucket=self.destination, Prefix=self.prefix)
        return [item["Key"].removeprefix(self.prefix) for item in listing.get("Contents", ())]
