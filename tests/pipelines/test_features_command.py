"""What the command does around a run: its two streams, events for programs, `validate`, what it leaves behind."""

import json
import subprocess
import sys

import pytest

from tests.pipelines.feature_loads import write
from tests.pipelines.ingest_jobs import ROOT


def command(*words, **environment):
    done = subprocess.run(
        [sys.executable, "-m", "pipelines", *words],
        cwd=ROOT,
        env=environment or None,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_load_into_duckdb_says_on_standard_error_where_it_runs_and_nothing_else(tmp_path):
    [source] = write(tmp_path, {"a.csv": "a\n1\n"})
    words = [f"--source={source}", f"--destination=duckdb:///{tmp_path}/x.duckdb", "--table=t"]
    code, out, err = command("ingest", *words, f"--output={tmp_path}/run")
    assert code == 0, err
    assert len(err.splitlines()) == 1
    assert ": on FnApiRunner (bounded input on this machine)" in err
    assert len(out.splitlines()) == 4


WRONG = [
    (["--source=no.csv", "--tabel=t"], 3, "did you mean --table?"),
    (["--source=no.csv", "--destination=duckdb:///{}/x.duckdb", "--table=t"], 1, "'no.csv' matches nothing"),
]


@pytest.mark.parametrize(("words", "findings", "message"), WRONG)
def test_a_command_that_can_not_work_is_an_event_too_for_those_who_asked_for_events(tmp_path, words, findings, message):
    words = [word.format(tmp_path) for word in words]
    code, out, err = command("ingest", *words, "--json")
    assert code == 2
    event = json.loads(out)
    assert (event["event"], event["exit_code"], event["error"]["type"]) == ("error", 2, "ConfigError")
    assert len(event["error"]["findings"]) == findings
    assert message in event["error"]["message"]
    assert err.startswith("hornbeam: ")
    assert command("ingest", *words)[:2] == (2, "")
