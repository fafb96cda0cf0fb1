"""Parquet files on the disk and on an S3 server: each load's rows stand there once, whatever happened on the way."""

from __future__ import annotations

import json
import threading

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

from tests.services.parquet_places import committed_ids, files_below, parquet_place, rows_of  # noqa: F401 - a fixture
from tests.services.sample_loads import EVERY_KIND, ID, NAME, TEXT, chunk_of, load_all, spec_of
from transforms.core.errors import ConfigError, PermanentError
from transforms.core.tables.columns.column import Column
from transforms.core.tables.databases.parquet import ParquetDestination
from transforms.core.tables.databases.parquet_files import span_chunks, span_name
from transforms.core.tables.loads.destination import BadRowsError, ChunkRows, ChunkTotals

ALL_IDS = [0, 1, 100, 101, 200, 201]


def test_a_fresh_load_is_written_staged_published_and_described(place):
    destination, spec = place(), spec_of(rejects=1)
    destination.open()
    assert destination.check("t") == []
    assert destination.describe("t") is None
    assert destination.find_load(spec.load_id) is None
    assert destination.create_load(spec).status == "processing"
    assert destination.write_chunks(spec, [chunk_of(1, rejects=1), chunk_of(0, rejects=1)]) == {0, 1}
    assert destination._folder.names("t", ".parquet") == []
    assert destination.write_chunks(spec, [chunk_of(2, rejects=1)]) == {2}
    stored = destination.publish(spec)
    assert (stored.status, stored.loaded, stored.rejected, stored.skipped) == ("completed", 6, 3, 0)
    assert stored.spec == spec
    assert stored.started <= stored.finished
    assert rows_of(destination) == [(i, f"n{i}") for i in ALL_IDS]
    assert committed_ids(destination) == ALL_IDS
    assert destination.describe("t") == (ID._replace(source=""), NAME._replace(source=""))
    assert [json.loads(line)["chunk"] for line in destination.rejects(spec.load_id)] == [0, 1, 2]
    assert list(destination.loads()) == [stored]
    assert destination._folder.infos("_hornbeam/staging/") == []
    assert destination.statements > 0
    destination.close()


def test_a_load_that_is_complete_writes_nothing_more(place):
    spec = spec_of()
    stored = load_all(place(), spec, [chunk_of(i) for i in range(3)])
    again = place()
    assert again.create_load(spec) == stored
    assert again.publish(spec) == stored
    with pytest.raises(PermanentError, match="is completed: no chunk"):
        again.write_chunks(spec, [chunk_of(0)])
    assert rows_of(again) == [(i, f"n{i}") for i in ALL_IDS]


def test_a_load_that_broke_off_goes_on_by_the_stored_plan(place):
    spec = spec_of()
    first = place()
    first.create_load(spec)
    first.write_chunks(spec, [chunk_of(1)])
    second = place()
    assert second.create_load(spec._replace(plan="another", chunks=99)).spec == spec
    assert second.ledger(spec.load_id) == {1: chunk_of(1).totals}
    with pytest.raises(PermanentError, match="isn't whole: 1 of 3 chunks, 2 of 6 records"):
        second.publish(spec)
    assert second.find_load(spec.load_id).status == "processing"
    assert second.write_chunks(spec, [chunk_of(i) for i in range(3)]) == {0, 2}
    second.publish(spec)
    assert rows_of(second) == [(i, f"n{i}") for i in ALL_IDS]


def test_attempts_whose_batches_overlap_count_each_chunk_once(place):
    spec, one, two = spec_of(chunks=4, rejects=1), place(), place()
    chunks = [chunk_of(i, rejects=1) for i in range(4)]
    one.create_load(spec)
    for destination in (one, two):  # both have seen an empty ledger
        destination._demand_processing(spec)
    assert one._write(spec, chunks[0:2])
    assert two._write(spec, chunks[1:4])
    assert not two._write(spec, chunks[1:4])
    assert one.ledger(spec.load_id) == {i: chunks[i].totals for i in range(4)}
    stored = one.publish(spec)
    assert (stored.loaded, stored.rejected) == (8, 4)
    assert [row[0] for row in rows_of(two)] == [*ALL_IDS, 300, 301]
    assert [json.loads(line)["chunk"] for line in two.rejects(spec.load_id)] == [0, 1, 2, 3]


def test_two_attempts_at_once_write_each_chunk_once(place):
    spec = spec_of(chunks=6)
    place().create_load(spec)
    barrier, written = threading.Barrier(2), []

    def attempt(order):
        destination = place()
        barrier.wait()
        for number in order:
            written.extend(destination.write_chunks(spec, [chunk_of(number)]))

    threads = [threading.Thread(target=attempt, args=[order]) for order in (range(6), range(5, -1, -1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(written) == list(range(6))
    assert place().publish(spec).loaded == 12
    assert len(rows_of(place())) == 12


def test_a_failed_load_says_why_and_goes_on_with_its_chunks(place):
    destination, spec = place(), spec_of()
    destination.create_load(spec)
    destination.write_chunks(spec, [chunk_of(0)])
    destination.fail(spec.load_id, "the disk burned")
    failed = destination.find_load(spec.load_id)
    assert (failed.status, failed.error, failed.loaded) == ("failed", "the disk burned", 2)
    with pytest.raises(PermanentError, match="is failed"):
        destination.write_chunks(spec, [chunk_of(1)])
    with pytest.raises(PermanentError, match="the disk burned"):
        destination.publish(spec)
    assert destination.create_load(spec).status == "processing"
    destination.write_chunks(spec, [chunk_of(1), chunk_of(2)])
    assert destination.publish(spec).status == "completed"
    destination.fail(spec.load_id, "too late")
    assert destination.find_load(spec.load_id).status == "completed"


HOSTILE = ['x"; DROP TABLE t; --', "a.b", "", "naïve\n", "`", "id ", "ID", "日本"]


def test_every_type_and_any_column_name_comes_back_as_it_was(place):
    columns = tuple(Column(name, name, kind) for name, (kind, _) in zip(HOSTILE, EVERY_KIND, strict=True))
    rows = pa.table([pa.array(values, kind.arrow()) for kind, values in EVERY_KIND], names=HOSTILE)
    spec = spec_of(chunks=1, rows=3, columns=columns)
    destination = place()
    load_all(destination, spec, [ChunkRows(ChunkTotals(0, 0, 3, 3, 0, 0), rows)])
    name = destination._folder.names("t", ".parquet")[0]
    read = pq.ParquetFile(pa.BufferReader(destination._folder.read(f"t/{name}")))
    assert read.read().equals(rows)
    assert read.metadata.row_group(0).column(1).compression == "ZSTD"
    assert read.metadata.row_group(0).column(1).is_stats_set
    assert destination.describe("t") == tuple(c._replace(source="") for c in columns)


def test_parts_are_deterministic_and_hold_a_row_group_a_chunk(tmp_path):
    contents = []
    for folder in ("one", "two"):
        destination, spec = ParquetDestination(str(tmp_path / folder)), spec_of(chunks=4)
        chunks = [chunk_of(3), chunk_of(0, rows=0), chunk_of(1), chunk_of(2)]
        load_all(destination, spec._replace(counted=6), chunks)
        names = destination._folder.names("t", ".parquet")
        assert names == ["part-aaaaaaaaaaaa-000001-000003.parquet"]
        contents.append(destination._folder.read(f"t/{names[0]}"))
    assert contents[0] == contents[1]
    assert pq.ParquetFile(pa.BufferReader(contents[0])).num_row_groups == 3


WIDER = Column("more", "", TEXT)
MISFITS = {
    "a column that the table lacks": ((ID, NAME, WIDER), {}, "no column 'more'.*--schema_drift add"),
    "another type": ((ID._replace(type=TEXT), NAME), {}, "'id' is text in the load and integer in table t.*--schema"),
    "a required column left out": ((NAME,), {}, "'id' of table t is NOT NULL without a default"),
    "upsert": ((ID, NAME), {"mode": "upsert", "key": ("id",), "ordered": True}, "upsert needs a database.*DuckDB"),
    "unique": ((ID, NAME), {"unique": ("id",), "ordered": True}, "`unique` .columns id. needs a database"),
}


@pytest.mark.parametrize("case", MISFITS)
def test_a_load_that_does_not_fit_is_refused_before_anything_is_written(tmp_path, case):
    columns, more, message = MISFITS[case]
    destination = ParquetDestination(str(tmp_path))
    load_all(destination, spec_of("a", chunks=1), [chunk_of(0)])
    before = files_below(tmp_path)
    with pytest.raises(ConfigError, match=message):
        destination.create_load(spec_of("b", chunks=1, columns=columns, **more))
    assert files_below(tmp_path) == before


def test_a_null_in_a_required_column_is_a_bad_row_and_nothing_is_written(place):
    destination, spec = place(), spec_of(chunks=1)
    destination.create_load(spec)
    bad = ChunkRows(
        ChunkTotals(0, 0, 2, 2, 0, 0), pa.table({"id": pa.array([1, None], pa.int64()), "name": ["a", "b"]})
    )
    with pytest.raises(BadRowsError, match="'id' is NOT NULL and 1 values are NULL"):
        destination.write_chunks(spec, [bad])
    assert destination.refusal(spec, bad.rows.slice(0, 1)) == ""
    assert "'id' is NOT NULL" in destination.refusal(spec, bad.rows.slice(1, 1))
    assert destination.ledger(spec.load_id) == {}
    assert destination._folder.infos("_hornbeam/staging/") == []


WRONG_PLACES = ["parquet:", "parquet:///x", "parquet:http://h/x", "parquet:out/*", "parquet:ftp://h/x"]
WRONG_TABLES = ["", "../x", "a/b", "_hidden", ".dot", "a*", "[a]", "x\n", "a\\b"]


@pytest.mark.parametrize("location", WRONG_PLACES)
def test_a_place_that_can_not_be_written_to_is_refused(location):
    with pytest.raises(ConfigError, match="destination"):
        ParquetDestination(location)


@pytest.mark.parametrize("table", WRONG_TABLES)
def test_a_table_name_that_is_no_folder_name_is_refused(tmp_path, table):
    destination = ParquetDestination(str(tmp_path))
    assert len(destination.check(table)) == 1
    with pytest.raises(ConfigError, match="can't be the name of a Parquet folder"):
        destination.create_load(spec_of()._replace(table=table))
    assert files_below(tmp_path) == []


def test_a_file_in_the_folders_place_is_a_finding(tmp_path):
    (tmp_path / "f").write_text("x")
    destination = ParquetDestination(str(tmp_path / "f"))
    with pytest.raises(ConfigError, match="is a file: name a folder"):
        destination.open()
    assert destination.check("t")


@pytest.mark.parametrize(
    ("chunks", "name"),
    [([0], "000000"), ([2, 0, 1], "000000-000002"), ([7, 0, 1], "000000-000001_000007"), ([1234567], "1234567")],
)
def test_chunk_numbers_make_a_name_and_come_back(chunks, name):
    assert span_name(chunks) == name
    assert span_chunks(name) == set(chunks)


def test_chunk_numbers_with_many_gaps_make_several_parts(tmp_path):
    destination, spec = ParquetDestination(str(tmp_path)), spec_of(chunks=100)
    destination.create_load(spec)
    assert destination.write_chunks(spec, [chunk_of(n) for n in range(0, 100, 2)]) == set(range(0, 100, 2))
    assert destination.write_chunks(spec, [chunk_of(n) for n in range(100)]) == set(range(1, 100, 2))
    assert destination.publish(spec).loaded == 200
    assert len(rows_of(destination)) == 200
