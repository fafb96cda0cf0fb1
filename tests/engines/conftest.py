"""Which engines are here: one that isn't is left out with its reason, or fails where HORNBEAM_REQUIRE_ENGINES=1."""

from __future__ import annotations

import functools

import pytest

from pipelines.launch import choose_runner
from pipelines.settings import PipelineSettings
from tests.engines.sample_jobs import Stage
from tests.required import demand
from transforms.core.errors import ConfigError

ENGINES = ("prism", "flink")


@functools.cache
def missing(engine: str) -> str:
    """Why an engine can't run here; "" when it can."""
    try:
        choose_runner(PipelineSettings(runner=engine, output="s3://bucket/run"), [])
    except ConfigError as e:
        return str(e)
    return ""


def here(engine: str) -> str:
    """The engine, if it is here; else the test is left out, or fails."""
    demand(missing(engine))
    return engine


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine in turn."""
    return here(request.param)


@pytest.fixture
def stage(tmp_path, request, new_end) -> Stage:
    return Stage(tmp_path, request, new_end)
