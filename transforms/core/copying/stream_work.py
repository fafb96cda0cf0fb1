"""Works one batch of a stream: what its notices name and the source holds now is copied, and accounted for.

A batch that was begun is finished, also when the run is asked to stop: only the stream's head ends then.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from transforms.core import interrupt
from transforms.core.copying.outcome_lines import Item, tell
from transforms.core.copying.stream_attempts import Present, copy_present
from transforms.core.copying.stream_log import StreamLog
from transforms.core.copying.stream_source import relative_key
from transforms.core.copying.workshop import stores_of
from transforms.core.in_flight import Finished, InFlight
from transforms.core.outcome import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transforms.core.copying.attempts import Attempt
    from transforms.core.copying.copy_settings import CopySettings
    from transforms.core.copying.workshop import Workshop
    from transforms.core.run_folder import RunFolder
    from transforms.core.streams.notice import Notice
    from transforms.core.streams.stream_part import BatchTotals

STEP = "CopyStream"


class Notices(NamedTuple):
    """What a batch says of one object.

    Attributes:
        uri: Its address.
        key: Relative to the source.
        versions: As told; "" where not told.
    """

    uri: str
    key: str
    versions: list[str]


def copy_batch(batch: Sequence[Notice], settings: CopySettings, folder: RunFolder, shop: Workshop) -> BatchTotals:
    """Copies what a batch's notices name, as it stands in the source now, and writes the batch's part.

    | what a notice names | becomes |
    |---|---|
    | what the source doesn't hold by name, or the filters don't let through | nothing: it is no item of the run |
    | the version that is there | an item |
    | an older version | counted as outdated; what is there is an item |
    | what is gone | counted as outdated; no item |
    | what another notice of the batch named | counted as a duplicate |
    | what stands at the destination already | an item, skipped (done, if an attempt at this batch did it) |

    An object that fails fails alone. Delivery: a repeated batch, or another one with the same objects, finds them at
    the destination. Nothing is left over when the run is asked to stop (only when it is given up).

    Args:
        batch: Of one source; duplicates, late and wrong ones among them.
        settings: The copy's.
        folder: Takes the batch's part.
        shop: The process's.
    """
    with interrupt.finishing():
        return _Work(batch, settings, folder, shop).run()


def counted(versions: Sequence[str], present: str | None) -> tuple[int, int]:
    """How many notices of one object are (duplicates, outdated).

    | versions told | there is | duplicates | outdated |
    |---|---|---|---|
    | `a` | `a` | 0 | 0 |
    | `a`, `a` | `a` | 1 | 0 |
    | `a`, not told | `a` | 1 | 0 |
    | `a`, `b`, `a` | `b` | 1 | 1 |
    | `a` | `b` | 0 | 1 |
    | `a`, `b`, `b` | nothing | 1 | 2 |
    | not told | nothing | 0 | 1 |

    Args:
        versions: As told; "" where not told.
        present: The version that is there; None where nothing is.
    """
    distinct = {version or present or "" for version in versions}
    return len(versions) - len(distinct), len(distinct - {present})


class _Work:
    """One batch under way."""

    def __init__(self, batch: Sequence[Notice], settings: CopySettings, folder: RunFolder, shop: Workshop) -> None:
        self.batch, self.settings, self.shop = batch, settings, shop
        self.stores = stores_of(settings)
        self.log = StreamLog(folder, batch, STEP)
        self.flight: InFlight[Notices] = InFlight(shop.pool)
        self.duplicates = self.outdated = 0

    def run(self) -> BatchTotals:
        for named in self._named():
            call = partial(copy_present, named.uri, named.key, self.settings, self.stores, self.shop.budget)
            self.flight.submit(call, named)
            for finished in self.flight.ready():
                self._take(finished)
        for finished in self.flight.drain():
            self._take(finished)
        return self.log.close(self.duplicates, self.outdated)

    def _named(self) -> list[Notices]:
        """The objects of the source that the batch names, each once."""
        found: dict[str, Notices] = {}
        for notice in self.batch:
            key = relative_key(notice.uri, self.settings.source.uri)
            if key is not None:
                named = found.setdefault(notice.uri, Notices(notice.uri, key, []))
                named.versions.append(notice.version)
        return list(found.values())

    def _take(self, finished: Finished[Notices]) -> None:
        named = finished.context
        seen: Present = finished.value or Present(None, None)
        told = ObjectInfo(named.uri, -1, named.versions[-1], 0.0)
        item = Item(_sized(seen.info or told, seen.attempt), self.settings.destination.uri + named.key)
        if not finished.started:
            self.log.plan(item)
            self.log.idle(item, "not_started")
            return
        known = seen.info is not None or seen.attempt is None
        duplicates, outdated = counted(named.versions, seen.info and seen.info.etag) if known else (0, 0)
        self.duplicates += duplicates
        self.outdated += outdated
        if seen.attempt is not None:
            self.log.plan(item)
            tell(self.log, item, seen.attempt)


def _sized(info: ObjectInfo, attempt: Attempt | None) -> ObjectInfo:
    """With the bytes that came, where the source doesn't tell its size."""
    if info.size_bytes >= 0 or attempt is None or attempt.copied is None:
        return info
    return info._replace(size_bytes=attempt.copied.bytes_through)
