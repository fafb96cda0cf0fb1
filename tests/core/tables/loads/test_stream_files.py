"""A batch of a stream's files, DuckDB and SQLite: each file its own load, loaded once, whatever batch it is in."""

import json
import os

import pytest

from tests.core.tables.loads.stream_cases import SCHEMA, stream_into
from tests.core.tables.loads.stream_tables import KINDS, ids, loads, make, query, tables
from transforms.core.tables.loads import stream_plan


@pytest.fixture(params=KINDS)
def stream(request, tmp_path):
    made = stream_into(tmp_path, f"{request.param}:///{tmp_path}/out.db")
    yield made
    made.connections.close()


def test_every_file_is_a_load_of_its_own_with_its_own_ledger(stream):
    totals = stream.load(*(stream.rows(f"{number}.csv", number * 10) for number in range(4)))
    assert (totals.told, totals.done, totals.duplicates, totals.bytes) == (4, 4, 0, 18 + 3 * 22)
    assert ids(stream) == [0, 1, 10, 11, 20, 21, 30, 31]
    assert loads(stream) == [("completed", 4, 8)]
    assert query(stream, "SELECT count(DISTINCT load_id), count(*), sum(loaded) FROM hornbeam_ledger") == [(4, 4, 8)]
    assert set(stream.outcomes().values()) == {("done", 2, 2, 0)}
    assert not [name for name in tables(stream) if "staging" in name]


def test_files_that_share_a_transaction_cost_no_more_statements_than_one(stream):
    stream.load(stream.rows("first.csv", 0))
    stream.connections.statements()
    stream.load(stream.rows("one.csv", 10))
    alone = stream.connections.statements()
    stream.load(*(stream.rows(f"{number}.csv", number * 10) for number in range(2, 22)))
    assert stream.connections.statements() <= alone


def test_a_restart_that_makes_up_the_batches_differently_repeats_nothing(stream):
    names = [stream.rows(f"{number}.csv", number * 10) for number in range(6)]
    stream.load(*names[:3])
    again = stream.restarted()
    totals = again.load(*names[1:5])
    assert (totals.told, totals.done, totals.duplicates) == (4, 2, 2)
    last = again.restarted()
    assert last.load(*names).duplicates == 5
    assert len(ids(last)) == 12
    assert last.outcomes() == dict.fromkeys(names, ("done", 2, 2, 0))


def test_another_run_counts_what_an_earlier_one_loaded_as_duplicates_and_lists_only_its_own(stream):
    names = [stream.rows(f"{number}.csv", number * 10) for number in range(3)]
    stream.load(*names[:2])
    second = stream.restarted("run-2")
    totals = second.load(*names)
    assert (totals.done, totals.duplicates) == (1, 2)
    assert second.outcomes() == {"2.csv": ("done", 2, 2, 0)}
    assert len(ids(second)) == 6


def test_a_batch_that_an_engine_repeats_leaves_the_same_part_and_the_same_totals(stream):
    names = [stream.rows("a.csv", 0), stream.rows("b.csv", 10)]
    first = stream.load(*names)
    assert stream.load(*names) == first
    assert stream.restarted().load(*names) == first
    assert len(stream.lines("outcome")) == 2
    assert len(ids(stream)) == 4


def test_two_notices_of_one_version_are_one_file_and_one_duplicate(stream):
    name = stream.rows("a.csv", 0)
    totals = stream.load(name, name, name)
    assert (totals.told, totals.done, totals.duplicates) == (3, 1, 2)
    assert ids(stream) == [0, 1]


@pytest.mark.parametrize("text", ["", "id,name\n"])
def test_an_empty_file_is_done_with_no_rows(stream, text):
    assert stream.load(stream.write("first.csv", text)).done == 1
    assert stream.load(stream.rows("a.csv", 0), stream.write("empty.csv", text)).done == 2
    assert stream.restarted("run-2").load("first.csv", "empty.csv").duplicates == 2
    assert stream.outcomes()["empty.csv"] == ("done", 0, 0, 0)
    assert ids(stream) == [0, 1]


def test_what_does_not_fit_is_rejected_in_the_same_transaction_and_stands_in_the_part(stream):
    bad = stream.write("bad.csv", "id,name\n1,a\nx,b\n3,c\ny,d\n")
    assert stream.load(stream.rows("a.csv", 10), bad).done == 2
    assert stream.outcomes()["bad.csv"] == ("done", 4, 2, 2)
    lines = stream.lines("reject")
    assert [(line["record"], line["value"], line["rule"]) for line in lines] == [
        (2, "x", "type integer"),
        (4, "y", "type integer"),
    ]
    assert {line["of"] for line in lines} == {line["of"] for line in stream.lines("outcome") if "bad" in line["item"]}
    stored = query(stream, "SELECT reject FROM hornbeam_rejects ORDER BY record")
    assert [json.loads(row[0])["value"] for row in stored] == ["x", "y"]
    stream.restarted().load(bad, stream.rows("b.csv", 20))
    assert len(stream.lines("reject")) == 4  # once more, for whoever merges: the first part might have been lost


@pytest.mark.parametrize(("limit", "done"), [("1", False), ("2", True), ("49%", False), ("50%", True)])
def test_a_file_with_more_rejects_than_are_allowed_fails_alone(stream, limit, done):
    limited = stream.restarted(max_rejects=limit)
    limited.load(limited.rows("first.csv", 0))
    bad = limited.write("bad.csv", "id,name\n11,a\nx,b\n13,c\ny,d\n")
    totals = limited.load(bad, limited.rows("c.csv", 20))
    assert (totals.done, totals.failed) == (2, 0) if done else (1, 1)
    assert ids(limited) == [0, 1, *([11, 13] if done else []), 20, 21]
    assert done or "max_rejects" in limited.lines("failure")[0]["message"]


def test_upsert_keeps_the_last_record_of_a_key_and_later_batches_win(stream):
    upsert = stream.restarted(mode="upsert", key=("id",))
    upsert.load(upsert.write("0.csv", "id,name\n1,first\n"))
    a = upsert.write("a.csv", "id,name\n1,a\n2,a\n2,a2\n")
    upsert.load(upsert.write("b.csv", "id,name\n3,b\n2,b\n"), a)
    assert query(upsert, "SELECT id, name FROM t ORDER BY id") == [(1, "a"), (2, "b"), (3, "b")]
    upsert.load(upsert.write("a2.csv", "id,name\n3,later\n"))
    assert query(upsert, "SELECT id, name FROM t ORDER BY id") == [(1, "a"), (2, "b"), (3, "later")]
    assert not [name for name in tables(upsert) if "staging" in name]


def test_a_file_with_another_column_adds_it_and_files_without_it_go_on(stream):
    drifting = stream.restarted(schema_text="", add_columns=True)
    make(drifting)
    names = [
        drifting.rows("a.csv", 0),
        drifting.write("b.csv", "id,name,size\n10,b,5\n"),
        drifting.write("c.csv", "id,name,size\n20,c,tall\n21,c,6\n"),
        drifting.rows("d.csv", 30),
    ]
    assert drifting.load(*names).done == 4
    assert query(drifting, "SELECT id, size FROM t ORDER BY id") == [
        (0, None),
        (1, None),
        (10, 5),
        (21, 6),
        (30, None),
        (31, None),
    ]
    assert drifting.outcomes()["c.csv"] == ("done", 2, 1, 1)


def test_without_a_schema_the_table_must_be_there(stream):
    bare = stream.restarted(schema_text="")
    assert bare.load(bare.rows("a.csv", 0)).failed == 1
    assert "--schema" in bare.lines("failure")[0]["message"]
    make(bare)
    assert bare.load("a.csv").done == 1


def test_a_big_file_goes_chunk_by_chunk_among_small_ones(stream, monkeypatch):
    monkeypatch.setattr(stream_plan, "SMALL_ROWS", 5)
    chunked = stream.restarted(chunk_rows=4)
    names = [chunked.rows("a.csv", 0), chunked.rows("b.csv", 100, 11), chunked.rows("c.csv", 200)]
    assert chunked.load(*names).done == 3
    assert ids(chunked) == [0, 1, *range(100, 111), 200, 201]
    assert query(chunked, "SELECT chunks FROM hornbeam_loads ORDER BY chunks") == [(1,), (1,), (3,)]
    assert chunked.restarted("run-2").load(*names).duplicates == 3


def test_values_that_must_be_unique_in_a_file_are_so_file_by_file(stream):
    once = stream.restarted(schema_text=SCHEMA.replace('"integer"', '"integer", "constraints": {"unique": true}'))
    a = once.write("a.csv", "id,name\n1,a\n1,b\n2,c\n")
    assert once.load(a, once.write("b.csv", "id,name\n2,d\n")).done == 2
    assert ids(once) == [1, 2, 2]
    assert once.outcomes()["a.csv"] == ("done", 3, 2, 1)
    assert (once.lines("reject")[0]["file"], once.lines("reject")[0]["line"]) == (once.notice(a).uri, 3)


def test_what_the_destination_refuses_of_a_group_fails_alone_or_is_rejected(stream):
    query(stream, "CREATE TABLE t (id BIGINT, name TEXT NOT NULL)")
    table = stream.restarted(schema_text="")
    bad = table.write("bad.csv", "id,name\n1,\n2,b\n")
    totals = table.load(table.rows("a.csv", 10), bad, table.rows("c.csv", 20))
    assert totals.done == 3
    assert ids(table) == [2, 10, 11, 20, 21]
    assert table.outcomes()["bad.csv"] == ("done", 2, 1, 1)
    assert loads(table) == [("completed", 3, 5)]


@pytest.mark.parametrize("provenance", [False, True])
def test_names_that_are_no_utf_8_harm_nothing(stream, provenance):
    odd = stream.restarted(provenance=provenance)
    name = odd.write(os.fsdecode(b"\xff.csv"), "id,name\n1,a\nx,b\n")
    bad = odd.write(os.fsdecode(b"\xfe.csv"), "id,colour\n1,a\n")
    totals = odd.load(odd.rows("a.csv", 10), name, bad)
    assert (totals.done, totals.failed) == (2, 1)
    assert ids(odd) == [1, 10, 11]
    assert odd.restarted().load(name).duplicates == 1
