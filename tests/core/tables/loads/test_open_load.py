"""What a command does that finds the table as other commands left it: only what is missing, never a row twice."""

import os

import duckdb
import pytest

from tests.core.tables.loads.load_cases import run_load, source, table
from transforms.core.objects.store import open_store
from transforms.core.tables.loads.load_settings import LoadSettings, file_identity, load_identity

TEXT = '{"fields": [{"name": "x", "type": "string"}]}'


@pytest.fixture
def place(tmp_path):
    """Three files of one column, which holds their name."""
    for name in ("a", "b", "c"):
        source(tmp_path, f"{name}.csv", f"x\n{name}\n")
    return tmp_path


def do(place, mode: str, names: str, **changes):
    """One command."""
    return run_load(place, *(place / "in" / f"{name}.csv" for name in names), mode=mode, **changes)


def values(place) -> str:
    return "".join(sorted(row[0] for row in table(place)[0]))


def table_of(place, name: str, columns: str = "*") -> list[tuple]:
    with duckdb.connect(str(place / "out.duckdb")) as database:
        return database.execute(f"SELECT {columns} FROM {name}").fetchall()


def drop(place) -> None:
    with duckdb.connect(str(place / "out.duckdb")) as database:
        database.execute("DROP TABLE t")


# commands, one after the other ("drop" drops the table): what the table holds behind each
ORDERS = {
    "the same again": "append a: a, append a: a",
    "one more file": "append a: a, append ab: ab, append ba: ab",
    "files loaded apart, then together": "append a: a, append b: ab, append abc: abc",
    "files loaded together, then apart": "append ab: ab, append a: ab, append b: ab",
    "a table that is gone": "append a: a, drop: , append a: a, append a: a",
    "a table that is gone, another file first": "append a: a, drop: , append b: b, append a: ab, append ab: ab",
    "a table that is gone twice": "append a: a, drop: , append a: a, drop: , append a: a, append ab: ab",
    "replace by the same": "replace a: a, replace a: a",
    "replace by another": "replace a: a, replace b: b, replace a: a, replace a: a, replace b: b, replace ab: ab",
    "replace what was appended to": "replace a: a, append b: ab, replace a: a, append b: ab, append b: ab",
    "append what a replace took away": "append a: a, replace b: b, append a: ab, append a: ab, append ac: abc",
    "append what a replace took away twice": "append a: a, replace b: b, append a: ab, replace c: c, append a: ac",
    "append what a replace brought": "replace a: a, append a: aa, append a: aa",
    "replace a table that is gone": "replace a: a, drop: , replace a: a, drop: , replace b: b, replace a: a",
}


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_commands_one_after_the_other_leave_what_they_say(place, order):
    for step in order.split(", "):
        command, _, expected = step.partition(":")
        if command == "drop":
            drop(place)
            continue
        mode, names = command.split()
        found = do(place, mode, names)
        assert found.error == ("", "")
        assert {status for status, _ in found.outcomes.values()} <= {"done", "skipped"}
        assert (step, values(place)) == (step, expected.strip())


def test_files_that_are_there_are_skipped_and_cost_no_row(place):
    do(place, "append", "ab")
    again = do(place, "append", "abc")
    assert {name: status for name, (status, _) in again.outcomes.items()} == {
        "a.csv": "skipped",
        "b.csv": "skipped",
        "c.csv": "done",
    }
    assert (again.account["counted"], again.account["loaded"], again.account["skipped"]) == (3, 1, 2)


def test_a_changed_file_is_another_file(place):
    do(place, "append", "a")
    path = source(place, "a.csv", "x\nA\n")
    os.utime(path, ns=(1, 10**18))
    do(place, "append", "a")
    assert values(place) == "Aa"


def test_the_same_files_read_otherwise_are_another_load(place):
    do(place, "append", "a")
    do(place, "append", "a", missing_values=("a",))
    assert table(place)[0] == [("a",), (None,)]


@pytest.mark.parametrize(
    "changes", [{"chunk_rows": 1}, {"range_bytes": 4}, {"max_rejects": "5"}, {"allow_empty": True}]
)
def test_what_changes_no_row_makes_no_other_load(place, changes):
    do(place, "append", "a")
    do(place, "append", "a", **changes)
    assert values(place) == "a"


def test_another_table_is_another_load(place):
    do(place, "append", "a", table="other")
    do(place, "append", "a")
    assert values(place) == "a"


@pytest.mark.parametrize("mode", ["append", "replace"])
@pytest.mark.parametrize(("first", "second"), [("t", "main.t"), ("main.T", "t"), ("T", "MAIN.t")])
def test_a_table_is_one_however_its_name_is_written(place, mode, first, second):
    assert do(place, mode, "a", table=first).error == ("", "")
    again = do(place, mode, "a", table=second)
    assert (again.outcomes["a.csv"][0], again.account["skipped"]) == ("skipped", 1)
    assert table_of(place, "t") == [("a",)]
    more = do(place, "append", "ab", table=second)
    assert (more.outcomes["a.csv"][0], more.outcomes["b.csv"][0]) == (
        ("skipped", "done") if mode == "append" else ("done", "done")
    )


def test_tables_of_one_name_in_two_schemas_are_two(place):
    do(place, "append", "a")
    with duckdb.connect(str(place / "out.duckdb")) as database:
        database.execute("CREATE SCHEMA other; CREATE TABLE other.t (x TEXT)")
    do(place, "append", "a", table="other.t")
    do(place, "append", "a", table="OTHER.T")
    assert table_of(place, "other.t") == table_of(place, "t") == [("a",)]


def made_by_an_older_version(place, written: str, **changes) -> str:
    """Gives the one stored load the id that it had when ids were made of the table's name as it was written."""
    info = open_store(f"file://{place}").head(f"file://{place}/in/a.csv")
    old = load_identity(LoadSettings((), "", written, **changes), [file_identity(info)])
    with duckdb.connect(str(place / "out.duckdb")) as database:
        [(new,)] = database.execute("SELECT load_id FROM hornbeam_loads").fetchall()
        for books in ("hornbeam_loads", "hornbeam_ledger", "hornbeam_rejects"):
            database.execute(f"UPDATE {books} SET load_id = ?", [old])
        database.execute("UPDATE hornbeam_loads SET spec = replace(spec, ?, ?)", [new, old])
        if database.execute("FROM duckdb_tables() WHERE table_name LIKE 'hornbeam_staging%'").fetchall():
            database.execute(f"ALTER TABLE hornbeam_staging_{new[:16]} RENAME TO hornbeam_staging_{old[:16]}")
    assert new != old
    return old


def test_what_an_older_version_completed_under_another_spelling_is_there(place):
    do(place, "append", "a", table="T")
    made_by_an_older_version(place, "T")
    for written in ("T", "t", "main.t"):
        assert do(place, "append", "a", table=written).outcomes["a.csv"][0] == "skipped"
    assert table_of(place, "t") == [("a",)]


def test_what_an_older_version_began_under_another_spelling_goes_on(place):
    source(place, "a.csv", "x,y\n1,2\n3\n4,5\n")
    do(place, "append", "a", table="main.t", max_rejects="0")
    old = made_by_an_older_version(place, "main.t")
    found = do(place, "append", "a", max_rejects="1")
    assert (found.error, found.details["load_id"], len(table(place)[0])) == (("", ""), old, 2)
    assert table_of(place, "hornbeam_loads", "status") == [("completed",)]


class TestAFileThatCannotBeReadYet:
    """It has a record over the limit, which is no part of a load's identity."""

    @pytest.fixture
    def place(self, place):
        source(place, "c.csv", "x\n" + "c" * 100 + "\n")
        return place

    def test_is_loaded_alone_by_the_next_append(self, place):
        first = do(place, "append", "ac", max_record_bytes=50)
        assert (first.outcomes["a.csv"][0], first.outcomes["c.csv"][0]) == ("done", "failed")
        second = do(place, "append", "ac")
        assert (second.outcomes["a.csv"][0], second.outcomes["c.csv"][0]) == ("skipped", "done")
        assert values(place) == "a" + "c" * 100

    def test_fails_again_while_it_cannot(self, place):
        for _ in range(3):
            found = do(place, "append", "ac", max_record_bytes=50)
            assert found.outcomes["c.csv"][0] == "failed"
            assert "longer than" in found.outcomes["c.csv"][1]
        assert values(place) == "a"

    @pytest.mark.parametrize("schema_text", ["", TEXT])
    def test_can_be_loaded_later_though_it_was_alone(self, place, schema_text):
        changes = {"schema_text": schema_text, "schema_where": "schema"}
        first = do(place, "append", "c", max_record_bytes=50, **changes)
        assert (first.outcomes["c.csv"][0], values(place)) == ("failed", "")
        assert do(place, "append", "c", **changes).outcomes["c.csv"][0] == "done"
        assert values(place) == "c" * 100

    def test_keeps_a_replace_from_touching_the_table_until_it_can(self, place):
        do(place, "append", "b")
        first = do(place, "replace", "ac", max_record_bytes=50)
        assert first.error[0] == "PermanentError"
        assert "c.csv" in first.error[1]
        assert values(place) == "b"
        assert do(place, "replace", "ac").error == ("", "")
        assert values(place) == "a" + "c" * 100


def test_rejects_over_the_limit_publish_nothing_until_more_are_allowed(place):
    source(place, "a.csv", "x,y\n1,2\n3\n4,5\n")
    first = do(place, "append", "a", max_rejects="0")
    assert first.error[0] == "PermanentError"
    assert table(place)[0] == []
    second = do(place, "append", "a", max_rejects="1")
    assert (second.error, len(table(place)[0]), len(second.rejects)) == (("", ""), 2, 1)


def test_one_process_loads_the_same_files_into_two_destinations_by_each_ones_own_plan(place):
    source(place, "a.csv", "x\n1\n2\n3\n")
    do(place, "append", "a", chunk_rows=1)
    other = place / "other"
    other.mkdir()
    found = run_load(other, place / "in" / "a.csv", chunk_rows=2)
    assert (found.error, found.rows, found.details["chunks"]) == (("", ""), [(1,), (2,), (3,)], 2)
