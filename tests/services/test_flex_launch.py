"""`hornbeam launch` with the real gcloud, against a bucket and a Dataflow REST server on this machine."""

import json
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.registry import PIPELINES
from tests.pipelines.ingest_jobs import wait_until
from tests.required import demand
from tests.servers.dataflow import ENDED
from tests.services.dataflow_samples import SAMPLES

ROOT = Path(__file__).parents[2]
ROWS = b"id,name\n" + b"".join(f"{n},n{n}\n".encode() for n in range(1000))


@pytest.fixture(scope="module", autouse=True)
def _real_gcloud():
    demand("" if shutil.which("gcloud") else "no gcloud: install the Google Cloud CLI")


@pytest.fixture
def gcloud_environ(cloud, tmp_path):
    """What leads gcloud to the local servers, without anybody's credentials."""
    return {
        "CLOUDSDK_CONFIG": str(tmp_path / "gcloud"),
        "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
        "CLOUDSDK_CORE_PROJECT": "test-project",
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": f"{cloud.gcs.endpoint}/storage/v1/",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_DATAFLOW": f"{cloud.dataflow.endpoint}/",
    }


@pytest.fixture
def template(cloud, gcloud_environ):
    """Builds a pipeline's template, by the command that `make template-build` runs; gives its address."""

    def build(name):
        address = f"gs://{cloud.bucket}/templates/{name}.json"
        line = ["make", "template-build", "TEMPLATES=" + name, f"TEMPLATES_AT=gs://{cloud.bucket}/templates"]
        built = subprocess.run(
            [*line, "IMAGE=registry.test/hornbeam:1"],
            cwd=ROOT, env=cloud.environ | gcloud_environ, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert built.returncode == 0, built.stderr
        assert "gcloud dataflow flex-template build" in built.stdout
        return address

    return build


def launch(cloud, address, *more):
    return [
        "launch", "ingest", f"--template={address}", "--project=test-project", "--region=local1",
        f"--temp_location=gs://{cloud.bucket}/temp", f"--output=gs://{cloud.bucket}/out", *more,
    ]  # fmt: skip


def loading(cloud):
    source = cloud.put("in/a.csv", ROWS)
    return [f"--source={source}", f"--destination=parquet:gs://{cloud.bucket}/table", "--table=t"]


def test_build_writes_the_specification_with_our_metadata_into_the_bucket(cloud, template):
    template("ingest")
    spec = json.loads(cloud.read("templates/ingest.json"))
    assert spec["image"] == "registry.test/hornbeam:1"
    assert spec["sdkInfo"]["language"] == "PYTHON"
    ours = json.loads((ROOT / "templates/ingest.json").read_text())
    assert [one["name"] for one in spec["metadata"]["parameters"]] == [one["name"] for one in ours["parameters"]]
    assert spec["metadata"]["parameters"][0]["regexes"] == ["^ingest$"]


def test_a_launched_job_runs_from_its_template_and_its_account_is_made_here(cloud, template, gcloud_environ):
    cloud.dataflow.work = True
    address = template("ingest")
    done = cloud.run(*launch(cloud, address, *loading(cloud)), seconds=240, **gcloud_environ)
    assert done.returncode == 0, done.stderr
    assert "1,000 loaded" in done.stdout
    summary = cloud.summary("out")
    assert (summary["status"], summary["rows"]["loaded"]) == ("completed", 1000)
    (launched,) = cloud.dataflow.launches
    assert launched["jobName"] == f"hornbeam-ingest-{summary['run_id'].lower()}"
    again = cloud.run(*launch(cloud, address, *loading(cloud)), seconds=240, **gcloud_environ)
    assert again.returncode == 0, again.stderr


@pytest.mark.parametrize("name", PIPELINES)
def test_a_job_that_plain_gcloud_started_leaves_its_whole_account_by_itself(cloud, template, gcloud_environ, name):
    cloud.dataflow.work = True
    words = launch(cloud, template(name), *SAMPLES[name](cloud, "there"))
    printed = cloud.run("launch", name, *words[2:], "--print")
    line = shlex.split(printed.stdout)
    ran = subprocess.run(line, env=cloud.environ | gcloud_environ, capture_output=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    (job,) = cloud.dataflow.jobs.values()
    where = (job["projectId"], job["location"], job["id"])
    wait_until(lambda: cloud.dataflow.look(*where)["currentState"] in ENDED, "the job's end", 120)
    assert job["currentState"] == "JOB_STATE_DONE", cloud.dataflow.said(job["id"])
    summary = cloud.summary("out")
    items = summary["items"]
    assert (summary["pipeline"], summary["status"], summary["runner"]) == (name, "completed", "DataflowRunner")
    assert items["planned"] == items["done"] == len(cloud.read("out/outcomes.jsonl").splitlines()) > 0
    assert {"out/failures.jsonl", "out/report.html", "out/summary.json"} < set(cloud.names("out/"))
    if name == "ingest":
        assert (summary["rows"]["loaded"], summary["rows"]["rejected"]) == (1000, 1)
        assert len(cloud.read("out/rejects.jsonl").splitlines()) == 1
    again = [step["command"] for step in summary["next_steps"]]
    assert all("--runner=dataflow" in one and "--project=test-project" in one for one in again)


NASTY = [
    ('--columns="a,b",c', "columns", '"a,b",c'),
    ("--source=gs://b/x y,z|;~#!@.csv", "source", "gs://b/x y,z|;~#!@.csv"),
    ("--missing_values=n/a,-", "missing_values", "n/a,-"),
    ("--delimiter=|", "delimiter", "|"),
    ("--quote='", "quote", "'"),
    ("--table=a=b c^d", "table", "a=b c^d"),
]


def test_commas_newlines_and_delimiters_in_values_arrive_as_they_were_meant(cloud, template, gcloud_environ):
    words = [word for word, _, _ in NASTY] + ["--source=gs://b/second,one.csv", "--disk_size_gb=50"]
    words += ["--destination=bigquery://p/d", "--num_workers=3", "--experiments=a=b,c", "--no_use_public_ips"]
    done = cloud.run(*launch(cloud, template("ingest"), *words), **gcloud_environ)
    (launched,) = cloud.dataflow.launches
    given = launched["parameters"]
    assert given["source"] == "gs://b/x y,z|;~#!@.csv\ngs://b/second,one.csv"
    for _, name, value in NASTY:
        assert given[name] == value or name == "source"
    assert given["pipeline"] == "ingest"
    assert "dry_run" not in given
    environment = launched["environment"]
    assert environment["numWorkers"] == 3
    assert environment["ipConfiguration"] == "WORKER_IP_PRIVATE"
    assert environment["additionalPipelineOptions"] == ["disk_size_gb=50", "experiments=a=b,c"]
    assert done.returncode == 1  # the scripted job is done, and left nothing: that is no success


def test_print_gives_the_command_that_would_run_and_does_nothing_else(cloud, template, gcloud_environ):
    printed = cloud.run(*launch(cloud, template("ingest"), *loading(cloud), "--print"), PATH="/nowhere")
    assert printed.returncode == 0, printed.stderr
    assert not cloud.dataflow.launches
    line = shlex.split(printed.stdout)
    assert line[:4] == ["gcloud", "dataflow", "flex-template", "run"]
    ran = subprocess.run(line, env=cloud.environ | gcloud_environ, capture_output=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    assert cloud.dataflow.launches[0]["parameters"]["table"] == "t"


def test_the_service_refuses_what_breaks_the_metadata_and_the_command_says_so(cloud, template, gcloud_environ):
    printed = cloud.run(*launch(cloud, template("ingest"), *loading(cloud), "--print"), **gcloud_environ)
    for good, bad, message in (
        ("table=t", "chunk_rows=many", "Parameter chunk_rows does not match"),
        ("table=t", "tabel=t", "Unrecognized parameter: tabel"),
        ("pipeline=ingest", "pipeline=copy", "Parameter pipeline does not match"),
    ):
        assert good in printed.stdout
        line = shlex.split(printed.stdout.replace(good, bad))
        ran = subprocess.run(line, env=cloud.environ | gcloud_environ, capture_output=True, text=True, check=False)
        assert ran.returncode != 0
        assert message in ran.stderr
    other = template("copy")  # a template that is not this pipeline's
    done = cloud.run(*launch(cloud, other, *loading(cloud)), **gcloud_environ)
    assert done.returncode == 1
    assert "Parameter pipeline does not match the regex ^copy$" in done.stderr
    assert not cloud.dataflow.launches


def test_a_failed_job_ends_the_command_with_1_and_its_error(cloud, template, gcloud_environ):
    cloud.dataflow.states = ["JOB_STATE_QUEUED", "JOB_STATE_RUNNING", "JOB_STATE_FAILED"]
    cloud.dataflow.messages = [("JOB_MESSAGE_ERROR", "Traceback (most recent call last):\n  x\nOSError: no room")]
    done = cloud.run(*launch(cloud, template("ingest"), *loading(cloud)), **gcloud_environ)
    assert done.returncode == 1, done.stderr
    states = [word for line in done.stderr.splitlines() for word in line.split()[-1:] if word.isupper()]
    assert states == ["QUEUED", "RUNNING", "FAILED"]
    assert cloud.summary("out")["error"] == {"type": "OSError", "message": "no room"}


def test_ctrl_c_cancels_the_job_and_says_so(cloud, template, gcloud_environ):
    cloud.dataflow.states = ["JOB_STATE_RUNNING"]
    words = launch(cloud, template("ingest"), *loading(cloud))
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines", *words], env=cloud.environ | gcloud_environ,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not cloud.dataflow.jobs and time.monotonic() < deadline:
        time.sleep(0.05)  # the job's appearance is what is waited for
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert [state for _, state in cloud.dataflow.requested] == ["JOB_STATE_CANCELLED"]
    assert "asked Dataflow to cancel job" in err


def test_a_job_whose_account_cannot_be_reached_is_no_success(cloud, template, gcloud_environ):
    cloud.dataflow.states = ["JOB_STATE_DONE"]
    words = launch(cloud, template("ingest"), *loading(cloud), "--output=gs://no-such-bucket/out")
    done = cloud.run(*words, **gcloud_environ)
    assert done.returncode == 1
    assert "ended as DONE, but its account in gs://no-such-bucket/out can't be made from here" in done.stderr
    assert "Traceback" not in done.stderr
