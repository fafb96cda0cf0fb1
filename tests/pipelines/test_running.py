"""A run leaves its account however it ends: done, broken, dry, in several processes, run twice."""

import json
import logging
import threading

import pytest

from pipelines.running import BuildContext, Collected, run_pipeline
from pipelines.settings import PipelineSettings
from tests.pipelines import toy
from transforms.core.errors import ConfigError
from transforms.core.scrubbing import remember
from transforms.core.summary import Counts, RowCounts, Summary

FILES = ["failures.jsonl", "hornbeam.log", "outcomes.jsonl", "parts", "report.html", "summary.json"]
WIRINGS = {
    "default": [],
    "every bundle twice": ["--direct_runner_bundle_repeat=1"],
    "bundle-based": ["--runner=BundleBasedDirectRunner"],
    "threads": ["--direct_running_mode=multi_threading", "--direct_num_workers=2"],
    "processes": ["--direct_running_mode=multi_processing", "--direct_num_workers=2"],
}


def outcomes(folder):
    return [json.loads(line) for line in (folder / "outcomes.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("beam_args", WIRINGS.values(), ids=WIRINGS)
def test_a_run_accounts_for_everything_on_each_wiring(tmp_path, capfd, beam_args):
    out = tmp_path / "a run"
    summary = toy.run(out, items=20, beam_args=beam_args)
    assert (summary.status, summary.exit_code) == ("completed", 0)
    assert summary.items == Counts(20, 20, 0, 0, 0)
    assert summary.bytes == Counts(200, 200, 0, 0, 0)
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert [one["item"] for one in outcomes(out)] == [f"item {number}" for number in range(20)]
    assert Summary.from_json((out / "summary.json").read_text()) == summary
    printed = capfd.readouterr().out
    assert len(printed.splitlines()) == 4
    assert printed.endswith(f"report: {out}/report.html\n")
    assert sum(step.elements for step in summary.steps) >= 20


@pytest.mark.parametrize(
    ("beam_args", "engine"),
    [
        ([], "FnApiRunner (bounded input on this machine)"),
        (WIRINGS["bundle-based"], "BundleBasedDirectRunner (asked for; it repeats failing bundles and is slow"),
        (WIRINGS["processes"], "FnApiRunner, 2 processes (asked for by --direct_running_mode)"),
    ],
)
def test_a_run_says_first_where_it_runs_and_why(tmp_path, capfd, beam_args, engine):
    summary = toy.run(tmp_path, items=2, beam_args=beam_args)
    first = capfd.readouterr().err.splitlines()[0]
    assert f" - INFO - toy {summary.run_id}: on {engine}" in first
    assert first in (tmp_path / "hornbeam.log").read_text()


def test_a_run_that_logs_warnings_only_says_nothing_while_all_is_well(tmp_path, capfd):
    toy.run(tmp_path, items=2, log_level="WARNING")
    assert capfd.readouterr().err == ""


def test_a_run_that_breaks_leaves_what_was_done_and_says_why_without_a_traceback(tmp_path, capfd):
    remember("hunter2-secret")
    summary = toy.run(tmp_path, items=20, bad=13)
    assert (summary.status, summary.exit_code) == ("failed", 1)
    assert summary.error.type == "ValueError"
    assert summary.items.not_started == 20 - summary.items.done
    assert len(outcomes(tmp_path)) == summary.items.done
    failure = json.loads((tmp_path / "failures.jsonl").read_text())
    assert (failure["step"], failure["error"]) == ("run", "ValueError")
    console = capfd.readouterr()
    assert "item 13 went off" in console.out
    assert "item 13 went off" in console.err
    assert "Traceback" not in console.out + console.err
    assert "Traceback" in (tmp_path / "hornbeam.log").read_text()
    everything = console.out + console.err + "".join(path.read_text() for path in tmp_path.glob("*.*"))
    assert "hunter2-secret" not in everything


def test_a_run_that_breaks_in_a_worker_process_says_why(tmp_path):
    summary = toy.run(tmp_path, items=8, bad=3, beam_args=WIRINGS["processes"])
    assert (summary.status, summary.error.type) == ("failed", "ValueError")
    assert summary.error.message.startswith("item 3 went off")


def test_a_dry_run_is_planned_and_starts_nothing(tmp_path):
    summary = toy.run(tmp_path, items=7, dry_run=True)
    assert (summary.status, summary.exit_code) == ("planned", 0)
    assert summary.items == Counts(7, 0, 0, 0, 7)


def test_an_account_with_a_hole_fails_the_run(tmp_path):
    def lose_one(_folder, merged):
        return Collected(merged.items._replace(done=merged.items.done - 1), merged.bytes)

    summary = toy.run(tmp_path, items=5, collect=lose_one)
    assert (summary.status, summary.exit_code, summary.error.type) == ("failed", 1, "AccountingError")
    assert Summary.from_json((tmp_path / "summary.json").read_text()) == summary


def test_what_a_pipeline_collects_is_in_the_summary_and_on_the_page(tmp_path):
    def collect(_folder, merged):
        return Collected(merged.items, merged.bytes, RowCounts(9, 8, 1, 0), {"dialect": "semicolon"}, True)

    summary = toy.run(tmp_path, items=2, collect=collect)
    assert (summary.rows, summary.details, summary.exit_code) == (RowCounts(9, 8, 1, 0), {"dialect": "semicolon"}, 0)
    assert "semicolon" in (tmp_path / "report.html").read_text()


def refuse(_pipeline, _settings, _context: BuildContext):
    raise ConfigError("--source names nothing: give a file")


def test_a_wrong_command_runs_nothing_and_leaves_no_folder_of_its_own(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="names nothing"):
        run_pipeline("toy", PipelineSettings(), [], refuse)
    assert list((tmp_path / "runs").iterdir()) == []
    assert capfd.readouterr().out == ""


def test_events_are_json_lines_and_nothing_else_is_on_standard_output(tmp_path, capfd):
    summary = toy.run(tmp_path, items=3, json_events=True)
    printed = capfd.readouterr()
    events = [json.loads(line) for line in printed.out.splitlines()]
    assert [event["event"] for event in (events[0], events[-1])] == ["started", "finished"]
    assert {event["event"] for event in events[1:-1]} <= {"progress"}
    assert (events[0]["runner"], events[0]["run_id"]) == ("FnApiRunner", summary.run_id)
    assert events[-1]["summary"]["items"]["done"] == 3
    assert printed.err == "", "the event names the engine"


def test_memory_has_a_baseline_after_start_up_and_named_moments(tmp_path):
    memory = toy.run(tmp_path, items=4).memory
    assert 50 < memory.baseline_mb <= memory.peak_mb
    assert memory.threshold_mb == 500
    assert memory.timeline[0].label == "start"


def test_a_program_gets_the_summary_in_a_thread_and_keeps_its_own_logging(tmp_path):
    handlers, level = list(logging.getLogger().handlers), logging.getLogger().level
    found = []
    thread = threading.Thread(target=lambda: found.append(toy.run(tmp_path, items=3)))
    thread.start()
    thread.join(120)
    assert found[0].items.done == 3
    assert (logging.getLogger().handlers, logging.getLogger().level) == (handlers, level)


def test_two_runs_of_one_program_at_once_do_not_mix(tmp_path):
    found = {}
    counts = {"one": 5, "two": 9}

    def run(name):
        found[name] = toy.run(tmp_path / name, items=counts[name])

    threads = [threading.Thread(target=run, args=[name]) for name in counts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert {name: summary.items.done for name, summary in found.items()} == counts
    assert {name: sum(step.elements for step in summary.steps) for name, summary in found.items()} == counts


def test_an_output_that_can_not_be_written_is_a_wrong_command_and_nothing_runs(s3_server, s3_environment, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.endpoint)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")
    bucket = s3_server.make_bucket("refused-runs")
    with pytest.raises(ConfigError, match=rf"--output s3://{bucket}/out can't be written: .*AWS_ENDPOINT_URL"):
        toy.run(f"s3://{bucket}/out", items=3)
    assert "Contents" not in s3_server.client().list_objects_v2(Bucket=bucket)


def test_a_run_may_leave_everything_in_an_object_store(s3_server, s3_environment, monkeypatch, capfd):
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.endpoint)
    bucket = s3_server.make_bucket("runs")
    summary = toy.run(f"s3://{bucket}/out", items=3)
    assert (summary.status, summary.output) == ("completed", f"s3://{bucket}/out")
    listed = s3_server.client().list_objects_v2(Bucket=bucket, Prefix="out/")["Contents"]
    names = {one["Key"].removeprefix("out/").split("/")[0] for one in listed}
    assert sorted(names) == FILES
    assert capfd.readouterr().out.endswith(f"report: s3://{bucket}/out/report.html\n")
