"""BigQuery by the real client: each load's rows stand there once, whatever happened on the way."""

from __future__ import annotations

import json
import random
import threading

import pyarrow as pa
import pytest

from tests.services.bigquery_places import bigquery_place, session_bigquery_server  # noqa: F401 - fixtures
from tests.services.sample_loads import EVERY_KIND, ID, NAME, chunk_of, load_all, spec_of
from transforms.core.errors import PermanentError, TransientError
from transforms.core.tables.columns.column import Column
from transforms.core.tables.loads.destination import BadRowsError, ChunkRows, ChunkTotals

ALL_IDS = [0, 1, 100, 101, 200, 201]
ALL_ROWS = [(i, f"n{i}") for i in ALL_IDS]
BOOKS = ["hornbeam_ledger", "hornbeam_loads", "hornbeam_rejects"]


def test_a_fresh_load_is_written_staged_published_and_described(place):
    destination, spec = place(), spec_of(rejects=1)
    destination.open()
    assert destination.check("t") == []
    assert destination.describe("t") is None
    assert destination.find_load(spec.load_id) is None
    assert list(destination.loads()) == []
    assert place.tables() == []
    assert destination.create_load(spec).status == "processing"
    assert destination.write_chunks(spec, [chunk_of(1, rejects=1), chunk_of(0, rejects=1)]) == {0, 1}
    assert "t" not in place.tables()
    assert destination.write_chunks(spec, [chunk_of(2, rejects=1)]) == {2}
    stored = destination.publish(spec)
    assert (stored.status, stored.loaded, stored.rejected, stored.skipped) == ("completed", 6, 3, 0)
    assert stored.spec == spec
    assert stored.started <= stored.finished
    assert place.rows() == ALL_ROWS
    assert destination.describe("t") == (ID._replace(source=""), NAME._replace(source=""))
    assert [json.loads(line)["chunk"] for line in destination.rejects(spec.load_id)] == [0, 1, 2]
    assert list(destination.loads()) == [stored]
    assert place.tables() == [*BOOKS, "t"]
    assert destination.statements > 0
    destination.close()
    destination.close()


def test_a_load_that_is_complete_writes_nothing_more(place):
    spec = spec_of()
    stored = load_all(place(), spec, [chunk_of(i) for i in range(3)])
    again = place()
    assert again.create_load(spec) == stored
    assert again.publish(spec) == stored
    with pytest.raises(PermanentError, match="is completed: no chunk"):
        again.write_chunks(spec, [chunk_of(0)])
    with pytest.raises(PermanentError, match=r"not processing|is completed"):
        again.write_chunks(spec, [chunk_of(9)])
    assert place.rows() == ALL_ROWS
    assert place.tables() == [*BOOKS, "t"]


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
    assert "t" not in place.tables()
    assert second.write_chunks(spec, [chunk_of(i) for i in range(3)]) == {0, 2}
    second.publish(spec)
    assert place.rows() == ALL_ROWS


def test_processes_that_begin_one_load_at_once_store_one_plan(place):
    specs = [spec_of()._replace(plan=f"plan {number}") for number in range(4)]
    stored, barrier = [], threading.Barrier(4)

    def begin(spec):
        destination = place()
        destination.open()
        barrier.wait()
        stored.append(destination.create_load(spec))

    run_together([lambda s=spec: begin(s) for spec in specs])
    assert len({load.spec.plan for load in stored}) == 1
    assert place.query("SELECT COUNT(*) FROM `DATASET`.hornbeam_loads") == [(1,)]


def run_together(functions):
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_attempts_whose_batches_overlap_count_each_chunk_once(place):
    spec, one, two = spec_of(chunks=4, rejects=1), place(), place()
    chunks = [chunk_of(i, rejects=1) for i in range(4)]
    one.create_load(spec)
    for destination in (one, two):  # both have seen an empty ledger
        destination._present[spec.load_id] = set()
    assert one.write_chunks(spec, chunks[0:2]) == {0, 1}
    assert two.write_chunks(spec, chunks[1:4]) == {2, 3}
    assert one.publish(spec).loaded == 8
    assert [row[0] for row in place.rows()] == [*ALL_IDS, 300, 301]
    assert [json.loads(line)["chunk"] for line in two.rejects(spec.load_id)] == [0, 1, 2, 3]


def test_of_attempts_that_committed_side_by_side_the_first_by_name_counts(place):
    """Two transactions that only insert do not conflict: both their ledger rows, rows and rejects are there."""
    destination, spec = place(), spec_of(chunks=2, rejects=1)
    destination.create_load(spec)
    destination.write_chunks(spec, [chunk_of(0, rejects=1), chunk_of(1, rejects=1)])
    staging = f"hornbeam_staging_{spec.load_id}"
    for table, columns in (
        ("hornbeam_ledger", "load_id, chunk, file, counted, loaded, rejected, skipped"),
        ("hornbeam_rejects", "load_id, file, record, chunk, place, reject"),
        (staging, "id, name, _hornbeam_chunk"),
    ):
        chunk = "_hornbeam_chunk" if table == staging else "chunk"
        attempt = "_hornbeam_attempt" if table == staging else "attempt"
        for other in ("a-first", "z-last"):
            place.query(
                f"INSERT INTO `DATASET`.`{table}` ({columns}, {attempt}) SELECT {columns}, '{other}' "
                f"FROM `DATASET`.`{table}` WHERE {attempt} LIKE 'hornbeam-%' AND {chunk} = 1"
            )
    assert destination.ledger(spec.load_id) == {i: chunk_of(i, rejects=1).totals for i in range(2)}
    assert destination.find_load(spec.load_id).loaded == 4
    stored = destination.publish(spec)
    assert (stored.loaded, stored.rejected) == (4, 2)
    assert place.rows() == ALL_ROWS[:4]
    assert len(list(destination.rejects(spec.load_id))) == 2


def test_two_attempts_at_once_write_each_chunk_once(place):
    spec = spec_of(chunks=5)
    place().create_load(spec)
    barrier = threading.Barrier(3)

    def attempt(order):
        destination = place()
        destination.open()
        barrier.wait()
        for number in order:
            destination.write_chunks(spec, [chunk_of(number)])

    run_together([lambda o=order: attempt(o) for order in (range(5), range(4, -1, -1), (2, 0, 4, 1, 3))])
    assert len(place().ledger(spec.load_id)) == 5
    assert place().publish(spec).loaded == 10
    assert len(place.rows()) == 10
    assert place.tables() == [*BOOKS, "t"]


LOST = {
    "the load job's answer": (r"hornbeam-\w+-load-", False),
    "the load job's answer after its work": (r"hornbeam-\w+-load-", True),
    "the transaction's answer after its commit": (r"hornbeam-\w+-enter-", True),
    "the plan's answer after it was stored": (r"hornbeam-\w+-create-", True),
    "the publish's answer after its commit": (r"hornbeam-\w+-publish-", True),
}


@pytest.mark.parametrize("case", LOST)
def test_an_answer_that_is_lost_changes_nothing(place, case):
    pattern, after = LOST[case]
    place.server.fault(pattern, 503, after=after)
    destination, spec = place(), spec_of()
    destination.create_load(spec)
    for number in range(3):
        destination.write_chunks(spec, [chunk_of(number)])
    assert destination.publish(spec).loaded == 6
    assert place.server.faults == []
    assert place.rows() == ALL_ROWS


def test_a_failed_load_says_why_and_goes_on_with_its_chunks(place):
    destination, spec = place(), spec_of()
    destination.create_load(spec)
    destination.write_chunks(spec, [chunk_of(0)])
    destination.fail(spec.load_id, "the disk 'burned'\n")
    failed = destination.find_load(spec.load_id)
    assert (failed.status, failed.error, failed.loaded) == ("failed", "the disk 'burned'\n", 2)
    with pytest.raises(PermanentError, match="not processing"):
        destination.write_chunks(spec, [chunk_of(1)])
    with pytest.raises(PermanentError, match="burned"):
        destination.publish(spec)
    assert destination.create_load(spec).status == "processing"
    destination.write_chunks(spec, [chunk_of(1), chunk_of(2)])
    assert destination.publish(spec).status == "completed"
    destination.fail(spec.load_id, "too late")
    assert destination.find_load(spec.load_id).status == "completed"
    assert place.rows() == ALL_ROWS


def test_a_load_whose_staging_table_was_dropped_starts_again(place):
    destination, spec = place(), spec_of()
    destination.create_load(spec)
    destination.write_chunks(spec, [chunk_of(0)])
    place.query(f"DROP TABLE `DATASET`.hornbeam_staging_{spec.load_id}")
    with pytest.raises(TransientError):
        destination.write_chunks(spec, [chunk_of(1)])
    again = place()
    again.create_load(spec)
    assert again.ledger(spec.load_id) == {}
    assert again.write_chunks(spec, [chunk_of(i) for i in range(3)]) == {0, 1, 2}
    again.publish(spec)
    assert place.rows() == ALL_ROWS


def test_every_type_comes_back_as_it_was_and_null_is_not_the_empty_string(place):
    columns = tuple(Column(f"c{number}", "", kind) for number, (kind, _) in enumerate(EVERY_KIND))
    rows = pa.table([pa.array(values, kind.arrow()) for kind, values in EVERY_KIND], names=[c.name for c in columns])
    spec = spec_of(chunks=1, rows=3, columns=columns)
    destination = place()
    load_all(destination, spec, [ChunkRows(ChunkTotals(0, 0, 3, 3, 0, 0), rows)])
    expected = sorted(zip(*(values for _, values in EVERY_KIND), strict=True), key=repr)
    assert sorted(place.query("SELECT * FROM `DATASET`.t"), key=repr) == expected
    assert [(c.name, c.type._replace(form="")) for c in destination.describe("t")] == [
        (c.name, c.type._replace(form="")) for c in columns
    ]


def test_a_batch_of_many_bytes_goes_up_in_pieces(place):
    noise = random.Random(1)
    names = [noise.randbytes(200_000).hex() for _ in range(30)]
    spec = spec_of(chunks=1, rows=30)
    load_all(place(), spec, [chunk_of(0, rows=30, names=names)])
    assert [row[1] for row in place.rows()] == names
    assert ("POST", "/jobs") in place.server.requests
    assert any(method == "PUT" for method, _ in place.server.requests)


def test_chunks_without_a_row_are_entered_without_a_load_job(place):
    destination, spec = place(), spec_of(chunks=2, rows=0)
    destination.create_load(spec)
    before = len(place.server.requests)
    assert destination.write_chunks(spec, [chunk_of(0, rows=0), chunk_of(1, rows=0)]) == {0, 1}
    assert not [path for _, path in place.server.requests[before:] if "upload" in path]
    assert destination.publish(spec).loaded == 0
    assert place.rows() == []


def test_a_null_in_a_required_column_is_a_bad_row_and_nothing_is_written(place):
    destination, spec = place(), spec_of(chunks=1)
    destination.create_load(spec)
    values = {"id": pa.array([1, None], pa.int64()), "name": ["a", "b"]}
    with pytest.raises(BadRowsError, match="'id' is REQUIRED"):
        destination.write_chunks(spec, [ChunkRows(ChunkTotals(0, 0, 2, 2, 0, 0), pa.table(values))])
    rows = pa.table(values)
    assert "'id' is REQUIRED" in destination.refusal(spec, rows)
    assert destination.refusal(spec, rows.slice(0, 1)) == ""
    assert "'id' is REQUIRED" in destination.refusal(spec, rows.slice(1, 1))
    assert destination.ledger(spec.load_id) == {}
    assert place.tables() == [*BOOKS, f"hornbeam_staging_{spec.load_id}"]
