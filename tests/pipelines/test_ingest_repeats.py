"""Every mover's three: a second run does nothing, a killed one is finished exactly, one bad item harms no other."""

import gzip
import json

import pytest

from tests.pipelines.ingest_jobs import Job, csv_bytes, on, records, write_csv
from transforms.core.objects.traffic import traffic
from transforms.core.summary import Counts, RowCounts


def everything(folder):
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.stat().st_size)
        for path in folder.rglob("*")
        if path.is_file()
    }


MODES = [
    ("duckdb", "append"), ("duckdb", "upsert"), ("sqlite", "replace"), ("postgresql", "replace"),
    ("postgresql", "upsert"), ("parquet", "append"),
]  # fmt: skip


@pytest.mark.parametrize(("job", "mode"), MODES, indirect=["job"])
def test_a_second_run_reads_no_byte_and_writes_no_row(job: Job, mode):
    source = write_csv(job.folder / "a b.csv", records(300))
    more = {"write_mode": mode} | ({"key": ("id",)} if mode == "upsert" else {})
    first = job.run(source, **more)
    assert (first.summary.status, first.summary.exit_code) == ("completed", 0)
    assert first.summary.rows == RowCounts(300, 300, 0, 0)
    assert job.rows() == records(300)
    [load] = job.loads()
    before = traffic().bytes_read
    again = job.run(source, **more | {"chunk_rows": 7, "max_concurrent": 2})
    read = traffic().bytes_read - before
    assert (again.summary.status, again.summary.exit_code) == ("completed", 0)
    assert again.summary.items == Counts(1, 0, 1, 0, 0)
    assert again.summary.rows == RowCounts(300, 0, 0, 300)
    assert again.lines("outcomes.jsonl")[0]["status"] == "skipped"
    assert job.loads() == [load]
    assert job.rows() == records(300)
    # What was read: the run's own parts, merged at its end, of them the last one also for the totals that the transform
    # gives; and of a Parquet destination its own books.
    parts = sum(path.stat().st_size for path in again.folder.glob("parts/**/*.jsonl"))
    parts += sum(path.stat().st_size for path in again.folder.glob("parts/**/4-load.jsonl"))
    assert read == parts or (job.place.kind == "parquet" and read < parts + 20_000)


def test_a_changed_file_is_another_version_and_a_new_one_is_loaded_alone(job: Job):
    first = write_csv(job.folder / "a.csv", records(10))
    job.run(job.folder / "*.csv")
    write_csv(job.folder / "b.csv", records(5, start=10))
    run = job.run(job.folder / "*.csv")
    assert run.summary.items == Counts(2, 1, 1, 0, 0)
    assert run.summary.rows == RowCounts(15, 5, 0, 10)
    assert job.rows() == records(15)
    write_csv(first, records(10, start=100))
    run = job.run(job.folder / "*.csv")
    assert run.summary.items == Counts(2, 1, 1, 0, 0)
    assert job.rows() == records(15) + records(10, start=100)


@on("duckdb", "postgresql", "parquet")
def test_a_replace_puts_new_rows_in_the_place_of_all(job: Job):
    first, second = (
        write_csv(job.folder / "a.csv", records(40)),
        write_csv(job.folder / "b.csv", records(30, 90)),
    )
    job.run(first, write_mode="replace")
    job.run(second, write_mode="replace")
    assert job.rows() == records(30, 90)
    run = job.run(first, write_mode="replace")
    assert run.summary.items.done == 1
    assert job.rows() == records(40)


def test_a_table_that_was_dropped_is_loaded_again(job: Job):
    source = write_csv(job.folder / "a.csv", records(10))
    job.run(source)
    job.place.run("DROP TABLE t")
    assert job.run(source).summary.rows == RowCounts(10, 10, 0, 0)
    assert job.rows() == records(10)


@on("duckdb", "postgresql", "parquet")
def test_one_bad_file_among_good_ones_fails_alone_and_is_retried_alone(job: Job):
    good = [write_csv(job.folder / f"{n}.csv", records(60, 60 * n)) for n in range(3)]
    bad = job.folder / "bad.csv.gz"
    whole = gzip.compress(csv_bytes(records(60, 180)), mtime=0)
    bad.write_bytes(whole[: len(whole) // 2])
    run = job.run(job.folder / "*.csv*")
    assert (run.summary.status, run.summary.exit_code) == ("failed", 1)
    assert run.summary.items == Counts(4, 3, 0, 1, 0)
    [failure] = run.lines("failures.jsonl")
    assert failure["item"] == f"file://{bad}"
    assert "bad.csv.gz" in failure["message"]
    assert job.rows() == records(180)
    bad.write_bytes(whole)
    retried = job.run(good[0], retry=str(run.folder))
    assert (retried.summary.exit_code, retried.summary.items) == (0, Counts(1, 1, 0, 0, 0))
    assert retried.summary.rows == RowCounts(60, 60, 0, 0)
    assert job.rows() == records(240)
    # The same command now: all is there.
    assert job.run(job.folder / "*.csv*").summary.items == Counts(4, 0, 4, 0, 0)


@on("postgresql", "parquet")
def test_a_bad_file_keeps_a_replace_from_publishing(job: Job):
    old = write_csv(job.folder / "old.csv", records(20))
    job.run(old, write_mode="replace")
    new = write_csv(job.folder / "new.csv", records(30, 100))
    bad = job.folder / "zz.csv.gz"
    bad.write_bytes(gzip.compress(csv_bytes(records(50, 500)), mtime=0)[:-20])
    run = job.run(new, bad, write_mode="replace")
    assert (run.summary.status, run.summary.exit_code) == ("failed", 1)
    assert run.summary.items == Counts(2, 0, 0, 2, 0)
    assert "all or none" in run.summary.error.message
    assert {line["item"] for line in run.lines("failures.jsonl")} == {f"file://{new}", f"file://{bad}"}
    assert job.rows() == records(20)
    bad.write_bytes(gzip.compress(csv_bytes(records(50, 500)), mtime=0))
    run = job.run(new, bad, write_mode="replace")
    assert (run.summary.exit_code, run.summary.items) == (0, Counts(2, 2, 0, 0, 0))
    assert job.rows() == records(30, 100) + records(50, 500)


def test_a_bad_file_that_stands_alone_fails_and_makes_no_table(job: Job):
    bad = job.folder / "bad.csv.gz"
    bad.write_bytes(gzip.compress(csv_bytes(records(60)), mtime=0)[:60])
    run = job.run(bad)
    assert (run.summary.status, run.summary.exit_code, run.summary.items) == ("failed", 1, Counts(1, 0, 0, 1, 0))
    assert [line["item"] for line in run.lines("failures.jsonl")] == [f"file://{bad}"]
    assert "t" not in (job.place.tables() if (job.folder / "out.duckdb").exists() else ())


@on("duckdb", "sqlite", "postgresql", "parquet")
def test_a_dry_run_writes_nothing_but_its_own_folder(job: Job):
    source = write_csv(job.folder / "a.csv", records(120))
    before = everything(job.folder)
    tables = job.place.tables() if job.place.kind == "postgresql" else set()
    run = job.run(source, dry_run=True)
    assert (run.summary.status, run.summary.exit_code) == ("planned", 0)
    assert run.summary.items == Counts(1, 0, 0, 0, 1)
    assert run.summary.details["counted"] == 120
    assert run.summary.details["schema"] == {"id": "integer", "name": "text", "amount": "decimal(18,2)"}
    left = {name: mark for name, mark in everything(job.folder).items() if not name.startswith("run 1/")}
    assert left == before
    assert (job.place.tables() if job.place.kind == "postgresql" else set()) == tables
    # What it planned is done by the run that follows.
    assert job.run(source).summary.rows == RowCounts(120, 120, 0, 0)


@on("duckdb", "postgresql")
def test_an_empty_replace_is_refused_unless_it_is_meant(job: Job):
    job.run(write_csv(job.folder / "a.csv", records(20)), write_mode="replace")
    empty = write_csv(job.folder / "none.csv", [])
    run = job.run(empty, write_mode="replace")
    assert (run.summary.status, run.summary.exit_code) == ("failed", 1)
    assert "--allow_empty" in run.summary.error.message
    assert job.rows() == records(20)
    run = job.run(empty, write_mode="replace", allow_empty=True)
    assert run.summary.exit_code == 0
    assert job.rows("count(*)") == [(0,)]


@on("duckdb", "parquet")
def test_provenance_names_file_and_record(job: Job):
    one, two = (
        write_csv(job.folder / "1.csv", records(70)),
        write_csv(job.folder / "2.csv", records(30, 70)),
    )
    job.run(one, two, provenance=True)
    expected = [(number, f"file://{one}", number + 1) for number in range(70)]
    expected += [(number, f"file://{two}", number - 69) for number in range(70, 100)]
    assert job.rows("id, _source_file, _source_record") == expected


def test_the_summary_on_disk_is_the_one_that_is_returned(job: Job):
    run = job.run(write_csv(job.folder / "a.csv", records(10)))
    stored = json.loads((run.folder / "summary.json").read_text())
    assert stored["rows"] == {"counted": 10, "loaded": 10, "rejected": 0, "skipped": 0}
    assert stored["details"]["files"] == {
        f"file://{job.folder}/a.csv": {"counted": 10, "loaded": 10, "rejected": 0, "skipped": 0}
    }
