"""A load's order of things, the same in all three databases: once, whoever else is at it, or not at all."""

import contextlib
import threading
from pathlib import Path

import pytest

from tests.services.destination_cases import ID, NAME, load, make_chunk, make_spec
from transforms.core.errors import ConfigError, PermanentError, TransientError
from transforms.core.tables.columns.column import Column, ColumnType
from transforms.core.tables.loads.destination import BadRowsError

ROWS = [(1, "a"), (2, "b")]


def test_a_fresh_load_is_stored_written_and_published(place):
    spec = make_spec(counted=3)
    with place.destination() as destination:
        stored = destination.create_load(spec)
        assert (stored.spec, stored.status, stored.finished) == (spec, "processing", "")
        assert destination.write_chunks(spec, [make_chunk(0, ROWS, spec, ('{"record": 7}',))]) == {0}
        stored = destination.publish(spec)
        assert (stored.status, stored.loaded, stored.rejected, stored.skipped) == ("completed", 2, 1, 0)
        assert stored.started <= stored.finished
        assert list(destination.rejects(spec.load_id)) == ['{"record": 7}']
        assert destination.statements > 0
    assert sorted(place.run('SELECT * FROM "products"')) == ROWS
    assert place.tables() == {"products", "hornbeam_loads", "hornbeam_ledger", "hornbeam_rejects"}


def test_the_same_load_again_writes_nothing(place):
    spec = make_spec()
    load(place, spec, ROWS)
    with place.destination() as destination:
        assert destination.create_load(spec).status == "completed"
        assert destination.publish(spec).loaded == 2
        with pytest.raises(PermanentError, match="completed"):
            destination.write_chunks(spec, [make_chunk(1, ROWS, spec)])
    assert sorted(place.run("SELECT * FROM products")) == ROWS


def test_a_second_start_goes_on_by_the_stored_plan_with_what_is_missing(place):
    spec = make_spec(chunks=2, counted=4)
    with place.destination() as destination:
        destination.create_load(spec)
        destination.write_chunks(spec, [make_chunk(0, ROWS, spec)])
    with place.destination() as destination:
        stored = destination.create_load(spec._replace(plan="another", chunks=7))
        assert stored.spec == spec
        assert set(destination.ledger(spec.load_id)) == {0}
        assert destination.find_load(spec.load_id).loaded == 2
        chunks = [make_chunk(0, ROWS, spec), make_chunk(1, [(3, "c"), (4, "d")], spec)]
        assert destination.write_chunks(spec, chunks) == {1}
        assert destination.write_chunks(spec, chunks) == set()
        assert destination.publish(spec).loaded == 4
    assert [row[0] for row in sorted(place.run("SELECT * FROM products"))] == [1, 2, 3, 4]


def test_a_chunk_that_is_there_already_brings_no_rejects_either(place):
    spec = make_spec(chunks=1, counted=3)
    chunk = make_chunk(0, ROWS, spec, ('{"record": 1}',))
    with place.destination() as destination:
        destination.create_load(spec)
        destination.write_chunks(spec, [chunk])
        assert destination.write_chunks(spec, [chunk]) == set()
        assert list(destination.rejects(spec.load_id)) == ['{"record": 1}']


@pytest.mark.parametrize(
    ("chunks", "counted"), [(2, 2), (1, 3)], ids=["a chunk is missing", "the records don't add up"]
)
def test_a_publish_too_early_is_refused_and_leaves_the_load_as_it_was(place, chunks, counted):
    spec = make_spec(chunks=chunks, counted=counted)
    with place.destination() as destination:
        destination.create_load(spec)
        destination.write_chunks(spec, [make_chunk(0, ROWS, spec)])
        with pytest.raises(PermanentError, match="isn't whole"):
            destination.publish(spec)
        assert destination.find_load(spec.load_id).status == "processing"
        assert destination.describe("products") is None


def test_identical_commands_at_once_share_the_work_and_write_each_chunk_once(place):
    spec = make_spec(chunks=8, counted=16)
    barrier, written, errors = threading.Barrier(4), [], []

    def attempt():
        try:
            with contextlib.ExitStack() as stack:
                destination = patiently(lambda: stack.enter_context(place.destination()))
                barrier.wait(30)
                patiently(lambda: destination.create_load(spec))
                for start in range(0, 8, 2):
                    chunks = [make_chunk(n, [(2 * n, "x"), (2 * n + 1, "y")], spec) for n in (start, start + 1)]
                    written.append(write_patiently(destination, spec, chunks))
                publish_patiently(destination, spec)
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            errors.append(error)

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert sorted(chunk for chunks in written for chunk in chunks) == list(range(8))
    assert sorted(row[0] for row in place.run("SELECT id FROM products")) == list(range(16))


def write_patiently(destination, spec, chunks):
    """As the loader does: what may pass is tried again; a load that others have published is done."""
    for _ in range(200):
        try:
            return destination.write_chunks(spec, chunks)
        except TransientError:
            threading.Event().wait(0.02)
        except PermanentError:
            if destination.find_load(spec.load_id).status == "completed":
                return frozenset()
            raise
    raise AssertionError("never came through")


def publish_patiently(destination, spec):
    return patiently(lambda: destination.publish(spec))


def patiently(act):
    """As the loader does with all that it asks of a destination."""
    for _ in range(200):
        try:
            return act()
        except TransientError:
            threading.Event().wait(0.02)
    raise AssertionError("never came through")


def test_a_failed_load_is_refused_chunks_until_it_is_taken_up_again(place):
    spec = make_spec()
    with place.destination() as destination:
        destination.create_load(spec)
        destination.fail(spec.load_id, "the source broke off")
        stored = destination.find_load(spec.load_id)
        assert (stored.status, stored.error) == ("failed", "the source broke off")
        for act in (
            lambda: destination.write_chunks(spec, [make_chunk(0, ROWS, spec)]),
            lambda: destination.publish(spec),
        ):
            with pytest.raises(PermanentError, match="failed"):
                act()
        assert destination.create_load(spec).status == "processing"
        destination.write_chunks(spec, [make_chunk(0, ROWS, spec)])
        assert destination.publish(spec).status == "completed"
        destination.fail(spec.load_id, "too late")
        assert destination.find_load(spec.load_id).status == "completed"


def test_a_load_whose_staging_table_was_dropped_starts_over(place):
    spec = make_spec()
    with place.destination() as destination:
        destination.create_load(spec)
        destination.write_chunks(spec, [make_chunk(0, ROWS, spec)])
        staging = next(name for name in place.tables() if name.startswith("hornbeam_staging_"))
    place.run(f"DROP TABLE {staging}")
    with place.destination() as destination:
        destination.create_load(spec)
        assert destination.ledger(spec.load_id) == {}
        destination.write_chunks(spec, [make_chunk(0, ROWS, spec)])
        destination.publish(spec)
    assert sorted(place.run("SELECT * FROM products")) == ROWS


def test_nothing_is_made_by_opening_checking_describing_or_looking_for_a_load(place):
    with place.destination() as destination:
        assert destination.check("products") == []
        assert destination.describe("products") is None
        assert destination.find_load("a" * 32) is None
        assert destination.ledger("a" * 32) == {}
        assert list(destination.loads()) == []
        assert list(destination.rejects("a" * 32)) == []
        destination.fail("a" * 32, "no such load")
    if place.kind != "postgresql":
        assert not Path(place.uri.partition(":///")[2]).exists()
    else:
        assert place.tables() == set()


def test_rejects_come_in_file_and_record_order_whatever_the_order_of_writing(place):
    spec = make_spec(chunks=3, counted=5)
    lines = ['{"record": 12}', '{"record": 15}', '{"record": 3}', '{"record": 2}', '{"record": 9}']
    with place.destination() as destination:
        destination.create_load(spec)
        for number, file, rejects in ((1, 0, lines[:2]), (0, 0, lines[2:3]), (2, 1, lines[3:])):
            destination.write_chunks(spec, [make_chunk(number, [], spec, tuple(rejects), file)])
        assert list(destination.rejects(spec.load_id)) == [lines[2], *lines[:2], *lines[3:]]


def test_loads_are_listed_newest_first_with_their_totals(place):
    for number in (1, 2, 3):
        load(place, make_spec(number, table=f"t{number}"), ROWS)
    with place.destination() as destination:
        assert [(stored.spec.table, stored.loaded) for stored in destination.loads()] == [
            ("t3", 2),
            ("t2", 2),
            ("t1", 2),
        ]


def test_a_null_in_a_required_column_is_refused_at_write_and_nothing_of_the_batch_stays(place):
    spec = make_spec(columns=(Column("id", "id", ColumnType("integer"), nullable=False), NAME), chunks=2, counted=3)
    with place.destination() as destination:
        destination.create_load(spec)
        good, bad = make_chunk(0, [(1, "a")], spec), make_chunk(1, [(2, "b"), (None, "c")], spec)
        with pytest.raises(BadRowsError):
            destination.write_chunks(spec, [good, bad])
        assert destination.ledger(spec.load_id) == {}
        assert destination.write_chunks(spec, [good]) == {0}


def test_the_targets_own_rules_hold_in_staging(place):
    place.run("CREATE TABLE products (id INTEGER NOT NULL, name VARCHAR(3), stock INTEGER DEFAULT 7)")
    spec = make_spec(counted=1)
    with place.destination() as destination:
        destination.create_load(spec)
        with pytest.raises(BadRowsError):
            destination.write_chunks(spec, [make_chunk(0, [(None, "a")], spec)])
        if place.kind != "sqlite":
            with pytest.raises(BadRowsError):
                destination.write_chunks(spec, [make_chunk(0, [(2**40, "a")], spec)])
        destination.write_chunks(spec, [make_chunk(0, [(1, "a")], spec)])
        destination.publish(spec)
    assert place.run("SELECT id, name, stock FROM products") == [(1, "a", 7)]


@pytest.mark.parametrize(
    ("ddl", "changes", "finding"),
    [
        ("(id INTEGER)", {}, "no column 'name'"),
        ("(id INTEGER, name VARCHAR, size INTEGER NOT NULL)", {}, "'size' .* NOT NULL without a default"),
        ("(id INTEGER, name VARCHAR)", {"mode": "upsert", "key": ("nr",), "ordered": True}, "'nr' is a key"),
        ("(id INTEGER, name VARCHAR)", {"key": ("id",)}, "only upsert"),
        ("(id INTEGER, name VARCHAR)", {"columns": ()}, "without a column"),
        ("(id INTEGER, name VARCHAR)", {"columns": (ID, NAME._replace(name="_hornbeam_file"))}, "taken by the load"),
        ("(id INTEGER, name VARCHAR)", {"table": "a.b.c"}, "NAME or SCHEMA.NAME"),
        ("(id INTEGER, name VARCHAR)", {"unique": ("id",)}, "ordered"),
    ],
)
def test_a_load_that_cannot_fit_is_refused_before_any_work(place, ddl, changes, finding):
    place.run(f"CREATE TABLE products {ddl}")
    with place.destination() as destination, pytest.raises(ConfigError, match=finding):
        destination.create_load(make_spec(**changes))
    assert place.tables() == {"products"}


def test_a_view_is_not_loaded(place):
    place.run("CREATE VIEW products AS SELECT 1 AS id, 'a' AS name")
    with place.destination() as destination:
        assert "table itself" in destination.check("products")[0]
        with pytest.raises(ConfigError, match="table itself"):
            destination.create_load(make_spec())


def test_a_load_of_many_batches_needs_few_statements(place):
    spec = make_spec(chunks=50, counted=50)
    with place.destination() as destination:
        destination.create_load(spec)
        for number in range(50):
            destination.write_chunks(spec, [make_chunk(number, [(number, "x")], spec)])
        destination.publish(spec)
        assert destination.statements < 350
