"""Publishing in BigQuery: one transaction, whoever publishes at the same time and wherever it is killed."""

from __future__ import annotations

import json
import threading

import pyarrow as pa
import pytest

from tests.services.bigquery_places import bigquery_place, session_bigquery_server  # noqa: F401 - fixtures
from tests.services.sample_loads import ID, NAME, TEXT, chunk_of, load_all, spec_of
from transforms.core.errors import ConfigError, PermanentError
from transforms.core.tables.columns.column import Column, ColumnType
from transforms.core.tables.loads.destination import FILE_COLUMN, RECORD_COLUMN, ChunkRows, ChunkTotals

ALL_IDS = [0, 1, 100, 101, 200, 201]
BOOKS = ["hornbeam_ledger", "hornbeam_loads", "hornbeam_rejects"]


def run_together(functions):
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def ordered_chunk(number, rows):
    """A chunk of an ordered load: (id, name, file, record) each."""
    ids, names, files, records = zip(*rows, strict=True)
    table = pa.table(
        {"id": pa.array(ids, pa.int64()), "name": names, FILE_COLUMN: files, RECORD_COLUMN: records},
        schema=pa.schema(
            [("id", pa.int64()), ("name", pa.string()), (FILE_COLUMN, pa.int64()), (RECORD_COLUMN, pa.int64())]
        ),
    )
    return ChunkRows(ChunkTotals(number, files[0], len(rows), len(rows), 0, 0), table)


def test_append_adds_and_replace_takes_the_tables_place(place):
    destination = place()
    load_all(destination, spec_of("a", chunks=1), [chunk_of(0)])
    load_all(destination, spec_of("b", chunks=1), [chunk_of(1)])
    assert [row[0] for row in place.rows()] == [0, 1, 100, 101]
    load_all(destination, spec_of("c", chunks=1, mode="replace"), [chunk_of(2)])
    assert place.rows() == [(200, "n200"), (201, "n201")]
    assert [load.status for load in destination.loads()] == ["completed"] * 3


def test_upsert_keeps_the_last_record_of_each_key_whatever_the_chunks(place):
    destination = place()
    load_all(destination, spec_of("a", chunks=1), [chunk_of(0, names=["old 0", "old 1"])])
    spec = spec_of("b", chunks=2, rows=3, mode="upsert", key=("id",), ordered=True)
    chunks = [
        ordered_chunk(1, [(1, "last", 1, 9), (7, "seventh", 1, 2), (8, "early", 1, 1)]),
        ordered_chunk(0, [(1, "first", 0, 5), (1, "second", 1, 3), (8, "late", 1, 4)]),
    ]
    stored = load_all(destination, spec, chunks)
    assert (stored.loaded, stored.rejected) == (6, 0)
    assert place.rows() == [(0, "old 0"), (1, "last"), (7, "seventh"), (8, "late")]


def test_an_upsert_by_every_column_and_by_a_double_works(place):
    ratio = Column("ratio", "", ColumnType("double"))
    spec = spec_of("a", chunks=1, rows=2, mode="upsert", key=("ratio",), ordered=True, columns=(ratio,))
    values = {"ratio": [1.5, 1.5], FILE_COLUMN: [0, 0], RECORD_COLUMN: [1, 2]}
    load_all(place(), spec, [ChunkRows(ChunkTotals(0, 0, 2, 2, 0, 0), pa.table(values))])
    assert place.query("SELECT ratio FROM `DATASET`.t") == [(1.5,)]


def test_unique_columns_keep_their_first_value_and_reject_the_others(place):
    destination = place()
    spec = spec_of(
        "a", chunks=2, rows=3, unique=("id", "name"), ordered=True, columns=(ID._replace(nullable=True), NAME)
    )
    chunks = [
        ordered_chunk(1, [(1, "c", 1, 1), (None, "a", 1, 2), (None, "e", 1, 3)]),
        ordered_chunk(0, [(1, "a", 0, 1), (2, "b'\"", 0, 2), (2, "d", 0, 3)]),
    ]
    stored = load_all(destination, spec, chunks)
    assert (stored.loaded, stored.rejected, stored.skipped) == (3, 3, 0)
    assert sorted(row[1] for row in place.rows()) == ["a", "b'\"", "e"]
    rejects = [json.loads(line) for line in destination.rejects(spec.load_id)]
    assert [(r["file"], r["record"], r["column"], r["value"], r["rule"]) for r in rejects] == [
        (0, 3, "id", "2", "unique"), (1, 1, "id", "1", "unique"), (1, 2, "name", "a", "unique"),
    ]  # fmt: skip


def test_new_columns_are_added_and_narrower_types_widened(place):
    destination = place()
    wide = (Column("id", "", ColumnType("decimal", 30, 2)), NAME)
    load_all(destination, spec_of("a", chunks=1, rows=0, columns=wide), [chunk_of(0, rows=0, columns=wide)])
    columns = (Column("more", "", TEXT), Column("again", "", TEXT), Column("ID", "", ID.type))
    chunk = chunk_of(0, columns=columns)
    rows = pa.table({"more": ["x", "y"], "again": ["", None], "ID": pa.array([5, 6], pa.int64())})
    load_all(destination, spec_of("b", chunks=1, columns=columns, add_columns=True), [chunk._replace(rows=rows)])
    assert [column.name for column in destination.describe("t")] == ["id", "name", "more", "again"]
    assert destination.describe("t")[0].type == ColumnType("decimal", 30, 2)
    assert [(int(r[0]), *r[1:]) for r in place.rows()] == [(5, None, "x", ""), (6, None, "y", None)]


def test_publishes_of_one_load_at_once_publish_once(place):
    spec = spec_of()
    place().create_load(spec)
    place().write_chunks(spec, [chunk_of(i) for i in range(3)])
    results = []
    run_together([lambda: results.append(place().publish(spec))] * 3)
    assert [stored.status for stored in results] == ["completed"] * 3
    assert [row[0] for row in place.rows()] == ALL_IDS


@pytest.mark.parametrize("mode", ["append", "replace"])
def test_different_loads_publish_one_after_the_other(place, mode):
    loads = [spec_of(letter, chunks=2, mode=mode) for letter in "abcd"]
    for number, spec in enumerate(loads):
        destination = place()
        destination.create_load(spec)
        destination.write_chunks(spec, [chunk_of(0, names=[f"{number}"] * 2), chunk_of(1, names=[f"{number}"] * 2)])
    results = []
    run_together([lambda s=spec: results.append(place().publish(s).status) for spec in loads])
    assert results == ["completed"] * 4
    rows = place.rows()
    counts = sorted([row[1] for row in rows].count(f"{number}") for number in range(4))
    assert counts == ([4, 4, 4, 4] if mode == "append" else [0, 0, 0, 4])


class KilledError(BaseException):
    """Stands for SIGKILL: nothing of ours catches it."""


@pytest.mark.parametrize("point", range(20))
def test_a_command_killed_at_any_call_is_finished_by_the_next_one(place, monkeypatch, point):
    load_all(place(), spec_of("a", chunks=1), [chunk_of(7)])
    destination, spec = place(), spec_of("b", mode="replace")
    calls = iter(range(1000))

    def dying():
        if next(calls) == point:
            raise KilledError

    monkeypatch.setattr(destination._session, "_count", dying)
    try:
        destination.create_load(spec)
        destination.write_chunks(spec, [chunk_of(0), chunk_of(1)])
        destination.write_chunks(spec, [chunk_of(2)])
        destination.publish(spec)
    except KilledError:
        pass
    else:
        pytest.fail(f"only {next(calls)} calls: fewer points to kill at")
    assert [row[0] for row in place.rows()] in ([700, 701], ALL_IDS)
    again = place()
    if again.create_load(spec).status != "completed":
        again.write_chunks(spec, [chunk_of(i) for i in range(3)])
    assert again.publish(spec).loaded == 6
    assert [row[0] for row in place.rows()] == ALL_IDS
    assert place.tables() == [*BOOKS, "t"]


def test_a_publish_that_the_table_refuses_changes_nothing(place):
    destination = place()
    load_all(destination, spec_of("a", chunks=1), [chunk_of(0)])
    spec = spec_of("b", chunks=1, rows=1, mode="replace", columns=(ID._replace(nullable=True), NAME))
    destination.create_load(spec)
    rows = pa.table({"id": pa.array([None], pa.int64()), "name": ["x"]})
    destination.write_chunks(spec, [ChunkRows(ChunkTotals(0, 0, 1, 1, 0, 0), rows)])
    with pytest.raises(PermanentError, match=r"can't be published to t.*cannot be null"):
        destination.publish(spec)
    assert [row[0] for row in place.rows()] == [0, 1]
    assert destination.find_load(spec.load_id).status == "processing"


def test_a_table_in_another_dataset_is_loaded_there_and_booked_at_home(place):
    other = place.server.make_dataset()
    destination, spec = place(), spec_of(chunks=1)._replace(table=f"{other}.far-away")
    load_all(destination, spec, [chunk_of(0)])
    assert place.server.engine.tables(other) == ["far-away"]
    assert place.tables() == BOOKS
    assert destination.find_load(spec.load_id).status == "completed"


def test_a_view_is_no_target(place, monkeypatch):
    destination = place()
    load_all(destination, spec_of("a", chunks=1), [chunk_of(0)])
    real = destination._session.table

    def as_view(table):
        found = real(table)
        found._properties["type"] = "VIEW"
        return found

    monkeypatch.setattr(destination._session, "table", as_view)
    with pytest.raises(ConfigError, match="is a view"):
        destination.describe("t")
