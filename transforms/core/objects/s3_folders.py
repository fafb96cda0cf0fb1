"""Key ranges in byte order, also from SeaweedFS, which lists folder by folder: `a/…` before `a-b`, though `-` is less.

There each folder is listed by itself, and one whose name begins other names is held back until they have passed: a
few names in memory, one request more a folder.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, NamedTuple

from transforms.core.objects.s3_listing import (
    PAGE_KEYS,
    Question,
    just_before,
    listed,
    ordered,
    pages,
    rising,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transforms.core.objects.details import Listed
    from transforms.core.objects.s3_requests import S3Bucket
    from transforms.core.outcome import ObjectInfo


_SMALL_PAGE = 100


class KeyRange(NamedTuple):
    """Whole keys: from `start` (inclusive) to `stop` (exclusive; "" for no end), all of them below `prefix`."""

    prefix: str
    start: str
    stop: str

    def is_past(self, place: bytes) -> bool:
        """Whether a place in the order is behind it."""
        return bool(self.stop) and place >= ordered(self.stop)


def list_range(bucket: S3Bucket, prefix: str, start: str, stop: str, limit: int) -> Iterator[Listed]:
    """See `CopyStore.list_range`; the first answer of a bucket tells whose order it is."""
    wanted = KeyRange(prefix, prefix + start, prefix + stop if stop else "")
    keys = rising(_keys(bucket, wanted, limit), bucket.uri(prefix))
    first, last = ordered(wanted.start), ordered(wanted.stop)
    count = 0
    for key, info in keys:
        place = ordered(key)
        if last and place >= last:
            return
        if place >= first:
            yield listed(info, md5_etags=bucket.md5_etags)
            count += 1
            if count == limit:
                return


def _keys(bucket: S3Bucket, wanted: KeyRange, limit: int) -> Iterator[tuple[str, ObjectInfo]]:
    """A stream that holds the range, and maybe some keys before and behind it."""
    if bucket.lists_by_folder:
        yield from _below(bucket, wanted, wanted.prefix, max(limit, _SMALL_PAGE) if limit else PAGE_KEYS)
        return
    after = just_before(wanted.start) if wanted.start != wanted.prefix else ""
    page_keys = min(limit, PAGE_KEYS) if limit else PAGE_KEYS
    for number, page in enumerate(pages(bucket, Question(wanted.prefix, after, page_keys=page_keys))):
        if number == 0 and page.by_folder:
            bucket.lists_by_folder = True
            yield from _keys(bucket, wanted, limit)
            return
        yield from page.keys


def _below(bucket: S3Bucket, wanted: KeyRange, prefix: str, page_keys: int) -> Iterator[tuple[str, ObjectInfo]]:
    """What begins with `prefix`, folder after folder, in byte order.

    A folder's own name sorts before what begins with it, its keys (with their `/`) after some of that. So what a page
    brings waits until a name has been seen that is not less: whatever comes later is greater still.
    """
    waiting: list[tuple[bytes, str, ObjectInfo | None]] = []
    question = Question(prefix, first_name(prefix, wanted.start), folders=True, page_keys=page_keys)
    for page in pages(bucket, question):
        entries: list[tuple[bytes, str, ObjectInfo | None]] = [(ordered(key), key, info) for key, info in page.keys]
        entries += [(ordered(folder), folder, None) for folder in page.folders]
        for entry in entries:
            heapq.heappush(waiting, entry)
        seen = max((place.removesuffix(b"/") for place, _, _ in entries), default=b"")
        while waiting and waiting[0][0] <= seen:
            yield from _opened(bucket, wanted, heapq.heappop(waiting), page_keys)
        if waiting and seen and wanted.is_past(min(seen, waiting[0][0])):
            return
    while waiting:
        yield from _opened(bucket, wanted, heapq.heappop(waiting), page_keys)


def _opened(
    bucket: S3Bucket, wanted: KeyRange, entry: tuple[bytes, str, ObjectInfo | None], page_keys: int
) -> Iterator[tuple[str, ObjectInfo]]:
    """One entry: an object, or what a folder holds, where that may be in the range."""
    place, key, info = entry
    if info is not None:
        yield key, info
    elif not wanted.is_past(place) and (place >= ordered(wanted.start) or wanted.start.startswith(key)):
        yield from _below(bucket, wanted, key, page_keys)


def first_name(prefix: str, start: str) -> str:
    """Behind which key a folder's listing begins so that nothing from `start` on is missed.

    | prefix | start | begins just before |
    |---|---|---|
    | a/ | a/m | a/m |
    | a/ | a/m/n | a/m |
    | a/ | a/m-n | a/m: the keys of a folder m are greater than m-n |
    | a/ | a/, or before it | the beginning |
    """
    name = start.removeprefix(prefix).partition("/")[0] if start.startswith(prefix) else ""
    end = next((place for place, letter in enumerate(name) if letter < "/" and place), len(name))
    return just_before(prefix + name[:end]) if name else ""
