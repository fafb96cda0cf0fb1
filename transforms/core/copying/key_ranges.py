"""Cuts the keys below a prefix into ranges of some thousands, from a few small samples of their listing.

Ranges are cut by texts: disjoint, in order and without gaps whatever the listing says or becomes; only their sizes are
guesses. Two requests for up to 2,000 keys, 0.5 to 3.5 per 1,000 beyond (22 for 20,000 numbered names, 84 for 100,000).
Of more than 100,000,000 keys the ranges are larger (range_sizes.py).
"""

from __future__ import annotations

import os.path
import sys
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Final, NamedTuple

from transforms.core import interrupt
from transforms.core.copying.key_merge import key_bytes
from transforms.core.copying.key_space import KeyScale, folder_end
from transforms.core.copying.range_sizes import DEFAULT_SIZES, KeyRange, RangeSizes, fitted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transforms.core.objects.details import Listed
    from transforms.core.objects.store import CopyStore

__all__ = ["DEFAULT_SIZES", "KeyRange", "RangeSizes", "plan_ranges"]

PAGE_KEYS: Final = 1000
_LOOK_KEYS: Final = 10
_MOST_VAIN: Final = 3  # samples in a row that found nothing; then keys are counted one by one
_ODD: Final = (
    4  # times as many keys as expected, or as few: the sample lies in a small crowd or a gap; a larger one tells more
)


class _Segment(NamedTuple):
    """Keys still to be cut: from `start` to `stop`, none of them from `top` on; `sample` holds the first ones.

    `ended`: and there are no more. `vain`: samples in a row that found nothing. `known`: other keys that were seen.
    """

    start: str
    stop: str
    top: str
    sample: tuple[str, ...]
    ended: bool
    vain: int
    known: tuple[str, ...] = ()


def plan_ranges(
    store: CopyStore, prefix: str, *, sizes: RangeSizes = DEFAULT_SIZES, max_concurrent: int = 8
) -> list[KeyRange]:
    """Cuts all that is or may come below a prefix into ranges; the same keys give the same ranges.

    A disk is walked once instead: there every sample would read its whole folder.

    Args:
        store: Where the keys are.
        prefix: Absolute address of what is cut.
        sizes: How finely.
        max_concurrent: Requests at once.

    Returns:
        One range or more, in key order; the first starts at "", the last stops at "".

    Raises:
        PermanentError: The listing failed for good (and its kinds).
        TransientError: It failed more often than the retries allow.
        InterruptedRunError: The run was asked to stop.
    """
    if prefix.startswith("file:"):
        return _walked(store, prefix, sizes)
    planner = _Planner(store, prefix, sizes)
    first = planner.keys("", "", sizes.small_keys)
    if len(first) < sizes.small_keys:
        return [KeyRange("", "", len(first))]
    whole = planner.whole(tuple(first))
    found = _all_ranges(planner, whole, max_concurrent, sizes.fine_ranges)
    if found is None:
        planner = _Planner(store, prefix, sizes.grown())
        found = _all_ranges(planner, whole, max_concurrent, sys.maxsize) or []
    return fitted(sorted(found, key=lambda piece: key_bytes(piece.start)), planner.sizes)


def _all_ranges(planner: _Planner, whole: _Segment, max_concurrent: int, most: int) -> list[KeyRange] | None:
    """Everything cut, in any order; None when that makes too many. The last segment is cut first: few wait."""
    found: list[KeyRange] = []
    waiting = [whole]
    pending: set[Future[list[KeyRange | _Segment]]] = set()
    with ThreadPoolExecutor(max_concurrent, "plan-ranges") as pool:
        while (waiting or pending) and len(found) <= most:
            while waiting and len(pending) < max_concurrent:
                pending.add(pool.submit(planner.cut, waiting.pop()))
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for piece in (piece for future in done for piece in future.result()):
                if isinstance(piece, KeyRange):
                    found.append(piece)
                else:
                    waiting.append(piece)
    return found if len(found) <= most else None


class _Planner:
    """The steps of cutting, each with a request or two (or one count). Thread-safe."""

    def __init__(self, store: CopyStore, prefix: str, sizes: RangeSizes) -> None:
        self._store, self._prefix, self.sizes = store, prefix, sizes

    def keys(self, start: str, stop: str, limit: int) -> list[str]:
        listing = self._store.list_range(self._prefix, start, stop, limit=limit)
        return [listed.info.uri[len(self._prefix) :] for listed in _unless_stopped(listing)]

    def whole(self, first: tuple[str, ...]) -> _Segment:
        """Everything; what the first keys have in common, and all others too, is found by halving: pages of one."""
        common = os.path.commonprefix([first[0], first[-1]])  # noqa: RUF071 - characters are meant
        shared, most, seen = 0, len(common), set[str]()
        while shared < most:
            length = (shared + most + 1) // 2
            behind = self.keys(_behind(common[:length]), "", 1)
            shared, most = (shared, length - 1) if behind else (length, most)
            seen.update(behind)
        top = _behind(common[:shared]) if shared else ""
        return _Segment("", "", top, first, ended=False, vain=0, known=tuple(sorted(seen)))

    def cut(self, segment: _Segment) -> list[KeyRange | _Segment]:
        """One step: a finished range, or smaller segments.

        | segment | step |
        |---|---|
        | its sample reached its end | a range |
        | nothing to cut at, or three samples in vain | count keys |
        | no key in its upper half, few guessed in its lower | a range |
        | no key in its upper half, many guessed | the lower half, one more in vain |
        | few keys guessed in both halves, by a sample of each | a range |
        | else | two segments, cut at the first key of the upper half |
        """
        if segment.ended:
            return [KeyRange(segment.start, segment.stop, len(segment.sample))]
        scale = _scale(segment)
        place = _place(segment, scale) if segment.vain < _MOST_VAIN else None
        if place is None:
            return self._counted(segment)
        about, most = _about(scale, segment), self.sizes.range_keys
        upper = self._sampled(place, segment, self.sizes.sample_keys)
        if upper.sample and not _inside(upper.start, segment):
            return self._counted(segment)
        if not upper.sample:
            lower = segment._replace(top=place, vain=segment.vain + 1)
            return [KeyRange(segment.start, segment.stop, about) if about <= most else lower]
        upper_about = _about(_scale(upper), upper)
        expected = about * scale.between(upper.start, "") // max(scale.between(segment.sample[0], ""), 1)
        if not upper.ended and not expected <= _ODD * upper_about <= _ODD * _ODD * expected:
            upper = self._sampled(upper.start, segment, PAGE_KEYS)
            upper_about = _about(_scale(upper), upper)
        if about <= most and upper_about <= most and (segment.top or upper.ended):
            return [KeyRange(segment.start, segment.stop, max(about, upper_about))]
        return _halves(segment, place, upper)

    def _sampled(self, place: str, segment: _Segment, limit: int) -> _Segment:
        sample = self.keys(place, segment.top, limit)
        start = sample[0] if sample else place
        return _Segment(start, segment.stop, segment.top, tuple(sample), ended=len(sample) < limit, vain=0)

    def _counted(self, segment: _Segment) -> list[KeyRange | _Segment]:
        limit = self.sizes.range_keys
        keys = self.keys(segment.start, segment.top, limit + 1)
        if len(keys) <= limit or not _sound(keys[-1]) or not _inside(keys[-1], segment):
            return [KeyRange(segment.start, segment.stop, len(keys))]
        rest = self._sampled(keys[-1], segment, PAGE_KEYS)
        return [KeyRange(segment.start, rest.start, limit), rest]


def _inside(key: str, segment: _Segment) -> bool:
    """Whether a cut there makes both sides smaller; a listing that is out of order may offer others."""
    place = key_bytes(key)
    return key_bytes(segment.sample[0]) < place and (not segment.stop or place < key_bytes(segment.stop))


def _halves(segment: _Segment, place: str, upper: _Segment) -> list[KeyRange | _Segment]:
    """Two segments; a half that turns out to be tiny makes the other half's sample one in vain."""
    start = key_bytes(upper.start)
    below = tuple(key for key in segment.sample if key_bytes(key) < start)
    ended = len(below) < len(segment.sample)
    lower = _Segment(segment.start, upper.start, place, below, ended, segment.vain + 1 if upper.ended else 0)
    return [lower, upper._replace(vain=segment.vain + 1 if ended else 0)]


def _behind(prefix: str) -> str:
    """A text behind all keys with a prefix, with (almost) nothing between."""
    return prefix + "\U0010ffff"


def _scale(segment: _Segment) -> KeyScale:
    return KeyScale(segment.sample[0], segment.top, (*segment.known, *segment.sample))


def _place(segment: _Segment, scale: KeyScale) -> str | None:
    """Where to take a sample: half-way, or (every other time) where a folder ends."""
    end = folder_end(segment.sample[-1], segment.sample[0], segment.top)
    return (end or scale.middle()) if segment.vain % 2 else (scale.middle() or end)


def _about(scale: KeyScale, segment: _Segment) -> int:
    """How many keys there are, if they go on as densely as in the sample."""
    if segment.ended:
        return len(segment.sample)
    sampled = scale.between(segment.sample[0], segment.sample[-1])
    whole = scale.between(segment.sample[0], "")
    return len(segment.sample) * whole // sampled if sampled else whole


def _walked(store: CopyStore, prefix: str, sizes: RangeSizes) -> list[KeyRange]:
    found: list[KeyRange] = []
    start, count = "", 0
    for listed in _unless_stopped(store.list_range(prefix, "", "")):
        key = listed.info.uri[len(prefix) :]
        if count >= sizes.range_keys and key_bytes(key) > key_bytes(start) and _sound(key):
            found.append(KeyRange(start, key, count))
            start, count = key, 0
        count += 1
    return fitted([*found, KeyRange(start, "", count)], sizes)


def _unless_stopped(listing: Iterator[Listed]) -> Iterator[Listed]:
    for number, listed in enumerate(listing):
        if number % _LOOK_KEYS == 0:
            interrupt.check()
        yield listed


def _sound(key: str) -> bool:
    """Whether a key is text: a boundary travels between processes."""
    return key.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in key)
