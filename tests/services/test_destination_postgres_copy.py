"""Binary COPY and CSV COPY of the same Arrow table make the same rows, however the table is cut and sliced."""

import math
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transforms.core.tables.databases.postgres_copy import choose_format

NAIVE = st.datetimes()
TYPES = {
    "boolean": (pa.bool_(), st.booleans()),
    "bigint": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "double precision": (pa.float64(), st.floats()),
    "date": (pa.date32(), st.dates()),
    "timestamp without time zone": (pa.timestamp("us"), NAIVE),
    "timestamp with time zone": (pa.timestamp("us", "UTC"), NAIVE),
    "text": (pa.string(), st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))),
    "numeric(18,4)": (pa.decimal128(18, 4), st.decimals(-(10**14) + 1, 10**14 - 1, places=4)),
    "numeric(12,0)": (pa.decimal128(12, 0), st.decimals(-(10**12) + 1, 10**12 - 1, places=0)),
    "numeric(9,9)": (pa.decimal128(9, 9), st.decimals(Decimal("-0.999999999"), Decimal("0.999999999"), places=9)),
    "numeric(7,3)": (pa.decimal128(7, 3), st.decimals(-9999, 9999, places=3)),
}


@st.composite
def tables(draw):
    """A table of some types, with NULLs or without, in two chunks, sliced."""
    names = draw(st.lists(st.sampled_from(sorted(TYPES)), min_size=1, max_size=6))
    count = draw(st.integers(1, 12))
    columns = []
    for name in names:
        arrow_type, values = TYPES[name]
        cell = st.none() | values if draw(st.booleans()) else values
        columns.append(pa.array(draw(st.lists(cell, min_size=count, max_size=count)), arrow_type))
    table = pa.table(columns, names=[f"c{place}" for place in range(len(names))])
    cut = draw(st.integers(0, count))
    skipped = draw(st.integers(0, count - 1))
    return names, pa.concat_tables([table.slice(0, cut), table.slice(cut)]).slice(skipped)


@pytest.fixture(scope="module")
def connection(postgres):
    with postgres.connect(postgres.new_database()) as connection:
        yield connection


def copy_in(connection, table: str, names, way, rows) -> list[tuple]:
    columns = ", ".join(f"c{place} {name}" for place, name in enumerate(names))
    connection.execute(f"CREATE TEMP TABLE {table} (nr serial, {columns})")
    target = f"{table} ({', '.join(rows.column_names)})"
    with connection.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN (FORMAT {way.name})") as copy:
        for block in way.blocks(rows):
            copy.write(block)
    texts = ", ".join(f"{name}::text" for name in rows.column_names)
    found = connection.execute(f"SELECT {texts} FROM {table} ORDER BY nr").fetchall()
    connection.execute(f"DROP TABLE {table}")
    return found


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables())
def test_both_ways_make_the_same_rows(connection, drawn):
    names, rows = drawn
    binary, csv = choose_format(rows, names), choose_format(rows, ["unknown"] * len(names))
    assert (binary.name, csv.name) == ("binary", "csv")
    assert copy_in(connection, "b", names, binary, rows) == copy_in(connection, "c", names, csv, rows)


@pytest.mark.parametrize(
    ("sql_type", "values", "arrow_type", "expected"),
    [
        ("bigint", [1], pa.int64(), "binary"),
        ("integer", [1], pa.int64(), "csv"),
        ("numeric", [1], pa.int64(), "csv"),
        ("text", [1], pa.int64(), "csv"),
        ("character varying(3)", ["a"], pa.string(), "binary"),
        ("uuid", ["a"], pa.string(), "csv"),
        ("timestamp with time zone", [0], pa.timestamp("us"), "csv"),
        ("numeric(38,0)", [Decimal(2**63 - 1)], pa.decimal128(38, 0), "binary"),
        ("numeric(38,0)", [Decimal(2**63)], pa.decimal128(38, 0), "csv"),
        ("numeric(38,0)", [Decimal(-(2**63) - 1)], pa.decimal128(38, 0), "csv"),
        ("numeric(38,5)", [Decimal("92233720368547.75807")], pa.decimal128(38, 5), "csv"),
        ("numeric(38,5)", [Decimal("92233720368.54775")], pa.decimal128(38, 5), "binary"),
        ("numeric(38,5)", [None], pa.decimal128(38, 5), "binary"),
    ],
)
def test_binary_is_for_types_whose_bits_fit(connection, sql_type, values, arrow_type, expected):
    rows = pa.table({"c0": pa.array(values, arrow_type)})
    way = choose_format(rows, [sql_type])
    assert way.name == expected
    if expected == "binary" or sql_type.startswith("numeric(38"):
        found = copy_in(connection, "t", [sql_type], way, rows)[0][0]
        assert found is None if values[0] is None else type(values[0])(found) == values[0]


def test_a_not_a_number_and_the_infinities_go_both_ways(connection):
    rows = pa.table({"c0": pa.array([math.nan, math.inf, -math.inf, -0.0])})
    for sql_type in ("double precision", "double precision "):
        way = choose_format(rows, [sql_type])
        assert copy_in(connection, "d", [sql_type], way, rows) == [("NaN",), ("Infinity",), ("-Infinity",), ("-0",)]


def test_many_batches_and_blocks_make_one_copy(connection):
    rows = pa.table({"c0": pa.array(["x" * (n % 97) for n in range(100_000)]), "c1": pa.array(range(100_000))})
    way = choose_format(rows, ["text", "bigint"])
    assert sum(1 for _ in way.blocks(rows)) > 20
    found = copy_in(connection, "m", ["text", "bigint"], way, rows)
    assert len(found) == 100_000
    assert found[77_777] == ("x" * (77_777 % 97), "77777")
