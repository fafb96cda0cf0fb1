"""A dry run ends with how much there is to do and, at the rate of an earlier run, how long it takes."""

import json

import pytest

from pipelines.estimate import Rate, estimate_line, read_rate
from pipelines.object_copy import Settings as CopySettings
from pipelines.object_copy import run as copy
from pipelines.registry import PIPELINES, pipeline_module, settings_class
from pipelines.run_details import detail_lines
from pipelines.table_ingest import Settings as IngestSettings
from pipelines.table_ingest import run as ingest
from transforms.core.errors import ConfigError


@pytest.mark.parametrize(
    ("rate", "asked", "seconds"),
    [
        (Rate(10, 1000, 0, 5.0), (20, 2000, 0), 10.0),
        (Rate(10, 1000, 0, 5.0), (1000, 2000, 0), 500.0),  # many small objects: the objects count
        (Rate(10, 1000, 0, 5.0), (1, 2000, 0), 10.0),  # few large ones: the bytes
        (Rate(10, 1000, 100, 5.0), (10, 1000, 400), 20.0),
        (Rate(10, 0, 0, 5.0), (10, 4000, 0), 5.0),  # that run told nothing of bytes
        (Rate(10, 1000, 0, 5.0), (0, 0, 0), 0.0),
    ],
)
def test_what_there_is_relatively_most_of_says_how_long_it_takes(rate, asked, seconds):
    assert rate.seconds_for(*asked) == seconds


@pytest.mark.parametrize(
    ("found", "line"),
    [
        ({"items": 2, "bytes": 1500}, "estimate: 2 items, 1.5 kB"),
        (
            {"items": 2, "bytes": 1500, "rows": 7, "elements": 12, "batches": 3},
            "estimate: 2 items, 1.5 kB; 7 rows; 12 elements, batches: about 3",
        ),
        (
            {"items": 2, "bytes": 1500, "hours": 12.5, "workers": 1, "rate_from": "runs/a"},
            "estimate: 2 items, 1.5 kB; 12.5 hours for 1 worker, each as fast as runs/a",
        ),
        (
            {"items": 2, "bytes": 1500, "hours": 0.0002, "workers": 1200, "rate_from": "runs/a"},
            "estimate: 2 items, 1.5 kB; 0.0002 hours for 1,200 workers, each as fast as runs/a",
        ),
    ],
)
def test_the_line_tells_what_is_known(found, line):
    assert estimate_line(found) == line


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for number in range(4):
        (tmp_path / "in" / f"{number}.csv").write_text("a,b\n" + "1,2\n" * 100)
    return tmp_path


def slower(run, seconds):
    """An earlier run that took so long, for numbers that can be told in advance."""
    path = run / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"seconds": seconds}))


SIDES = {
    "ingest": lambda folder: {"destination": "sqlite:///s.sqlite", "table": f"from_{folder}"},
    "copy": lambda folder: {"destination": f"copy-of-{folder}/"},
    "verify": lambda folder: {"destination": f"same-as-{folder}/"},
}


@pytest.mark.parametrize("name", PIPELINES)
def test_a_dry_run_of_each_pipeline_ends_with_an_estimate_and_does_nothing(here, name, capsys):
    for folder, count in (("in", 4), ("one", 1)):
        for side in (folder, f"same-as-{folder}"):
            (here / side).mkdir(exist_ok=True)
            for number in range(count):
                (here / side / f"{number}.csv").write_text("a,b\n" + "1,2\n" * 100)
    (here / "same-as-in/0.csv").write_text("a,b\n" + "3,4\n" * 100)  # of the same size: only a look into it tells
    settings, run = settings_class(name), pipeline_module(name).run
    done = run(settings(source="one/", output="done", **SIDES[name]("one")))
    assert (done.exit_code, done.items.done) == (0, 1)
    slower(here / "done", 3600.0)
    there = {path for path in here.rglob("*") if path.is_file()}
    capsys.readouterr()
    wanted = {"source": "in/", "dry_run": True, "rate_from": "done", "workers": 2}
    summary = run(settings(**wanted, output="planned", **SIDES[name]("in")))
    assert (summary.status, summary.exit_code) == ("planned", 0)
    assert (summary.items.planned, summary.items.not_started) == (4, 4)
    estimate = summary.details["estimate"]
    assert {word: estimate[word] for word in ("items", "bytes", "hours", "workers", "rate_from")} == {
        "items": 4,
        "bytes": 4 * 404,
        "hours": 2.0,
        "workers": 2,
        "rate_from": "done",
    }
    assert estimate["elements"] >= estimate["batches"] >= 1
    assert estimate_line(estimate) in capsys.readouterr().out.splitlines()
    new = {path for path in here.rglob("*") if path.is_file()} - there
    assert all(path.is_relative_to(here / "planned") for path in new)


def test_a_dry_comparison_says_which_objects_one_side_lacks_and_is_no_failure(here):
    (here / "other").mkdir()
    (here / "other/0.csv").write_text("a,b\n")
    (here / "other/more").write_text("x")
    (here / "list.csv").write_text(f"source,destination\n{here}/in/1.csv,1.csv\n{here}/in/0.csv,0.csv\n")
    verify = pipeline_module("verify").run
    for number, sources in enumerate(({"source": "in/"}, {"manifest": "list.csv"})):
        wanted = settings_class("verify")(**sources, destination="other/", dry_run=True, output=f"run{number}")
        summary = verify(wanted)
        count = 2 if number else 5
        assert (summary.exit_code, summary.items) == (0, (count, 0, 0, 0, count))
        assert summary.details["estimate"]["items"] == count
        lines = [json.loads(line) for line in (here / f"run{number}/outcomes.jsonl").read_text().splitlines()]
        told = {line["destination"].rpartition("/")[2]: line["detail"] for line in lines}
        assert told["0.csv"] == ""
        assert "missing, the source holds" in told["1.csv"]
        assert number or "extra, the source holds no such object" in told["more"]


def test_a_copy_is_estimated_and_nothing_is_copied(here):
    copy(CopySettings(source="in/", destination="out/", include=("0*", "1*"), output="done"))
    slower(here / "done", 7200.0)
    wanted = {"source": "in/", "destination": "out/", "dry_run": True}
    summary = copy(CopySettings(**wanted, rate_from="done", workers=4))
    estimate = summary.details["estimate"]
    assert estimate == {
        "items": 2,
        "bytes": 808,
        "elements": 1,
        "batches": 1,
        "hours": 0.5,
        "workers": 4,
        "rate_from": "done",
    }
    assert detail_lines(summary)[-1] == estimate_line(estimate)
    assert len(list((here / "out").iterdir())) == 2
    assert summary.next_steps[0].command == "hornbeam copy --source=in/ --destination=out/"
    assert copy(CopySettings(**wanted)).details["estimate"].keys() == {"items", "bytes", "elements", "batches"}


def test_a_load_is_estimated_by_its_rows(here):
    wanted = {"destination": "sqlite:///s.sqlite", "table": "t"}
    done = ingest(IngestSettings(**wanted, source="in/0.csv", output="done"))
    assert not done.details.keys() & {"work", "estimate"}
    slower(here / "done", 3600.0)
    summary = ingest(IngestSettings(**wanted, source="in/", dry_run=True, rate_from="done"))
    assert summary.details["estimate"] == {
        "items": 3,
        "bytes": 1212,
        "rows": 300,
        "elements": 3,
        "batches": 1,
        "hours": 3.0,
        "workers": 1,
        "rate_from": "done",
    }
    assert "estimate" in json.loads((here / summary.output / "summary.json").read_text())["details"]


def test_a_run_that_is_no_measure_is_refused_before_anything_happens(here):
    copy(CopySettings(source="in/", destination="out/", output="done"))
    copy(CopySettings(source="in/", destination="out/", output="again"))
    for name, run, message in (
        ("copy", "nowhere", "--rate_from nowhere: no summary.json there"),
        ("ingest", "done", "--rate_from done: a run of copy; name one of ingest"),
        ("copy", "again", "--rate_from again: nothing was done in that run"),
    ):
        with pytest.raises(ConfigError, match=message):
            read_rate(name, run)
    with pytest.raises(ConfigError, match="nothing was done"):
        copy(CopySettings(source="in/", destination="other/", dry_run=True, rate_from="again", output="none"))
    assert not (here / "none").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rate_from": "x"}, "--rate_from is for an estimate: give --dry_run too"),
        ({"dry_run": True, "workers": 2}, "--workers is for an estimate: give --rate_from RUN too"),
    ],
)
def test_options_of_an_estimate_without_one_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        CopySettings(source="in/", destination="out/", **settings)
