"""A run's account: it survives JSON, it must add up, and it closes in four lines."""

from dataclasses import replace

import pytest

from tests.core.report.examples import a_summary
from transforms.core.summary import (
    AccountingError,
    Counts,
    RowCounts,
    RunError,
    Summary,
    check_accounting,
    closing_lines,
)


def test_a_summary_survives_json():
    summary = a_summary()
    assert Summary.from_json(summary.to_json()) == summary
    assert Summary.from_json(replace(summary, rows=None, error=None).to_json()).rows is None


ADDS_UP = {"items": Counts(5, 3, 1, 1, 0), "bytes": Counts(50, 30, 10, 10, 0), "rows": RowCounts(10, 7, 1, 2)}
WRONG = [
    ("an item is missing", {"items": Counts(5, 3, 1, 0, 0)}, "items: planned 5"),
    ("an item counted twice", {"items": Counts(5, 4, 1, 1, 0)}, "items: planned 5"),
    ("bytes are missing", {"bytes": Counts(50, 30, 10, 9, 0)}, "bytes: planned 50"),
    ("a row is missing", {"rows": RowCounts(10, 7, 1, 1)}, "rows: counted 10"),
    ("not started without a reason", {"items": Counts(5, 3, 1, 0, 1)}, "nobody interrupted"),
    ("less than none", {"items": Counts(5, 6, 0, 0, -1)}, "items: planned 5"),
]


@pytest.mark.parametrize(("change", "message"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_an_account_that_does_not_add_up_is_refused(change, message):
    summary = replace(a_summary(), status="completed", **ADDS_UP)
    check_accounting(summary)
    with pytest.raises(AccountingError, match=message):
        check_accounting(replace(summary, **change))


def test_an_interrupted_run_may_leave_items_and_rows():
    summary = replace(a_summary(), status="interrupted", **ADDS_UP)
    check_accounting(replace(summary, items=Counts(5, 1, 0, 0, 4), rows=RowCounts(10, 2, 0, 0)))


EXITS = [
    ("all well", {"status": "completed"}, 0),
    ("a dry run", {"status": "planned"}, 0),
    ("an item failed", {"status": "failed", "items": Counts(1, 0, 0, 1, 0)}, 1),
    ("rows were rejected", {"status": "completed", "rows": RowCounts(2, 1, 1, 0)}, 1),
    ("they may be", {"status": "completed", "rows": RowCounts(2, 1, 1, 0), "rejects_allowed": True}, 0),
    ("the graph broke", {"status": "failed", "error": RunError("ValueError", "x")}, 1),
    ("the command was wrong", {"status": "failed", "error": RunError("ConfigError", "x")}, 2),
    ("Ctrl-C", {"status": "interrupted", "signal": 2}, 130),
    ("SIGTERM", {"status": "interrupted", "signal": 15}, 143),
]


@pytest.mark.parametrize(("change", "code"), [case[1:] for case in EXITS], ids=[case[0] for case in EXITS])
def test_the_exit_code_says_how_it_ended(change, code):
    clean = {"items": Counts(1, 1, 0, 0, 0), "rows": None, "error": None}
    assert replace(a_summary(), **(clean | change)).exit_code == code


@pytest.mark.parametrize("rows", [None, RowCounts(500_000, 499_880, 20, 100)])
@pytest.mark.parametrize("error", [None, RunError("ValueError", "first\nsecond\n  third")])
def test_there_are_always_four_closing_lines_and_the_last_has_the_path(rows, error):
    lines = closing_lines(replace(a_summary(), rows=rows, error=error, output="runs/one/"))
    assert len("\n".join(lines).splitlines()) == 4
    assert lines[3] == "report: runs/one/report.html"


def test_the_closing_lines_tell_the_account():
    lines = closing_lines(a_summary())
    assert lines[0].startswith("ingest failed in 40.0 s on FnApiRunner (run 20261122T074139Z-7146c1): 1 of 8 files")
    assert lines[1] == "items: 8 planned = 6 done + 1 skipped + 1 failed + 0 not started"
    assert lines[2].startswith("rows: 500,000 counted = 499,880 loaded + 20 rejected + 100 skipped; 12,497 rows/s")


def test_a_run_of_no_time_has_closing_lines_too():
    assert len(closing_lines(replace(a_summary(), seconds=0.0))) == 4
