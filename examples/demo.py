"""`make demo`: loads the files beside this one into an embedded database and shows what is in it."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[1]
FOLDER = "runs/demo"  # made anew by each demo; stays, so that its report can be opened
WORDS = (
    "ingest",
    *("--source", "examples/*.csv", "--source", "examples/*.csv.gz", "--source", "examples/*.xlsx"),
    *("--destination", f"duckdb:///{FOLDER}/demo.duckdb", "--table", "products", "--output", FOLDER),
)
QUERY = """
SELECT category, count(*) AS products, min(price) AS cheapest, max(price) AS dearest, min(listed_on) AS first_listed
FROM products GROUP BY category ORDER BY products DESC, category
"""


def main() -> int:
    """Runs the command a user would type, then a query; returns the command's exit code."""
    shutil.rmtree(ROOT / FOLDER, ignore_errors=True)
    (ROOT / FOLDER).mkdir(parents=True)
    sys.stdout.write(f"$ hornbeam {shlex.join(WORDS)}\n")
    sys.stdout.flush()
    code = subprocess.run([sys.executable, "-m", "pipelines", *WORDS], cwd=ROOT, check=False).returncode
    sys.stdout.write(f"\n{QUERY.strip()}\n")
    with duckdb.connect(str(ROOT / FOLDER / "demo.duckdb"), read_only=True) as connection:
        connection.sql(QUERY).show()
    return code


if __name__ == "__main__":
    raise SystemExit(main())
