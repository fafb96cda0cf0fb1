"""Constraints on typed values."""

from __future__ import annotations

import pyarrow as pa
import pytest

from transforms.core.errors import ConfigError
from transforms.core.tables.columns.column import TEXT, Column, ColumnType
from transforms.core.tables.values.coerce import FieldRule, coerce

INTEGER, DATE = ColumnType("integer"), ColumnType("date")
DOUBLE, DECIMAL = ColumnType("double"), ColumnType("decimal", 5, 2)
TABLE = [
    (TEXT, {"min_length": 2}, ["ab", "äß"], ["a", "ß", ""], "minLength 2"),
    (TEXT, {"max_length": 2}, ["", "äß"], ["abc", "äßü"], "maxLength 2"),
    (TEXT, {"pattern": "a|b+"}, ["a", "bb"], ["ab", "", "a\n", "ca"], "pattern a|b+"),
    (TEXT, {"pattern": r"^\d+$"}, ["12"], ["٣", "1x", "1\n"], r"pattern ^\d+$"),
    (TEXT, {"pattern": r"\p{Lu}.*"}, ["Ärger"], ["ärger"], r"pattern \p{Lu}.*"),
    (TEXT, {"enum": ("a", "b")}, ["a", "b"], ["A", "c", ""], "enum"),
    (INTEGER, {"enum": ("1", "02")}, ["1", "01", "2"], ["3", "-1"], "enum"),
    (INTEGER, {"minimum": "0"}, ["0", "5"], ["-1"], "minimum 0"),
    (INTEGER, {"exclusive_minimum": "0"}, ["1"], ["0", "-1"], "exclusiveMinimum 0"),
    (INTEGER, {"exclusive_maximum": "10"}, ["9"], ["10"], "exclusiveMaximum 10"),
    (DECIMAL, {"maximum": "9.5"}, ["9.50", "-1"], ["9.51"], "maximum 9.5"),
    (DECIMAL, {"enum": ("1.5",)}, ["1.50"], ["1.51"], "enum"),
    (DOUBLE, {"minimum": "0"}, ["0", "1e300", "INF"], ["-0.1", "NaN"], "minimum 0"),
    (DATE, {"minimum": "2024-01-01"}, ["2024-01-01"], ["2023-12-31"], "minimum 2024-01-01"),
    (
        ColumnType("date", form="%d/%m/%Y"), {"maximum": "31/12/2024"},
        ["31/12/2024"], ["01/01/2025"], "maximum 31/12/2024",
    ),
    (
        ColumnType("timestamptz"), {"maximum": "2024-01-01T00:00Z"},
        ["2024-01-01T00:30+01:00"], ["2024-01-01T00:30Z"], "maximum 2024-01-01T00:00Z",
    ),
    (ColumnType("boolean"), {"enum": ("true",)}, ["TRUE"], ["false"], "enum"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "constraints", "good", "bad", "name"), TABLE)
def test_a_constraint_rejects_what_violates_it_and_nothing_else(kind, constraints, good, bad, name):
    rule = FieldRule(Column("c", "C", kind), **constraints)
    values = [None, *bad, *good]
    result = coerce([pa.array(values, pa.string())], [rule])
    assert [value.value for value in result.bad] == bad
    assert {value.rule for value in result.bad} == {name}
    assert result.kept.tolist() == [0, *range(1 + len(bad), len(values))]


def test_the_first_violated_constraint_counts():
    rule = FieldRule(Column("c", "C", TEXT), min_length=2, pattern="[a-z]*", enum=("ab", "ABC"))
    result = coerce([pa.array(["A", "ABC", "xy", "ab"])], [rule])
    assert [value.rule for value in result.bad] == ["minLength 2", "pattern [a-z]*", "enum"]


@pytest.mark.parametrize(
    ("kind", "constraints", "words"),
    [
        (TEXT, {"pattern": "(?=a)"}, "RE2"),
        (TEXT, {"pattern": r"(a)\1"}, "RE2"),
        (INTEGER, {"minimum": "1.5"}, "minimum '1.5'"),
        (DATE, {"enum": ("2024-02-30",)}, "enum '2024-02-30'"),
    ],
)
def test_a_constraint_that_cannot_be_read_is_refused(kind, constraints, words):
    with pytest.raises(ConfigError) as raised:
        coerce([pa.array(["a"])], [FieldRule(Column("c", "C", kind), **constraints)])
    assert words in str(raised.value)
