"""Batches close by count, by bytes, by time and at the end of a window, and lose nothing."""

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from apache_beam.testing.test_stream import TestStream
from apache_beam.testing.util import assert_that
from apache_beam.transforms.window import FixedWindows, TimestampedValue

from transforms.batching import BatchBundle, BatchLimits, BatchStream, WindowedBatches, keyed


def sizes_are(*expected):
    def check(batches):
        assert sorted(len(batch) for batch in batches) == sorted(expected), batches

    return check


def holds_each_once(elements):
    def check(batches):
        assert sorted(one for batch in batches for one in batch) == sorted(elements), batches

    return check


def on_fn_api(**options):
    return beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions(**options))


def stream(events):
    options = PipelineOptions()
    options.view_as(StandardOptions).streaming = True
    pipeline = beam.Pipeline(runner=BundleBasedDirectRunner(), options=options)
    return pipeline, pipeline | events


CASES = [
    ("by count", [1] * 10, 4, 1000, (4, 4, 2)),
    ("by bytes, filled exactly", [50] * 6, 100, 100, (2, 2, 2)),
    ("by bytes, before one too many", [60] * 5, 100, 100, (1, 1, 1, 1, 1)),
    ("an element over the limit is alone", [10, 500, 10], 100, 100, (1, 1, 1)),
    ("empty input has no batch", [], 4, 100, ()),
    ("one element", [1], 4, 100, (1,)),
]


@pytest.mark.parametrize(("elements", "items", "size", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_bounded_input_is_batched_within_a_bundle(elements, items, size, expected):
    with on_fn_api() as pipeline:
        batches = pipeline | beam.Create(elements, reshuffle=False) | WindowedBatches(items, size, 5, size_of=int)
        assert_that(batches, sizes_are(*expected))
        assert_that(batches, holds_each_once(elements), label="each once")


@pytest.mark.parametrize(("elements", "items", "size", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_unbounded_input_is_batched_by_the_same_limits(elements, items, size, expected):
    events = TestStream().advance_watermark_to(0)
    for element in elements:
        events = events.add_elements([TimestampedValue(element, 1)])
    pipeline, input_elements = stream(events.advance_watermark_to(10).advance_watermark_to_infinity())
    with pipeline:
        windows = input_elements | beam.WindowInto(FixedWindows(10))
        batches = windows | WindowedBatches(items, size, 3600, size_of=int, shards=1)
        assert_that(batches, sizes_are(*expected))
        assert_that(batches, holds_each_once(elements), label="each once")


def test_bounded_batches_do_not_mix_windows_and_stay_in_them():
    def one_window_each(batches):
        assert sorted(batches) == [((0, 1), 0), ((11,), 10), ((25, 26), 20)], batches

    with on_fn_api() as pipeline:
        batches = (
            pipeline
            | beam.Create([0, 11, 1, 25, 26], reshuffle=False)
            | beam.Map(lambda second: TimestampedValue(second, second))
            | beam.WindowInto(FixedWindows(10))
            | WindowedBatches(10, 10**6, 5, size_of=int)
            | beam.Map(lambda batch, window=beam.DoFn.WindowParam: (tuple(sorted(batch)), int(window.start)))
        )
        assert_that(batches, one_window_each)


def test_a_bundle_that_runs_twice_gives_the_same_batches():
    with on_fn_api(direct_runner_bundle_repeat=1) as pipeline:
        batches = pipeline | beam.Create(range(10), reshuffle=False) | WindowedBatches(4, 10**6, 5, size_of=int)
        assert_that(batches, holds_each_once(range(10)))


def test_unbounded_input_is_batched_by_state_and_a_window_end_closes_the_rest():
    events = TestStream().advance_watermark_to(0)
    for second in range(7):
        events = events.add_elements([TimestampedValue(second, second)])
    events = events.add_elements([TimestampedValue(12, 12)]).advance_watermark_to(30).advance_watermark_to_infinity()
    pipeline, elements = stream(events)
    with pipeline:
        assert not elements.is_bounded
        batches = elements | beam.WindowInto(FixedWindows(10)) | WindowedBatches(3, 10**6, 3600, size_of=int, shards=1)
        assert_that(batches, sizes_are(3, 3, 1, 1))
        assert_that(batches, holds_each_once([*range(7), 12]), label="each once")


def test_the_unbounded_form_works_on_the_default_runner_too():
    with on_fn_api() as pipeline:
        batches = (
            pipeline
            | beam.Create(range(10), reshuffle=False)
            | beam.Map(keyed, str, 1).with_output_types(tuple[int, int])
            | beam.ParDo(BatchStream(BatchLimits(4, 10**6, 3600), int))
        )
        assert_that(batches, sizes_are(4, 4, 2))
        assert_that(batches, holds_each_once(range(10)), label="each once")


class SortBatch(beam.DoFn):
    """Elements of a batch in order: the engine may hand a bag back in any."""

    def process(self, batch):
        yield tuple(sorted(batch))


def test_unbounded_batches_close_after_their_time_though_more_comes():
    events = (
        TestStream()
        .advance_watermark_to(0)
        .add_elements([TimestampedValue(1, 1), TimestampedValue(2, 2)])
        .advance_processing_time(10**10)  # timers are set on the wall clock, which the test's clock starts behind
        .add_elements([TimestampedValue(3, 3)])
        .advance_watermark_to_infinity()
    )

    def first_two_were_closed_before_the_third(batches):
        assert sorted(batches) == [(1, 2), (3,)], batches

    pipeline, elements = stream(events)
    with pipeline:
        batches = elements | WindowedBatches(100, 10**6, 5, size_of=int, shards=1) | beam.ParDo(SortBatch())
        assert_that(batches, first_two_were_closed_before_the_third)


def test_shards_are_the_same_in_every_process():
    assert [keyed(name, str, 4)[0] for name in ("a", "b", "c", "d")] == [3, 1, 3, 0]


@pytest.mark.parametrize("wrong", [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_limits_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="at least 1"):
        WindowedBatches(*wrong, size_of=int)


def test_a_failed_bundle_leaves_nothing_behind():
    batches = BatchBundle(BatchLimits(10, 100, 1), int)
    batches.start_bundle()
    assert not list(batches.process(1, window="w"))
    batches.start_bundle()
    assert not list(batches.finish_bundle())
