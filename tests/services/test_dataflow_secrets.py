"""Secrets by reference on Dataflow: workers resolve them; what is submitted, staged and left holds no text of them."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO

import pytest
from apache_beam.internal import pickler

from tests.servers import dataflow_work
from tests.services.packed import holds, layers

PASSWORD, KEY_ID, KEY = "destination_password", "source_access_key_id", "source_secret_access_key"


@pytest.fixture
def given(cloud, postgres, s3_server, secret_manager, monkeypatch):
    """A file in S3, a database, and the texts that open them: each option's, and its reference."""
    for name in s3_server.environment:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    bucket = s3_server.make_bucket(cloud.bucket)
    s3_server.client().put_object(Bucket=bucket, Key="a.csv", Body=b"id,name\n1,a\n2,b\n")
    texts = {PASSWORD: postgres.password, KEY_ID: s3_server.access_key, KEY: s3_server.secret_key}
    references = {option: secret_manager.put(option, text) for option, text in texts.items()}
    return bucket, postgres.new_database(), texts, references


def places(cloud, job, text):
    """Where a text stands: the submitted job, the staged graph, anything that is in the bucket."""
    submitted = {"job": json.dumps(job).encode(), "graph": dataflow_work.staged_graph(job, cloud.gcs.endpoint)}
    left = {name: cloud.read(name) for name in cloud.names()}
    return {place for place, data in (submitted | left).items() if holds(data, text)}


def test_workers_resolve_what_the_job_names_and_the_texts_are_nowhere(
    cloud, postgres, s3_server, secret_manager, given
):
    bucket, database, texts, references = given
    cloud.dataflow.work = True
    words = [f"--source=s3://{bucket}/a.csv", f"--source_endpoint_url={s3_server.endpoint}", "--table=people"]
    words += [f"--destination={postgres.uri(database)}", *(f"--{name}={value}" for name, value in references.items())]
    output = ["--runner=dataflow", f"--output=gs://{cloud.bucket}/out"]
    done = cloud.run("ingest", *words, *output, *cloud.flags)
    assert done.returncode == 0, done.stderr
    with postgres.connect(database) as connection:
        assert connection.execute("SELECT * FROM people ORDER BY id").fetchall() == [(1, "a"), (2, "b")]
    (job,) = cloud.dataflow.jobs.values()
    graph = dataflow_work.staged_graph(job, cloud.gcs.endpoint)
    packed = list(layers(graph))[1:]
    for option, reference in references.items():
        assert {"job", "graph", "out/summary.json"} <= places(cloud, job, reference), option
        assert any(reference.encode() in layer for layer in packed), f"{option}: no step carries its reference"
        assert secret_manager.asked.count(reference.removeprefix("secret://")) > 1, "here, and by the job"
    wheels = [name for name in dataflow_work.staged_files(graph, cloud.gcs.endpoint) if name.endswith(".whl")]
    assert any(name.endswith(wheels[0]) for name in places(cloud, job, "def resolve(reference: str)"))
    for option, text in texts.items():
        assert places(cloud, job, text) == set(), option
        assert text not in done.stdout + done.stderr


def in_archive(data):
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("a", data)
    return archive.getvalue()


HIDDEN = [
    b"password=hunter2",
    b"A" + pickler.dumps({"password": "hunter2"}) + b"\x12AAAA",
    b"\n\x04A" + pickler.dumps({"password": "hunter2"}, use_zlib=True) + b"AAAAAA",
    pickler.dumps([pickler.dumps("x" * number + "hunter2") for number in range(9)]),
    in_archive(b"hunter2"),
]


@pytest.mark.parametrize("data", HIDDEN)
def test_a_text_is_found_however_it_is_packed(data):
    assert holds(data, "hunter2")
    assert not holds(data, "hunter3")
