"""S3 keys by reference: where no key is in the environment, as on an engine's workers; the server checks signatures."""

import json
import subprocess
import sys

import pytest

from pipelines.__main__ import console
from pipelines.object_copy import Settings as CopySettings
from pipelines.object_copy import run as copy
from pipelines.table_ingest import Settings as IngestSettings
from pipelines.table_ingest import run as ingest

MODES = ["direct_sync", "traditional"]


@pytest.fixture
def place(s3_environment, monkeypatch, tmp_path):
    """A bucket, and references to the keys that open it; nothing in the environment does."""
    bucket = s3_environment.make_bucket("by-reference")
    client = s3_environment.client()
    for name in s3_environment.environment:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("CONFIG", "SHARED_CREDENTIALS"):
        monkeypatch.setenv(f"AWS_{name}_FILE", str(tmp_path / "none"))
    (tmp_path / "id").write_text(s3_environment.access_key)
    (tmp_path / "secret").write_text(f"{s3_environment.secret_key}\n")
    (tmp_path / "wrong").write_text("another-secret")

    def given(side, secret="secret"):
        return {
            f"{side}_endpoint_url": s3_environment.endpoint,
            f"{side}_access_key_id": f"file:{tmp_path}/id",
            f"{side}_secret_access_key": f"file:{tmp_path}/{secret}",
        }

    return bucket, client, given


@pytest.mark.parametrize("mode", MODES)
def test_objects_are_copied_and_no_file_of_the_run_holds_a_key(place, tmp_path, s3_server, mode):
    bucket, client, given = place
    for number in range(5):
        client.put_object(Bucket=bucket, Key=f"in/{number}", Body=b"x" * number)
    words = {"source": f"s3://{bucket}/in/", "destination": f"s3://{bucket}/{mode}/", "output": tmp_path / "run"}
    done = copy(CopySettings(**words, mode=mode, **given("source"), **given("destination")))
    assert (done.exit_code, done.items.done, done.details["modes"]) == (0, 5, {mode: 5})
    told = b"".join(path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file())
    assert b"secret_access_key" in told
    assert s3_server.secret_key.encode() not in told


def test_a_file_is_loaded_into_a_folder_of_the_same_store_and_its_status_read_there(place, tmp_path, capsys):
    bucket, client, given = place
    client.put_object(Bucket=bucket, Key="a.csv", Body=b"id,name\n1,x\n2,y\n")
    words = {"source": f"s3://{bucket}/a.csv", "destination": f"parquet:s3://{bucket}/tables", "table": "t"}
    done = ingest(IngestSettings(**words, output=tmp_path / "run", **given("source"), **given("destination")))
    assert (done.exit_code, done.rows.loaded) == (0, 2)
    capsys.readouterr()
    opened = [f"--{name}={value}" for name, value in given("destination").items()]
    assert console(["status", words["destination"], *opened, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "completed"


def test_workers_in_processes_of_their_own_resolve_the_references_themselves(place, tmp_path):
    bucket, client, given = place
    client.put_object(Bucket=bucket, Key="a.csv", Body=b"id,name\n1,x\n2,y\n")
    options = given("source") | {"source": f"s3://{bucket}/a.csv", "destination": f"parquet:{tmp_path}/p", "table": "t"}
    words = [f"--{name}={value}" for name, value in options.items()]
    engine = ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]
    command = [sys.executable, "-m", "pipelines", "ingest", *words, f"--output={tmp_path}/run", *engine]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "2 loaded" in done.stdout


def test_a_wrong_key_opens_nothing(place, tmp_path, capsys):
    bucket, client, given = place
    client.put_object(Bucket=bucket, Key="in/0", Body=b"x")
    words = [f"--{name}={value}" for name, value in given("source", "wrong").items()]
    places = [f"--source=s3://{bucket}/in/", f"--destination={tmp_path}/out/", f"--output={tmp_path}/run"]
    assert console(["copy", *words, *places]) == 2
    assert not (tmp_path / "out").exists()
    told = capsys.readouterr()
    assert "another-secret" not in told.out + told.err
