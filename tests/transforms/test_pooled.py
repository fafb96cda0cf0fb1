"""A DoFn on the pool: concurrent, with each element's own timestamp and window, the same on every runner."""

import threading

import apache_beam as beam
import psutil
import pytest
from apache_beam.metrics.metric import MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pvalue import TaggedOutput
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms.window import FixedWindows, TimestampedValue

from transforms.core import interrupt
from transforms.pooled import RESIDENT_MIB, PooledDoFn, PoolLimits

MEET = threading.Barrier(4, timeout=120)
FAILED_ONCE = threading.Event()


@pytest.fixture(autouse=True)
def _fresh():
    interrupt.reset()
    yield
    interrupt.reset()


class Split(PooledDoFn):
    """Two outputs an element, odd ones tagged."""

    def work(self, element):
        yield element
        if element % 2:
            yield TaggedOutput("odd", element)


class MeetFour(PooledDoFn):
    """Ends only when four elements are in `work` at the same time."""

    def work(self, element):
        MEET.wait()
        return [element]


class FailOnce(PooledDoFn):
    """Element 3 fails the first time."""

    def work(self, element):
        if element == 3 and not FAILED_ONCE.is_set():
            FAILED_ONCE.set()
            raise ValueError("the first time")
        return [element]


class Stop(PooledDoFn):
    """Asks for a stop at element 0; what doesn't start says so."""

    def work(self, element):
        interrupt.request(2)
        return [("worked", element)]

    def not_started(self, element):
        return [("not started", element)]


class Finish(Stop):
    """As Stop, in a stream."""

    finishes = True


class Bad(PooledDoFn):
    """Always fails."""

    def work(self, element):
        raise ValueError(f"element {element} is bad")


RUNNERS = {
    "FnApiRunner": (FnApiRunner, {}),
    "every bundle twice": (FnApiRunner, {"direct_runner_bundle_repeat": 1}),
    "BundleBasedDirectRunner": (BundleBasedDirectRunner, {}),
}


@pytest.fixture(params=RUNNERS.values(), ids=RUNNERS)
def pipeline(request):
    runner, options = request.param
    return beam.Pipeline(runner=runner(), options=PipelineOptions(**options))


def test_outputs_keep_the_window_and_timestamp_of_their_element(pipeline):
    def place(element, timestamp=beam.DoFn.TimestampParam, window=beam.DoFn.WindowParam):
        return element, int(timestamp), int(window.start)

    with pipeline:
        outputs = (
            pipeline
            | beam.Create(range(25))
            | beam.Map(lambda second: TimestampedValue(second, second))
            | beam.WindowInto(FixedWindows(10))
            | beam.ParDo(Split(PoolLimits(3))).with_outputs("odd", main="all")
        )
        everything = [(second, second, second // 10 * 10) for second in range(25)]
        assert_that(outputs["all"] | beam.Map(place), equal_to(everything))
        assert_that(outputs["odd"] | "Odd" >> beam.Map(place), equal_to(everything[1::2]), label="odd")


def test_elements_of_one_bundle_are_worked_at_the_same_time():
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        worked = pipeline | beam.Create(range(8), reshuffle=False) | beam.ParDo(MeetFour(PoolLimits(4)))
        assert_that(worked, equal_to(list(range(8))))


def test_the_memory_in_use_stands_in_the_graph_s_metrics_as_a_distribution(pipeline):
    _ = pipeline | beam.Create(range(25)) | beam.ParDo(Split(PoolLimits(3)))
    result = pipeline.run()
    result.wait_until_finish()
    wanted = MetricsFilter().with_namespace("Split").with_name(RESIDENT_MIB)
    [found] = result.metrics().query(wanted)["distributions"]
    here = psutil.Process().memory_info().rss >> 20
    assert found.committed.count in (25, 50)  # where every bundle is worked twice
    assert 10 < found.committed.min <= found.committed.max < 20 * here


def test_no_input_is_no_output(pipeline):
    with pipeline:
        assert_that(pipeline | beam.Create([]) | beam.ParDo(Bad()), equal_to([]))


def test_a_runner_that_repeats_a_failed_bundle_gets_every_output_once():
    FAILED_ONCE.clear()
    with beam.Pipeline(runner=BundleBasedDirectRunner()) as pipeline:
        worked = pipeline | beam.Create(range(10), reshuffle=False) | beam.ParDo(FailOnce(PoolLimits(2)))
        assert_that(worked, equal_to(list(range(10))))
    assert FAILED_ONCE.is_set()


def test_what_work_raises_fails_the_run():
    with pytest.raises(Exception, match="element 1 is bad"), beam.Pipeline(runner=FnApiRunner()) as pipeline:
        _ = pipeline | beam.Create([1]) | beam.ParDo(Bad())


def test_after_a_request_to_stop_the_rest_says_that_it_was_not_started():
    def nothing_is_lost(outputs):
        assert sorted(element for _, element in outputs) == list(range(50))
        assert sum(1 for said, _ in outputs if said == "worked") <= 3

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        outputs = pipeline | beam.Create(range(50), reshuffle=False) | beam.ParDo(Stop(PoolLimits(2)))
        assert_that(outputs, nothing_is_lost)


def test_after_a_request_to_stop_a_stream_s_step_works_all_that_still_comes():
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        outputs = pipeline | beam.Create(range(50), reshuffle=False) | beam.ParDo(Finish(PoolLimits(2)))
        assert_that(outputs, equal_to([("worked", number) for number in range(50)]))
