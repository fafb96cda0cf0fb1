"""`make demo`: loads the files beside this one into an embedded database and shows what is in it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

HERE = Path(__file__).resolve().parent
QUERY = """
SELECT category, count(*) AS products, min(price) AS cheapest, max(price) AS dearest, min(listed_on) AS first_listed
FROM products GROUP BY category ORDER BY products DESC, category
"""


def main() -> int:
    """Runs the command a user would type, then a query; returns the command's exit code."""
    folder = Path(tempfile.mkdtemp(prefix="hornbeam-demo-"))
    database = folder / "demo.duckdb"
    command = [
        *(sys.executable, "-m", "pipelines", "ingest"),
        *("--source", "examples/*.csv", "--source", "examples/*.csv.gz", "--source", "examples/*.xlsx"),
        *("--destination", f"duckdb:///{database}", "--table", "products", "--output", str(folder / "run")),
    ]
    sys.stdout.write(f"$ hornbeam {' '.join(command[3:])}\n")
    sys.stdout.flush()
    code = subprocess.run(command, cwd=HERE.parent, check=False).returncode
    sys.stdout.write(f"\n{QUERY.strip()}\n")
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.sql(QUERY).show()
    return code


if __name__ == "__main__":
    raise SystemExit(main())
