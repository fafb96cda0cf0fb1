"""A chunk of text becomes rows and an account that adds up, with every reject's place."""

import json

import pytest

from tests.core.tables.loads.plan_cases import SETTINGS, findings, part, scanned, schema
from transforms.core.errors import PermanentError
from transforms.core.tables.delimited.csv_chunk import read_csv_chunk
from transforms.core.tables.delimited.resolve import Chunk
from transforms.core.tables.loads.destination import FILE_COLUMN, RECORD_COLUMN
from transforms.core.tables.loads.load_plan import PlannedPart
from transforms.core.tables.loads.load_rows import Numbered, to_rows, without_row
from transforms.core.tables.loads.load_settings import SOURCE_FILE, SOURCE_RECORD
from transforms.core.tables.loads.make_plan import make_plan

DATA = b"5,x\n\nz,y\n7\n-1,\n9,w\n"
DECLARED = schema({"name": "id", "type": "integer", "constraints": {"minimum": 0}}, {"name": "b", "type": "string"})
RULES = [(13, 22, "id", "z", "type integer"), (14, 23, "", "1 fields", "columns 2"), (15, 24, "id", "-1", "minimum 0")]


def rows_of(*, records: int = 6, ordered: bool = False, fields: tuple[int, ...] = (0, 1), **changes) -> Numbered:
    """DATA as the second chunk of the third part, behind 10 records and 19 lines."""
    plan = make_plan(findings(scanned(part(0, "id b")), schema=DECLARED), SETTINGS._replace(**changes))
    chunk = Chunk(0, len(DATA), 10, records, 20)
    third = PlannedPart(part(2, "id b"), fields, records, False, (chunk, chunk), 40)
    return to_rows(read_csv_chunk(DATA, third.part.dialect, chunk), third, 1, plan, ordered=ordered)


def rejects(found: Numbered) -> list[tuple]:
    lines = [json.loads(line) for line in found.rows.rejects]
    return [(one["record"], one["line"], one["column"], one["value"], one["rule"]) for one in lines]


def test_good_records_are_typed_and_the_others_say_what_is_wrong():
    found = rows_of()
    assert found.rows.rows.to_pydict() == {"id": [5, 9], "b": ["x", "w"]}
    assert rejects(found) == RULES
    assert tuple(found.rows.totals) == (41, 2, 6, 2, 3, 1)


def test_rejects_hold_the_record_as_it_stands():
    assert [json.loads(line)["raw"] for line in rows_of().rows.rejects] == ["z,y", "7", "-1,"]


def test_a_column_that_the_file_lacks_is_null():
    assert rows_of(fields=(0, -1)).rows.rows.to_pydict() == {"id": [5, 9], "b": [None, None]}


def test_provenance_and_order_name_each_rows_origin():
    found = rows_of(ordered=True, provenance=True).rows.rows.to_pydict()
    assert found[SOURCE_FILE] == ["file:///in/2.csv"] * 2
    assert found[SOURCE_RECORD] == found[RECORD_COLUMN] == [11, 16]
    assert found[FILE_COLUMN] == [2, 2]


def test_a_chunk_that_is_not_what_was_counted_is_an_error_that_says_so():
    with pytest.raises(PermanentError, match=r"chunk at byte 0 has 2 rows, 3 rejects and 1 blank .* but 7 .*changed\?"):
        rows_of(records=7)


def test_a_row_that_the_database_refuses_becomes_a_reject_with_its_place():
    found = without_row(rows_of(ordered=True), 1, "too large")
    assert found.rows.rows.to_pydict() == {"id": [5], "b": ["x"], FILE_COLUMN: [2], RECORD_COLUMN: [11]}
    assert rejects(found)[-1] == (16, 25, "", "", "database: too large")
    assert tuple(found.rows.totals) == (41, 2, 6, 1, 4, 1)
    assert rejects(without_row(found, 0, "too small"))[-1] == (11, 20, "", "", "database: too small")
