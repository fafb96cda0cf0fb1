"""Publishing Parquet files: what readers see before, in the middle of, and after it; also when it is killed."""

from __future__ import annotations

import threading
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

from tests.services.parquet_places import committed_ids, files_below, parquet_place, rows_of  # noqa: F401 - a fixture
from tests.services.sample_loads import ID, NAME, TEXT, chunk_of, load_all, spec_of
from transforms.core.tables.columns.column import Column, ColumnType
from transforms.core.tables.databases import parquet_publish
from transforms.core.tables.databases.parquet import ParquetDestination
from transforms.core.tables.loads.destination import ChunkRows, ChunkTotals

ALL_IDS = [0, 1, 100, 101, 200, 201]


WIDER = Column("more", "", TEXT)


def test_two_publishes_at_once_publish_once(place):
    spec = spec_of()
    place().create_load(spec)
    place().write_chunks(spec, [chunk_of(i) for i in range(3)])
    results = []
    threads = [threading.Thread(target=lambda: results.append(place().publish(spec))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [stored.status for stored in results] == ["completed"] * 3
    assert [row[0] for row in rows_of(place())] == ALL_IDS


def test_append_keeps_and_replace_takes_away_what_was_there(place):
    destination = place()
    load_all(destination, spec_of("a", chunks=1), [chunk_of(0)])
    load_all(destination, spec_of("b", chunks=1), [chunk_of(1)])
    assert [row[0] for row in rows_of(destination)] == [0, 1, 100, 101]
    wider = (ID, NAME, Column("extra", "", ColumnType("date")))
    load_all(destination, spec_of("c", chunks=1, mode="replace", columns=wider), [chunk_of(2, columns=wider)])
    assert rows_of(destination) == [(200, "n200", None), (201, "n201", None)]
    assert committed_ids(destination) == [200, 201]
    assert [column.name for column in destination.describe("t")] == ["id", "name", "extra"]
    assert [load.status for load in destination.loads()] == ["completed"] * 3


def test_replaces_at_once_end_with_one_of_them_whole(place):
    loads = [spec_of(letter, chunks=2, mode="replace") for letter in "abc"]
    for number, spec in enumerate(loads):
        destination = place()
        destination.create_load(spec)
        destination.write_chunks(spec, [chunk_of(0, names=[f"{number}"] * 2), chunk_of(1, names=[f"{number}"] * 2)])
    threads = [threading.Thread(target=lambda s=spec: place().publish(s)) for spec in loads]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = rows_of(place())
    assert [row[0] for row in rows] == [0, 1, 100, 101]
    assert len({row[1] for row in rows}) == 1
    assert committed_ids(place()) == [0, 1, 100, 101]


class KilledError(BaseException):
    """Stands for SIGKILL: nothing of ours catches it."""


@pytest.mark.parametrize("mode", ["append", "replace"])
@pytest.mark.parametrize("point", range(9))
def test_a_publish_killed_at_any_call_is_finished_by_the_next_run(tmp_path, monkeypatch, mode, point):
    monkeypatch.setattr(parquet_publish, "_linked", lambda *_: False)  # as on an object store: parts are copied
    location = str(tmp_path / "out")
    load_all(ParquetDestination(location), spec_of("a", chunks=1), [chunk_of(7)])
    destination, spec = ParquetDestination(location), spec_of("b", mode=mode)
    destination.create_load(spec)
    for number in range(3):
        destination.write_chunks(spec, [chunk_of(number)])
    calls = iter(range(100))
    changes = ("write", "write_new", "delete")
    originals = {name: getattr(destination._folder, name) for name in changes}
    for name in changes:

        def dying(*args, _original=originals[name]):
            if next(calls) == point:
                raise KilledError
            return _original(*args)

        monkeypatch.setattr(destination._folder, name, dying)
    finished = True
    try:
        destination.publish(spec)
    except KilledError:
        finished = False
    old, new = [700, 701], [*ALL_IDS, *([700, 701] if mode == "append" else [])]
    assert committed_ids(destination) in (old, new)
    assert finished == (point >= next(calls))
    stored = ParquetDestination(location).publish(spec)
    assert (stored.status, stored.loaded) == ("completed", 6)
    assert [row[0] for row in rows_of(destination)] == new
    assert committed_ids(destination) == new
    assert not [name for name in files_below(tmp_path) if "staging" in name]


def test_a_load_without_a_row_makes_an_empty_commit(place):
    destination = place()
    load_all(destination, spec_of("a", chunks=1), [chunk_of(0)])
    empty = spec_of("b", chunks=1, rows=0, mode="replace")
    assert load_all(destination, empty, [chunk_of(0, rows=0)]).loaded == 0
    assert committed_ids(destination) == []
    assert destination._folder.names("t", ".parquet") == []


def test_new_columns_are_added_and_narrower_types_widened(place):
    destination = place()
    wide = (Column("id", "", ColumnType("decimal", 30, 2)), NAME)
    row = pa.table({"id": pa.array([Decimal("5.25")], wide[0].type.arrow()), "name": ["old"]})
    load_all(destination, spec_of("a", chunks=1, rows=1, columns=wide), [ChunkRows(ChunkTotals(0, 0, 1, 1, 0, 0), row)])
    spec = spec_of("b", chunks=1, columns=(WIDER, ID._replace(nullable=True)), add_columns=True)
    load_all(destination, spec, [chunk_of(0, columns=(WIDER, ID))])
    assert [column.name for column in destination.describe("t")] == ["id", "name", "more"]
    assert destination.describe("t")[0].type == ColumnType("decimal", 30, 2)
    if destination._folder.root.startswith("file"):
        assert rows_of(destination) == [
            (Decimal(0), None, None),
            (Decimal(1), None, None),
            (Decimal("5.25"), "old", None),
        ]


def test_a_folder_of_foreign_files_becomes_part_of_the_table(tmp_path):
    (tmp_path / "t").mkdir()
    pq.write_table(pa.table({"id": pa.array([5], pa.int64()), "name": ["foreign"]}), tmp_path / "t" / "theirs.parquet")
    destination = ParquetDestination(str(tmp_path))
    assert [column.type.kind for column in destination.describe("t")] == ["integer", "text"]
    load_all(destination, spec_of("a", chunks=1), [chunk_of(0)])
    assert committed_ids(destination) == [0, 1, 5]
    load_all(destination, spec_of("b", chunks=1, mode="replace"), [chunk_of(1)])
    assert [row[0] for row in rows_of(destination)] == [100, 101]


def test_readers_that_glob_deep_or_know_the_convention_see_no_staged_part(tmp_path):
    destination = ParquetDestination(str(tmp_path))
    load_all(destination, spec_of("a", chunks=1), [chunk_of(0)])
    later = spec_of("b", chunks=2)
    destination.create_load(later)
    destination.write_chunks(later, [chunk_of(1)])
    deep = duckdb.sql(f"SELECT count(*) FROM read_parquet('{tmp_path}/t/**/*.parquet')").fetchall()[0][0]
    assert deep == 2
    assert pa.dataset.dataset(tmp_path / "t", format="parquet").count_rows() == 2
    assert pq.read_table(tmp_path / "t").num_rows == 2
