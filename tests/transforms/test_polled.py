"""A poll gives out what is new by the name that the last committed one left; what it leaves doesn't grow."""

import pickle

import apache_beam as beam
import pytest
from apache_beam.io.watermark_estimators import ManualWatermarkEstimator
from apache_beam.runners.sdf_utils import RestrictionTrackerView, ThreadsafeRestrictionTracker
from apache_beam.utils.timestamp import Timestamp

from transforms.core.run_folder import RunFolder
from transforms.core.streams.notice import LISTING, Notice
from transforms.polled import Left, PollAgainAndAgain, Polled, Watermarks

EVERY_SECONDS = 5.0


class Engine:
    """Runs polls as Beam's worker does; what they leave goes through its coder."""

    def __init__(self, folder):
        self.there, self.clock, self.is_last = [], 100.0, False
        self.polling = PollAgainAndAgain(self.poll, EVERY_SECONDS, folder)
        self.watermark = ManualWatermarkEstimator(Watermarks().initial_estimator_state(b"", None))

    def poll(self, element):
        assert element == b"prefix"
        self.clock += EVERY_SECONDS
        self.during()
        return Polled(
            [Notice(name, "v1", 1, 0.0, self.clock, LISTING) for name in self.there], self.clock, self.is_last
        )

    def during(self):
        """Nothing happens while it polls."""

    def first(self):
        return self.polling.restriction_coder().encode(self.polling.initial_restriction(b"prefix"))

    def run(self, left):
        """What it gives out, and what it leaves, encoded (None: nothing)."""
        self.tracker = ThreadsafeRestrictionTracker(self.tracker_of(left))
        given = list(self.polling.process(b"prefix", RestrictionTrackerView(self.tracker), self.watermark))
        assert self.tracker.check_done()
        assert [one.timestamp for one in given] == [self.clock] * len(given)
        rest = self.tracker.deferred_status()
        if rest is None:
            return [one.value.uri for one in given], None
        assert 0 < rest[1] <= EVERY_SECONDS
        return [one.value.uri for one in given], self.polling.restriction_coder().encode(rest[0])

    def tracker_of(self, left):
        coder = self.polling.restriction_coder()
        assert coder.encode(coder.decode(left)) == left
        return self.polling.create_tracker(coder.decode(left))


@pytest.fixture
def engine(tmp_path):
    return Engine(RunFolder(f"file://{tmp_path}", "run"))


def test_beam_has_nothing_to_say_against_the_step(engine, caplog):
    beam.ParDo(engine.polling)
    assert not caplog.records


def test_each_version_is_given_out_once_and_a_bundle_that_is_done_again_gives_out_the_same(engine):
    engine.there = ["a", "b", "a"]
    given, one = engine.run(engine.first())
    assert given == ["a", "b"]
    engine.there += ["c"]
    assert [engine.run(one)[0] for _ in range(2)] == [["c"], ["c"]], "not committed"
    given, two = engine.run(one)
    assert given == ["c"]
    assert engine.run(two) == ([], two)
    assert engine.run(engine.first())[0] == ["a", "b", "c"], "from the beginning"
    assert engine.watermark.current_watermark() == Timestamp.of(engine.clock)


def test_the_last_poll_gives_out_the_rest_and_leaves_nothing_not_even_to_an_engine_that_splits(engine):
    engine.there = ["a"]
    _, left = engine.run(engine.first())
    engine.there, engine.is_last = ["a", "b"], True
    assert engine.run(left) == (["b"], None)
    assert engine.tracker.try_split(0.5) is None
    assert engine.run(engine.polling.restriction_coder().encode(Left("", is_over=True))) == ([], None)


def test_what_is_left_is_as_small_after_a_thousand_polls_of_ten_thousand_objects(engine):
    left = engine.first()
    for number in range(1_000):
        engine.there = [f"object {number // 20}.{each}" for each in range(200)]
        given, left = engine.run(left)
        assert len(given) == (0 if number % 20 else 200)
        assert len(left) == 17
    assert len(Watermarks().estimator_state_coder().encode(engine.watermark.current_watermark())) == 8
    assert len(pickle.dumps(engine.polling._seen)) < 1_000, "nor is it in the step"


def test_a_split_during_a_poll_leaves_that_poll_to_somebody_else(engine):
    engine.there = ["a"]
    split = []
    engine.during = lambda: split.append(engine.tracker.try_split(0.5))
    assert engine.run(engine.first()) == ([], None)
    [(done, left)] = split
    assert done.is_over
    assert left == engine.polling.initial_restriction(b"")
    assert engine.tracker.try_split(0.5) is None
    del engine.during
    assert engine.run(engine.polling.restriction_coder().encode(left))[0] == ["a"]


def test_a_split_while_it_gives_out_leaves_the_next_poll_once(engine):
    engine.there = ["a", "b"]
    tracker = ThreadsafeRestrictionTracker(engine.tracker_of(engine.first()))
    given = engine.polling.process(b"prefix", RestrictionTrackerView(tracker), engine.watermark)
    assert next(given).value.uri == "a"
    done, left = tracker.try_split(0.5)
    assert [one.value.uri for one in given] == ["b"]
    assert (tracker.deferred_status(), tracker.check_done(), done.is_over) == (None, True, True)
    assert engine.run(engine.polling.restriction_coder().encode(left))[0] == []


def test_an_engine_may_ask_how_far_a_poll_is_while_nobody_knows_how_many_bytes_it_gave_out(engine):
    tracker = engine.tracker_of(engine.first())
    unknown = tracker.current_progress().with_completed(float("nan"))  # as Beam's own worker does
    assert unknown.fraction_completed == 0.0
    assert not tracker.is_bounded()
    with pytest.raises(ValueError, match="neither claimed nor put off"):
        tracker.check_done()
    tracker.try_split(0.5)
    assert tracker.current_progress().with_completed(float("nan")).fraction_completed == 1.0
    assert tracker.is_bounded()
