"""SIGKILL before any statement of a load leaves what the same calls go on from, to the same table."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.services.destination_cases import load, make_spec
from tests.services.killed_load import SPEC, expected_rows

ROOT = Path(__file__).parents[2]
POINTS = 8


def run(place, fatal: int) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "tests.services.killed_load", place.uri, str(fatal)]
    environment = {**os.environ, "HORNBEAM_TEST_PASSWORD": place.password}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_a_load_that_is_killed_again_and_again_ends_in_the_same_table(place):
    first = run(place, 0)
    assert first.returncode == 0, first.stderr
    calls = int(first.stdout)
    assert sorted(place.run("SELECT id, name FROM products")) == expected_rows()
    for table in ("products", "hornbeam_loads", "hornbeam_ledger", "hornbeam_rejects"):
        place.run(f"DROP TABLE {table}")
    # Each start goes further than the one before it, or finds the load completed; then the table is there once.
    for fatal in [calls * point // POINTS for point in range(1, POINTS)]:
        killed = run(place, fatal)
        assert killed.returncode in (0, -signal.SIGKILL), killed.stderr
    assert run(place, 0).returncode == 0
    assert sorted(place.run("SELECT id, name FROM products")) == expected_rows()
    with place.destination() as destination:
        stored = destination.find_load(SPEC.load_id)
        assert (stored.status, stored.loaded, stored.rejected) == ("completed", 37, 7)
        assert len(list(destination.rejects(SPEC.load_id))) == 7
    assert not [name for name in place.tables() if "staging" in name]


def test_a_kill_in_the_publish_leaves_the_old_table_or_the_new_one(place):
    load(place, make_spec(9), [(500, "old")])
    calls = int(run(place, 0).stdout)
    new = sorted([*expected_rows(), (500, "old")])
    assert sorted(place.run("SELECT id, name FROM products")) == new
    for before_the_end in (6, 3, 1, 0):
        for table in ("products", "hornbeam_loads", "hornbeam_ledger", "hornbeam_rejects"):
            place.run(f"DROP TABLE {table}")
        load(place, make_spec(9), [(500, "old")])
        assert run(place, calls - before_the_end).returncode == -signal.SIGKILL
        assert sorted(place.run("SELECT id, name FROM products")) in ([(500, "old")], new)
        assert run(place, 0).returncode == 0
        assert sorted(place.run("SELECT id, name FROM products")) == new
