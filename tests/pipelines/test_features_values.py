"""Values in `ingest`: NULL and the empty string, types, dates, formulas that stay text, constraints, rejects."""

import datetime as dt
import json
from decimal import Decimal

import pytest

from tests.pipelines.feature_loads import load, workbook, write


def test_an_unquoted_empty_field_is_null_and_a_quoted_one_is_the_empty_string(tmp_path):
    loaded = load(tmp_path, {"a.csv": 'n,w\n1,""\n2,\n3,NA\n4,"NA"\n'})
    assert loaded.rows == [(1, ""), (2, None), (3, "NA"), (4, "NA")]


def test_missing_values_count_where_they_are_not_quoted(tmp_path):
    loaded = load(tmp_path, {"a.csv": 'n,w\n1,""\n-,\n3,NA\n4,"NA"\n'}, missing_values=["NA", "-"])
    assert loaded.rows == [(1, ""), (None, None), (3, None), (4, "NA")]


TYPES = """flag,number,big,amount,ratio,day,moment,zoned,code,phone,word
true,1,12345678901234567890,1.50,1e3,2024-02-29,2024-02-29 10:00:00,2024-02-29T10:00:00+02:00,00123,+43 1 234,x
false,-2,1,20.25,2.5e-1,2024-03-01,2024-03-01 11:30:00,2024-03-01T00:00:00Z,00007,0664 12,y
"""


def test_types_are_inferred_without_losing_anything(tmp_path):
    loaded = load(tmp_path, {"a.csv": TYPES})
    row = dict(zip(loaded.columns, loaded.rows[0], strict=True))
    zoned = row.pop("zoned")
    assert zoned.astimezone(dt.UTC) == dt.datetime(2024, 2, 29, 8, tzinfo=dt.UTC)
    assert row == {
        "flag": True,
        "number": 1,
        "big": Decimal(12345678901234567890),
        "amount": Decimal("1.50"),
        "ratio": 1000.0,
        "day": dt.date(2024, 2, 29),
        "moment": dt.datetime.fromisoformat("2024-02-29T10:00:00"),
        "code": "00123",
        "phone": "+43 1 234",
        "word": "x",
    }
    kinds = {name: kind.split("(")[0].split()[0] for name, kind in loaded.summary.details["schema"].items()}
    assert kinds["zoned"] == "timestamptz"
    assert (kinds["big"], kinds["amount"], kinds["code"], kinds["phone"]) == ("decimal", "decimal", "text", "text")


def test_one_odd_value_far_down_keeps_the_column_text(tmp_path):
    numbers = "".join(f"{number}\n" for number in range(30_000))
    loaded = load(tmp_path, {"a.csv": f"n\n{numbers}n/a\n"})
    assert loaded.summary.details["schema"] == {"n": "text"}
    assert loaded.summary.rows.loaded == 30_001
    assert loaded.summary.exit_code == 0


@pytest.mark.parametrize(
    ("texts", "order", "value", "note"),
    [
        (["03/04/2024", "13/04/2024"], "auto", dt.date(2024, 4, 3), ""),
        (["03/04/2024", "04/13/2024"], "auto", dt.date(2024, 3, 4), ""),
        (["03/04/2024", "05/06/2024"], "auto", "03/04/2024", "ambiguous dates"),
        (["03/04/2024", "05/06/2024"], "dmy", dt.date(2024, 4, 3), ""),
        (["03/04/2024", "05/06/2024"], "mdy", dt.date(2024, 3, 4), ""),
        (["13/04/2024", "04/13/2024"], "auto", "13/04/2024", "contradictory dates"),
    ],
)
def test_the_whole_column_decides_the_order_of_dates(tmp_path, texts, order, value, note):
    loaded = load(tmp_path, {"a.csv": "\n".join(["d", *texts, ""])}, date_order=order)
    assert loaded.rows[0] == (value,)
    assert note in " ".join(loaded.summary.details["notes"])


FORMULAS = ["=cmd|'/C calc'!A0", "@SUM(1+1)", "+1+2", "-2+3", '=HYPERLINK("http://x","y")', "=1+1"]


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_values_of_a_csv_are_never_evaluated(tmp_path, kind):
    lines = "".join('"' + text.replace('"', '""') + '"\n' for text in FORMULAS)
    loaded = load(tmp_path, {"a.csv": f"f\n{lines}"}, kind=kind, delimiter=",")
    assert loaded.rows == [(text,) for text in FORMULAS]


def test_a_formula_of_a_sheet_without_a_stored_value_is_not_evaluated(tmp_path):
    loaded = load(tmp_path, {"a.xlsx": workbook({"s": [["a", "f"], [1, "=1+1"], [2, "=cmd|'/C calc'!A0"]]})})
    assert loaded.rows == [(1, None), (2, None)]


SCHEMA = {
    "missingValues": ["", "?"],
    "fields": [
        {
            "name": "id",
            "type": "integer",
            "constraints": {"required": True, "unique": True, "minimum": 1, "maximum": 10},
        },
        {"name": "code", "type": "string", "constraints": {"pattern": "[A-Z]+\\d", "minLength": 3, "maxLength": 4}},
        {"name": "kind", "type": "string", "constraints": {"enum": ["x", "y"]}, "missingValues": ["-"]},
        {"name": "amount", "type": "number", "hornbeam:precision": 8, "hornbeam:scale": 2},
        {"name": "day", "type": "date", "format": "%d/%m/%Y"},
    ],
}
CASES = [
    ("1,AB1,x,1.50,31/12/2024", None, None),
    (",AB1,x,1,01/01/2024", "id", "required"),
    ("?,AB1,x,1,01/01/2024", "id", "required"),
    ("1,AB1,x,1,01/01/2024", "id", "unique"),
    ("0,AB1,x,1,01/01/2024", "id", "minimum 1"),
    ("11,AB1,x,1,01/01/2024", "id", "maximum 10"),
    ("two,AB1,x,1,01/01/2024", "id", "type integer"),
    ("3,ab1,x,1,01/01/2024", "code", "pattern [A-Z]+\\d"),
    ("4,A1,x,1,01/01/2024", "code", "minLength 3"),
    ("5,ABCD1,x,1,01/01/2024", "code", "maxLength 4"),
    ("6,AB1,z,1,01/01/2024", "kind", "enum"),
    ("7,AB1,-,1,01/01/2024", None, None),
    ("8,AB1,x,1.234,01/01/2024", "amount", "type decimal(8,2)"),
    ("9,AB1,x,1,2024-01-01", "day", "type date %d/%m/%Y"),
    ("10,?,y,?,?", None, None),
]


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_a_schema_file_checks_every_constraint_and_says_what_is_wrong_where(tmp_path, kind):
    [path] = write(tmp_path, {"s.json": json.dumps(SCHEMA)})
    text = "\n".join(["id,code,kind,amount,day", *(line for line, _, _ in CASES), ""])
    loaded = load(tmp_path, {"a.csv": text}, kind=kind, schema_file=path)
    expected = [(number, column, rule) for number, (_, column, rule) in enumerate(CASES, 1) if rule]
    assert [(one["record"], one["column"], one["rule"]) for one in loaded.rejects] == expected
    assert {one["file"].rpartition("/")[2] for one in loaded.rejects} == {"a.csv"}
    assert [(one["line"], one["raw"]) for one in loaded.rejects] == [
        (number + 1, CASES[number - 1][0]) for number, _, _ in expected
    ]
    assert [row[0] for row in loaded.rows] == [1, 7, 10]
    assert loaded.rows[1][2] is None
    assert loaded.rows[2][1:] == (None, "y", None, None)
    assert loaded.summary.rows == (15, 3, 12, 0)
    assert loaded.summary.exit_code == 1


@pytest.mark.parametrize(
    ("limit", "code", "published"),
    [(None, 1, True), ("1", 0, True), ("0", 1, False), ("25%", 0, True), ("24%", 1, False)],
)
def test_rejects_up_to_the_limit_are_a_success_and_beyond_it_nothing_is_published(tmp_path, limit, code, published):
    loaded = load(tmp_path, {"a.csv": "a,b\n1,2\n3,4\n5\n6,7\n"}, max_rejects=limit)
    assert loaded.summary.exit_code == code
    assert (loaded.summary.status == "completed") is published
    assert len(loaded.rejects) == 1
    if published:
        assert loaded.rows == [(1, 2), (3, 4), (6, 7)]
    else:
        assert "--max_rejects" in loaded.error


def test_a_long_value_is_cut_in_the_rejects_and_its_record_stands_whole(tmp_path):
    [path] = write(tmp_path, {"s.json": json.dumps({"fields": [{"name": "n", "type": "integer"}, {"name": "w"}]})})
    loaded = load(tmp_path, {"a.csv": f"n,w\n{'x' * 1000},y\n1,z\n"}, schema_file=path)
    [reject] = loaded.rejects
    assert reject["value"] == "x" * 200
    assert reject["value_characters"] == 1000
    assert reject["raw"] == f"{'x' * 1000},y"
