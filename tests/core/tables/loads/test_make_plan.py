"""What a plan decides: each column's type and rule, chunks' numbers, what can't be loaded, what the user is told."""

import pytest

from tests.core.tables.loads.plan_cases import SETTINGS, findings, part, scanned, schema
from transforms.core.errors import ConfigError
from transforms.core.tables.columns.column import TEXT, ColumnType
from transforms.core.tables.loads.findings import Failed
from transforms.core.tables.loads.load_plan import LoadPlan
from transforms.core.tables.loads.make_plan import check_keys, make_plan
from transforms.core.tables.loads.open_load import spec_of

INTEGER, DATE = ColumnType("integer"), ColumnType("date")
DMY = ColumnType("date", form="%d/%m/%Y")
UNIQUE = {"name": "ID", "type": "integer", "constraints": {"minimum": 5, "unique": True}}

# what stands in column x, what the schema says of it, what the table has: the type
TYPES = {
    "the narrowest that holds all": ("1 2 3", None, None, INTEGER),
    "text where nothing is seen": ("", None, None, TEXT),
    "decimals with room": ("1.25", None, None, ColumnType("decimal", 18, 2)),
    "long decimals with all the room": ("1.2500000000000000000", None, None, ColumnType("decimal", 38, 19)),
    "the table's, though less would do": ("1 2", None, ColumnType("double"), ColumnType("double")),
    "the table's, though it doesn't fit": ("1 x", None, INTEGER, INTEGER),
    "the table's, with nothing seen": ("", None, INTEGER, INTEGER),
    "the table's date, as the file writes it": ("31/01/2024 01/02/2024", None, DATE, DMY),
    "the table's date, written plainly": ("2024-01-31", None, DATE, DATE),
    "the table's date, ambiguous in the file": ("01/02/2024", None, DATE, DATE),
    "the schema's before the table's": ("1", "string", INTEGER, TEXT),
    "the schema's before what is seen": ("1", "string", None, TEXT),
}


@pytest.mark.parametrize(("seen", "declared", "there", "expected"), TYPES.values(), ids=TYPES)
def test_a_columns_type_is_the_schemas_else_the_tables_else_what_was_seen(seen, declared, there, expected):
    found = findings(
        scanned(part(0, "x"), seen),
        schema=schema({"name": "x", "type": declared}) if declared else None,
        target={"x": there} if there else None,
    )
    [rule] = make_plan(found, SETTINGS).rules
    assert rule.column.type == expected


def test_all_files_decide_a_type_together():
    plan = make_plan(findings(scanned(part(0, "x y"), "1", "1"), scanned(part(1, "y x"), "1.5", "2")), SETTINGS)
    assert [rule.column.type.kind for rule in plan.rules] == ["integer", "decimal"]


def test_a_column_that_one_file_lacks_is_decided_by_the_others():
    settings = SETTINGS._replace(add_columns=True)
    plan = make_plan(findings(scanned(part(0, "x"), "1"), scanned(part(1, "x y"), "2", "2024-01-01")), settings)
    assert [rule.column.type.kind for rule in plan.rules] == ["integer", "date"]
    assert [planned.fields for planned in plan.parts] == [(0, -1), (0, 1)]


def test_an_ambiguous_date_is_text_and_told_unless_the_order_is_given():
    found = findings(scanned(part(0, "x"), "01/02/2024"))
    plan = make_plan(found, SETTINGS)
    assert plan.rules[0].column.type == TEXT
    assert any("'x': ambiguous dates" in note and "--date_order" in note for note in plan.notes)
    assert make_plan(found, SETTINGS._replace(date_order="dmy")).rules[0].column.type == DMY


def test_key_columns_are_required():
    settings = SETTINGS._replace(mode="upsert", key=("x",))
    plan = make_plan(findings(scanned(part(0, "x y"), "1", "2")), settings)
    assert [rule.required for rule in plan.rules] == [True, False]


def test_a_key_that_is_no_column_is_an_error_that_lists_them():
    plan = make_plan(findings(scanned(part(0, "x y"), "1", "2")), SETTINGS)
    check_keys(plan.rules, SETTINGS._replace(key=("x",)))
    with pytest.raises(ConfigError, match="--key z: no such column; the load has x, y"):
        check_keys(plan.rules, SETTINGS._replace(key=("z",)))


@pytest.mark.parametrize("there", ["ID", "id", "Id"])
def test_the_schemas_rules_hold_though_the_table_spells_a_column_in_another_case(there):
    declared = schema(UNIQUE)
    plan = make_plan(findings(scanned(part(0, "ID"), "7"), schema=declared, target={there: INTEGER}), SETTINGS)
    [rule] = plan.rules
    assert (rule.column.name, rule.column.source, rule.minimum) == (there, "ID", "5")


@pytest.mark.parametrize("there", ["ID", "id"])
def test_unique_columns_stay_unique_though_the_table_spells_them_in_another_case(there):
    text = '{"fields": [{"name": "ID", "type": "integer", "constraints": {"unique": true}}]}'
    settings = SETTINGS._replace(schema_text=text, schema_where="schema.json")
    plan = make_plan(findings(scanned(part(0, "ID"), "7"), schema=schema(UNIQUE), target={there: INTEGER}), settings)
    spec = spec_of("0" * 32, plan, settings)
    assert (spec.unique, spec.ordered) == ((there,), True)


def test_the_schemas_rules_hold_though_its_name_is_too_long_for_the_database():
    long = "x" * 80
    declared = schema({"name": long, "type": "integer", "constraints": {"minimum": 5}})
    [rule] = make_plan(findings(scanned(part(0, long), "7"), schema=declared), SETTINGS).rules
    assert (len(rule.column.name), rule.minimum) == (63, "5")


def test_chunks_are_numbered_through_all_parts():
    plan = make_plan(
        findings(scanned(part(0, "x"), "1"), scanned(part(1, "x")), scanned(part(2, "x"), "2 3")), SETTINGS
    )
    assert [(planned.first_chunk, len(planned.chunks), planned.counted) for planned in plan.parts] == [
        (0, 1, 1),
        (1, 0, 0),
        (1, 1, 2),
    ]


def test_a_file_with_a_record_over_the_limit_fails_and_the_others_are_planned():
    plan = make_plan(findings(scanned(part(0, "x"), "1", overlong=12), scanned(part(1, "x"), "2")), SETTINGS)
    [(number, error, message)] = plan.failed
    assert (number, error) == (0, "PermanentError")
    assert message.startswith("file:///in/0.csv: the record at byte 12 is longer than 64 MiB")
    assert "--max_record_mb" in message
    assert [planned.part.file for planned in plan.parts] == [1]
    assert plan.parts[0].first_chunk == 0


def test_files_that_could_not_be_read_stay_in_the_plan_as_failed():
    failed = Failed(1, "PermanentError", "cut short")
    plan = make_plan(findings(scanned(part(0, "x"), "1"), failed=(failed,)), SETTINGS)
    assert plan.failed == (failed,)
    assert len(plan.files) == 2


def test_the_summary_is_told_dialects_types_and_renamed_columns():
    plan = make_plan(findings(scanned(part(0, "x x"), "1", "1.5")), SETTINGS)
    assert plan.details["schema"] == {"x": "integer", "x_2": "decimal(18,1)"}
    assert plan.details["column_mapping"] == {"x (column 2)": "x_2"}
    assert plan.details["dialects"]["file:///in/0.csv"]["delimiter"] == ","


def test_a_plan_survives_json():
    declared = schema({"name": "x", "type": "integer", "constraints": {"enum": [1, 2], "maximum": 9}}, "y")
    found = findings(scanned(part(0, "x y"), "1", "é"), schema=declared, failed=(Failed(1, "PermanentError", "why"),))
    plan = make_plan(found, SETTINGS._replace(missing_values=("NA",), provenance=True))
    assert LoadPlan.from_json(plan.to_json()) == plan
