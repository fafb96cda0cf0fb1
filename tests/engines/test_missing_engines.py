"""Tests of what is not here (engines, Pub/Sub): left out in one line with the reason, or a failure if it's required."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.pipelines.ingest_jobs import ROOT

TESTS = (
    "tests/engines/test_watch_graph.py::test_a_listing_that_breaks_fails_the_run_and_says_why",  # on each engine
    "tests/services/test_subscription.py::test_no_message_is_no_error",
)
REASONS = {
    "prism": "--runner=prism: no Prism at {}/bin/prism or on the path: build it by `make engines`",
    "flink": "--runner=flink: no Java on the path: install one",
    "Pub/Sub": "no Pub/Sub emulator: gcloud components install pubsub-emulator",
}


def without_engines(folder, **more: str) -> subprocess.CompletedProcess[str]:
    """The tests as a user runs them, on a machine that has no engine, no Java and nothing else on its path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "HORNBEAM_", "JAVA_"))}
    environment = kept | {"PATH": str(folder), "HORNBEAM_ENGINES": str(folder), "COLUMNS": "400"} | more
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_what_is_not_here_is_left_out_in_one_line_with_its_reason(tmp_path):
    done = without_engines(tmp_path)
    assert done.returncode == 0, done.stdout
    assert f"{len(REASONS)} skipped" in done.stdout
    told = [line for line in done.stdout.splitlines() if line.startswith("SKIPPED")]
    assert len(told) == len(REASONS)
    for engine, reason in REASONS.items():
        assert [line for line in told if f"left out: {reason.format(tmp_path)}" in line], engine


def test_what_is_not_here_is_a_failure_where_every_engine_is_required(tmp_path):
    done = without_engines(tmp_path, HORNBEAM_REQUIRE_ENGINES="1")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
    assert "skipped" not in done.stdout
    for reason in REASONS.values():
        assert f"HORNBEAM_REQUIRE_ENGINES=1, but {reason.format(tmp_path)}" in done.stdout
