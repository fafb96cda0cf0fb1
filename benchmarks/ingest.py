"""`hornbeam ingest` beside its peers, in one run, on the same files and the same server; prints ratios.

    python benchmarks/ingest.py [postgres] [duckdb] [excel] [s3] [memory] [limit] [slow] [--rows 500000,5000000]

`slow` is `postgres` with those of pandas `to_sql`, dlt and sling beside it that --peers PYTHON has.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import ingest_peers, sample_table
from benchmarks.measuring import (
    ROOT,
    Measure,
    at_most,
    end_by_sigterm,
    environment,
    idle_mib,
    ingest,
    line,
    measure,
    middle,
    peaks,
)

REPEATS = 3
DATA = Path(tempfile.gettempdir()) / "hornbeam-bench-data"
CREATE = """CREATE TABLE peer (order_id bigint, sku text, name text, description text, price numeric(6,2),
discount numeric(4,3), quantity bigint, ordered_on date, shipped_at timestamp, active boolean,
score double precision, comment text)"""


def table(rows: int) -> Path:
    """The sample table as CSV; made once."""
    DATA.mkdir(exist_ok=True)
    path = DATA / f"table-{rows}.csv"
    if not path.exists():
        sample_table.write(path.with_suffix(".tmp"), rows)
        path.with_suffix(".tmp").rename(path)
    return path


PASSES = {"first pass": ("ScanRanges", "scanning"), "second pass": ("LoadChunks", "loading")}


def passes(name: str, run: Measure) -> None:
    """Says where the time of one of our runs goes: each pass's, by the clock and summed over threads."""
    steps = {step["name"]: step for step in run.summary["steps"]}
    began = {point["label"]: point["seconds"] for point in run.summary["memory"]["timeline"] if point["label"]}
    after = {"scanning": "loading", "loading": "publishing", "publishing": "end"}
    rows, details = run.summary["rows"]["counted"], run.summary["details"]
    print(f"    {name}: whole {run.seconds:.2f} s, load {run.graph_seconds:.2f} s;", end=" ")
    for told, (step, phase) in PASSES.items():
        if phase in began and step in steps:
            wall, threads = began[after[phase]] - began[phase], steps[step]["seconds"]
            print(f"{told} {wall:.2f} s ({rows / max(wall, 1e-9):,.0f} rows/s; {threads:.2f} thread-s,", end=" ")
            print(f"{rows / max(threads, 1e-9):,.0f} rows a thread-s);", end=" ")
    if "publishing" in began:
        print(f"publish and account {began['end'] - began['publishing']:.2f} s;", end=" ")
    print(f"processor {run.summary['memory']['cpu_seconds']:.2f} s; {details['statements']} statements;", end=" ")
    print(f"peak {run.peak_mib:.0f} MiB", flush=True)
    if rows == 500_000:
        at_most(f"{name}: statements", details["statements"], 500, "")


def postgres(rows: int, *, slow: bool, peers: str) -> None:
    """Into PostgreSQL, beside psql, and beside the slow ones."""
    from tests.servers.postgres import running_postgres

    source = table(rows)
    with running_postgres() as server:
        env = {**environment(), **server.environment(), "HORNBEAM_BENCH_PASSWORD": server.password}
        psql = shutil.which("psql") or str(server.programs / "psql")
        ours, theirs = [], []
        for number in range(REPEATS):
            with server.connect() as connection:
                connection.execute("DROP TABLE IF EXISTS peer")
                connection.execute(CREATE)
                connection.execute("CHECKPOINT")
            theirs.append(measure([psql, "-q", "-c", f"\\copy peer FROM '{source}' (FORMAT csv, HEADER)"], env))
            with server.connect() as connection:
                connection.execute("CHECKPOINT")
            ours.append(
                ingest(
                    *("--source", str(source), "--destination", server.uri(), "--table", f"ours_{rows}_{number}"),
                    *("--destination_password", "env:HORNBEAM_BENCH_PASSWORD"),
                    env=env,
                )
            )
        mine, peer = middle(ours), middle(theirs)
        passes(f"PostgreSQL {rows:,} rows", mine)
        target = 1.5 if rows <= 500_000 else 1.1
        line(f"PostgreSQL {rows:,} rows: load / psql \\copy", mine.graph_seconds, peer.seconds, target)
        line(f"PostgreSQL {rows:,} rows: whole command / psql \\copy", mine.seconds, peer.seconds, 99)
        peaks(mine, peer, "psql")
        above = max(run.peak_mib for run in ours) - idle_mib()
        at_most(f"PostgreSQL {rows:,} rows: peak above idle Beam", above, 150, "MiB")
        if slow:
            uri = server.uri().replace("@", f":{server.password}@", 1)
            ingest_peers.slow_peers(source, uri, env, mine, peers)


def duckdb(rows: int) -> None:
    """Into a DuckDB file, beside DuckDB's own COPY FROM in a process of its own."""
    source = table(rows)
    create = CREATE.replace("numeric", "decimal")
    code = (
        "import sys, time, duckdb\nc = duckdb.connect(sys.argv[2])\nc.execute(sys.argv[3])\nt = time.perf_counter()\n"
        "c.execute(f\"COPY peer FROM '{sys.argv[1]}' (HEADER)\")\nc.close()\nprint(time.perf_counter() - t)\n"
    )
    ours, theirs = [], []
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory() as folder:
            theirs.append(measure([sys.executable, "-c", code, str(source), f"{folder}/peer.duckdb", create]))
            ours.append(ingest("--source", str(source), *to_duckdb(folder)))
    mine, peer = middle(ours), middle(theirs)
    passes(f"DuckDB {rows:,} rows", mine)
    line(f"DuckDB {rows:,} rows: load / COPY FROM", mine.graph_seconds, middle_of_printed(theirs), 1.5)
    line(f"DuckDB {rows:,} rows: whole command / whole duckdb process", mine.seconds, peer.seconds, 3)
    peaks(mine, peer, "duckdb")


def to_duckdb(folder: str) -> tuple[str, ...]:
    """The options for a new DuckDB file."""
    return "--destination", f"duckdb:///{folder}/ours.duckdb", "--table", "ours"


def middle_of_printed(runs: list[Measure]) -> float:
    """The median of the seconds that the runs printed last."""
    return median(float(run.output.split()[-1]) for run in runs)


def excel() -> None:
    """A sheet of 100,000 x 12, beside iterating it with python-calamine and throwing the rows away."""
    source = workbook(100_000)
    code = (
        "import sys, time, python_calamine\nt = time.perf_counter()\n"
        "book = python_calamine.CalamineWorkbook.from_path(sys.argv[1])\n"
        "n = sum(1 for _ in book.get_sheet_by_index(0).iter_rows())\nprint(time.perf_counter() - t)\n"
    )
    ours, theirs = [], []
    for _ in range(REPEATS):
        theirs.append(measure([sys.executable, "-c", code, str(source)]))
        with tempfile.TemporaryDirectory() as folder:
            ours.append(ingest("--source", str(source), *to_duckdb(folder)))
    mine = middle(ours)
    passes("Excel 100,000 rows", mine)
    line("Excel 100,000 x 12: load / calamine iteration", mine.graph_seconds, middle_of_printed(theirs), 1.5)
    peaks(mine, middle(theirs), "calamine")


def workbook(rows: int) -> Path:
    """The sample table as .xlsx; made once."""
    path = DATA / f"table-{rows}.xlsx"
    if not path.exists():
        import csv

        import xlsxwriter

        book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
        sheet = book.add_worksheet()
        with table(rows).open(newline="") as file:
            for number, record in enumerate(csv.reader(file)):
                for column, text in enumerate(record):
                    if number and column in (0, 4, 5, 6, 10) and text:
                        sheet.write_number(number, column, float(text))
                    else:
                        sheet.write_string(number, column, text)
        book.close()
    return path


def s3(rows: int) -> None:
    """The same file from an S3 server, beside the disk; then once more, with an eye on temporary files."""
    from benchmarks.object_server import serving

    source = table(rows)
    local, remote = [], []
    with serving(source) as server:
        there = ("--source", server.uri, *server.options)
        for _ in range(REPEATS):
            with tempfile.TemporaryDirectory() as folder:
                local.append(ingest("--source", str(source), *to_duckdb(folder)))
            with tempfile.TemporaryDirectory() as folder:
                remote.append(ingest(*there, *to_duckdb(folder), env=server.environment))
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as temp:
            env = {**server.environment, "TMPDIR": temp}
            watched = ingest(*there, *to_duckdb(folder), env=env, temp=Path(temp))
    mine, disk = middle(remote), middle(local)
    passes(f"S3 {rows:,} rows", mine)
    line(f"S3 {rows:,} rows: load / from disk", mine.graph_seconds, disk.graph_seconds, 1.3)
    read = mine.summary["details"]["bytes_read"]
    line("S3: bytes read / size of the file", read / 2**20, source.stat().st_size / 2**20, 2, "MiB")
    peaks(mine, disk, "from disk")
    at_most("S3: peak above that from disk", mine.peak_mib - disk.peak_mib, 20, "MiB")
    most_temp = max(watched.temp_mib, *(run.summary["memory"]["temp_peak_mb"] for run in remote))
    at_most("S3: temporary files at their most (1 is none)", most_temp, 1, "MiB")


def memory(sizes: list[int]) -> None:
    """Memory above an idle Beam process, whatever the input's size."""
    idle = idle_mib()
    print(f"    idle `import apache_beam`: {idle:.0f} MiB")
    above = {}
    for rows in sizes:
        with tempfile.TemporaryDirectory() as folder:
            run = ingest("--source", str(table(rows)), *to_duckdb(folder))
        above[rows] = run.peak_mib - idle
        passes(f"memory {rows:,} rows", run)
        at_most(f"DuckDB {rows:,} rows: peak above idle Beam", above[rows], 150, "MiB")
    line("most / least of these", max(above.values()), min(above.values()), 1.15, "MiB")
    with tempfile.TemporaryDirectory() as folder:
        run = ingest("--source", str(workbook(1_000_000)), *to_duckdb(folder))
    passes("memory Excel 1,000,000 rows", run)
    at_most("Excel 1,000,000 rows: peak above idle Beam", run.peak_mib - idle, 250, "MiB")


def limit() -> None:
    """The 500,000-row CSV from S3 and the 100,000-row workbook under a hard limit of 512 MiB."""
    from benchmarks.object_server import serving

    with serving(table(500_000)) as server, tempfile.TemporaryDirectory() as folder:
        there = ("--source", server.uri, *server.options)
        passes("csv from S3 under 512 MiB", ingest(*there, *to_duckdb(folder), env=server.environment, limit_mib=512))
    with tempfile.TemporaryDirectory() as folder:
        run = ingest("--source", str(workbook(100_000)), *to_duckdb(folder), limit_mib=512)
        passes("xlsx under 512 MiB", run)


def main() -> None:
    """Runs the parts that were asked for, or all but the slow peers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = ["postgres", "duckdb", "excel", "s3", "memory", "limit", "slow"]
    parser.add_argument("parts", nargs="*", choices=[*known, []])
    parser.add_argument("--rows", default="500000,5000000")
    parser.add_argument("--memory_rows", default="500000,5000000,10000000")
    parser.add_argument("--peers", default=sys.executable, help="Python of an environment with pandas, dlt and sling")
    options = parser.parse_args()
    end_by_sigterm()
    parts = options.parts or known[:-1]
    if "slow" in parts:
        parts = [*parts, "postgres"]
    sizes = [int(size) for size in options.rows.split(",")]
    with contextlib.chdir(ROOT):
        for rows in sizes:
            if "postgres" in parts:
                slow = "slow" in parts and rows <= 500_000
                postgres(rows, slow=slow, peers=options.peers)
            if "duckdb" in parts:
                duckdb(rows)
        if "excel" in parts:
            excel()
        if "s3" in parts:
            s3(sizes[0])
        if "memory" in parts:
            memory([int(size) for size in options.memory_rows.split(",")])
        if "limit" in parts:
            limit()


if __name__ == "__main__":
    main()
