"""The console says how files would be read, what to note, and where the rejects are; and nothing when all is well."""

from dataclasses import replace

import pytest

from pipelines.run_details import SHOWN, detail_lines
from tests.core.test_summary import a_summary
from transforms.core.summary import Counts, RowCounts, RunError

DIALECT = {"delimiter": ";", "quote": '"', "encoding": "cp1252", "data_line": 5, "header": ["id", "day"]}
BARE = DIALECT | {"delimiter": "\t", "quote": "", "header": []}
GIVEN = DIALECT | {"line_end": "\r\n", "line_end_given": True}
SHEET = {"sheet": "Sales", "header": ["id", "day"], "first_row": 5}
PLANNED = {
    "counted": 1250,
    "schema": {"id": "integer", "day": "date"},
    "dialects": {"in/a.csv": DIALECT, "in/b.tsv": BARE, "in/d.csv": GIVEN, "in/c.xlsx#Sales": SHEET},
}


def test_a_plain_run_says_nothing_more():
    assert detail_lines(replace(a_summary(), rows=RowCounts(2, 2, 0, 0), details=PLANNED)) == []


def test_a_dry_run_says_how_the_files_would_be_read():
    assert detail_lines(replace(a_summary(), status="planned", rows=None, details=PLANNED)) == [
        "found: 1,250 records; nothing was loaded",
        "columns: id integer, day date",
        'read: in/a.csv as cp1252, delimited by ;, quoted by ", header before line 5',
        "read: in/b.tsv as cp1252, delimited by tab, no quotes, no header",
        'read: in/d.csv as cp1252, delimited by ;, quoted by ", ended by CRLF alone, header before line 5',
        "read: in/c.xlsx#Sales from row 5, after its header",
    ]


@pytest.mark.parametrize(
    ("allowed", "end"), [(True, "rejects.jsonl"), (False, "; exit code 1: --max_rejects doesn't cover them")]
)
def test_rejects_are_said_with_their_place_and_what_they_mean(allowed, end):
    rules = [
        {"column": "id", "rule": "type integer", "records": 1200},
        {"column": "", "rule": "columns 3", "records": 1},
    ]
    details = {"rejects": rules}
    rows = RowCounts(1203, 2, 1201, 0)
    summary = replace(a_summary(), rows=rows, rejects_allowed=allowed, output="runs/one/", details=details)
    line, *more = detail_lines(summary)
    assert line.startswith("rejects: 1,201 in runs/one/rejects.jsonl")
    assert line.endswith(end)
    assert more == ["  1,200 by column id: type integer", "  1 by columns 3"]


def test_only_the_first_notes_are_shown():
    notes = [f"n{number}" for number in range(SHOWN + 2)]
    lines = detail_lines(replace(a_summary(), rows=None, details={"notes": notes}))
    assert lines == [*(f"note: {note}" for note in notes[:SHOWN]), "… and 2 more notes: see summary.json"]


def test_failed_files_are_said_with_the_place_of_their_reasons_unless_one_error_ended_the_run():
    summary = replace(a_summary(), rows=None, error=None, output="runs/one", items=Counts(3, 1, 0, 2, 0))
    assert detail_lines(summary) == ["failed: 2, each with its reason in runs/one/failures.jsonl"]
    assert detail_lines(replace(summary, error=RunError("ConfigError", "x"))) == []


def test_a_hostile_name_does_not_reach_the_terminal():
    details = PLANNED | {"schema": {"\x1b[2Jid\n": "text"}, "dialects": {}}
    assert detail_lines(replace(a_summary(), status="planned", details=details))[1] == "columns: \ufffd[2Jid\ufffd text"
