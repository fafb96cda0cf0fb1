"""The truth table of `surely_typed`, row by row."""

from __future__ import annotations

import pyarrow as pa
import pytest

from transforms.core.tables.columns.column import TEXT, Column, ColumnType
from transforms.core.tables.columns.column_stats import EMPTY, observe
from transforms.core.tables.columns.field_rule import FieldRule
from transforms.core.tables.columns.sure_type import surely_typed

BOOLEAN, INTEGER, DOUBLE = ColumnType("boolean"), ColumnType("integer"), ColumnType("double")
DATE, TIMESTAMP, TIMESTAMPTZ = ColumnType("date"), ColumnType("timestamp"), ColumnType("timestamptz")


def decimal(precision: int, scale: int) -> ColumnType:
    return ColumnType("decimal", precision, scale)


# values that were seen, the rule's type, more of the rule, sure
TABLE = [
    (["true", None, "False"], BOOLEAN, {}, True),
    (["5", "-7"], INTEGER, {}, True),
    (["5", "1e5"], DOUBLE, {}, True),
    (["2024-02-29"], DATE, {}, True),
    (["2024-02-29 10:00"], TIMESTAMP, {}, True),
    (["2024-02-29 10:00Z"], TIMESTAMPTZ, {}, True),
    (["1.5", "10"], decimal(3, 1), {}, True),
    (["5"], decimal(3, 2), {}, True),
    (["9" * 20], decimal(20, 0), {}, True),
    (["5"], INTEGER, {"required": True}, True),
    (["10.5"], decimal(2, 1), {}, False),
    (["1.55"], decimal(18, 1), {}, False),
    (["1e5"], decimal(18, 1), {}, False),
    (["5"], DOUBLE, {}, False),
    (["1.5"], INTEGER, {}, False),
    (["1"], BOOLEAN, {}, False),
    (["2024-02-29"], TIMESTAMP, {}, False),
    (["2024-02-29 10:00"], TIMESTAMPTZ, {}, False),
    (["29/2/2024"], ColumnType("date", form="%d/%m/%Y"), {}, False),
    (["2024/2/29"], DATE, {}, False),
    (["a"], TEXT, {}, False),
    (["5"], TEXT, {}, False),
    (["007"], INTEGER, {}, False),
    ([None], INTEGER, {}, False),
    (None, INTEGER, {}, False),
    (["5"], INTEGER, {"maximum": "9"}, False),
    (["5"], INTEGER, {"missing_values": ("-",)}, False),
    (["5"], INTEGER, {"group_char": "'"}, False),
    (["5"], INTEGER, {"shape": "year"}, False),
    (["true"], BOOLEAN, {"true_values": ("true",)}, False),
]


@pytest.mark.parametrize(("values", "kind", "more", "sure"), TABLE)
def test_a_column_is_sure_only_if_all_its_texts_were_seen_to_be_what_the_rule_says(values, kind, more, sure):
    seen = None if values is None else observe(EMPTY, pa.array(values, pa.string()))
    assert surely_typed(FieldRule(Column("c", "C", kind), **more), seen) is sure
