"""What a destination says of a load without a plan: pending, failed, or nothing; and the same command goes on."""

import duckdb
import pytest

from tests.core.tables.loads.load_cases import run_load, source, table
from transforms.core.tables.delimited.dialect import DialectOverrides
from transforms.core.tables.loads import load_steps
from transforms.core.tables.loads.connections import Connections
from transforms.core.tables.loads.load_settings import LoadSettings


@pytest.fixture
def place(tmp_path):
    source(tmp_path, "a.csv", "x\na\n" + "b" * 100 + "\n")
    return tmp_path


def begun(place, **changes):
    """A command that is killed as soon as it has begun."""
    settings = LoadSettings((f"{place}/in/*",), f"duckdb:///{place}/out.duckdb", "t")._replace(**changes)
    connections = Connections(settings)
    try:
        return load_steps.begin(settings, connections)
    finally:
        connections.close()


def stored(place) -> list[tuple[str, str, int]]:
    """Status, error and counted records of each load, the oldest first."""
    with duckdb.connect(str(place / "out.duckdb")) as database:
        return database.execute("SELECT status, error, counted FROM hornbeam_loads ORDER BY started").fetchall()


def test_a_load_that_is_killed_while_it_is_scanned_stays_pending_and_the_same_command_goes_on(place):
    duckdb.connect(str(place / "out.duckdb")).close()
    for _ in range(2):
        assert begun(place).files
        assert stored(place) == [("pending", "", 0)]
    assert run_load(place).error == ("", "")
    assert stored(place) == [("completed", "", 2)]
    assert begun(place).message.load_id == ""
    assert stored(place) == [("completed", "", 2)]


def test_a_load_that_fails_before_its_plan_is_failed_until_the_same_command_succeeds(place):
    for _ in range(2):
        found = run_load(place, max_record_bytes=50)
        assert (found.error[0], found.details["load_status"]) == ("PermanentError", "failed")
        assert stored(place) == [("failed", found.error[1], 0)]
    assert begun(place).files
    assert stored(place) == [("pending", "", 0)]
    assert run_load(place).error == ("", "")
    assert (stored(place), len(table(place)[0])) == ([("completed", "", 2)], 2)


def test_no_file_is_made_to_announce_a_load_in(place):
    assert begun(place).files
    assert not (place / "out.duckdb").exists()


def test_a_command_that_its_sources_show_to_be_wrong_stores_no_load(place):
    run_load(place)
    found = run_load(place, source(place, "b.csv", "y\nb\n"))
    assert (found.error[0], found.details["load_status"]) == ("ConfigError", "not stored")
    assert stored(place) == [("completed", "", 2)]


def test_a_command_that_can_not_read_any_such_file_stores_no_load_though_it_was_announced(place):
    run_load(place)
    overrides = DialectOverrides(encoding="gbk", delimiter="|")
    found = run_load(place, source(place, "b.csv", "x\nb\n"), overrides=overrides)
    assert (found.error[0], found.details["load_status"]) == ("ConfigError", "not stored")
    assert "second byte of letters there" in found.error[1]
    assert stored(place) == [("completed", "", 2)]


@pytest.mark.parametrize("most_bytes", [50, 1000])
def test_a_dry_run_stores_no_load(place, most_bytes):
    found = run_load(place, dry_run=True, max_record_bytes=most_bytes)
    assert (found.error[0] == "") == (most_bytes > 50)
    assert found.details["load_status"] == "not stored"
    assert not (place / "out.duckdb").exists()


def test_a_command_whose_sources_match_nothing_stores_no_load(place):
    assert run_load(place, place / "in" / "none*.csv").error[0] == "ConfigError"
    assert not (place / "out.duckdb").exists()
