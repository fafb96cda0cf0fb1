"""The graph of `LoadStream`: whatever a runner does with bundles, each file is loaded once and accounted for once."""

from __future__ import annotations

import contextlib
import sqlite3

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions, TypeOptions
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing import test_stream
from apache_beam.testing.util import assert_that

from tests.core.tables.loads.stream_cases import Stream, stream_into
from transforms import table_streams
from transforms.core import interrupt
from transforms.core.errors import ConfigError
from transforms.core.streams.stream_part import BatchTotals
from transforms.pooled import PoolLimits
from transforms.stream_types import Notice
from transforms.table_streams import LoadStream

RUNNERS = {
    "FnApiRunner": (FnApiRunner, {}),
    "every bundle twice": (FnApiRunner, {"direct_runner_bundle_repeat": 1}),
    "BundleBasedDirectRunner": (BundleBasedDirectRunner, {}),
}


@pytest.fixture(params=RUNNERS.values(), ids=RUNNERS)
def new_pipeline(request):
    runner, options = request.param
    return lambda: beam.Pipeline(runner=runner(), options=PipelineOptions(**options))


@pytest.fixture
def stream(tmp_path):
    made = stream_into(tmp_path, f"sqlite:///{tmp_path}/out.db")
    yield made
    made.connections.close()


def run(stream: Stream, pipeline: beam.Pipeline, *names: str | Notice, batch_size: int = 3, check=None) -> None:
    notices = [stream.notice(name) if isinstance(name, str) else name for name in names]
    with pipeline:
        created = pipeline | beam.Create(notices, reshuffle=False).with_output_types(Notice)
        totals = created | LoadStream(stream.settings, stream.account, PoolLimits(2), batch_size)
        if check:
            assert_that(totals, check)


def ids(stream: Stream) -> list[int]:
    with contextlib.closing(sqlite3.connect(f"{stream.folder}/out.db")) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM t ORDER BY id")]


def summed(totals) -> BatchTotals:
    return BatchTotals(*(sum(amounts) for amounts in zip(*totals, strict=True)))


def test_the_types_of_the_graph_fit(stream):
    options = PipelineOptions()
    assert options.view_as(TypeOptions).pipeline_type_check
    pipeline = beam.Pipeline(options=options)
    pipeline | beam.Create([]).with_output_types(Notice) | LoadStream(stream.settings)
    pipeline.to_runner_api()


@pytest.mark.parametrize(("change", "word"), [({"mode": "replace"}, "replace"), ({"dry_run": True}, "dry run")])
def test_what_needs_an_end_is_refused(stream, change, word):
    with pytest.raises(ConfigError, match=word):
        LoadStream(stream.settings._replace(**change))


def test_each_file_is_loaded_once_and_a_bad_one_harms_no_other(stream, new_pipeline):
    names = [stream.rows(f"{number}.csv", number * 10) for number in range(7)]
    run(stream, new_pipeline(), *names, stream.write("bad.xlsx", "no workbook"))
    assert ids(stream) == sorted(number * 10 + row for number in range(7) for row in range(2))
    assert stream.outcomes() == dict.fromkeys(names, ("done", 2, 2, 0)) | {"bad.xlsx": ("failed", 0, 0, 0)}


def test_the_totals_tell_of_every_notice_once(stream):
    name = stream.rows("a.csv", 0)

    def check(totals):
        assert summed(totals) == BatchTotals(told=4, duplicates=1, outdated=0, done=2, failed=1, bytes=40)

    names = [name, name, stream.rows("b.csv", 10), stream.write("bad.xlsx", "no workbook")]
    run(stream, beam.Pipeline(runner=FnApiRunner()), *names, batch_size=2, check=check)


def test_no_notice_is_no_batch(stream, new_pipeline):
    def check(totals):
        assert totals == []

    run(stream, new_pipeline(), check=check)
    assert stream.lines("stream") == []


def test_a_restart_that_groups_the_files_differently_repeats_nothing(stream, new_pipeline):
    names = [stream.rows(f"{number}.csv", number * 10) for number in range(6)]
    run(stream, new_pipeline(), *names[:4], batch_size=4)
    run(stream, new_pipeline(), *reversed(names), batch_size=5)
    assert len(ids(stream)) == 12
    assert stream.outcomes() == dict.fromkeys(names, ("done", 2, 2, 0))


def test_a_bundle_that_fails_behind_its_commit_is_repeated_without_effect(stream, monkeypatch):
    load, failures = table_streams.load_batch, iter([True])

    def failing(*given):
        totals = load(*given)
        if next(failures, False):
            raise OSError("the worker is lost")
        return totals

    monkeypatch.setattr(table_streams, "load_batch", failing)
    names = [stream.rows(f"{number}.csv", number * 10) for number in range(5)]
    run(stream, beam.Pipeline(runner=BundleBasedDirectRunner()), *names)
    assert len(ids(stream)) == 10
    assert stream.outcomes() == dict.fromkeys(names, ("done", 2, 2, 0))


def test_a_batch_that_is_attempted_twice_at_once_is_loaded_once(stream):
    names = [stream.rows(f"{number}.csv", number * 10) for number in range(4)]
    notices = [stream.notice(name) for name in names]
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        twice = pipeline | beam.Create([tuple(notices)] * 2, reshuffle=False)
        twice | beam.ParDo(table_streams.LoadFiles(stream.settings, stream.account, PoolLimits(2)))
    assert len(ids(stream)) == 8
    assert len(stream.lines("stream")) == 1
    assert stream.outcomes() == dict.fromkeys(names, ("done", 2, 2, 0))


def test_an_unbounded_stream_is_loaded_in_batches_to_its_end_though_it_is_asked_to_stop(stream):
    names = [stream.rows(f"{number}.csv", number * 10) for number in range(6)]
    options = PipelineOptions()
    options.view_as(StandardOptions).streaming = True
    told = (
        test_stream.TestStream().add_elements([stream.notice(name) for name in names]).advance_watermark_to_infinity()
    )
    interrupt.request_locally(15)
    try:
        with beam.Pipeline(runner=BundleBasedDirectRunner(), options=options) as pipeline:
            notices = pipeline | told | beam.Map(lambda notice: notice).with_output_types(Notice)
            notices | LoadStream(stream.settings, stream.account, PoolLimits(2), 4, 0.2)
    finally:
        interrupt.reset()
    assert len(ids(stream)) == 12
    assert stream.outcomes() == dict.fromkeys(names, ("done", 2, 2, 0))
