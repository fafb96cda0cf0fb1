"""What can't work on Dataflow, by setting and by flag; and no option of any pipeline is forgotten."""

import pytest

from pipelines.copy_settings import CopySettings
from pipelines.ingest_settings import IngestSettings
from pipelines.launch_dataflow_rules import flag_findings, flags_of, settings_findings
from pipelines.registry import PIPELINES, settings_class
from pipelines.settings_options import options

TOLD = {"subscription": "projects/p/subscriptions/s"}
GOOD = {"source": "gs://b/a", "destination": "bigquery://p/d", "table": "t", "output": "gs://b/o"}
SETTINGS = [
    ({}, ""),
    ({"destination": "postgresql://u@h/db"}, ""),
    ({"destination": "parquet:gs://b/t"}, ""),
    ({"destination": "parquet:s3://b/t"}, ""),
    ({"source": "https://h/a.csv", "output": "s3://b/o"}, ""),
    ({"destination": "postgresql://u@h/db", "destination_password": "secret://projects/p/secrets/s/versions/1"}, ""),
    ({"source": ("gs://b/a", "a.csv")}, "--source=a.csv: Dataflow's workers see no path"),
    ({"source": "file:///a.csv"}, "--source=file:///a.csv"),
    ({"destination": "parquet:out"}, "--destination=parquet:out"),
    ({"destination": "duckdb:///x"}, "duckdb is a file"),
    ({"destination": "sqlite:///x"}, "sqlite is a file"),
    ({"schema_file": "s.json"}, "--schema=s.json"),
    ({"output": None}, "--output is required"),
    ({"output": "runs/x"}, "--output=runs/x"),
    ({"retry": "runs/x"}, "--retry=runs/x"),
    (TOLD, ""),
    ({"watch": 5, "stop_after_idle_seconds": 60}, ""),
    (TOLD | {"stop_after_idle_seconds": 60}, "--stop_after_idle_seconds=60: with --subscription a job on Dataflow"),
    ({"destination": "postgresql://u@h/db", "destination_password": "env:PW"}, "--destination_password=env:"),
    ({"destination": "postgresql://u@h/db", "destination_password": "file:/pw"}, "--destination_password=file:"),
]


@pytest.mark.parametrize(("given", "message"), SETTINGS)
def test_settings_are_judged_one_by_one(given, message):
    found = settings_findings(IngestSettings(**GOOD | given))
    assert (len(found) == 1 and message in found[0]) if message else found == []


def test_everything_that_cannot_work_is_told_at_once():
    assert len(settings_findings(CopySettings(source="a/", destination="b/", manifest=None))) == 3


FLAGS = [
    (["--project=p", "--region=r", "--temp_location=gs://b"], []),
    (["--project=p", "--region=r", "--temp_location=gs://b", "--staging_location=gs://b"], []),
    ([], ["--project is", "--region is", "--temp_location takes"]),
    (["--project=p", "--region=r", "--temp_location=/tmp"], ["'/tmp' is not one"]),
    (["--project=p", "--region=r", "--temp_location=gs://b", "--staging_location=x"], ["--staging_location takes"]),
]


@pytest.mark.parametrize(("args", "messages"), FLAGS)
def test_flags_are_judged_one_by_one(args, messages):
    found = flag_findings(flags_of(args))
    assert len(found) == len(messages)
    assert all(message in one for message, one in zip(messages, found, strict=True))


@pytest.mark.parametrize("name", PIPELINES)
def test_each_option_that_takes_a_local_path_is_known_as_an_address(name):
    for one in options(settings_class(name)):
        if one.template and ("local path" in one.values or "local folder" in one.values or "local, " in one.values):
            assert one.address, one.name
