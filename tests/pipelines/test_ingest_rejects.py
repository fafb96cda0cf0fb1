"""Records that don't fit: each is told of exactly, on every run; --max_rejects decides what is published."""

import json

import openpyxl
import pytest

from tests.pipelines.ingest_jobs import Job, on, write_csv
from transforms.core.summary import RowCounts

KEYS = ["file", "sheet", "record", "line", "column", "value", "rule", "raw"]
CLEAN = {"id": {"type": "integer"}, "code": {"type": "string"}, "amount": {"type": "number"}}


def schema(job: Job, **constraints: dict) -> str:
    fields = [{"name": name, **kind, "constraints": constraints.get(name, {})} for name, kind in CLEAN.items()]
    path = job.folder / "schema.json"
    path.write_text(json.dumps({"fields": fields}))
    return str(path)


def ten_of_a_hundred(job: Job):
    """100 records, of which records 10, 20, ... 100 have no number in `amount`; the code holds line ends."""
    rows = [(n, "a\nb" if n % 5 == 0 else f"c{n}", "many" if n % 10 == 0 else n / 2) for n in range(1, 101)]
    return write_csv(job.folder / "a.csv", rows, tuple(CLEAN))


def ten_rejects(path) -> list[dict]:
    # Of the records before, every 5th takes two lines; the first record stands on line 2.
    return [
        {
            "file": f"file://{path}",
            "sheet": "",
            "record": n,
            "line": 1 + n + (n - 1) // 5,
            "column": "amount",
            "value": "many",
            "rule": "type double",
            "raw": f'{n},"a\nb",many',
        }
        for n in range(10, 101, 10)
    ]


LIMITS = [(None, 1, True), ("9", 1, False), ("10", 0, True), ("9.99%", 1, False), ("10%", 0, True), ("0", 1, False)]


@pytest.mark.parametrize(("limit", "code", "published"), LIMITS)
def test_a_limit_decides_what_is_published_and_the_exit_code(job: Job, limit, code, published):
    path = ten_of_a_hundred(job)
    run = job.run(path, schema_file=schema(job), max_rejects=limit)
    assert run.summary.exit_code == code
    assert ("t" in job.place.tables()) == published
    assert run.rejects == ten_rejects(path)
    assert list(run.rejects[0]) == KEYS
    counts = {"counted": 100, "loaded": 90, "rejected": 10, "skipped": 0}
    assert run.summary.details["files"] == {f"file://{path}": counts}
    if published:
        assert run.summary.rows == RowCounts(**counts)
        assert job.rows("id") == [(n,) for n in range(1, 101) if n % 10]
        again = job.run(path, schema_file=schema(job), max_rejects=limit)
        assert (again.summary.exit_code, again.rejects) == (code, run.rejects)
        assert again.summary.rows == RowCounts(100, 0, 10, 90)
    else:
        assert f"--max_rejects {limit}" in run.summary.error.message
        assert (run.summary.status, run.summary.items.failed) == ("failed", 1)
        # With a higher limit the same load goes on from where it is: nothing is read or written again.
        again = job.run(path, schema_file=schema(job), max_rejects="10%")
        assert (again.summary.exit_code, again.rejects) == (0, run.rejects)
        assert job.rows("count(*)") == [(90,)]


@on("duckdb", "postgresql", "sqlite")
def test_a_record_that_repeats_a_unique_value_is_rejected_and_the_first_one_stays(job: Job):
    first = write_csv(job.folder / "1.csv", [(n, f"c{n}", n) for n in range(60)], tuple(CLEAN))
    second = write_csv(job.folder / "2.csv", [(n, f"c{n % 50}", n) for n in range(100, 200)], tuple(CLEAN))
    more = {"schema_file": schema(job, code={"unique": True}), "chunk_rows": 7}
    run = job.run(first, second, **more, max_rejects="99")
    assert (run.summary.status, run.summary.exit_code) == ("failed", 1)
    assert "repeat a value of code" in run.summary.error.message
    assert "t" not in job.place.tables()
    run = job.run(first, second, **more, max_rejects="100")
    assert (run.summary.status, run.summary.exit_code) == ("completed", 0)
    assert run.summary.rows == RowCounts(160, 0, 100, 60), "the first run committed them, this one publishes"
    assert job.rows("id, code") == [(n, f"c{n}") for n in range(60)]
    assert run.summary.details["rejects"] == [{"rule": "unique", "column": "code", "records": 100}]
    told = [tuple(line[key] for key in KEYS if key != "sheet") for line in run.rejects]
    assert told == [
        (f"file://{second}", n + 1, n + 2, "code", f"c{n % 50}", "unique", f"{n + 100},c{n % 50},{n + 100}")
        for n in range(100)
    ]


def test_every_record_of_every_file_is_accounted_for(job: Job):
    good = write_csv(job.folder / "good.csv", [(n, "x", n) for n in range(25)], tuple(CLEAN))
    odd = job.folder / "odd.csv"
    odd.write_text("id,code,amount\n1,a,1\n\n2,b\n3,c,x\n\n\n4,d,4\n5,e,5,6\n")
    run = job.run(good, odd, schema_file=schema(job), chunk_rows=2)
    files = run.summary.details["files"]
    assert files[f"file://{good}"] == {"counted": 25, "loaded": 25, "rejected": 0, "skipped": 0}
    assert files[f"file://{odd}"] == {"counted": 8, "loaded": 2, "rejected": 3, "skipped": 3}
    assert run.summary.rows == RowCounts(33, 27, 3, 3)
    told = [(line["record"], line["line"], line["column"], line["rule"], line["raw"]) for line in run.rejects]
    assert told == [
        (3, 4, "", "columns 3", "2,b"),
        (4, 5, "amount", "type double", "3,c,x"),
        (8, 9, "", "columns 3", "5,e,5,6"),
    ]


def test_rejects_of_a_sheet_name_sheet_and_row(job: Job):
    book = openpyxl.Workbook()
    book.active.title = "first"
    book.active.append(["nothing"])
    sheet = book.create_sheet("second sheet")
    for row in (["id", "code", "amount"], [1, "a", 2.5], [2, "b", "many"], [3, "c", 4]):
        sheet.append(row)
    path = job.folder / "a.xlsx"
    book.save(path)
    run = job.run(path, schema_file=schema(job), sheet="second sheet")
    assert run.summary.rows == RowCounts(3, 2, 1, 0)
    [line] = run.rejects
    assert [line[key] for key in KEYS[:7]] == [
        f"file://{path}", "second sheet", 2, 3, "amount", "many", "type double"
    ]  # fmt: skip
    assert json.loads(line["raw"]) == ["2", "b", "many"]


@on("postgresql", "duckdb")
def test_what_the_database_refuses_is_rejected_alone(job: Job):
    job.place.run("CREATE TABLE t (id bigint, code text CHECK (code <> 'bad'), amount numeric)")
    rows = [(n, "bad" if n in {17, 40} else "ok", n) for n in range(60)]
    run = job.run(write_csv(job.folder / "a.csv", rows, tuple(CLEAN)), chunk_rows=25)
    assert run.summary.rows == RowCounts(60, 58, 2, 0)
    assert [(line["record"], line["line"], line["raw"]) for line in run.rejects] == [
        (18, 19, "17,bad,17"),
        (41, 42, "40,bad,40"),
    ]
    assert all(line["rule"].startswith("database: ") for line in run.rejects)
    assert job.rows("id") == [(n,) for n in range(60) if n not in {17, 40}]
