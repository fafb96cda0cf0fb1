"""`make demo` and `make test`, from a checkout whose path holds a space, where PYTHONDONTWRITEBYTECODE is set."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COPIED = ("Makefile", "pyproject.toml", "setup.py", "requirements-dev.lock", "examples", "pipelines", "transforms")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of this checkout with this environment in it, so that make finds nothing to install or to build."""
    folder = tmp_path_factory.mktemp("a check out") / "horn beam"
    folder.mkdir()
    for name in COPIED:
        one = ROOT / name
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(one, folder / name, ignore=ignored) if one.is_dir() else shutil.copy(one, folder)
    (folder / ".venv").mkdir()
    for one in Path(sys.prefix).iterdir():
        (folder / ".venv" / one.name).symlink_to(one)
    stamp = folder / ".venv" / "installed"
    stamp.unlink(missing_ok=True)  # a link; the stamp is this copy's own
    (folder / "templates" / "flink").mkdir(parents=True)
    (folder / "templates" / "flink" / "pom.xml").touch()
    (folder / ".engines").mkdir()
    [prism] = re.findall(r"^PRISM := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for file in (stamp, folder / ".engines" / f"prism-{prism}", folder / ".engines" / "flink-complete"):
        file.touch()
    return folder


def make(folder, *words):
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = ["make", "--no-print-directory", *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


LINES = (
    r"ingest completed in [0-9.]+ s on \w+ \(run \S+\)",
    r"items: 4 planned = 4 done \+ 0 skipped \+ 0 failed \+ 0 not started",
    r"rows: 1,100 counted = 1,100 loaded \+ 0 rejected \+ 0 skipped; .* memory \d+ MiB at most, \d+ above start",
    r"report: runs/demo/report\.html",
)


def test_the_demo_loads_the_examples_and_shows_four_lines_and_a_query(checkout):
    done = make(checkout, "demo")
    command, *lines, _empty, select = done.stdout.splitlines()[:7]
    assert command.startswith("$ hornbeam ingest --source 'examples/*.csv' ")
    assert [re.fullmatch(line, text) is not None for line, text in zip(LINES, lines, strict=True)] == [True] * 4, lines
    assert select.startswith("SELECT category")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in done.stdout.splitlines() if "│" in line]
    assert rows[0] == ["category", "products", "cheapest", "dearest", "first_listed"]
    assert rows[2:] == [
        ["kitchen", "294", "6.90", "199.95", "2023-01-05"],
        ["workshop", "294", "2.00", "199.44", "2023-01-03"],
        ["stationery", "268", "2.52", "198.94", "2023-01-03"],
        ["garden", "244", "2.32", "199.87", "2023-01-04"],
    ]
    left = {path.name for path in (checkout / "runs" / "demo").iterdir()}
    assert {"demo.duckdb", "summary.json", "outcomes.jsonl", "report.html"} <= left
    assert list((checkout / "pipelines" / "__pycache__").glob("*.pyc")), "make unsets PYTHONDONTWRITEBYTECODE"


def test_the_test_command_reaches_pytest(checkout):
    done = make(checkout, "test", "PYTEST_ARGS=--version")
    assert "".join(done.stdout.split()[-2:]).startswith("pytest")
    assert done.stderr == ""


def test_no_command_of_the_makefile_takes_the_path_apart(checkout):
    """What make would type, as the shell would split it: a word with the path's beginning has all of it."""
    done = make(checkout, "--dry-run", "--always-make", "engines", "test", "check", "bench", "templates", "lock")
    lines = done.stdout.replace("\\\n", " ").splitlines()
    words = [word for line in lines for word in shlex.split(line) if str(checkout).split(" ")[0] in word]
    assert len(words) >= 5
    assert [word for word in words if str(checkout) not in word] == []
