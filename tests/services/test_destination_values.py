"""Values and names survive the way into each database and back, at their extremes too."""

import datetime as dt
import math
from decimal import Decimal

import pytest

from tests.services.destination_cases import load, make_chunk, make_spec
from transforms.core.errors import ConfigError
from transforms.core.tables.columns.column import Column, ColumnType
from transforms.core.tables.loads.destination import BadRowsError

UTC = dt.UTC


def naive(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


# kind: (type, values in, the same as text in SQLite, where they differ: it has no -0.0 either)
VALUES = {
    "boolean": (ColumnType("boolean"), [True, False, None], [1, 0, None]),
    "integer": (ColumnType("integer"), [2**63 - 1, -(2**63), 0, None], None),
    "decimal": (
        ColumnType("decimal", 38, 10),
        [Decimal("9999999999999999999999999999.9999999999"), Decimal("-0.0000000001"), Decimal("1.5000000000"), None],
        ["9999999999999999999999999999.9999999999", "-0.0000000001", "1.5000000000", None],
    ),
    "money": (
        ColumnType("decimal", 12, 2),
        [
            Decimal("0.00"),
            Decimal("-0.01"),
            Decimal("9999999999.99"),
            Decimal("10000.00"),
            Decimal("100000000.00"),
            None,
        ],
        ["0.00", "-0.01", "9999999999.99", "10000.00", "100000000.00", None],
    ),
    "whole": (
        ColumnType("decimal", 38, 0),
        [Decimal(10**38 - 1), Decimal(1 - 10**38), Decimal(0)],
        [str(10**38 - 1), str(1 - 10**38), "0"],
    ),
    "small": (ColumnType("decimal", 5, 5), [Decimal("0.00001"), Decimal("-0.99999")], ["0.00001", "-0.99999"]),
    "double": (
        ColumnType("double"),
        [1.7976931348623157e308, 5e-324, -0.0, 0.1, math.inf, -math.inf, None],
        [1.7976931348623157e308, 5e-324, 0.0, 0.1, math.inf, -math.inf, None],
    ),
    "date": (
        ColumnType("date"),
        [dt.date(1, 1, 1), dt.date(9999, 12, 31), dt.date(2000, 2, 29), None],
        ["0001-01-01", "9999-12-31", "2000-02-29", None],
    ),
    "timestamp": (
        ColumnType("timestamp"),
        [
            naive("0001-01-01"),
            naive("9999-12-31T23:59:59.999999"),
            naive("1969-12-31T23:59:59.000001"),
            None,
        ],
        ["0001-01-01 00:00:00.000000", "9999-12-31 23:59:59.999999", "1969-12-31 23:59:59.000001", None],
    ),
    "timestamptz": (
        ColumnType("timestamptz"),
        [dt.datetime(1, 1, 2, tzinfo=UTC), dt.datetime(9999, 12, 30, 23, 59, 59, 999999, tzinfo=UTC), None],
        ["0001-01-02 00:00:00.000000Z", "9999-12-30 23:59:59.999999Z", None],
    ),
    "text": (
        ColumnType("text"),
        [
            "",
            None,
            "NULL",
            "\\N",
            "\\.",
            "a,b",
            'quo"te',
            "new\nline\r\n",
            "\ttab\\",
            " ",
            "ünï😀",
            "x" * 1_000_000,
            "'; --",
        ],
        None,
    ),
}


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("there", [False, True], ids=["new table", "existing table"])
def test_all_values_of_a_type_come_back_as_they_were(place, kind, there):
    column_type, values, in_sqlite = VALUES[kind]
    nr, value = Column("nr", "nr", ColumnType("integer")), Column("value", "value", column_type)
    spec = make_spec(1, columns=(nr, value))
    if there:
        load(place, spec._replace(load_id="e" * 32), [])
    load(place, spec, list(enumerate(values)))
    expected = in_sqlite if place.kind == "sqlite" and in_sqlite else values
    select = "value"
    if place.kind == "duckdb" and kind == "timestamptz":
        select = "CAST(epoch_us(value) AS BIGINT)"  # the driver needs another package to hand one to Python
        epoch = dt.datetime(1970, 1, 1, tzinfo=UTC)
        expected = [value and (value - epoch) // dt.timedelta(microseconds=1) for value in values]
    found = [row[0] for row in place.run(f"SELECT {select} FROM products ORDER BY nr")]
    assert found == expected
    assert list(map(repr, found)) == list(map(repr, expected)) or kind == "timestamptz"
    with place.destination() as destination:
        assert destination.describe("products")[1].type == column_type


def test_not_a_number_stays_one(place):
    load(place, make_spec(1, columns=(Column("v", "v", ColumnType("double")),)), [(math.nan,), (None,), (1.0,)])
    found = [row[0] for row in place.run("SELECT v FROM products")]
    assert found[1:] == [None, 1.0]
    assert found[0] == "NaN" if place.kind == "sqlite" else math.isnan(found[0])


@pytest.mark.parametrize(
    "name", ['x"; DROP TABLE products; --', "a b", "ÜñïçØde", "select", "%s", "$1", "?1", "{}", "'", "\\", "ID.x"]
)
def test_any_name_is_only_a_name(place, name):
    columns = (Column("id", "id", ColumnType("integer")), Column(name, name, ColumnType("text")))
    table = "t " + name.replace(".", "_")
    spec = make_spec(1, table=table, columns=columns, mode="upsert", key=(name,), unique=("id",), ordered=True)
    for number in (1, 2):
        load(place, spec._replace(load_id=f"{number}" * 32), [(1, "a"), (2, "b")], [(2, "c")])
    with place.destination() as destination:
        assert [column.name for column in destination.describe(table)] == ["id", name]
        assert len(list(destination.rejects("1" * 32))) == 1
        load(
            place,
            make_spec(4, table=table, columns=(*columns, Column(name + "2", "", ColumnType("text"))), add_columns=True),
            [(1, "x", "y")],
        )
        assert len(destination.describe(table)) == 3


def test_a_schema_may_stand_before_the_table(place):
    if place.kind == "sqlite":
        with place.destination() as destination, pytest.raises(ConfigError, match="only the schema main"):
            destination.create_load(make_spec(1, table="other.products"))
        load(place, make_spec(1, table="main.products"), [(1, "a")])
        return
    place.run('CREATE SCHEMA "My Schema"')
    spec = make_spec(1, table="My Schema.products")
    load(place, spec, [(1, "a")])
    load(place, make_spec(2), [(2, "b")])
    assert place.run('SELECT * FROM "My Schema".products') == [(1, "a")]
    with place.destination() as destination:
        assert {stored.spec.table for stored in destination.loads()} == {"products", "My Schema.products"}
        assert destination.find_load(spec.load_id).loaded == 1
        assert set(destination.ledger(spec.load_id)) == {0}


def test_a_name_in_another_case_is_the_same_column_where_the_database_says_so(place):
    place.run("CREATE TABLE products (ID INTEGER NOT NULL, Name VARCHAR)")
    spec = make_spec(1, counted=1)
    if place.kind == "postgresql":
        spec = spec._replace(columns=tuple(c._replace(name=c.name.capitalize()) for c in spec.columns))
        with place.destination() as destination, pytest.raises(ConfigError, match="no column 'Id'"):
            destination.create_load(spec)
        return
    load(place, spec, [(1, "a")])
    load(place, make_spec(2, mode="upsert", key=("id",), ordered=True), [(1, "b")])
    assert place.run("SELECT * FROM products") == [(1, "b")]
    with place.destination() as destination:
        other = make_spec(3, counted=1)
        destination.create_load(other)
        with pytest.raises(BadRowsError):
            destination.write_chunks(other, [make_chunk(0, [(None, "a")], other)])
