"""Blocks of texts become typed rows, and what doesn't fit is named."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.tables.text_strategies import FAMILIES, columns, columns_of
from transforms.core.tables.columns.column import TEXT, Column, ColumnType
from transforms.core.tables.columns.column_stats import EMPTY, observe
from transforms.core.tables.columns.schema import DATE_ORDERS, decide
from transforms.core.tables.values.coerce import BadValue, FieldRule, coerce
from transforms.core.tables.values.value_reading import read_value

BOOLEAN, INTEGER, DOUBLE = ColumnType("boolean"), ColumnType("integer"), ColumnType("double")
DATE, TIMESTAMP, TIMESTAMPTZ = ColumnType("date"), ColumnType("timestamp"), ColumnType("timestamptz")
FORMS = ("", "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%m-%d-%Y", "%d %b %Y")


def rule(kind: ColumnType, **more) -> FieldRule:
    return FieldRule(Column("c", "C", kind), **more)


def coerced(values: list[str | None], one: FieldRule):
    return coerce([pa.array(["before", *values], pa.string()).slice(1)], [one])


def typed(result) -> list[object]:
    column = result.rows.column(0).combine_chunks()
    column.validate(full=True)
    if pa.types.is_timestamp(column.type) and column.type.tz:
        return [value and value.astimezone(UTC) for value in column.to_pylist()]
    return column.to_pylist()


def same(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return (math.isnan(one) and math.isnan(other)) or (
            one == other and math.copysign(1, one) == math.copysign(1, other)
        )
    return one == other and type(one) is type(other)


def check_against_reference(values: list[str | None], one: FieldRule) -> None:
    expected = [None if v is None or v in one.missing_values else (read_value(v, one), v) for v in values]
    bad = [(row, "C", pair[1]) for row, pair in enumerate(expected) if pair and pair[0] is None]
    good = [pair and pair[0] for pair in expected if pair is None or pair[0] is not None]
    result = coerced(values, one)
    assert [tuple(value[:3]) for value in result.bad] == bad
    assert result.rows.schema.field(0).type == one.column.type.arrow()
    assert len(result.rows) == len(good)
    assert all(map(same, typed(result), good))
    kept = [row for row in range(len(values)) if row not in {value[0] for value in bad}]
    assert (result.kept is None) == (not bad)
    assert result.kept is None or result.kept.tolist() == kept


kinds = st.one_of(
    st.sampled_from([BOOLEAN, INTEGER, DOUBLE, TIMESTAMP, TIMESTAMPTZ, TEXT]),
    st.integers(1, 38).flatmap(lambda p: st.integers(0, p).map(lambda s: ColumnType("decimal", p, s))),
    st.sampled_from(FORMS).map(lambda form: ColumnType("date", form=form)),
)
numbers = st.sampled_from(
    [
        "+5",
        "007",
        "-0",
        "1.",
        "+1.5",
        "1e2",
        "1E+2",
        "1.25e1",
        "1e-3",
        "0e400",
        "1e400",
        "1e-400",
        "1e" + "9" * 20,
        "0e" + "9" * 20,
        "NaN",
        "INF",
        "-inf",
        "nan",
        "0x1F",
        "1,000",
        "1.000,5",
        "95%",
        "€-5",
        ".",
        "+",
        "1e30",
        "1/2",
        "EUR 95",
        "99999999.99",
        "100000000",
        "-99999999.990",
        "-6265796868429197320",
        "0.004",
        "3-4",
        "1 000,50",
        "'1",
    ]
)
number_columns = st.lists(st.none() | numbers | FAMILIES["integer"] | FAMILIES["decimal"], max_size=12)


@settings(max_examples=400, deadline=None)
@given(columns | number_columns, kinds, st.sampled_from([(), ("",), ("1", "NA")]), st.booleans())
def test_a_block_is_read_as_its_values_one_by_one(values, kind, missing, only_good):
    one = rule(kind, missing_values=missing)
    if only_good:  # the fast path
        values = [value for value in values if value is None or value in missing or read_value(value, one) is not None]
    check_against_reference(values, one)


@settings(max_examples=200, deadline=None)
@given(
    number_columns,
    st.sampled_from([INTEGER, DOUBLE, ColumnType("decimal", 12, 2)]),
    st.sampled_from([(".", ""), (".", ","), (",", "."), (",", " "), ("\u066b", "'")]),
    st.booleans(),
)
def test_numbers_with_their_own_characters_are_read_as_one_by_one(values, kind, marks, bare):
    check_against_reference(values, rule(kind, decimal_char=marks[0], group_char=marks[1], bare_number=bare))


@settings(max_examples=300, deadline=None)
@given(columns | columns_of("other date"), st.sampled_from(DATE_ORDERS))
def test_a_column_takes_the_type_that_was_inferred_from_it_without_a_reject(values, order):
    decision = decide(observe(EMPTY, pa.array(values, pa.string())), date_order=order)
    result = coerced(values, rule(decision.type))
    assert result.bad == ()
    assert result.kept is None
    assert len(result.rows) == len(values)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (BOOLEAN, "TRUE", True),
        (INTEGER, "-9223372036854775808", -(2**63)),
        (INTEGER, "007", 7),
        (INTEGER, "+5", 5),
        (ColumnType("decimal", 10, 2), "1.5", Decimal("1.50")),
        (ColumnType("decimal", 10, 2), "1.5e3", Decimal("1500.00")),
        (ColumnType("decimal", 38, 38), "-.5", Decimal("-0." + "5".ljust(38, "0"))),
        (DOUBLE, "1.7976931348623157e308", 1.7976931348623157e308),
        (DOUBLE, "-INF", -math.inf),
        (DATE, "2024-02-29", date(2024, 2, 29)),
        (ColumnType("date", form="%d/%m/%Y"), "3/4/2024", date(2024, 4, 3)),
        (ColumnType("date", form="%m/%d/%Y"), "03/04/0001", date(1, 3, 4)),
        (ColumnType("date", form="%d %b %Y"), "3 Apr 2024", date(2024, 4, 3)),
        (TIMESTAMP, "2024-02-29 23:59:59.000001", datetime.fromisoformat("2024-02-29T23:59:59.000001")),
        (
            ColumnType("timestamp", form="%d.%m.%Y %H:%M"),
            "29.02.2024 23:59",
            datetime.fromisoformat("2024-02-29T23:59"),
        ),
        (TIMESTAMPTZ, "2024-02-29T00:30+01:00", datetime(2024, 2, 28, 23, 30, tzinfo=UTC)),
        (TEXT, " as it is\n", " as it is\n"),
    ],
)
def test_a_text_is_read_as_its_column_says(kind, text, value):
    assert typed(coerced([text, None], rule(kind))) == [value, None]


@pytest.mark.parametrize(
    ("kind", "text", "violated"),
    [
        (INTEGER, "1.0", "type integer"),
        (INTEGER, "0x1F", "type integer"),
        (INTEGER, "", "type integer"),
        (INTEGER, " 5", "type integer"),
        (INTEGER, "9223372036854775808", "type integer"),
        (ColumnType("decimal", 5, 2), "1.005", "type decimal(5,2)"),
        (ColumnType("decimal", 38, 38), "-6265796868429197320", "type decimal(38,38)"),
        (DOUBLE, "1e400", "type double"),
        (DOUBLE, "1e-400", "type double"),
        (BOOLEAN, "1", "type boolean"),
        (DATE, "2023-02-29", "type date"),
        (ColumnType("date", form="%d/%m/%Y"), "4/13/2024", "type date %d/%m/%Y"),
        (TIMESTAMP, "2024-02-29T10:00Z", "type timestamp"),
        (TIMESTAMP, "2024-02-29", "type timestamp"),
        (TIMESTAMPTZ, "2024-02-29T10:00", "type timestamptz"),
    ],
)
def test_a_text_of_another_type_is_rejected_and_its_neighbours_stay(kind, text, violated):
    good = {"integer": "1", "decimal": "0.10", "double": "1.5", "boolean": "true", "timestamp": "2024-01-31T10:00"}
    good |= {"date": "2024-01-31" if not kind.form else "31/1/2024", "timestamptz": "2024-01-31T10:00Z"}
    result = coerced([good[kind.kind], text, None], rule(kind))
    assert result.bad == (BadValue(1, "C", text, violated),)
    assert result.kept.tolist() == [0, 2]
    assert typed(result)[1] is None
    assert typed(result)[0] == read_value(good[kind.kind], rule(kind))


def test_a_record_is_rejected_once_for_its_first_violation_in_column_order():
    rules = [
        FieldRule(Column("a", "A", INTEGER), required=True, maximum="9"),
        FieldRule(Column("b", "B", DATE), missing_values=("-",)),
        FieldRule(Column("c", "C", TEXT, nullable=False)),
    ]
    block = [
        pa.array(["1", None, "x", "10", "5", "6"]),
        pa.array(["-", "?", "?", "?", "2024-02-30", "-"]),
        pa.array(["1", None, None, None, None, None]),
    ]
    result = coerce(block, rules)
    assert result.bad == (
        BadValue(1, "A", None, "required"),
        BadValue(2, "A", "x", "type integer"),
        BadValue(3, "A", "10", "maximum 9"),
        BadValue(4, "B", "2024-02-30", "type date"),
        BadValue(5, "C", None, "required"),
    )
    assert result.kept.tolist() == [0]
    assert result.rows.to_pylist() == [{"a": 1, "b": None, "c": "1"}]


def test_a_missing_value_in_a_required_column_is_reported_as_it_stands():
    one = rule(INTEGER, required=True, missing_values=("NA",))
    assert coerced(["1", "NA"], one).bad == (BadValue(1, "C", "NA", "required"),)


def test_a_block_with_chunks_and_no_rows_keeps_its_types():
    rules = [rule(DATE), rule(ColumnType("decimal", 5, 2))]
    result = coerce([pa.chunked_array([], pa.string()), pa.array([], pa.string())], rules)
    assert result.rows.schema.types == [pa.date32(), pa.decimal128(5, 2)]
    assert len(result.rows) == 0


@pytest.mark.parametrize(
    ("shape", "good", "bad"),
    [
        ("time", ["00:00:00", "23:59:59"], ["24:00:00", "1:00:00", "10:00"]),
        ("yearmonth", ["2024-02"], ["2024-13", "2024"]),
        ("duration", ["P1Y", "P1Y2M3DT4H5M6.5S", "PT1S", "-P3D"], ["P", "P1", "PT", "P1H", "1Y"]),
        ("geopoint", ["90.5, 45.5", "-1,2"], ["90", "a, b"]),
        ("email", ["a@b.de"], ["a@b", "@b.de", "a b@c.de"]),
        ("uri", ["https://a.b/c?d", "urn:x"], ["a.b/c", "x y:z"]),
        ("uuid", ["123e4567-e89b-12d3-a456-426614174000"], ["123e4567e89b12d3a456426614174000"]),
        ("binary", ["", "YQ==", "YWJj"], ["Y", "YQ", "?"]),
        ("object", ["{}", '{"a": [1]}'], ["[]", "{", "null", "[" * 100_000]),
        ("array", ["[1, 2]"], ["{}", ""]),
    ],
)
def test_texts_of_a_shape_are_checked(shape, good, bad):
    result = coerced([*good, *bad], rule(TEXT, shape=shape))
    assert typed(result) == good
    assert [value.value for value in result.bad] == bad
    assert {value.rule for value in result.bad} == {f"type {shape}"}


def test_a_year_is_an_integer_of_four_digits():
    result = coerced(["2024", "-0001", "24", "02024", "12024"], rule(INTEGER, shape="year"))
    assert typed(result) == [2024, -1, 12024]
    assert [value.value for value in result.bad] == ["24", "02024"]


def test_booleans_may_have_their_own_spellings():
    one = rule(BOOLEAN, true_values=("yes", "1"), false_values=("no",))
    result = coerced(["yes", "1", "no", "true", None], one)
    assert typed(result) == [True, True, False, None]
    assert result.bad == (BadValue(3, "C", "true", "type boolean"),)


def test_a_few_bad_values_in_a_large_block_are_found_in_order():
    values = [str(n) for n in range(10_000)]
    for row in range(0, 10_000, 100):
        values[row] = f"bad {row}"
    result = coerced(values, rule(INTEGER))
    assert [value.row for value in result.bad] == list(range(0, 10_000, 100))
    assert typed(result) == [n for n in range(10_000) if n % 100]
