"""Columns that pass 1 is sure of are read typed; the rows are those that reading them as texts makes."""

from __future__ import annotations

import csv
import io
import math

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.tables.text_strategies import FAMILIES, columns_of
from transforms.core.tables.columns.column import Column, ColumnType
from transforms.core.tables.columns.column_stats import EMPTY, observe
from transforms.core.tables.columns.field_rule import FieldRule
from transforms.core.tables.columns.schema import decide
from transforms.core.tables.columns.sure_type import surely_typed
from transforms.core.tables.delimited.csv_chunk import TextChunk, read_csv_chunk
from transforms.core.tables.delimited.dialect import Dialect
from transforms.core.tables.delimited.resolve import Chunk
from transforms.core.tables.values.coerce import Coerced, coerce
from transforms.core.tables.values.value_forms import form_of

DIALECT = Dialect(",", '"', "", "utf-8", "\n", 0, 0, 1, (), 2)
MISSING = ("n/a",)


def text_of(values: list[str | None]) -> bytes:
    """A file with a column of names and one of these values; NULL is nothing, or `n/a`."""
    file = io.StringIO()
    for number, value in enumerate(values):
        if value is None:
            file.write(f"name,{'n/a' * (number % 2)}\n")
        else:
            csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL if number % 3 else csv.QUOTE_MINIMAL).writerow(
                ["name", value]
            )
    return file.getvalue().encode()


def chunk_of(data: bytes, records: int, types: tuple[pa.DataType, ...] = ()) -> TextChunk:
    return read_csv_chunk(data, DIALECT, Chunk(0, len(data), 0, records, 1), MISSING, types=types)


def rows(chunk: TextChunk, rule: FieldRule) -> Coerced:
    return coerce(chunk.columns[1:], [rule])


def inferred(values: list[str | None]) -> FieldRule:
    seen = observe(EMPTY, pa.array(values, pa.string()))
    kind = decide(seen).type
    room = kind._replace(precision=38) if kind.kind == "decimal" else kind
    rule = FieldRule(Column("c", "C", room))
    return rule._replace(sure=surely_typed(rule, seen))


def shown(values: pa.ChunkedArray) -> list[str]:
    """With the sign of zeros; NaN equal to itself."""
    return [f"{value!r} {math.copysign(1, value) if isinstance(value, float) else ''}" for value in values.to_pylist()]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(FAMILIES)).flatmap(columns_of) | columns_of("integer", "decimal", "double"))
def test_whatever_is_sure_reads_the_same_typed_and_as_texts(values: list[str | None]):
    values = [value for value in values if value is None or form_of(value).family != "text"]
    rule, data = inferred(values), text_of(values)
    typed = rows(chunk_of(data, len(values), (pa.string(), rule.column.type.arrow()) if rule.sure else ()), rule)
    texts = rows(chunk_of(data, len(values)), rule)
    assert typed.rows.schema == texts.rows.schema
    assert shown(typed.rows.column(0)) == shown(texts.rows.column(0))
    assert (typed.kept, typed.bad) == (None, ()) == (texts.kept, texts.bad)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["true", None, "FALSE", "tRuE"], ColumnType("boolean")),
        (["0", "-9223372036854775808", None], ColumnType("integer")),
        (["1.50", "-.25", "100", None], ColumnType("decimal", 38, 2)),
        (["123456789012345678901234567890", "1"], ColumnType("decimal", 38, 0)),
        (["1e5", "-0.0", "NaN", "-Infinity", "0.1", None], ColumnType("double")),
        (["0001-01-01", "9999-12-31", None], ColumnType("date")),
        (["2024-02-29T10:00", "2024-02-29 10:00:59.123456", None], ColumnType("timestamp")),
        (["2024-02-29T10:00Z", "2024-02-29 10:00:59.1+01:30", None], ColumnType("timestamptz")),
    ],
)
def test_the_parser_itself_reads_what_is_sure(values, kind):
    rule = inferred(values)
    assert rule.column.type == kind
    assert rule.sure
    chunk = chunk_of(text_of(values), len(values), (pa.string(), kind.arrow()))
    assert [column.type for column in chunk.columns] == [pa.string(), kind.arrow()]


@pytest.mark.parametrize("changed", [b"name,x5\n", b'name,""\n', b"name,5\xff\n"])
def test_a_chunk_that_does_not_keep_the_promise_comes_as_texts(changed):
    chunk = chunk_of(b"name,5\n" + changed, 2, (pa.string(), pa.int64()))
    assert chunk.columns[1].type == pa.string()
    assert len(chunk.columns[1]) + len(chunk.bad) == 2


def test_records_of_another_width_are_set_aside_all_the_same():
    chunk = chunk_of(b"name,5\nname\n\nname,6,7\nname,8\n", 5, (pa.string(), pa.int64()))
    assert chunk.columns[1].to_pylist() == [5, 8]
    assert [(one.place.record, one.value) for one in chunk.bad] == [(2, "1 fields"), (4, "3 fields")]
    assert (chunk.skipped, chunk.numbers().tolist()) == (1, [1, 5])
