"""The graphs of `CopyObjects` and `VerifyObjects`: their types fit; what crosses a shuffle is coded and comes back."""

from __future__ import annotations

import apache_beam as beam
import pytest
from apache_beam import coders
from apache_beam.options.pipeline_options import PipelineOptions, TypeOptions

from tests.pipelines.copy_jobs import Place
from transforms.core.copying import copy_work
from transforms.core.copying.copy_settings import CopySettings, Side
from transforms.core.copying.copy_tasks import CopyPlan, CopyTask, TaskResult
from transforms.core.copying.workshop import workshop
from transforms.core.run_folder import RunFolder
from transforms.objects import CopyObjects, CopyTasks, FinishCopy, VerifyObjects, task_key, task_size
from transforms.pooled import PoolLimits
from transforms.spread import with_key


def settings(tmp_path) -> CopySettings:
    return CopySettings(Side(f"file://{tmp_path}/from/"), Side(f"file://{tmp_path}/to/"))


@pytest.mark.parametrize("transform", [CopyObjects, VerifyObjects])
def test_the_types_of_the_graph_fit(tmp_path, transform):
    options = PipelineOptions()
    assert options.view_as(TypeOptions).pipeline_type_check
    pipeline = beam.Pipeline(options=options)
    pipeline | transform(settings(tmp_path), RunFolder(f"file://{tmp_path}", "r"), PoolLimits())
    pipeline.to_runner_api()


@pytest.mark.parametrize(
    "element",
    [
        CopyTask("range", 3, "a/é", "b\U0010ffff", 0, 1 << 40, 7, 5000),
        TaskResult(1 << 33, True, 1, 2, 3, 4, 5, 6, 1 << 60),
        CopyPlan(100_000),
    ],
    ids=lambda element: type(element).__name__,
)
def test_what_crosses_a_shuffle_is_coded_as_a_row_and_comes_back(element):
    coder = coders.registry.get_coder(type(element))
    assert isinstance(coder, coders.RowCoder)
    assert coder.decode(coder.encode(element)) == element


def test_a_task_has_the_same_identity_size_and_key_in_every_attempt():
    task = CopyTask("range", 12, "a", "b", about=0)
    assert (task_key(task), task_size(task), task_size(task._replace(about=5000))) == ("task-00000012", 1, 5000)
    assert with_key(task) == with_key(CopyTask(*task))


def test_a_comparison_removes_nothing_that_a_dead_run_left_unfinished(tmp_path):
    source, destination = Place(f"file://{tmp_path}/from/"), Place(f"file://{tmp_path}/to/")
    source.put({"a": b"a"})
    left = ".hornbeam-0123456789abcdef0123456789abcdef.tmp"
    destination.put({left: b"half"})
    folder = RunFolder(f"file://{tmp_path}", "r")
    wanted = settings(tmp_path)
    task = CopyTask("range", 0)
    result = copy_work.work(task, wanted, folder, workshop(wanted, 500))
    idle = result._replace(done=0)  # a run with nothing to do tidies, too
    both = ("run", {"plan": [CopyPlan(1)], "results": [idle]})
    FinishCopy(wanted, folder, tidies=VerifyObjects.tidies).process(both)
    assert [line for line in folder.parts() if line["kind"] == "leftovers"] == []
    FinishCopy(wanted, folder, tidies=CopyObjects.tidies).process(both)
    assert [line["kind"] for line in folder.parts()].count("leftovers") == 1
    assert CopyTasks(wanted, folder, PoolLimits()).counts(("run", result)) == {"done": 1, "failed": 0}
