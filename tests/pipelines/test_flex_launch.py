"""`hornbeam launch` before anything is started: its own words, refusals, what the launcher makes of its words."""

import pytest

from pipelines import flex_launch_entry
from pipelines.__main__ import console
from pipelines.flex_launch_job import End
from pipelines.launch_dataflow import run_id_of
from transforms.core.errors import ConfigError

WORDS = [
    "--source=gs://b/a.csv", "--destination=bigquery://p/d", "--table=t", "--output=gs://b/out", "--project=p",
    "--region=r", "--temp_location=gs://b/t", "--template=gs://b/t.json",
]  # fmt: skip
IDLE = ["--subscription=projects/p/subscriptions/s", "--stop_after_idle_seconds=60"]


def test_print_gives_the_command_and_needs_no_gcloud(capsys, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert console(["launch", "ingest", *WORDS, "--job_name=nightly", "--print"]) == 0
    words = capsys.readouterr().out.split()
    assert words[:4] == ["gcloud", "dataflow", "flex-template", "run"]
    assert run_id_of([f"--job_name={words[4]}"])
    assert words[4].startswith("nightly-")


REFUSED = [
    ([], "launch needs a pipeline"),
    (["ingets"], "did you mean ingest"),
    (["ingest", "--table=t"], "--template takes the gs:// address"),
    (["ingest", "--template=/tmp/t.json"], "'/tmp/t.json' is none"),
    (["ingest", *WORDS, "--chunk_rows=many"], "chunk_rows"),
    (["ingest", *WORDS, "--tabel=t"], "did you mean --table"),
    (["ingest", *WORDS, "--runner=flink"], "a template runs on Dataflow"),
    (["ingest", *WORDS, *IDLE], "or give --watch in the place of --subscription"),
    (["ingest", *WORDS, "--job_name=Nightly"], "--job_name=Nightly: a job's name"),
    (
        ["ingest", *WORDS, "--destination=postgresql://u@h/d", "--destination_password=file:/etc/pw"],
        "gcloud secrets create",
    ),
    (["ingest", *WORDS, "--destination=postgresql://u:hunter2@h/d"], "Secret Manager"),
]


@pytest.mark.parametrize(("words", "message"), REFUSED)
def test_what_cannot_be_launched_is_a_wrong_command(words, message, capsys, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert console(["launch", *words]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert "hunter2" not in err


def test_without_gcloud_the_way_out_is_named(capsys, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert console(["launch", "ingest", *WORDS]) == 2
    assert "with --print" in capsys.readouterr().err


ENDS = [
    ("DONE", False, None),
    ("DRAINED", True, None),
    ("UPDATED", False, None),
    ("CANCELLED", True, None),
    ("CANCELLED", False, "not by this command"),
    ("FAILED", False, "no room"),
    ("FAILED", True, "no room"),
]


@pytest.mark.parametrize(("state", "asked", "message"), ENDS)
def test_how_a_job_ended_decides_whether_the_run_failed(state, asked, message):
    problem = End(state, asked, "no room").problem
    assert problem is None if message is None else message in problem.message


ENTRIES = [
    (["--pipeline=ingest", "--table=t"], {}, ["ingest", "--table=t"]),
    (["--table=t", "--pipeline=copy", "--runner=DataflowRunner"], {}, ["copy", "--runner=DataflowRunner"]),
    (
        ["--pipeline=ingest", "--runner=DataflowRunner"],
        {"HORNBEAM_IMAGE": "i:1"},
        ["ingest", "--runner=DataflowRunner", "--sdk_container_image=i:1"],
    ),
    (
        ["--pipeline=ingest", "--runner=DataflowRunner", "--sdk_container_image=mine"],
        {"HORNBEAM_IMAGE": "i:1"},
        ["ingest", "--runner=DataflowRunner", "--sdk_container_image=mine"],
    ),
    (["--pipeline=ingest", "--runner=DirectRunner"], {"HORNBEAM_IMAGE": "i:1"}, ["ingest", "--runner=DirectRunner"]),
    (["--pipeline=ingest", "--what=1", "--job_name=j"], {}, ["ingest", "--job_name=j"]),
]


@pytest.mark.parametrize(("words", "environ", "expected"), ENTRIES)
def test_the_launcher_s_words_become_a_command(words, environ, expected):
    assert flex_launch_entry.command_words(words, environ) == expected


@pytest.mark.parametrize("words", [[], ["--pipeline=ingets"]])
def test_an_image_without_a_known_pipeline_names_those_there_are(words):
    with pytest.raises(ConfigError, match="ingest, copy"):
        flex_launch_entry.command_words(words, {})
    assert flex_launch_entry.main(words) == 2


RUN_IDS = [
    ("hornbeam-20261122t111500z-abc123", "20261122T111500Z-abc123"),
    ("nightly-load-20261122t111500z-abc123", "20261122T111500Z-abc123"),
    ("nightly", ""),
    ("", ""),
]


@pytest.mark.parametrize(("name", "run_id"), RUN_IDS)
def test_a_job_s_name_tells_its_run(name, run_id):
    assert run_id_of([f"--job_name={name}"]) == run_id
