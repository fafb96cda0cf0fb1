"""The gcloud command of a launch: values survive gcloud's own syntax, flags become gcloud's, the rest is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.flex_launch_command import Launch, command, joined, parameters
from pipelines.ingest_settings import IngestSettings
from pipelines.settings_options import options
from pipelines.settings_sources import parse
from transforms.core.errors import ConfigError

BASE = {"source": "gs://b/a.csv", "destination": "bigquery://p/d", "table": "t"}


def as_gcloud_reads(text):
    """gcloud's rule: after `^D^` D splits, without it a comma does."""
    if text.startswith("^") and "^" in text[1:]:
        delimiter, _, rest = text[1:].partition("^")
        return rest.split(delimiter)
    return text.split(",")


@given(st.lists(st.text(alphabet=st.sampled_from("a=,^|;~#!@\n \"'-0"), min_size=1), min_size=1))
def test_a_list_comes_out_of_gcloud_as_it_went_in(words):
    assert as_gcloud_reads(joined(words)) == words


def test_what_needs_no_delimiter_is_written_plainly():
    assert joined(["a=1", "b=2"]) == "a=1,b=2"
    assert joined(["a=1,5", "b=2"]) == "^|^a=1,5|b=2"


VALUES = [
    ({"source": ("gs://b/a,b.csv", "gs://b/c.csv")}, "source", "gs://b/a,b.csv\ngs://b/c.csv"),
    ({"columns": ("a,b", "c")}, "columns", '"a,b",c'),
    ({"provenance": True}, "provenance", "true"),
    ({"chunk_rows": 77}, "chunk_rows", "77"),
    ({"delimiter": "tab"}, "delimiter", None),
    ({"schema_file": "gs://b/s.json"}, "schema", "gs://b/s.json"),
    ({"retry": "gs://b/run"}, "retry", "gs://b/run"),
]


@pytest.mark.parametrize(("given_", "name", "text"), VALUES)
def test_a_setting_is_the_text_that_our_command_line_reads_back(given_, name, text):
    settings = IngestSettings(**BASE | given_)
    found = parameters(settings)
    assert text is None or found[name] == text
    again = parse(IngestSettings, [f"--{name}={text}" for name, text in found.items()], {}).settings
    assert again == settings


def test_defaults_are_left_out_and_so_is_what_shaped_the_command_here():
    assert set(parameters(IngestSettings(**BASE, runner="dataflow"))) == {"source", "destination", "table"}


def test_a_value_that_a_parameter_cannot_hold_is_refused():
    with pytest.raises(ConfigError, match="--source: this value can't be written"):
        parameters(IngestSettings(**BASE | {"source": ("gs://b/a\nb.csv",)}))


def test_an_option_for_this_machine_is_refused():
    with pytest.raises(ConfigError, match="--log_file is for runs on this machine"):
        parameters(IngestSettings(**BASE, log_file="x.log"))


def launched(*beam_args):
    return command(Launch("ingest", IngestSettings(**BASE), "gs://b/t.json", "j", beam_args))


FLAGS = [
    (["--project=p"], "--project=p"),
    (["--max_num_workers=9"], "--max-workers=9"),
    (["--machine_type=n2"], "--worker-machine-type=n2"),
    (["--no_use_public_ips"], "--disable-public-ips"),
    (["--enable_streaming_engine"], "--enable-streaming-engine"),
    (["--disk_size_gb=50", "--experiments=a,b"], "--additional-pipeline-options=^|^disk_size_gb=50|experiments=a,b"),
]


@pytest.mark.parametrize(("beam_args", "word"), FLAGS)
def test_beam_s_flags_become_gcloud_s(beam_args, word):
    assert word in launched(*beam_args)


@pytest.mark.parametrize("flag", ["--template_location=gs://x", "--no_auth", "--setup_file=s.py"])
def test_flags_without_a_place_in_a_launch_are_refused(flag):
    with pytest.raises(ConfigError, match="has no place in a launch"):
        launched(flag)


def test_the_command_names_pipeline_job_and_template():
    words = launched()
    assert words[:5] == ["gcloud", "dataflow", "flex-template", "run", "j"]
    assert "--template-file-gcs-location=gs://b/t.json" in words
    assert "--parameters=pipeline=ingest,source=gs://b/a.csv,destination=bigquery://p/d,table=t" in words
    assert any(one.name == "source" for one in options(IngestSettings))
