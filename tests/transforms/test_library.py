"""The transforms in a pipeline of one's own: no run folder, no limits, one after the other, and told when they fail."""

import apache_beam as beam
import duckdb
import pytest
from apache_beam.testing.util import assert_that, equal_to

from transforms.core.copying.between import copy_between
from transforms.core.errors import ConfigError
from transforms.core.run_folder import RunFolder
from transforms.library import Once, folder_of
from transforms.objects import CopyObjects, CopyTotals, VerifyObjects
from transforms.tables import LoadSettings, LoadTables, LoadTotals


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number in range(3):
        path = tmp_path / "in" / f"{number}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"id,word\n{number},w{number}\n")
    return tmp_path


def run(build):
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        return build(pipeline)


def test_a_load_of_what_a_copy_brings_begins_when_the_copy_has_ended(here):
    load = LoadSettings(("landed/*.csv",), "duckdb:///own.duckdb", "words")
    run(
        lambda pipeline: (
            pipeline
            | CopyObjects(copy_between("in/", "landed/"))
            | "Copied" >> beam.Map(CopyTotals.complete)
            | LoadTables(load)
            | "Loaded" >> beam.Map(LoadTotals.complete)
            | beam.Map(lambda totals: tuple(totals)[:5])
            | beam.Map(repr)
            | beam.io.WriteToText("totals", shard_name_template="")
        )
    )
    assert (here / "totals").read_text() == "(3, 3, 0, 0, 0)\n"
    with duckdb.connect("own.duckdb") as database:
        assert database.sql("SELECT sum(id), max(word) FROM words").fetchall() == [(3, "w2")]
    assert sorted(path.name.split("-")[0] for path in (here / "runs").iterdir()) == ["copy", "ingest"]


def test_totals_of_a_copy_and_a_comparison_are_elements(here):
    def build(pipeline):
        copied = pipeline | CopyObjects(copy_between("in/", "out/"), "account")
        assert_that(copied | beam.Map(lambda found: found[:5]), equal_to([(3, 0, 0, 0, "")]))

    run(build)
    assert list((here / "account" / "parts").iterdir())
    (here / "out" / "1.csv").write_text("another")

    def compare(pipeline):
        compared = pipeline | VerifyObjects(copy_between("in/", "out/"), "account")
        assert_that(compared | beam.Map(lambda found: found[:3]), equal_to([(2, 1, 0)]))

    run(compare)


@pytest.mark.parametrize("max_delete", ["0", "100%"])
def test_extras_that_had_to_be_kept_are_told(here, max_delete):
    (here / "out").mkdir()
    (here / "out" / "extra").write_text("x")
    wanted = copy_between("in/", "out/", delete=True, max_delete=max_delete)

    def build(pipeline):
        return pipeline | CopyObjects(wanted) | beam.Map(CopyTotals.complete)

    if max_delete == "0":
        with pytest.raises(Exception, match=r"copy not complete: 3 done, 0 failed, 0 not started; .*extra.*/parts"):
            run(build)
    else:
        run(build)
    assert (here / "out" / "extra").exists() is (max_delete == "0")


def test_a_pipeline_ends_with_the_error_of_a_load_that_is_not_complete(here):
    (here / "in" / "2.csv").write_text("id,word\n1\n")
    for max_rejects in ("", "0"):
        load = LoadSettings(("in/*.csv",), f"sqlite:///{max_rejects or 'all'}.sqlite", "words", max_rejects=max_rejects)

        def build(pipeline, load=load):
            return pipeline | LoadTables(load) | beam.Map(LoadTotals.complete)

        if max_rejects:
            with pytest.raises(Exception, match=r"load not complete: 3 files failed; .*rejected"):
                run(build)
        else:
            run(build)


@pytest.mark.parametrize("elements", [[], [1, 2, 3]])
def test_what_follows_a_collection_begins_once_even_when_it_is_empty(elements):
    def build(pipeline):
        assert_that(pipeline | beam.Create(elements) | Once() | beam.combiners.Count.Globally(), equal_to([1]))

    run(build)


def test_a_folder_is_a_run_s_or_a_place_or_a_default_and_is_not_made_yet(here):
    run_folder = RunFolder("file:///x", "r")
    assert folder_of("copy", run_folder) is run_folder
    assert folder_of("copy", "s3://bucket/account/").uri == "s3://bucket/account"
    default = folder_of("copy", None)
    assert default.uri == f"file://{here}/runs/copy-{default.run_id}"
    assert not (here / "runs").exists()


def test_sources_that_are_one_text_are_refused():
    with pytest.raises(ConfigError, match="sources='in': give a sequence"):
        LoadTables(LoadSettings("in", "sqlite:///x", "t"))
