"""`CopyStream` in a graph: whatever the runner does with bundles and batches, each object is copied and told once."""

from __future__ import annotations

import itertools
import pickle
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import apache_beam as beam
import pytest
from apache_beam import coders
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from apache_beam.testing.test_stream import TestStream
from apache_beam.testing.util import assert_that

from tests.core.copying.copies import settings_for
from tests.core.copying.noticed import lines, listed, named
from transforms.core import interrupt
from transforms.core.copying import stream_work
from transforms.core.errors import ConfigError
from transforms.core.merging import merge_parts
from transforms.core.run_folder import RunFolder
from transforms.core.streams.notice import Notice
from transforms.core.streams.stream_part import BatchTotals
from transforms.object_streams import CopyNotices, CopyStream, notice_bytes, notice_object
from transforms.pooled import PoolLimits
from transforms.stream_types import NoticeCoder

if TYPE_CHECKING:
    from transforms.core.copying.copy_settings import CopySettings

TREE = {f"sub {n % 3}/é{n:02}": b"x" * n for n in range(30)}
N, SIZE = len(TREE), sum(map(len, TREE.values()))
WIRINGS = {
    "FnApiRunner": (FnApiRunner, {}),
    "every bundle twice": (FnApiRunner, {"direct_runner_bundle_repeat": 1}),
    "BundleBasedDirectRunner": (BundleBasedDirectRunner, {}),
}


@pytest.fixture(autouse=True)
def _fresh():
    interrupt.reset()
    yield
    interrupt.reset()


@pytest.fixture
def settings(tmp_path) -> CopySettings:
    for key, data in TREE.items():
        path = tmp_path / "from" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return settings_for(f"file://{tmp_path}/from/", f"file://{tmp_path}/to/", batch_size=4)


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    (tmp_path / "run").mkdir()
    return RunFolder(f"file://{tmp_path}/run", "r")


@pytest.fixture(params=WIRINGS.values(), ids=WIRINGS)
def runner(request):
    return request.param


PLAIN = WIRINGS["FnApiRunner"]
KEPT: list[BatchTotals] = []


def keep(totals):
    """Pickles by reference, so that it fills the list of this process."""
    KEPT[:] = totals


def run(notices, settings, folder, runner=PLAIN) -> list[BatchTotals]:
    """The graph over some notices; what it emitted."""
    kind, options = runner
    with beam.Pipeline(runner=kind(), options=PipelineOptions(**options)) as pipeline:
        told = pipeline | beam.Create(notices, reshuffle=False).with_output_types(Notice)
        assert_that(told | CopyStream(settings, folder), keep)
    return list(KEPT)


def copied(tmp_path):
    files = [path for path in (tmp_path / "to").rglob("*") if path.is_file()]
    return {str(path.relative_to(tmp_path / "to")): path.read_bytes() for path in files}


def written(tmp_path):
    """All but what another batch may be writing right now."""
    files = (path for path in (tmp_path / "to").rglob("*") if path.is_file() and not path.name.startswith(".hornbeam-"))
    return {path: path.stat().st_ctime_ns for path in files}


def account(folder, tmp_path):
    return merge_parts(folder, str(tmp_path), unfinished=False, stream=True)


def summed(totals):
    return BatchTotals(*map(sum, zip(*totals, strict=True)))


def test_a_graph_copies_what_it_is_told_of_and_gives_totals_a_batch(settings, folder, runner, tmp_path):
    totals = run(listed(settings), settings, folder, runner)
    assert copied(tmp_path) == TREE
    assert summed(totals) == BatchTotals(told=N, done=N, bytes=SIZE)
    assert len(totals) >= N // settings.batch_size
    merged = account(folder, tmp_path)
    assert (merged.items[:2], merged.bytes.done) == ((N, N), SIZE)


def test_the_same_notices_in_other_batches_repeat_nothing(settings, folder, runner, tmp_path):
    notices = listed(settings)
    run(notices, settings, folder, runner)
    before = written(tmp_path)
    totals = run(notices[::-1], settings._replace(batch_size=7), folder, runner)
    assert summed(totals)[3:6] == (0, N, 0)
    assert written(tmp_path) == before
    assert account(folder, tmp_path).items[:3] == (N, N, 0), "what was done stays done, whatever batch tells of it"


def test_no_notices_are_no_batches(settings, folder, runner, tmp_path):
    assert run([], settings, folder, runner) == []
    assert copied(tmp_path) == {}
    assert [line["kind"] for line in folder.parts()] == ["leftovers"]


def test_one_object_that_fails_fails_alone(settings, folder, runner, tmp_path):
    bad = "sub 1/é07"
    (tmp_path / "to" / bad).mkdir(parents=True)
    (tmp_path / "to" / bad / "in the way").write_bytes(b"")
    totals = summed(run(listed(settings), settings, folder, runner))
    assert (totals.done, totals.failed, totals.bytes) == (N - 1, 1, SIZE - 7)
    merged = account(folder, tmp_path)
    assert (merged.items.done, merged.items.failed, len(merged.failures)) == (N - 1, 1, 1)
    assert merged.failures[0]["item"] == settings.source.uri + bad


def test_a_step_that_broke_after_its_work_is_repeated_and_copies_nothing_again(settings, folder, monkeypatch, tmp_path):
    copy_batch, numbers, done, broken = stream_work.copy_batch, itertools.count(1), [], {}

    def breaking(batch, *more):
        totals = copy_batch(batch, *more)
        done.append(totals)
        if next(numbers) == 3:
            broken.update(written(tmp_path))
            raise RuntimeError("injected")
        return totals

    monkeypatch.setattr(stream_work, "copy_batch", breaking)
    run(listed(settings), settings, folder, WIRINGS["BundleBasedDirectRunner"])
    assert len(done) > N // settings.batch_size + 1
    assert broken
    assert broken.items() <= written(tmp_path).items()
    assert account(folder, tmp_path).items[:3] == (N, N, 0)


def test_the_same_batch_given_to_two_workers_at_once_ends_well_for_both(settings, folder, tmp_path):
    step, batch = CopyNotices(settings, folder, PoolLimits(4)), tuple(listed(settings))
    with ThreadPoolExecutor(2) as threads:
        both = [one.result() for one in [threads.submit(step.work, batch) for _ in range(2)]]
    for [totals] in both:
        assert (totals.told, totals.done + totals.skipped, totals.failed) == (N, N, 0)
    assert copied(tmp_path) == TREE
    assert account(folder, tmp_path).items.planned == N


@pytest.mark.parametrize("window_seconds", [0.2, 60.0])
def test_unbounded_notices_are_batched_by_shards_and_flushed_at_the_end(settings, folder, tmp_path, window_seconds):
    notices = listed(settings)
    events = TestStream(coder=NoticeCoder()).advance_watermark_to(0).add_elements(notices[:20])
    events = events.advance_processing_time(1).add_elements(notices[15:]).advance_watermark_to_infinity()
    options = PipelineOptions()
    options.view_as(StandardOptions).streaming = True
    with beam.Pipeline(runner=BundleBasedDirectRunner(), options=options) as pipeline:
        _ = pipeline | events | CopyStream(settings, folder, window_seconds=window_seconds)
    assert copied(tmp_path) == TREE
    merged = account(folder, tmp_path)
    assert merged.items[:3] == (N, N, 0)
    assert sum(line["told"] for line in lines(folder, "stream")) == N + 5


def test_what_was_taken_in_is_finished_when_the_run_is_asked_to_stop(settings, folder, runner, tmp_path):
    interrupt.request(signal.SIGTERM)
    assert summed(run(listed(settings), settings, folder, runner)) == BatchTotals(told=N, done=N, bytes=SIZE)
    assert copied(tmp_path) == TREE


def test_batches_of_a_run_that_was_given_up_come_back_unstarted(settings, folder, tmp_path):
    interrupt.give_up()
    assert summed(run(listed(settings), settings, folder)) == BatchTotals(told=N, not_started=N)
    assert copied(tmp_path) == {}


def test_versions_of_one_object_come_to_one_shard_and_an_unknown_size_is_none():
    one, other = named("s3://b/a", "1"), named("s3://b/a", "2")
    assert notice_object(one) == notice_object(other) == "s3://b/a"
    assert (notice_bytes(one), notice_bytes(one._replace(size_bytes=5))) == (0, 5)


@pytest.mark.parametrize("change", [{"delete": True}, {"manifest": "x"}, {"dry_run": True}, {"incremental": False}])
def test_a_copy_that_needs_an_end_is_refused_when_the_graph_is_made(settings, change):
    with pytest.raises(ConfigError, match="leave out"):
        CopyStream(settings._replace(**change))


def test_the_types_of_the_graph_fit_and_its_step_pickles_by_reference(settings, folder):
    pipeline = beam.Pipeline(options=PipelineOptions())
    totals = pipeline | beam.Create([]).with_output_types(Notice) | CopyStream(settings, folder)
    assert totals.element_type is BatchTotals
    pipeline.to_runner_api()
    assert isinstance(coders.registry.get_coder(BatchTotals), coders.RowCoder)
    step = CopyNotices(settings, folder, PoolLimits())
    assert len(pickle.dumps(step)) < 3000
    assert step.counts(BatchTotals(done=2, failed=1)) == {"done": 2, "failed": 1}
