"""The slow peers of `hornbeam ingest` into PostgreSQL: pandas `to_sql`, dlt and sling, each a process of its own."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measuring import line, measure, peaks

if TYPE_CHECKING:
    from benchmarks.measuring import Measure

_PANDAS = """import sys, pandas, sqlalchemy
frame = pandas.read_csv(sys.argv[1], parse_dates=['ordered_on', 'shipped_at'])
engine = sqlalchemy.create_engine(sys.argv[2].replace('postgresql:', 'postgresql+psycopg:'))
frame.to_sql('pandas', engine, index=False, chunksize=10000, if_exists='replace')
"""
_DLT = """import sys, dlt
from dlt.sources.filesystem import filesystem, read_csv_duckdb
files = filesystem(bucket_url=sys.argv[1].rsplit('/', 1)[0], file_glob=sys.argv[1].rsplit('/', 1)[1])
pipeline = dlt.pipeline('bench', destination=dlt.destinations.postgres(sys.argv[2]), dataset_name='dlt',
                        pipelines_dir=sys.argv[3])
pipeline.run((files | read_csv_duckdb()).with_name('t'))
"""
INSTALL = (
    "pip install -e '.[bench]' (and sling), or elsewhere "
    "pip install pandas sqlalchemy 'psycopg[binary]' duckdb fsspec 'dlt[postgres]' sling"
)


NEEDS = {
    "pandas to_sql": ("pandas", "psycopg", "sqlalchemy"),
    "dlt": ("dlt", "duckdb", "fsspec", "psycopg2"),
    "sling": (),
}


def present(python: str) -> list[str]:
    """The peers that a Python has; prints which it lacks, with the remedy.

    Args:
        python: The interpreter that has them; sling's command stands beside it.
    """
    code = "import importlib.util as i, sys; print(*[name for name in sys.argv[1:] if not i.find_spec(name)])"
    names = sorted({name for needs in NEEDS.values() for name in needs})
    lacks = subprocess.run([python, "-c", code, *names], capture_output=True, text=True, check=True).stdout.split()
    lacks += [] if _sling(python).exists() else ["sling"]
    if lacks:
        print(f"    {python} has no {', '.join(lacks)}: {INSTALL}, or name another --peers PYTHON")
    return [peer for peer, needs in NEEDS.items() if not {peer, *needs} & set(lacks)]


def slow_peers(source: Path, uri: str, env: dict[str, str], mine: Measure, python: str) -> None:
    """Runs each that is there once on the same file and server; one that fails ends the benchmark.

    Args:
        source: The CSV.
        uri: The server's, with its password.
        env: What the peers run with.
        mine: Our run.
        python: See `present`.
    """
    with tempfile.TemporaryDirectory() as folder:
        sling = [str(_sling(python)), "run", "--src-stream", f"file://{source}", "--tgt-conn", uri]
        commands = {
            "pandas to_sql": ([python, "-c", _PANDAS, str(source), uri], 20),
            "dlt": ([python, "-c", _DLT, str(source), uri, folder], 3),
            "sling": ([*sling, "--tgt-object", "public.sling", "--mode", "full-refresh"], 3),
        }
        for name in present(python):
            command, times = commands[name]
            peer = measure(command, env)
            line(f"PostgreSQL: whole command / {name}", mine.seconds, peer.seconds, 1 / times)
            peaks(mine, peer, name)


def _sling(python: str) -> Path:
    return Path(python).parent / "sling"
