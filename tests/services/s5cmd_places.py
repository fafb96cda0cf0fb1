"""Places on an S3 server for the tests of s5cmd, what is planned there, and what stands there."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from transforms.core.copying.copy_settings import CopySettings, Side
from transforms.core.copying.planned_copy import PlannedCopy
from transforms.core.objects.access import StoreAccess
from transforms.core.objects.details import NO_CHECKSUMS, Listed
from transforms.core.outcome import ObjectInfo

if TYPE_CHECKING:
    from tests.servers.s3 import S3Server


def own_places(server: S3Server, test: str) -> tuple[str, str]:
    """A source and a destination prefix of the test's own."""
    name = f"{zlib.crc32(test.encode()):x}"
    return f"s3://{server.make_bucket('s5cmd-from')}/{name}/", f"s3://{server.make_bucket('s5cmd-to')}/{name}/"


def settings(places: tuple[str, str], endpoint: str, **more: object) -> CopySettings:
    access = StoreAccess(endpoint_url=endpoint)
    return CopySettings(Side(places[0], access), Side(places[1], access))._replace(**more)


def put(server: S3Server, uri: str, body: bytes, **more: object) -> None:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    server.client().put_object(Bucket=bucket, Key=key, Body=body, **more)


def got(server: S3Server, uri: str) -> dict | None:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    client = server.client()
    try:
        answer = client.get_object(Bucket=bucket, Key=key)
    except client.exceptions.NoSuchKey:
        return None
    return answer | {"Body": answer["Body"].read()}


def plan(places: tuple[str, str], keys: list[str], *, existing: Listed | None = None) -> list[PlannedCopy]:
    return [
        PlannedCopy(Listed(ObjectInfo(places[0] + key, 1, "", 0.0)), places[1] + key, existing, "missing", NO_CHECKSUMS)
        for key in keys
    ]
