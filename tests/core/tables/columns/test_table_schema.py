"""Table Schema files: what is read, and what is refused by name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from transforms.core.errors import ConfigError
from transforms.core.tables.columns.column import TEXT, Column, ColumnType
from transforms.core.tables.columns.table_schema import TableSchema, load_table_schema
from transforms.core.tables.values.coerce import coerce

if TYPE_CHECKING:
    from transforms.core.tables.columns.field_rule import FieldRule


def load(*fields: dict, **more) -> TableSchema:
    return load_table_schema(json.dumps({"fields": list(fields), **more}), where="s.json")


def one(**field) -> FieldRule:
    return load({"name": "c", **field}).fields[0]


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ({}, TEXT),
        ({"type": "any"}, TEXT),
        ({"type": "string", "title": "T", "description": "D", "example": "x", "rdfType": "http://x"}, TEXT),
        ({"type": "integer"}, ColumnType("integer")),
        ({"type": "number"}, ColumnType("double")),
        ({"type": "number", "hornbeam:precision": 12, "hornbeam:scale": 2}, ColumnType("decimal", 12, 2)),
        ({"type": "number", "hornbeam:scale": 4}, ColumnType("decimal", 38, 4)),
        ({"type": "boolean"}, ColumnType("boolean")),
        ({"type": "date"}, ColumnType("date")),
        ({"type": "date", "format": "default"}, ColumnType("date")),
        ({"type": "date", "format": "fmt:%d/%m/%Y"}, ColumnType("date", form="%d/%m/%Y")),
        ({"type": "datetime"}, ColumnType("timestamp")),
        ({"type": "datetime", "hornbeam:zone": True}, ColumnType("timestamptz")),
        ({"type": "datetime", "format": "%d.%m.%Y %H:%M"}, ColumnType("timestamp", form="%d.%m.%Y %H:%M")),
        ({"type": "datetime", "format": "%Y-%m-%d %H:%M%z"}, ColumnType("timestamptz", form="%Y-%m-%d %H:%M%z")),
        ({"type": "year"}, ColumnType("integer")),
        ({"type": "time"}, TEXT),
        ({"type": "object"}, TEXT),
    ],
)
def test_each_type_has_its_column(field, kind):
    rule = one(**field)
    assert rule.column == Column("c", "c", kind)
    assert rule.missing_values == ("",)


def test_a_whole_schema_is_read_in_order():
    schema = load(
        {"name": "id", "type": "integer", "source": "Product ID", "constraints": {"unique": True}},
        {"name": "price", "type": "number", "decimalChar": ",", "groupChar": ".", "bareNumber": False,
         "constraints": {"minimum": 0.5, "maximum": "9,5"}},
        {"name": "size", "type": "string", "missingValues": ["-"], "constraints": {"enum": ["S", "M"], "maxLength": 1}},
        primaryKey="id",
        missingValues=[{"value": "NA", "label": "none"}, {"value": ""}],
        foreignKeys=[],
        fieldsMatch="exact",
    )  # fmt: skip
    price, size = schema.fields[1:]
    assert schema.fields[0].column == Column("id", "Product ID", ColumnType("integer"), nullable=False)
    assert schema.fields[0].required
    assert schema.fields[0].missing_values == ("NA", "")
    assert (price.decimal_char, price.group_char, price.bare_number) == (",", ".", False)
    assert (price.minimum, price.maximum) == ("0,5", "9,5")
    assert (size.missing_values, size.enum, size.max_length) == (("-",), ("S", "M"), 1)
    assert (schema.unique, schema.primary_key) == (("id",), ("id",))
    assert [note.partition(":")[0] for note in schema.notes] == ["fieldsMatch exact", "primaryKey"]


def test_the_rules_that_were_read_coerce_a_block():
    schema = load(
        {"name": "price", "type": "number", "decimalChar": ",", "groupChar": ".", "bareNumber": False},
        {"name": "ok", "type": "boolean", "trueValues": ["ja"], "falseValues": ["nein"]},
    )
    block = [pa.array(["EUR 1.234,5", "7", "1.5.x"]), pa.array(["ja", "true", "nein"])]
    result = coerce(block, schema.fields)
    assert result.rows.to_pylist()[0] == {"price": 1234.5, "ok": True}
    assert [(value.row, value.column, value.rule) for value in result.bad] == [(1, "ok", "type boolean")]


@pytest.mark.parametrize(
    ("field", "enum"),
    [
        ({"type": "string", "categories": ["a", {"value": "b", "label": "B"}]}, ("a", "b")),
        ({"type": "integer", "constraints": {"enum": [1, "2"]}}, ("1", "2")),
        ({"type": "boolean", "constraints": {"enum": [True]}}, ("true",)),
        ({"type": "boolean", "trueValues": ["Y"], "falseValues": ["N"], "constraints": {"enum": [False]}}, ("N",)),
        ({"type": "number", "constraints": {"enum": [1.10]}}, ("1.1",)),
    ],
)
def test_enum_values_become_texts_that_the_type_reads(field, enum):
    assert one(**field).enum == enum


def test_unique_keys_of_one_column_are_unique_columns():
    assert load({"name": "a"}, {"name": "b", "constraints": {"unique": True}}, uniqueKeys=[["a"]]).unique == ("a", "b")


REFUSED = [
    ({"type": "geojson"}, {}, "type 'geojson' is not supported"),
    ({"type": "list"}, {}, "type 'list'"),
    ({"type": "int"}, {}, "type 'int'"),
    ({"tpye": "integer"}, {}, "unknown key 'tpye'"),
    ({"type": "string", "groupChar": ","}, {}, "unknown key 'groupChar' for type string"),
    ({"type": "integer", "constraints": {"pattern": "1"}}, {}, "unknown key 'pattern' for type integer"),
    ({"type": "string", "constraints": {"minimum": 1}}, {}, "unknown key 'minimum'"),
    ({"type": "object", "constraints": {"jsonSchema": {}}}, {}, "unknown key 'jsonSchema'"),
    ({"type": "date", "format": "any"}, {}, "format 'any'"),
    ({"type": "date", "format": "%q"}, {}, "strptime"),
    ({"type": "date", "format": "%d/%m/%y"}, {}, "needs %Y"),
    ({"type": "datetime", "format": "%Y-%m-%d %H:%M %Z"}, {}, "%z instead of %Z"),
    ({"type": "time", "format": "%H:%M"}, {}, "format '%H:%M'"),
    ({"type": "string", "format": "html"}, {}, "format 'html'"),
    ({"type": "geopoint", "format": "array"}, {}, "format 'array'"),
    ({"type": "string", "constraints": {"minLength": -1}}, {}, "minLength"),
    ({"type": "string", "constraints": {"pattern": "(?!a)"}}, {}, "RE2"),
    ({"type": "string", "constraints": {"required": "yes"}}, {}, "required must be true or false"),
    ({"type": "integer", "constraints": {"minimum": 1.5}}, {}, "minimum '1.5'"),
    ({"type": "integer", "constraints": {"enum": []}}, {}, "enum must be a list"),
    ({"type": "integer", "constraints": {"minimum": None}}, {}, "None"),
    ({"type": "number", "hornbeam:precision": 39}, {}, "1 to 38"),
    ({"type": "number", "decimalChar": ",", "groupChar": ","}, {}, "can't be told"),
    ({"type": "number", "decimalChar": None}, {}, "must be strings"),
    ({"type": "boolean", "trueValues": ["1"], "falseValues": ["1"]}, {}, "trueValues and falseValues"),
    ({"type": "boolean", "trueValues": []}, {}, "at least one"),
    ({"constraints": []}, {}, "must be an object"),
    ({"source": ""}, {}, "source"),
    ({"source": "a", "hornbeam:source": "b"}, {}, "source"),
    ({"missingValues": "x", "name": ""}, {}, "`name`"),
    ({"missingValues": [1]}, {}, "missingValues"),
    ({}, {"primaryKey": ["d"]}, "there is no field 'd'"),
    ({}, {"uniqueKeys": [["c", "c"]]}, "only keys of one column"),
    ({}, {"fieldsMatch": "subset"}, "fieldsMatch 'subset'"),
    ({}, {"foreignKeys": [{"fields": "c"}]}, "foreignKeys are not supported"),
    ({}, {"primarykey": "c"}, "unknown key 'primarykey'"),
]


@pytest.mark.parametrize(("field", "more", "words"), REFUSED)
def test_what_cannot_be_checked_is_refused_by_name_and_place(field, more, words):
    with pytest.raises(ConfigError) as raised:
        load({"name": "c", **field}, **more)
    assert words in str(raised.value)
    assert str(raised.value).startswith("s.json")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not the JSON"),
        ("[]", "this is a list"),
        ("{}", "`fields` must be a list"),
        ('{"fields": []}', "at least one field"),
        ('{"fields": ["a"]}', "a field is a JSON object"),
        ('{"fields": [{"name": "a", "name": "b"}]}', "'name' stands twice"),
        ('{"fields": [{"name": "a"}, {"name": "a"}]}', "name 'a' stands at several fields"),
        ('{"fields": [{"name": "a"}, {"name": "b", "source": "a"}]}', "source 'a' stands at several fields"),
        ('{"fields": [{"name": "a", "type": "number", "constraints": {"minimum": NaN}}]}', "NaN is not JSON"),
    ],
)
def test_a_file_that_is_no_table_schema_is_refused(text, words):
    with pytest.raises(ConfigError) as raised:
        load_table_schema(text, where="s.json")
    assert words in str(raised.value)
    assert "s.json" in str(raised.value)
