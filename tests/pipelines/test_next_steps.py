"""How to go on is a command that can be pasted."""

import shlex

import pytest

from pipelines.next_steps import command_for, next_steps
from pipelines.registry import settings_class
from pipelines.settings import PipelineSettings
from pipelines.settings_sources import parse
from tests.stream_jobs import with_heads
from transforms.core.summary import Counts


def test_the_command_gives_the_same_settings_again():
    settings = PipelineSettings(output="my runs/one", max_concurrent=3, json_events=True, log_level="DEBUG")
    command = command_for("toy", settings, ["--direct_num_workers=2"])
    words = shlex.split(command)
    parsed = parse(PipelineSettings, words[2:], {})
    assert (parsed.settings, parsed.beam_args) == (settings, ["--direct_num_workers=2"])


def test_defaults_are_left_out():
    assert command_for("toy", PipelineSettings()) == "hornbeam toy"


FAILED, WHOLE = Counts(2, 1, 0, 1, 0), Counts(2, 2, 0, 0, 0)
STEPS = [
    ("completed", WHOLE, ["hornbeam toy --output=out"]),
    ("planned", WHOLE, ["hornbeam toy --output=out"]),
    ("failed", FAILED, ["hornbeam toy --retry=out", "hornbeam toy --output=out"]),
    ("interrupted", WHOLE, ["hornbeam toy --output=out"]),
]


@pytest.mark.parametrize(("status", "items", "commands"), STEPS)
def test_each_end_has_its_next_steps(status, items, commands):
    settings = PipelineSettings(output="out", dry_run=status == "planned")
    steps = next_steps("toy", settings, [], status, items, "out")
    assert [step.command for step in steps] == commands


NEEDED = {
    "copy": ["--source=s3://b/in/", "--destination=s3://b/out/"],
    "ingest": ["--source=s3://b/in/*.csv", "--destination=postgresql://u@h/db", "--table=t", "--batch_size=5"],
}
HEADS = [["--watch=0.5"], ["--subscription=projects/p/subscriptions/s"]]


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("name", sorted(with_heads()))
def test_after_a_stream_what_failed_is_done_by_a_command_that_is_none(name, head):
    ends = ["--window_seconds=3", "--stop_after_idle_seconds=1"]
    stream = parse(settings_class(name), [*NEEDED[name], *head, *ends, "--output=s3://b/run/"], {})
    retry, again = next_steps(name, stream.settings, stream.beam_args, "failed", FAILED, "s3://b/run")
    retried = shlex.split(retry.command)[2:]
    kept = [word for word in NEEDED[name] if not word.startswith("--batch_size=")]
    assert set(retried) == {*kept, "--output=s3://b/run/retry", "--retry=s3://b/run"}
    assert parse(settings_class(name), retried, {}).settings.head == "bounded"
    assert parse(settings_class(name), shlex.split(again.command)[2:], {}).settings == stream.settings
