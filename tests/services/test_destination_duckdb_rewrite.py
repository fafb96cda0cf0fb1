"""DuckDB writes a table anew where many rows would change: the same rows come of it as of changing them in place."""

import random

import pytest

from tests.services.destination_cases import ID, NAME, Place, load, make_chunk, make_spec
from transforms.core.tables.columns.column import Column, ColumnType
from transforms.core.tables.databases import duckdb
from transforms.core.tables.loads.destination import BadRowsError

SIZE = Column("size", "size", ColumnType("integer"))


@pytest.fixture(params=["in place", "written anew"])
def place(request, tmp_path, monkeypatch) -> Place:
    if request.param == "written anew":
        monkeypatch.setattr(duckdb, "FEW_ROWS", -1)
    return Place("duckdb", f"duckdb:///{tmp_path}/x.duckdb", "")


def upsert(number: int, **changes):
    return make_spec(number, mode="upsert", key=("id",), ordered=True, **changes)


def test_an_upsert_leaves_the_same_rows(place):
    numbers = random.Random(7)
    expected = {n: (n, f"old {n}", n) for n in range(300)}
    load(place, make_spec(1, columns=(ID, NAME, SIZE)), list(expected.values()))
    for round_ in range(3):
        chunks = [[(numbers.randrange(500), f"{round_} {number} {n}") for n in range(60)] for number in range(4)]
        for nr, name in (row for chunk in chunks for row in chunk):
            expected[nr] = (nr, name, expected.get(nr, (0, "", None))[2])
        load(place, upsert(round_ + 2), *chunks)
    found = place.run("SELECT id, name, size FROM products")
    assert sorted(found, key=str) == sorted(expected.values(), key=str)


def test_rows_that_share_a_key_in_the_table_are_all_set(place):
    load(place, make_spec(1, columns=(ID, NAME, SIZE)), [(1, "a", 1), (1, "b", 2), (2, "c", 3), (None, "d", 4)])
    load(place, upsert(2), [(1, "new"), (5, "fresh")])
    assert sorted(place.run("SELECT id, name, size FROM products"), key=str) == sorted(
        [(1, "new", 1), (1, "new", 2), (2, "c", 3), (None, "d", 4), (5, "fresh", None)], key=str
    )


def test_repeated_values_are_left_out_and_required_columns_stay_required(place):
    required = NAME._replace(nullable=False)
    spec = make_spec(1, ordered=True, unique=("id",), columns=(ID, required))
    assert load(place, spec, [(1, "a"), (2, "b")], [(1, "c"), (3, "d")]).rejected == 1
    assert sorted(place.run("SELECT * FROM products")) == [(1, "a"), (2, "b"), (3, "d")]
    load(place, upsert(2, columns=(ID, required)), [(1, "z")])
    assert sorted(place.run("SELECT * FROM products")) == [(1, "z"), (2, "b"), (3, "d")]
    later = make_spec(3, counted=1)
    with place.destination() as destination:
        assert [column.nullable for column in destination.describe("products")] == [True, False]
        destination.create_load(later)
        with pytest.raises(BadRowsError):
            destination.write_chunks(later, [make_chunk(0, [(1, None)], later)])
    assert place.tables() == {
        "products",
        "hornbeam_loads",
        "hornbeam_ledger",
        "hornbeam_rejects",
        "hornbeam_staging_3000000000000000",
    }


def test_a_table_with_an_index_is_changed_in_place(place):
    load(place, make_spec(1), [(1, "a"), (2, "b")])
    place.run("CREATE UNIQUE INDEX by_id ON products (id)")
    load(place, upsert(2), [(1, "z"), (3, "c")])
    assert sorted(place.run("SELECT * FROM products")) == [(1, "z"), (2, "b"), (3, "c")]
    assert place.run("SELECT index_name FROM duckdb_indexes()") == [("by_id",)]


def test_generated_columns_and_collations_keep_a_table_in_place(place):
    place.run(
        "CREATE TABLE products (id BIGINT, name VARCHAR COLLATE nocase, twice BIGINT GENERATED ALWAYS AS (id * 2))"
    )
    load(place, make_spec(1), [(1, "a"), (2, "b")])
    load(place, upsert(2), [(1, "z"), (3, "c")])
    load(place, make_spec(3, mode="replace"), [(4, "d")])
    assert place.run("SELECT * FROM products WHERE name = 'D'") == [(4, "d", 8)]
    with place.destination() as destination, pytest.raises(Exception, match="filled by the database itself"):
        destination.create_load(make_spec(4, columns=(ID, NAME, Column("twice", "", ColumnType("integer")))))
