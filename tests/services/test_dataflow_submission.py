"""`--runner dataflow` against a Dataflow REST server whose workers know only what was staged."""

import json
import signal
import subprocess
import sys
import time
import zipfile
from io import BytesIO

import pytest
from apache_beam.portability.api import beam_runner_api_pb2

from pipelines.__main__ import console
from pipelines.launch_dataflow_package import write_wheel
from pipelines.registry import PIPELINES
from tests.ended import ended, printed
from tests.servers import dataflow_work
from tests.services.dataflow_samples import ROWS, SAMPLES, found


def ingest(cloud, *more):
    source = cloud.put("in/a.csv", ROWS)
    return [
        "ingest", f"--source={source}", f"--destination=parquet:gs://{cloud.bucket}/table", "--table=t",
        "--runner=dataflow", f"--output=gs://{cloud.bucket}/out", *cloud.flags, *more,
    ]  # fmt: skip


@pytest.mark.parametrize("name", PIPELINES)
def test_each_pipeline_runs_from_what_was_staged_as_it_runs_here(cloud, name):
    cloud.dataflow.work = True
    runs = {}
    for runner, flags in (("direct", []), ("dataflow", cloud.flags)):
        output = f"gs://{cloud.bucket}/out-{runner}"
        words = [*SAMPLES[name](cloud, runner), f"--runner={runner}", f"--output={output}"]
        done = cloud.run(name, *words, *flags)
        assert done.returncode == 0, done.stderr
        texts = {key.partition("/")[2]: cloud.read(key).decode() for key in cloud.names(f"out-{runner}/")}
        runs[runner] = ended(texts, [f"gs://{cloud.bucket}/{runner}", output], found(cloud, runner))
        assert done.stdout.splitlines() == printed(runs[runner].summary)
    (work,) = cloud.dataflow.works.values()
    assert ".whl" in work.report()["package"]
    here, there = runs["direct"], runs["dataflow"]
    assert there.summary.runner == "DataflowRunner"
    assert there.summary.items.planned > 0
    assert {"RUNNING", "DONE"} <= set(done.stderr.split())
    assert ": on DataflowRunner (asked for)" in done.stderr
    assert there.compared == here.compared


def test_a_finished_load_run_again_there_loads_nothing(cloud):
    cloud.dataflow.work = True
    words = ingest(cloud)
    for loaded in (1000, 0):
        done = cloud.run(*words)
        assert done.returncode == 0, done.stderr
        assert cloud.summary("out")["rows"]["loaded"] == loaded


def test_what_is_posted_is_a_portable_graph_with_our_package_and_settings(cloud):
    cloud.run(*ingest(cloud))
    (job,) = cloud.dataflow.jobs.values()
    options = job["environment"]["sdkPipelineOptions"]["options"]
    settings = json.loads(options["hornbeam_settings"])
    assert settings["table"] == "t"
    run_id = cloud.summary("out")["run_id"]
    assert job["name"] == f"hornbeam-{run_id.lower()}"
    assert job["type"] == "JOB_TYPE_BATCH"
    graph = dataflow_work.staged_graph(job, cloud.gcs.endpoint)
    steps = beam_runner_api_pb2.Pipeline.FromString(graph).components.transforms.values()
    assert any(step.unique_name.startswith("LoadTables/") for step in steps)
    (wheel,) = [data for name, data in dataflow_work.staged_files(graph, cloud.gcs.endpoint).items() if "whl" in name]
    names = zipfile.ZipFile(BytesIO(wheel)).namelist()
    assert {"pipelines/launch.py", "transforms/tables.py"} < set(names)
    assert not [name for name in names if name.startswith("tests") or "__pycache__" in name]


def test_pip_takes_the_staged_package_as_a_wheel_with_what_it_needs(tmp_path):
    wheel = write_wheel(tmp_path)
    assert wheel.read_bytes() == write_wheel(tmp_path).read_bytes()
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", f"--target={tmp_path}/there"]
    subprocess.run([*pip, str(wheel)], check=True, timeout=120)
    (place,) = (tmp_path / "there").glob("hornbeam-*.dist-info")
    needed = (place / "METADATA").read_text()
    assert "Requires-Dist: apache-beam==" in needed
    assert "Requires-Dist: boto3" in needed
    assert "extra ==" not in needed
    assert "ruff" not in needed


def test_a_failed_job_ends_the_command_with_1_and_its_own_error(cloud):
    cloud.dataflow.states = ["JOB_STATE_RUNNING", "JOB_STATE_FAILED"]
    cloud.dataflow.messages = [
        ("JOB_MESSAGE_BASIC", "Worker configuration: n1-standard-1"),
        ("JOB_MESSAGE_ERROR", "Traceback (most recent call last):\n  File ...\nOSError: the disk is on fire"),
        ("JOB_MESSAGE_ERROR", "The work item was attempted 4 times without success."),
    ]
    done = cloud.run(*ingest(cloud))
    assert done.returncode == 1
    assert "the disk is on fire" in done.stderr
    summary = cloud.summary("out")
    assert summary["status"] == "failed"
    assert summary["error"] == {"type": "OSError", "message": "the disk is on fire"}


def test_a_job_that_somebody_else_cancelled_is_a_failure(cloud):
    cloud.dataflow.states = ["JOB_STATE_RUNNING", "JOB_STATE_CANCELLING", "JOB_STATE_CANCELLED"]
    done = cloud.run(*ingest(cloud))
    assert done.returncode == 1
    assert "was cancelled, and not by this command" in done.stdout


def test_counters_feed_the_progress_events(cloud):
    cloud.dataflow.states = ["JOB_STATE_RUNNING"] * 3 + ["JOB_STATE_DONE"]
    cloud.dataflow.metrics = {("s1", "records"): 70, ("s2", "records"): 7, ("s2", "statements"): 3}
    done = cloud.run(*ingest(cloud, "--json"))
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert 77 in [event["rows"] for event in events if event["event"] == "progress"]


@pytest.mark.parametrize(
    ("flags", "asked", "word"),
    [([], "JOB_STATE_CANCELLED", "cancel"), (["--streaming"], "JOB_STATE_DRAINING", "drain")],
)
def test_ctrl_c_is_handed_on_and_said(cloud, flags, asked, word):
    cloud.dataflow.states = ["JOB_STATE_RUNNING"]
    command = [sys.executable, "-m", "pipelines", *ingest(cloud, *flags)]
    process = subprocess.Popen(command, env=cloud.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not cloud.dataflow.jobs and time.monotonic() < deadline:
        time.sleep(0.05)  # the job's appearance is what is waited for
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert [state for _, state in cloud.dataflow.requested] == [asked]
    assert f"asked Dataflow to {word} job" in err
    assert "interrupted" in out


REFUSED = [
    ("a local source", {"source": "/data/a.csv"}, "--source=/data/a.csv: Dataflow's workers see no path"),
    ("DuckDB", {"destination": "duckdb:///x.duckdb"}, "duckdb is a file that one process writes"),
    ("SQLite", {"destination": "sqlite:////tmp/x.db"}, "sqlite is a file that one process writes"),
    ("a local folder of Parquet", {"destination": "parquet:/tmp/t"}, "--destination=parquet:/tmp/t"),
    ("a local run folder", {"output": "runs/x"}, "--output=runs/x"),
    ("no run folder", {"output": ""}, "--output is required on Dataflow"),
    ("a secret of this machine", {"destination_password": "env:PW"}, "gcloud secrets create"),
    ("no bucket for temporary files", {"temp_location": ""}, "--temp_location"),
    ("no region", {"region": ""}, "--region is required"),
]


@pytest.mark.parametrize(("what", "given", "message"), REFUSED, ids=[case[0] for case in REFUSED])
def test_what_cannot_work_there_is_refused_by_name(what, given, message, capsys):
    words = {
        "source": "gs://b/a.csv", "destination": "postgresql://u@h/db", "table": "t", "output": "gs://b/out",
        "runner": "dataflow", "project": "p", "region": "r", "temp_location": "gs://b/t",
    }  # fmt: skip
    words = {name: value for name, value in (words | given).items() if value}
    assert console(["launch", "ingest", "--template=gs://b/t", *(f"--{k}={v}" for k, v in words.items())]) == 2
    assert message in capsys.readouterr().err


def test_nothing_runs_and_nothing_is_left_when_a_command_is_refused(cloud, tmp_path):
    (tmp_path / "a.csv").write_bytes(ROWS)
    words = ["ingest", f"--source={tmp_path}/a.csv", f"--destination=duckdb:///{tmp_path}/x.duckdb", "--table=t"]
    done = cloud.run(*words, "--runner=dataflow", f"--output={tmp_path}/out", *cloud.flags)
    assert done.returncode == 2
    assert "one process writes" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    assert not cloud.dataflow.jobs
    assert not cloud.names()
