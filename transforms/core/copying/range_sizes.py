"""How finely keys are cut into ranges, and the joining of ranges: no copy has more of them than a shuffle may carry."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

SMALL_KEYS: Final = 2000
RANGE_KEYS: Final = 5000
MOST_RANGES: Final = 100_000  # on an in-process engine each element in a shuffle takes 1 KiB and 25 microseconds


class KeyRange(NamedTuple):
    """A range of relative keys.

    Attributes:
        start: First key (inclusive); "" for the beginning of everything.
        stop: Key behind the last; "" for no end.
        about_keys: How many keys to expect, roughly; never relied on.
    """

    start: str
    stop: str
    about_keys: int


class RangeSizes(NamedTuple):
    """How finely the keys are cut.

    Attributes:
        small_keys: Up to so many keys are one range.
        range_keys: Keys wanted in a range; where names are uneven, some hold several times as many.
        sample_keys: Keys in a sample.
        most_ranges: Never more ranges than these: of very many keys, each gets more.
    """

    small_keys: int = SMALL_KEYS
    range_keys: int = RANGE_KEYS
    sample_keys: int = 100
    most_ranges: int = MOST_RANGES

    @property
    def fine_ranges(self) -> int:
        """Up to so many are cut as finely as wanted (by default 100,000,000 keys); for more keys, `grown` does."""
        return self.most_ranges // 5

    def grown(self) -> RangeSizes:
        """For very many keys: a quarter as many ranges, and of the requests that cut them."""
        return self._replace(range_keys=self.range_keys * 4)


DEFAULT_SIZES: Final = RangeSizes()


def fitted(ranges: Sequence[KeyRange], sizes: RangeSizes) -> list[KeyRange]:
    """Neighbours made one: as long as they hold few keys together, and until there are no more than there may be.

    | keys, in ranges of 5,000 | ranges, by default | keys in one |
    |--------------------------|--------------------|-------------|
    | 1,000,000                | 200                | 5,000       |
    | 500,000,000              | 100,000            | 5,000       |
    | 10^9                     | 100,000            | 10,000      |
    | 2 x 10^9                 | 100,000            | 20,000      |
    | 10^10                    | 62,500             | 160,000     |

    Args:
        ranges: In key order, without gaps.
        sizes: What is wanted, and how many there may be.
    """
    most = sizes.range_keys
    found = _joined(ranges, most)
    while len(found) > sizes.most_ranges:
        most *= 2
        found = _joined(found, most)
    return found


def _joined(ranges: Sequence[KeyRange], most: int) -> list[KeyRange]:
    found = list(ranges[:1])
    for piece in islice(ranges, 1, None):
        last = found[-1]
        if last.about_keys + piece.about_keys <= most:
            found[-1] = KeyRange(last.start, piece.stop, last.about_keys + piece.about_keys)
        else:
            found.append(piece)
    return found
