"""What the tests of streams of copies share: notices of what is there, one batch's work, what its part says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transforms.core.copying.stream_source import SourceListing
from transforms.core.copying.stream_work import copy_batch
from transforms.core.copying.workshop import workshop
from transforms.core.streams.notice import LISTING, NOTIFICATION, Notice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transforms.core.copying.copy_settings import CopySettings
    from transforms.core.run_folder import RunFolder
    from transforms.core.streams.stream_part import BatchTotals


def listed(settings: CopySettings) -> list[Notice]:
    """As a poll gives them."""
    return [
        Notice(info.uri, info.etag, info.size_bytes, info.modified, 1.0, LISTING) for info in SourceListing(settings)()
    ]


def named(uri: str, version: str = "") -> Notice:
    """As a notification that tells little."""
    return Notice(uri, version, -1, 0.0, 1.0, NOTIFICATION)


def worked(batch: Sequence[Notice], settings: CopySettings, folder: RunFolder) -> BatchTotals:
    return copy_batch(batch, settings, folder, workshop(settings, 500))


def lines(folder: RunFolder, kind: str) -> list[dict[str, Any]]:
    return [line for line in folder.parts() if line["kind"] == kind]


def statuses(folder: RunFolder, source: str) -> dict[str, str]:
    """What the parts say of each object, by its key; an identity that a part tells of twice is a fault."""
    outcomes = lines(folder, "outcome")
    found = {line["of"]: line["status"] for line in outcomes}
    assert len(found) == len(outcomes), "an object's version is told of twice"
    return {of.partition("\n")[0].removeprefix(source): status for of, status in found.items()}
