"""Streams on Dataflow: what is posted is one streaming job, whose graph polls or subscribes by itself."""

from __future__ import annotations

import pytest
from apache_beam.portability.api import beam_runner_api_pb2

from tests.servers import dataflow_work
from tests.services.dataflow_samples import STREAMS
from tests.stream_jobs import with_heads

HEADS = [("--watch=5", "Watch"), ("--subscription=projects/project/subscriptions/told", "Subscribed")]


@pytest.mark.parametrize(("head", "step"), HEADS)
@pytest.mark.parametrize("pipeline", STREAMS)
def test_a_stream_is_submitted_as_a_streaming_job_with_its_head(cloud, pipeline, head, step):
    words = STREAMS[pipeline](cloud)
    done = cloud.run(pipeline, *words, head, "--runner=dataflow", f"--output=gs://{cloud.bucket}/out", *cloud.flags)
    assert cloud.dataflow.jobs, done.stderr
    (job,) = cloud.dataflow.jobs.values()
    assert job["type"] == "JOB_TYPE_STREAMING"
    graph = dataflow_work.staged_graph(job, cloud.gcs.endpoint)
    names = [one.unique_name for one in beam_runner_api_pb2.Pipeline.FromString(graph).components.transforms.values()]
    assert any(name.startswith(f"{step}/") for name in names)
    assert any("BatchStream" in name for name in names), "batches close by time too"


def test_every_pipeline_with_a_head_is_submitted():
    assert set(STREAMS) == with_heads()
