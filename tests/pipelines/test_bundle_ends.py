"""Bundles in this process aren't held up by Beam's state sampler."""

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.worker import statesampler

from pipelines.engines import direct
from pipelines.engines.bundle_ends import LOOK_MS, end_promptly
from pipelines.engines.choice import RunnerChoice

PERIODS: list[int] = []


def look(_element: object) -> None:
    """Notes, inside a bundle, how long the bundle's sampler sleeps at most."""
    PERIODS.append(statesampler.get_current_tracker().sampling_period_ms)


@pytest.fixture
def beams_own(monkeypatch):
    """Beam's sampler as it is when Beam has just been imported."""
    monkeypatch.setattr(statesampler.StateSampler.__init__, "__defaults__", (statesampler.DEFAULT_SAMPLING_PERIOD_MS,))


@pytest.mark.usefixtures("beams_own")
def test_a_bundle_in_this_process_waits_for_its_sampler_ten_milliseconds_at_most():
    PERIODS.clear()
    options = PipelineOptions([])
    choice = RunnerChoice("FnApiRunner", 1, "in_memory", "a test")
    with direct.running(choice, options, "") as runner, beam.Pipeline(runner=runner, options=options) as pipeline:
        pipeline | beam.Create([None]) | beam.Map(look)
    assert PERIODS == [LOOK_MS]


def test_a_beam_whose_sampler_is_made_otherwise_is_left_alone(monkeypatch):
    monkeypatch.setattr(statesampler.StateSampler.__init__, "__defaults__", (7, "another"))
    end_promptly()
    assert statesampler.StateSampler.__init__.__defaults__ == (7, "another")
