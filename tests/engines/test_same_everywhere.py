"""Each pipeline's sample job ends on each engine with what it ends with on the DirectRunner: output, account, words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipelines import registry
from tests.ended import Ended, ended
from tests.engines.conftest import here
from tests.engines.sample_jobs import LOCAL, SAMPLES
from transforms.core.errors import ConfigError
from transforms.core.tables.databases.registry import DATABASES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.engines.sample_jobs import Sample

ALL = [(pipeline, sample) for pipeline in registry.PIPELINES for sample in SAMPLES.get(pipeline, ())]


def run(pipeline: str, sample: Sample, folder: Path, runner: str, flags: Sequence[str] = ()) -> Ended:
    destination = sample.destination(f"to-{runner}")
    output = folder / f"run-{runner}"
    given = {**sample.settings, **destination.settings, "output": str(output), "shared_disk": runner == "flink"}
    settings = registry.settings_class(pipeline)(runner=runner, **given)
    registry.pipeline_module(pipeline).run(settings, flags)
    texts = {str(path.relative_to(output)): path.read_text() for path in output.rglob("*") if path.is_file()}
    return ended(texts, [destination.name, str(output)], destination.found())


@pytest.mark.parametrize(("pipeline", "prepare"), ALL, ids=[sample.__name__ for _, sample in ALL])
def test_a_job_ends_on_each_engine_as_on_the_direct_runner(engine, pipeline, prepare, stage):
    sample = prepare(stage)
    direct = run(pipeline, sample, stage.folder, "direct")
    other = run(pipeline, sample, stage.folder, engine)
    assert direct.summary.items.planned > 0
    assert other.summary.runner.startswith({"prism": "PrismRunner", "flink": "FlinkRunner"}[engine])
    assert other.compared == direct.compared
    assert {step.name for step in other.summary.steps} == {step.name for step in direct.summary.steps}


@pytest.mark.parametrize("kind", LOCAL)
def test_a_database_of_one_process_is_loaded_on_prism_and_refused_on_flink(kind, stage):
    sample = LOCAL[kind](stage)
    with pytest.raises(ConfigError, match=r"and Flink has many\. Use --runner=direct, or load into PostgreSQL"):
        run("ingest", sample, stage.folder, "flink")
    assert not (stage.folder / "run-flink").exists()
    direct = run("ingest", sample, stage.folder, "direct")
    other = run("ingest", sample, stage.folder, here("prism"))
    assert other.summary.runner == "PrismRunner"
    assert direct.summary.rows.loaded == len(direct.found) > 0
    assert other.compared == direct.compared


def test_every_pipeline_has_a_sample_job():
    assert set(SAMPLES) == set(registry.PIPELINES)


def test_every_database_of_one_process_is_loaded():
    assert set(LOCAL) == {name for name, one in DATABASES.items() if one.single_process}
