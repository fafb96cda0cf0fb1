"""Upsert: for each key the last record in (file, record) order stays, however the input is cut and worked."""

import random

import pytest

from tests.pipelines.ingest_jobs import Job, on, write_csv
from transforms.core.summary import RowCounts

HEADER = ("id", "name", "amount")


def history(files: int, rows: int, keys: int, seed: int) -> list[list[tuple]]:
    """Files whose records repeat keys, in no order."""
    draw = random.Random(seed)
    return [
        [
            (draw.randrange(keys), f"file {file} record {row} " + "x" * draw.randrange(60), row / 4)
            for row in range(rows)
        ]
        for file in range(files)
    ]


def last_of_each(tables) -> list[tuple]:
    return sorted({row[0]: row for table in tables for row in table}.values())


CUTS = [(1, 1), (7, 8), (50, 3), (10_000, 1)]


@pytest.mark.parametrize(("chunk_rows", "max_concurrent"), CUTS)
def test_the_last_record_of_a_key_stays_whatever_the_chunks(job: Job, chunk_rows, max_concurrent):
    tables = history(files=3, rows=120, keys=40, seed=chunk_rows)
    paths = [write_csv(job.folder / f"{n}.csv", table) for n, table in enumerate(tables)]
    run = job.run(*paths, write_mode="upsert", key=("id",), chunk_rows=chunk_rows, max_concurrent=max_concurrent)
    assert run.summary.rows == RowCounts(360, 360, 0, 0)
    assert job.rows() == last_of_each(tables)


@on("duckdb", "postgresql")
def test_ranges_of_one_large_file_keep_its_order(job: Job):
    rows = [(n % 1000, f"record {n} {'x' * 300}", n) for n in range(9000)]
    path = write_csv(job.folder / "large.csv", rows)
    assert path.stat().st_size > 2 << 20
    job.run(path, write_mode="upsert", key=("id",), chunk_rows=500, range_mb=1, max_concurrent=8)
    assert job.rows() == last_of_each([rows])


@on("duckdb", "postgresql", "sqlite")
def test_keys_that_are_there_are_updated_and_the_others_added(job: Job):
    first, second = history(files=2, rows=50, keys=30, seed=1)
    second = [(key + 15, name, amount) for key, name, amount in second]
    job.run(write_csv(job.folder / "1.csv", first), write_mode="upsert", key=("id",))
    job.run(write_csv(job.folder / "2.csv", second), write_mode="upsert", key=("id",))
    assert job.rows() == last_of_each([first, second])


def test_files_are_in_the_order_of_the_sources_and_of_their_names(job: Job):
    for number in (1, 2, 10):
        write_csv(job.folder / f"a{number}.csv", [(1, f"a{number}", 1)])
    write_csv(job.folder / "0.csv", [(1, "zero", 1)])
    job.run(job.folder / "a*.csv", job.folder / "0.csv", write_mode="upsert", key=("id",))
    assert job.rows("name") == [("zero",)]
    job.run(job.folder / "0.csv", job.folder / "a*.csv", write_mode="upsert", key=("id",), table="u")
    assert job.rows("name", "u") == [("a2",)]


def test_a_key_of_two_columns_and_a_record_without_one(job: Job):
    path = job.folder / "a.csv"
    path.write_text("a,b,v\n1,x,1\n1,y,2\n1,x,3\n,x,4\n2,x,5\n")
    run = job.run(path, write_mode="upsert", key=("a", "b"))
    assert job.rows("a, b, v") == [(1, "x", 3), (1, "y", 2), (2, "x", 5)]
    assert [(line["record"], line["column"], line["rule"]) for line in run.rejects] == [(4, "a", "required")]
