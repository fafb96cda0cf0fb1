"""From the notices of a batch to the objects that are there now: each once, in the order of their addresses."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from transforms.core import interrupt
from transforms.core.errors import HornbeamError, InterruptedRunError
from transforms.core.objects.access import MissingError
from transforms.core.objects.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from transforms.core.objects.access import StoreAccess
    from transforms.core.outcome import ObjectInfo
    from transforms.core.streams.notice import Notice

_LOOKS_AT_ONCE = 8


class Unseen(NamedTuple):
    """An object that couldn't be looked at: the last notice of it, and why."""

    notice: Notice
    error: HornbeamError


class Seen(NamedTuple):
    """What the notices of a batch come to.

    Attributes:
        files: The objects that are there, by address.
        unseen: Those that nobody could look at.
        duplicates: Notices that named what another one named.
        outdated: Notices of objects that are gone, or are another version by now.
    """

    files: tuple[ObjectInfo, ...]
    unseen: tuple[Unseen, ...]
    duplicates: int
    outdated: int


def look_up(batch: Sequence[Notice], access: StoreAccess) -> Seen:
    """Looks at every object that a batch tells of.

    Args:
        batch: Its notices; what they say of an object may be old.
        access: How to reach the objects.
    """
    distinct = {notice.identity: notice for notice in sorted(batch, key=lambda notice: notice.learnt)}
    by_address: dict[str, list[Notice]] = defaultdict(list)
    for notice in distinct.values():
        by_address[notice.uri].append(notice)
    files, unseen, outdated = [], [], 0
    for uri, found in _heads(sorted(by_address), access):
        if isinstance(found, MissingError):
            outdated += len(by_address[uri])
        elif isinstance(found, HornbeamError):
            unseen.append(Unseen(by_address[uri][-1], found))
        else:
            files.append(found)
            outdated += count_outdated(by_address[uri], found)
    return Seen(tuple(files), tuple(unseen), len(batch) - len(distinct), outdated)


def _heads(uris: Sequence[str], access: StoreAccess) -> Iterator[tuple[str, ObjectInfo | HornbeamError]]:
    """Each object or why it can't be looked at, in order; several at once where each is a request."""

    def head(uri: str) -> ObjectInfo | HornbeamError:
        try:
            return open_store(uri, access).head(uri)
        except InterruptedRunError:
            raise
        except HornbeamError as error:
            return error

    if all(uri.startswith("file://") for uri in uris):
        yield from ((uri, head(uri)) for uri in uris)
        return
    with ThreadPoolExecutor(min(_LOOKS_AT_ONCE, len(uris))) as threads:
        yield from zip(uris, threads.map(interrupt.carried(head), uris), strict=True)


def count_outdated(notices: Iterable[Notice], info: ObjectInfo) -> int:
    """How many notices tell of another version than the one that is there.

    | version told | the object's mark | outdated |
    |--------------|-------------------|----------|
    | none         | any               | no       |
    | any          | none              | no       |
    | X            | X                 | no       |
    | X            | Y                 | yes      |

    Args:
        notices: Of one object.
        info: The object as it is now.
    """
    return sum(1 for notice in notices if info.etag and notice.version not in ("", info.etag))


def identity_of(info: ObjectInfo) -> str:
    """The identity (as `Notice.identity`) of the version that is there, whatever the notices said of it."""
    return f"{info.uri}\n{info.etag}"
