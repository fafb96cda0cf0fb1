"""What becomes of the target: append, replace and upsert, duplicates, new columns, other loads; all three databases."""

import json
import threading

import pytest

from tests.services.destination_cases import ID, NAME, load, make_chunk, make_spec
from transforms.core.errors import PermanentError
from transforms.core.tables.columns.column import Column, ColumnType

STOCK = Column("stock", "stock", ColumnType("integer"))


def upsert(number: int, **changes):
    return make_spec(number, mode="upsert", key=("id",), ordered=True, **changes)


def rows(place, columns: str = "*"):
    return sorted(place.run(f"SELECT {columns} FROM products"))


def test_append_adds_and_replace_takes_the_place_of_what_was_there(place):
    load(place, make_spec(1), [(1, "a")])
    load(place, make_spec(2), [(1, "a"), (2, "b")])
    assert rows(place) == [(1, "a"), (1, "a"), (2, "b")]
    load(place, make_spec(3, mode="replace"), [(9, "z")])
    assert rows(place) == [(9, "z")]


def test_an_empty_load_makes_an_empty_table_or_empties_it(place):
    load(place, make_spec(1), [])
    assert rows(place) == []
    load(place, make_spec(2), [(1, "a")])
    load(place, make_spec(3, mode="replace"), [])
    assert rows(place) == []


def test_replace_keeps_what_hangs_on_the_table(place):
    place.run("CREATE TABLE products (id INTEGER PRIMARY KEY, name VARCHAR, stock INTEGER DEFAULT 5)")
    place.run("CREATE INDEX by_name ON products (name)")
    place.run("CREATE VIEW names AS SELECT name FROM products")
    place.run("INSERT INTO products (id, name) VALUES (1, 'old'), (2, 'older')")
    load(place, make_spec(2, mode="replace"), [(1, "new"), (3, "newer")])
    assert rows(place) == [(1, "new", 5), (3, "newer", 5)]
    assert sorted(place.run("SELECT * FROM names")) == [("new",), ("newer",)]
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        place.run("INSERT INTO products (id) VALUES (1)")


@pytest.mark.parametrize("there", [True, False], ids=["into a table", "into none"])
def test_upsert_lets_the_last_record_of_a_key_win_whatever_the_chunking(place, there):
    if there:
        load(place, make_spec(1), [(1, "old"), (2, "kept")])
    spec = upsert(2, chunks=3, counted=6)
    with place.destination() as destination:
        destination.create_load(spec)
        # Written out of order, on purpose: (file, record) decides, not the time of writing.
        for number, file, some in (
            (2, 1, [(3, "last of file 1"), (4, "only")]),
            (0, 0, [(1, "first"), (3, "file 0")]),
            (1, 0, [(1, "second"), (3, "later in file 0")]),
        ):
            destination.write_chunks(spec, [make_chunk(number, some, spec, file=file)])
        stored = destination.publish(spec)
    assert (stored.loaded, stored.rejected) == (6, 0)
    kept = [(2, "kept")] if there else []
    assert rows(place) == sorted([(1, "second"), *kept, (3, "last of file 1"), (4, "only")])


def test_upsert_leaves_other_columns_and_referencing_rows_alone(place):
    place.run("CREATE TABLE products (id INTEGER PRIMARY KEY, name VARCHAR, stock INTEGER DEFAULT 5)")
    place.run("CREATE TABLE orders (product INTEGER REFERENCES products (id))")
    place.run("INSERT INTO products VALUES (1, 'old', 77), (2, 'other', 88)")
    place.run("INSERT INTO orders VALUES (1)")
    load(place, upsert(2), [(1, "new"), (3, "fresh")])
    assert rows(place) == [(1, "new", 77), (2, "other", 88), (3, "fresh", 5)]


def test_upsert_of_nothing_but_keys_inserts_the_new_ones(place):
    spec = upsert(2, columns=(ID,))
    load(place, make_spec(1), [(1, "a")])
    load(place, spec, [(1,), (2,)])
    assert sorted(place.run("SELECT id FROM products")) == [(1,), (2,)]


def test_upsert_by_two_keys(place):
    spec = upsert(1, columns=(ID, NAME, STOCK), chunks=2)._replace(key=("id", "name"))
    load(place, spec, [(1, "a", 1), (1, "b", 2)], [(1, "a", 3)])
    load(place, spec._replace(load_id="b" * 32), [(1, "b", 9), (2, "a", 4)])
    assert rows(place) == [(1, "a", 3), (1, "b", 9), (2, "a", 4)]


def test_repeated_values_of_a_unique_column_are_rejected_and_the_first_one_stays(place):
    spec = make_spec(1, ordered=True, unique=("id", "name"), chunks=2, counted=7)
    with place.destination() as destination:
        destination.create_load(spec)
        second = make_chunk(1, [(1, "again"), (3, "a"), (None, None), (None, None)], spec)
        destination.write_chunks(spec, [second])
        destination.write_chunks(spec, [make_chunk(0, [(1, "a"), (2, "b"), (2, "c")], spec)])
        stored = destination.publish(spec)
        rejects = [json.loads(line) for line in destination.rejects(spec.load_id)]
    assert (stored.loaded, stored.rejected, stored.skipped) == (4, 3, 0)
    assert [(r["record"], r["column"], r["value"], r["rule"]) for r in rejects] == [
        (2, "id", "2", "unique"),
        (100, "id", "1", "unique"),
        (101, "name", "a", "unique"),
    ]
    assert sorted(place.run("SELECT id, name FROM products"), key=str) == [
        (1, "a"),
        (2, "b"),
        (None, None),
        (None, None),
    ]
    assert [column.name for column in described(place)] == ["id", "name"]


def described(place):
    with place.destination() as destination:
        return destination.describe("products")


def test_new_columns_are_added_and_older_rows_have_null_there(place):
    load(place, make_spec(1), [(1, "a")])
    load(place, make_spec(2, columns=(ID, NAME, STOCK), add_columns=True), [(2, "b", 5)])
    assert sorted(place.run("SELECT id, name, stock FROM products")) == [(1, "a", None), (2, "b", 5)]
    load(place, make_spec(3, mode="replace", columns=(STOCK, ID)), [(6, 3)])
    assert place.run("SELECT id, name, stock FROM products") == [(3, None, 6)]


def test_two_loads_of_one_table_that_did_not_exist_meet_only_at_publish(place):
    first, second = make_spec(1, counted=1), make_spec(2, counted=1)
    with place.destination() as one, place.destination() as two:
        one.create_load(first)
        two.create_load(second)
        one.write_chunks(first, [make_chunk(0, [(1, "a")], first)])
        two.write_chunks(second, [make_chunk(0, [(2, "b")], second)])
        one.publish(first)
        assert rows(place) == [(1, "a")]
        two.publish(second)
    assert rows(place) == [(1, "a"), (2, "b")]


def test_two_loads_published_at_once_come_one_after_the_other(place):
    load(place, make_spec(9), [(0, "old")])
    specs = [make_spec(number, mode="replace", counted=200) for number in (1, 2, 3)]
    for spec in specs:
        with place.destination() as destination:
            destination.create_load(spec)
            destination.write_chunks(spec, [make_chunk(0, [(n, spec.load_id) for n in range(200)], spec)])
    barrier, errors = threading.Barrier(3), []

    def publish(spec):
        try:
            with place.destination() as destination:
                barrier.wait(30)
                assert destination.publish(spec).status == "completed"
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            errors.append(error)

    threads = [threading.Thread(target=publish, args=(spec,)) for spec in specs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert len(place.run("SELECT DISTINCT name FROM products")) == 1
    assert place.run("SELECT count(*) FROM products") == [(200,)]


def test_a_table_that_changed_since_the_load_began_is_not_half_filled(place):
    spec = make_spec(1, counted=1)
    with place.destination() as destination:
        destination.create_load(spec)
        destination.write_chunks(spec, [make_chunk(0, [(1, "a")], spec)])
        load(place, make_spec(2, columns=(ID, STOCK)), [(1, 1)])
        with pytest.raises(PermanentError, match="no column 'name'"):
            destination.publish(spec)
        assert destination.find_load(spec.load_id).status == "processing"
    assert rows(place) == [(1, 1)]


def test_rows_that_only_the_target_can_refuse_keep_the_load_unpublished(place):
    place.run("CREATE TABLE products (id INTEGER PRIMARY KEY, name VARCHAR)")
    place.run("INSERT INTO products VALUES (1, 'there')")
    spec = make_spec(2, counted=2)
    with place.destination() as destination:
        destination.create_load(spec)
        destination.write_chunks(spec, [make_chunk(0, [(1, "a"), (2, "b")], spec)])
        with pytest.raises(PermanentError, match=r"(?i)unique|duplicate"):
            destination.publish(spec)
        assert destination.find_load(spec.load_id).status == "processing"
    assert rows(place) == [(1, "there")]
