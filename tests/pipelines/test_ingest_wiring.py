"""Whatever the runner does with bundles, a load has the same table, ledger and account as the plain run."""

import gzip
import json
from pathlib import Path

import pytest

from pipelines.__main__ import console
from tests.pipelines.ingest_jobs import Job, csv_bytes, on, records, write_csv
from transforms.core.errors import ConfigError
from transforms.core.summary import Counts, RowCounts
from transforms.core.tables.loads import load_steps

REPEATED = ["--direct_runner_bundle_repeat=1"]
BUNDLES = ["--runner=BundleBasedDirectRunner"]
PROCESSES = ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]
WIRINGS = {"plain": [], "every bundle twice": REPEATED, "bundle-based": BUNDLES}
SCHEMA = {
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "name", "type": "string"},
        {"name": "amount", "type": "number", "constraints": {"maximum": 50}},
    ]
}
# The first file is so long that it has two ranges, and so one that is not scanned with its inspection.
ROWS = [(0, "x" * (1 << 20), 0.0), *records(239, 1)]
GOOD = [row for row in ROWS if row[2] <= 50]
REJECTED = 240 - len(GOOD)


def sources(job: Job, *, broken: bool = False) -> list[Path]:
    """Three CSVs and a gz; `broken`: the gz ends early."""
    found = [write_csv(job.folder / f"{number}.csv", ROWS[number * 60 :][:60]) for number in range(3)]
    data = gzip.compress(csv_bytes(ROWS[180:]), mtime=0)
    packed = job.folder / "3.csv.gz"
    packed.write_bytes(data[:-30] if broken else data)
    (job.folder / "schema.json").write_text(json.dumps(SCHEMA))
    return [*found, packed]


def account(run) -> tuple:
    """What must be the same on each wiring."""
    summary = run.summary
    return summary.status, summary.exit_code, summary.items, summary.rows, run.rejects, run.lines("outcomes.jsonl")


def run(job: Job, paths, beam_args, **changes):
    return job.run(*paths, schema_file=str(job.folder / "schema.json"), beam_args=beam_args, chunk_rows=9, **changes)


@pytest.mark.parametrize("name", WIRINGS)
@on("duckdb", "postgresql", "parquet")
def test_a_load_is_the_same_on_each_wiring(job: Job, name):
    found = run(job, sources(job), WIRINGS[name])
    assert job.rows() == GOOD
    status, code, items, rows, rejects, outcomes = account(found)
    assert (status, code, items) == ("completed", 1, Counts(4, 4, 0, 0, 0))
    assert rows == RowCounts(240, len(GOOD), REJECTED, 0)
    assert [line["record"] for line in rejects] == list(range(22, 61))
    assert {line["status"] for line in outcomes} == {"done"}
    [load] = job.loads()
    ledger = job.ledger(load.spec.load_id)
    assert (len(ledger), sum(totals.loaded for totals in ledger)) == (8 + 3 * 7, len(GOOD))
    attempts = {step.name: step.elements for step in found.summary.steps}["InspectFiles"]
    assert attempts == (8 if name == "every bundle twice" else 4)
    # And again: nothing.
    assert run(job, job.folder.glob("?.csv*"), WIRINGS[name]).summary.items == Counts(4, 0, 4, 0, 0)
    assert job.rows() == GOOD


@pytest.mark.parametrize("name", WIRINGS)
def test_one_unit_that_fails_fails_alone_on_each_wiring(job: Job, name):
    found = run(job, sources(job, broken=True), WIRINGS[name])
    assert (found.summary.status, found.summary.exit_code) == ("failed", 1)
    assert found.summary.items == Counts(4, 3, 0, 1, 0)
    assert found.summary.rows == RowCounts(180, 180, 0, 0)
    assert [line["item"].rpartition("/")[2] for line in found.lines("failures.jsonl")] == ["3.csv.gz"]
    assert job.rows() == ROWS[:180]


@pytest.mark.parametrize("name", WIRINGS)
def test_input_without_a_record_makes_an_empty_table_on_each_wiring(job: Job, name):
    found = job.run(write_csv(job.folder / "a.csv", []), beam_args=WIRINGS[name])
    assert (found.summary.status, found.summary.exit_code) == ("completed", 0)
    assert (found.summary.items, found.summary.rows) == (Counts(1, 1, 0, 0, 0), RowCounts(0, 0, 0, 0))
    assert job.rows("count(*)") == [(0,)]


@pytest.mark.parametrize("name", WIRINGS)
def test_a_file_without_a_byte_is_a_clear_error_on_each_wiring(job: Job, name):
    (job.folder / "a.csv").write_bytes(b"")
    found = job.run(job.folder / "a.csv", beam_args=WIRINGS[name])
    assert found.summary.exit_code == 2
    assert "no column at all" in found.summary.error.message


@pytest.fixture
def broken_once(monkeypatch):
    """Breaks the first call of a step with an error that nobody expects, as a lost worker would."""

    def break_first(name):
        step, calls = getattr(load_steps, name), []

        def breaking(*args):
            calls.append(name)
            result = step(*args)
            if len(calls) == 1:
                if name == "load":
                    list(result)
                raise RuntimeError(f"injected after {name}")
            return result

        monkeypatch.setattr(load_steps, name, breaking)
        return calls

    return break_first


@pytest.mark.parametrize("name", ["begin", "inspect", "scan", "plan", "load"])
def test_the_bundle_based_runner_repeats_a_step_that_broke_after_its_work(job: Job, broken_once, name):
    calls = broken_once(name)
    found = run(job, sources(job), BUNDLES)
    assert len(calls) >= 2
    assert account(found)[:4] == ("completed", 1, Counts(4, 4, 0, 0, 0), RowCounts(240, len(GOOD), REJECTED, 0))
    assert job.rows() == GOOD


@on("postgresql", "parquet")
def test_worker_processes_load_the_same_table(job: Job):
    paths = sources(job)
    found = run(job, paths, PROCESSES)
    assert found.summary.runner == "FnApiRunner, 2 processes"
    assert account(found)[:4] == ("completed", 1, Counts(4, 4, 0, 0, 0), RowCounts(240, len(GOOD), REJECTED, 0))
    assert job.rows() == GOOD
    assert [line["record"] for line in found.rejects] == list(range(22, 61))
    assert run(job, paths, PROCESSES).summary.items == Counts(4, 0, 4, 0, 0)
    assert job.rows() == GOOD


@on("duckdb", "sqlite")
def test_a_database_of_one_process_refuses_worker_processes(job: Job):
    with pytest.raises(ConfigError, match=r"only one process.*or load into PostgreSQL, Parquet or BigQuery"):
        run(job, sources(job), PROCESSES)
    assert job.loads() == []


@on("duckdb", "sqlite")
def test_the_command_says_the_remedy_and_ends_with_2(job: Job, capsys):
    words = job.command(*sources(job), output=job.folder / "run")
    assert console([*words, *PROCESSES]) == 2
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    assert "Leave that flag away, or load into PostgreSQL, Parquet or BigQuery" in told
