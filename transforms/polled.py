"""A splittable DoFn that polls: what a poll leaves to the next one is a name, however much was given out before.

Not Beam's `Watch`: there it is the list of all that was given out, and Flink's runner keeps what every poll left (its
issue 27648), so that checkpoints grew by polls times objects. Nor does its progress stand a split during the first poll
(NaN); here it is a fraction, whatever the bytes are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import apache_beam as beam
from apache_beam.coders import Coder, TimestampCoder
from apache_beam.io.iobase import RestrictionProgress, RestrictionTracker
from apache_beam.io.watermark_estimators import ManualWatermarkEstimator
from apache_beam.transforms.core import RestrictionProvider, WatermarkEstimatorProvider
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.timestamp import MIN_TIMESTAMP, Duration, Timestamp

from transforms.core.streams.polling import mark_of
from transforms.core.streams.seen import NOTHING, Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from transforms.core.run_folder import RunFolder
    from transforms.core.streams.notice import Notice

__all__ = ["PollAgainAndAgain", "Polled"]


class Polled(NamedTuple):
    """What one poll found.

    Attributes:
        notices: Of all that is there, given out before or not.
        at: When, seconds since the epoch: the event time.
        is_last: Whether the stream ends with it.
    """

    notices: Sequence[Notice]
    at: float
    is_last: bool


class Left(NamedTuple):
    """What a poll leaves to the next one: the restriction, all that an engine keeps.

    Attributes:
        seen: The newest segment's name (seen.py): what was given out.
        is_over: There is no next one.
    """

    seen: str
    is_over: bool


class LeftCoder(Coder):
    """17 bytes, or one while nothing was given out."""

    def encode(self, left: Left) -> bytes:
        """A digit and the name."""
        return f"{left.is_over:d}{left.seen}".encode("ascii")

    def decode(self, encoded: bytes) -> Left:
        """What was encoded."""
        return Left(encoded[1:].decode("ascii"), encoded[:1] == b"1")

    def is_deterministic(self) -> bool:
        """Equal ones are encoded equally."""
        return True


class Watermarks(WatermarkEstimatorProvider):
    """Set by hand, and kept in 8 bytes: Beam's own provider pickles them (115)."""

    def initial_estimator_state(self, _element: Any, _restriction: Left) -> Timestamp:
        """Before all."""
        return MIN_TIMESTAMP

    def create_watermark_estimator(self, state: Timestamp) -> ManualWatermarkEstimator:
        """One that stands where it stood."""
        return ManualWatermarkEstimator(state)

    def estimator_state_coder(self) -> Coder:
        """Of a timestamp."""
        return TimestampCoder()


class PollAgainAndAgain(beam.DoFn, RestrictionProvider):
    """Polls for an element until a poll is the last one, and yields the notices that it hasn't yielded before.

    A segment is written before a bundle that names it can be committed; one that is tried again goes on from the name
    that was committed, and yields again what was not.

    Args:
        poll: One poll.
        every_seconds: The pause between two polls.
        folder: The run's; takes the segments.
    """

    def __init__(self, poll: Callable[[Any], Polled], every_seconds: float, folder: RunFolder) -> None:
        super().__init__()
        self._poll, self._every_seconds, self._seen = poll, every_seconds, Seen(folder)

    def initial_restriction(self, _element: Any) -> Left:
        """Nothing was given out."""
        return Left(NOTHING, is_over=False)

    def create_tracker(self, restriction: Left) -> Tracker:
        """Of one poll."""
        return Tracker(restriction)

    def restriction_size(self, _element: Any, _restriction: Left) -> int:
        """One poll."""
        return 1

    def restriction_coder(self) -> Coder:
        """Small."""
        return LeftCoder()

    @beam.DoFn.unbounded_per_element()
    def process(
        self,
        element: Any,
        tracker: Any = beam.DoFn.RestrictionParam(),  # noqa: B008 - Beam asks for that
        watermark: Any = beam.DoFn.WatermarkEstimatorParam(Watermarks()),  # noqa: B008
    ) -> Iterator[TimestampedValue]:
        """One poll.

        Args:
            element: What to poll for.
            tracker: What was given out.
            watermark: That of the polls.

        Raises:
            PermanentError: A segment is gone.
        """
        before: Left = tracker.current_restriction()
        if before.is_over:
            tracker.try_claim(before)
            return
        polled = self._poll(element)  # before it is claimed: a slow poll keeps no engine waiting
        found = {mark_of(notice): notice for notice in polled.notices}
        new = self._seen.new(before.seen, found)
        if not tracker.try_claim(Left(self._seen.add(before.seen, new), polled.is_last)):
            # The engine took it away meanwhile; whoever goes on with it doesn't know of that segment.
            return
        for mark, notice in found.items():
            if mark in new:
                yield TimestampedValue(notice, polled.at)
        if not polled.is_last:
            watermark.set_watermark(max(watermark.current_watermark(), Timestamp.of(polled.at)))
            tracker.defer_remainder(Duration(self._every_seconds))


class Tracker(RestrictionTracker):
    """Of one poll, which is claimed with what it leaves.

    | a split                      | what is done         | what is left                  |
    |------------------------------|----------------------|-------------------------------|
    | before the claim             | nothing              | the poll                      |
    | after it                     | the poll             | what was claimed, for later   |
    | after that of the last poll  | (none: all is done)  |                               |
    | after another split          | (none)               |                               |

    What is done can't be done again from what it says: engines of streams commit it with its output, or do the whole
    bundle again.
    """

    def __init__(self, restriction: Left) -> None:
        self._restriction, self._rest, self._is_settled = restriction, restriction, False

    def current_restriction(self) -> Left:
        """What was given out before."""
        return self._restriction

    def try_claim(self, left: Left) -> bool:
        """Whether the poll counts; once at most.

        Args:
            left: What it leaves.
        """
        if self._is_settled:
            return False
        self._is_settled, self._rest = True, left
        return True

    def try_split(self, fraction_of_remainder: float) -> tuple[Left, Left] | None:
        """What is done, and what is left; None where nothing is.

        Args:
            fraction_of_remainder: Whatever: a poll is done or it isn't.
        """
        del fraction_of_remainder
        rest = self._rest
        if rest.is_over:
            return None
        self._restriction = self._rest = Left(rest.seen, is_over=True)
        self._is_settled = True
        return self._restriction, rest

    def current_progress(self) -> RestrictionProgress:
        """Nothing or all; by a fraction, since Beam has no number for bytes that aren't out yet."""
        return RestrictionProgress(fraction=float(self._is_settled))

    def check_done(self) -> bool:
        """Whether the poll was claimed, or is somebody else's.

        Raises:
            ValueError: Neither.
        """
        if not self._is_settled:
            raise ValueError(f"a poll after {self._restriction} was neither claimed nor put off")
        return True

    def is_bounded(self) -> bool:
        """Whether it polls no more."""
        return self._restriction.is_over
