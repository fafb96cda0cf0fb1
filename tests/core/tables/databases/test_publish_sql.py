"""The truth tables: how staging becomes the target, and what keeps a load out of a table."""

import pytest

from transforms.core.errors import ConfigError
from transforms.core.tables.columns.column import Column, ColumnType
from transforms.core.tables.databases import duckdb_types, postgres_catalog, sqlite_values
from transforms.core.tables.databases.load_records import decode_load, encode_load
from transforms.core.tables.databases.publish_sql import choose_way
from transforms.core.tables.databases.sql import TableName, double_quoted, insert_ledger, split_table
from transforms.core.tables.databases.target import TargetColumn, misfits
from transforms.core.tables.loads.destination import ChunkTotals, LoadSpec

TEXT = ColumnType("text")
SPEC = LoadSpec(
    "ab" * 16, "s.t", "upsert", ("a",),
    (Column("a", "A", ColumnType("decimal", 5, 2), nullable=False), Column("b", "", TEXT)),
    ordered=True, unique=("b",), chunks=3, counted=30, add_columns=False, plan="ünï" * 1000,
)  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "exists", "replaceable", "way"),
    [
        ("append", False, False, "rename"),
        ("replace", False, False, "rename"),
        ("upsert", False, False, "rename"),
        ("append", True, False, "insert"),
        ("append", True, True, "insert"),
        ("replace", True, True, "swap"),
        ("replace", True, False, "clear_insert"),
        ("upsert", True, False, "upsert"),
        ("upsert", True, True, "upsert"),
    ],
)
def test_the_way_follows_mode_and_target(mode, exists, replaceable, way):
    assert choose_way(mode, exists=exists, replaceable=replaceable) == way


A, B = TargetColumn("a", "x", TEXT, nullable=True), TargetColumn("b", "x", TEXT, nullable=True)


@pytest.mark.parametrize(
    ("target", "add_columns", "findings"),
    [
        ((A, B), False, []),
        ((A,), False, ["no column 'b'"]),
        ((A,), True, []),
        ((), False, ["no column 'a'", "no column 'b'"]),
        ((A, B, A._replace(name="c")), False, []),
        ((A, B, A._replace(name="c", nullable=False)), False, ["'c' of table s.t is NOT NULL"]),
        ((A, B, A._replace(name="c", nullable=False, filled=True)), False, []),
        ((A, B._replace(filled=True, read_only=True)), False, ["'b' of table s.t is filled by the database"]),
    ],
)
def test_what_keeps_a_load_out_of_a_table(target, add_columns, findings):
    found = misfits(SPEC._replace(add_columns=add_columns), target, str)
    assert len(found) == len(findings)
    assert all(part in text for part, text in zip(findings, found, strict=True))


def test_names_that_differ_in_case_are_one_where_the_database_says_so():
    target = (A._replace(name="A"), B._replace(name="B"))
    assert misfits(SPEC, target, str.casefold) == []
    assert len(misfits(SPEC, target, str)) == 2


def test_a_load_comes_back_from_its_row_as_it_was():
    row = encode_load(SPEC)
    assert decode_load(row).spec == SPEC
    assert len(row[5]) < len(SPEC.plan) / 10


@pytest.mark.parametrize(("text", "name"), [("t", ("main", "t")), ("s.t", ("s", "t")), ('a "b".c', ('a "b"', "c"))])
def test_a_dot_parts_schema_and_table(text, name):
    assert split_table(text, "main") == name


@pytest.mark.parametrize("text", ["", ".", "a.", ".b", "a.b.c", "a\0b"])
def test_what_is_no_name_of_a_table_is_refused(text):
    with pytest.raises(ConfigError, match="NAME or"):
        split_table(text, "main")


def test_quoting_doubles_quotes_and_refuses_nul():
    assert double_quoted('x"; DROP TABLE y; --') == '"x""; DROP TABLE y; --"'
    with pytest.raises(ConfigError, match="NUL"):
        double_quoted("a\0")


def test_ledger_rows_are_one_statement_in_chunk_order_and_its_id_is_no_sql():
    totals = [ChunkTotals(2, 0, 5, 4, 1, 0), ChunkTotals(1, 0, 3, 3, 0, 0)]
    statement = insert_ledger(TableName("main", ""), duckdb_types.DIALECT, "ab12", totals)
    assert statement.endswith("VALUES ('ab12', 1, 0, 3, 3, 0, 0), ('ab12', 2, 0, 5, 4, 1, 0)")
    with pytest.raises(ConfigError, match="hex digits"):
        insert_ledger(TableName("main", ""), duckdb_types.DIALECT, "'; DROP", totals)


@pytest.mark.parametrize(
    ("describe", "sql_type", "expected"),
    [
        (postgres_catalog.column_type, "bigint", ColumnType("integer")),
        (postgres_catalog.column_type, "numeric(10,2)", ColumnType("decimal", 10, 2)),
        (postgres_catalog.column_type, "numeric(50,2)", TEXT),
        (postgres_catalog.column_type, "numeric(2,5)", TEXT),
        (postgres_catalog.column_type, "numeric", TEXT),
        (postgres_catalog.column_type, "real", ColumnType("double")),
        (postgres_catalog.column_type, "timestamp(3) with time zone", ColumnType("timestamptz")),
        (postgres_catalog.column_type, "character varying(5)", TEXT),
        (postgres_catalog.column_type, "uuid", TEXT),
        (postgres_catalog.column_type, "integer[]", TEXT),
        (duckdb_types.column_type, "HUGEINT", ColumnType("decimal", 38, 0)),
        (duckdb_types.column_type, "UBIGINT", ColumnType("decimal", 20, 0)),
        (duckdb_types.column_type, "DECIMAL(18,3)", ColumnType("decimal", 18, 3)),
        (duckdb_types.column_type, "INTEGER[]", TEXT),
        (duckdb_types.column_type, "TIMESTAMP WITH TIME ZONE", ColumnType("timestamptz")),
        (sqlite_values.column_type, "DECIMAL_TEXT(10,2)", ColumnType("decimal", 10, 2)),
        (sqlite_values.column_type, "numeric(10, 2)", ColumnType("decimal", 10, 2)),
        (sqlite_values.column_type, "UNSIGNED BIG INT", ColumnType("integer")),
        (sqlite_values.column_type, "double precision", ColumnType("double")),
        (sqlite_values.column_type, "DATETIME", ColumnType("timestamp")),
        (sqlite_values.column_type, "", TEXT),
    ],
)
def test_a_databases_types_are_ours_or_text(describe, sql_type, expected):
    assert describe(sql_type) == expected
