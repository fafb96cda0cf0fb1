"""`hornbeam ingest` beside its peers, in one run, on the same files and the same server; prints ratios.

    python benchmarks/ingest.py [postgres] [duckdb] [excel] [s3] [memory] [limit] [slow] [--rows 500000,5000000]

`slow` adds pandas `to_sql`, dlt and sling (the last two when PATH or --peers PYTHON has them).
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import sample_table
from benchmarks.measuring import ROOT, Measure, environment, idle_mib, ingest, line, measure, middle

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


def passes(name: str, run: Measure) -> None:
    """Says where the time of one of our runs goes, per pass."""
    steps = {step["name"]: step for step in run.summary["steps"]}
    rows = run.summary["rows"]["counted"]
    told = [
        f"{step} {steps[step]['seconds']:.2f} thread-s ({rows / max(steps[step]['seconds'], 1e-9):,.0f} rows/s)"
        for step in ("ScanRanges", "LoadChunks")
        if step in steps
    ]
    details = run.summary["details"]
    print(f"    {name}: whole {run.seconds:.2f} s, graph {run.graph_seconds:.2f} s; {', '.join(told)};", end=" ")
    print(f"processor {run.summary['memory']['cpu_seconds']:.2f} s; {details['statements']} statements;", end=" ")
    print(f"peak {run.peak_mib:.0f} MiB", flush=True)


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
        passes(f"postgres {rows}", mine)
        target = 1.5 if rows <= 500_000 else 1.1
        line(f"PostgreSQL {rows:,} rows: load / psql \\copy", mine.graph_seconds, peer.seconds, target)
        line(f"PostgreSQL {rows:,} rows: whole command / psql \\copy", mine.seconds, peer.seconds, 99)
        if slow:
            _slow_peers(source, server, env, mine, peers)


def _slow_peers(source: Path, server: object, env: dict[str, str], mine: Measure, peers: str) -> None:
    uri = server.uri().replace("@", f":{server.password}@", 1)
    pandas = (
        "import sys, pandas, sqlalchemy\n"
        "frame = pandas.read_csv(sys.argv[1], parse_dates=['ordered_on', 'shipped_at'])\n"
        "frame.to_sql('pandas', sqlalchemy.create_engine(sys.argv[2].replace('postgresql:', 'postgresql+psycopg:')),"
        " index=False, chunksize=10000, if_exists='replace')\n"
    )
    dlt = (
        "import sys, dlt\n"
        "from dlt.sources.filesystem import filesystem, read_csv_duckdb\n"
        "files = filesystem(bucket_url=sys.argv[1].rsplit('/', 1)[0], file_glob=sys.argv[1].rsplit('/', 1)[1])\n"
        "dlt.pipeline('bench', destination=dlt.destinations.postgres(sys.argv[2]), dataset_name='dlt',"
        " pipelines_dir=sys.argv[3]).run((files | read_csv_duckdb()).with_name('t'))\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        runs = {
            "pandas to_sql": ([peers, "-c", pandas, str(source), uri], 20),
            "dlt": ([peers, "-c", dlt, str(source), uri, folder], 3),
            "sling": (
                [
                    *(str(Path(peers).parent / "sling"), "run", "--src-stream", f"file://{source}"),
                    *("--tgt-conn", uri, "--tgt-object", "public.sling", "--mode", "full-refresh"),
                ],
                3,
            ),
        }
        for name, (command, times) in runs.items():
            try:
                peer = measure(command, env)
            except (RuntimeError, FileNotFoundError) as error:
                print(f"    {name}: left out: {str(error)[-300:]}")
                continue
            line(f"PostgreSQL: whole command / {name}", mine.seconds, peer.seconds, 1 / times)


def duckdb(rows: int) -> None:
    """Into a DuckDB file, beside DuckDB's own COPY FROM in a process of its own."""
    source = table(rows)
    create = CREATE.replace("numeric", "decimal")
    code = (
        "import sys, time, duckdb\nc = duckdb.connect(sys.argv[2])\nc.execute(sys.argv[3])\nt = time.perf_counter()\n"
        "c.execute(f\"COPY peer FROM '{sys.argv[1]}' (HEADER)\")\nc.close()\nprint(time.perf_counter() - t)\n"
    )
    ours, theirs, inner = [], [], []
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-c", code, str(source), f"{folder}/peer.duckdb", create]
            theirs.append(measure(command))
            out = subprocess.run(
                [*command[:4], f"{folder}/again.duckdb", create], check=True, capture_output=True, text=True
            )
            inner.append(float(out.stdout.split()[-1]))
            ours.append(
                ingest("--source", str(source), "--destination", f"duckdb:///{folder}/ours.duckdb", "--table", "ours")
            )
    mine, peer = middle(ours), middle(theirs)
    passes(f"duckdb {rows}", mine)
    line(f"DuckDB {rows:,} rows: load / COPY FROM", mine.graph_seconds, sorted(inner)[1], 1.5)
    line(f"DuckDB {rows:,} rows: whole command / whole duckdb process", mine.seconds, peer.seconds, 3)


def excel() -> None:
    """A sheet of 100,000 x 12, beside iterating it with python-calamine and throwing the rows away."""
    source = workbook(100_000)
    code = (
        "import sys, time, python_calamine\nt = time.perf_counter()\n"
        "book = python_calamine.CalamineWorkbook.from_path(sys.argv[1])\n"
        "n = sum(1 for _ in book.get_sheet_by_index(0).iter_rows())\nprint(time.perf_counter() - t)\n"
    )
    ours, inner = [], []
    for _ in range(REPEATS):
        out = subprocess.run([sys.executable, "-c", code, str(source)], check=True, capture_output=True, text=True)
        inner.append(float(out.stdout))
        with tempfile.TemporaryDirectory() as folder:
            ours.append(
                ingest("--source", str(source), "--destination", f"duckdb:///{folder}/x.duckdb", "--table", "ours")
            )
    mine = middle(ours)
    passes("excel 100000", mine)
    line("Excel 100,000 x 12: load / calamine iteration", mine.graph_seconds, sorted(inner)[1], 1.5)


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
    """The same file from an S3 server, beside the disk."""
    from benchmarks.object_server import serving

    source = table(rows)
    local, remote = [], []
    with serving(source) as server:
        for _ in range(REPEATS):
            with tempfile.TemporaryDirectory() as folder:
                to = ("--destination", f"duckdb:///{folder}/x.duckdb", "--table", "ours")
                local.append(ingest("--source", str(source), *to))
            with tempfile.TemporaryDirectory() as folder:
                to = ("--destination", f"duckdb:///{folder}/x.duckdb", "--table", "ours")
                remote.append(ingest("--source", server.uri, *server.options, *to, env=server.environment))
    mine, disk = middle(remote), middle(local)
    passes(f"s3 {rows}", mine)
    line(f"S3 {rows:,} rows: load / from disk", mine.graph_seconds, disk.graph_seconds, 1.3)
    read = mine.summary["details"]["bytes_read"]
    line("S3: bytes read / size of the file", read / 2**20, source.stat().st_size / 2**20, 2.01, "MiB")
    print(f"    memory: {mine.peak_mib:.0f} MiB, from disk {disk.peak_mib:.0f} MiB (target: within 20)")


def memory(sizes: list[int]) -> None:
    """Memory above an idle Beam process, whatever the input's size."""
    idle = idle_mib()
    print(f"    idle `import apache_beam`: {idle:.0f} MiB")
    peaks = {}
    for rows in sizes:
        with tempfile.TemporaryDirectory() as folder:
            to = ("--destination", f"duckdb:///{folder}/x.duckdb", "--table", "ours")
            run = ingest("--source", str(table(rows)), *to)
        peaks[rows] = run.peak_mib - idle
        passes(f"memory {rows}", run)
        line(f"DuckDB {rows:,} rows: MiB above idle / 150", peaks[rows], 150, 1, "MiB")
    line("most / least of these", max(peaks.values()), min(peaks.values()), 1.15, "MiB")
    with tempfile.TemporaryDirectory() as folder:
        to = ("--destination", f"duckdb:///{folder}/x.duckdb", "--table", "ours")
        run = ingest("--source", str(workbook(1_000_000)), *to)
    passes("memory xlsx 1000000", run)
    line("Excel 1,000,000 rows: MiB above idle / 250", run.peak_mib - idle, 250, 1, "MiB")


def limit() -> None:
    """The 500,000-row CSV from S3 and the 100,000-row workbook under a hard limit of 512 MiB."""
    from benchmarks.object_server import serving

    with serving(table(500_000)) as server, tempfile.TemporaryDirectory() as folder:
        to = ("--destination", f"duckdb:///{folder}/x.duckdb", "--table", "csv")
        run = ingest("--source", server.uri, *server.options, *to, env=server.environment, limit_mib=512)
        passes("csv from S3 under 512 MiB", run)
    with tempfile.TemporaryDirectory() as folder:
        to = ("--destination", f"duckdb:///{folder}/x.duckdb", "--table", "sheet")
        passes("xlsx under 512 MiB", ingest("--source", str(workbook(100_000)), *to, limit_mib=512))


def main() -> None:
    """Runs the parts that were asked for, or all but the slow peers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = ["postgres", "duckdb", "excel", "s3", "memory", "limit", "slow"]
    parser.add_argument("parts", nargs="*", choices=[*known, []])
    parser.add_argument("--rows", default="500000,5000000")
    parser.add_argument("--memory_rows", default="500000,5000000,10000000")
    parser.add_argument("--peers", default=sys.executable, help="Python of an environment with pandas, dlt and sling")
    options = parser.parse_args()
    parts = options.parts or known[:-1]
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
