"""The mark that a stream is through comes when all of it is, whatever is in it, and into whatever folder."""

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from apache_beam.transforms.window import FixedWindows

from transforms.core.run_folder import RunFolder
from transforms.stream_end import add_end, end_name


def nothing(pipeline):
    _ = pipeline | beam.Create([], reshuffle=False) | beam.Map(str)


def one_end(pipeline):
    _ = pipeline | beam.Create([1, 2], reshuffle=False) | beam.Map(str)


def several_ends(pipeline):
    numbers = pipeline | beam.Create([1, 2], reshuffle=False)
    _ = numbers | "Windows" >> beam.WindowInto(FixedWindows(10)) | "A" >> beam.Map(str)
    _ = numbers | "B" >> beam.Map(
        lambda one, other: one + other, beam.pvalue.AsSingleton(numbers | beam.combiners.Count.Globally())
    )
    _ = numbers | "C" >> beam.ParDo(lambda one: [beam.pvalue.TaggedOutput("tag", one)]).with_outputs("tag", main="main")


@pytest.mark.parametrize("build", [nothing, one_end, several_ends])
def test_the_mark_is_there_when_the_graph_has_ended_and_not_before(tmp_path, build):
    folder = RunFolder(f"file://{tmp_path}", "run")

    def look(_element):
        (tmp_path / "seen").write_text(str(folder.read(end_name(folder))))

    with beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions()) as pipeline:
        build(pipeline)
        _ = pipeline | "More" >> beam.Create([1], reshuffle=False) | "Look" >> beam.Map(look)
        add_end(pipeline, folder)
    assert (tmp_path / "seen").read_text() == "None"
    assert folder.read(end_name(folder)) == ""
    assert RunFolder(folder.uri, "another").read(end_name(RunFolder(folder.uri, "another"))) is None
