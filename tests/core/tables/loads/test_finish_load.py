"""The end of a load: what may be published, and every file's outcome by the docstring's table."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.tables.loads.plan_cases import SETTINGS, findings, info, part, scanned
from transforms.core.tables.loads.destination import ChunkTotals
from transforms.core.tables.loads.findings import Failed
from transforms.core.tables.loads.finish_load import Rows, end, rejects_allowed
from transforms.core.tables.loads.make_plan import make_plan

ERROR = ("PermanentError", "the disk is full")
FAILED = Failed(2, "PermanentError", "cut short")
PLAN = make_plan(findings(scanned(part(0, "x"), "1 2"), scanned(part(1, "x"), "3"), failed=(FAILED,)), SETTINGS)
LEDGER = {0: ChunkTotals(0, 0, 2, 1, 1, 0), 1: ChunkTotals(1, 1, 1, 0, 0, 1)}

# arguments of `end`: (status, detail) of the files that were read
ENDS = {
    "published by this run": ({"published": True, "before": False}, ("done", "")),
    "published by an earlier one": ({"published": True, "before": True}, ("skipped", "loaded already")),
    "only planned": ({"published": False, "before": False, "idle": "planned"}, ("planned", "")),
    "stopped": ({"published": False, "before": False, "idle": "not_started"}, ("not_started", "")),
    "not published": ({"published": False, "before": False, "error": ERROR}, ("failed", "the disk is full")),
}


@pytest.mark.parametrize(("arguments", "expected"), ENDS.values(), ids=ENDS)
def test_every_file_has_its_outcome(arguments, expected):
    ended = end(PLAN, LEDGER, [info(7)], **arguments)
    assert [(outcome.item, outcome.status, outcome.detail) for outcome in ended.outcomes] == [
        (info(7).uri, "skipped", "loaded already"),
        (info(0).uri, *expected),
        (info(1).uri, *expected),
        (info(2).uri, "failed", "cut short"),
    ]
    assert ended.error == arguments.get("error", ("", ""))


def test_rows_are_what_the_ledger_says_and_counted_what_the_plan_says():
    ended = end(PLAN, LEDGER, [], published=True, before=False)
    assert ended.rows == Rows(3, 1, 1, 1)
    assert ended.files == ((info(0).uri, Rows(2, 1, 1, 0)), (info(1).uri, Rows(1, 0, 0, 1)))


def test_a_file_of_several_tables_is_one_outcome_with_all_their_rows():
    parts = [scanned(part(0, "x")._replace(number=number, name=f"{number}.csv"), "1 2") for number in range(3)]
    plan = make_plan(findings(*parts)._replace(files=(("identity", info(0).uri, 100),)), SETTINGS)
    ledger = {number: ChunkTotals(number, 0, 2, 2, 0, 0) for number in range(3)}
    ended = end(plan, ledger, [], published=True, before=False)
    assert [outcome.item for outcome in ended.outcomes] == [info(0).uri]
    assert ended.files == ((info(0).uri, Rows(6, 6, 0, 0)),)


def test_a_size_that_no_server_told_counts_as_nothing():
    ended = end(PLAN, {}, [info(7)._replace(size_bytes=-1)], published=True, before=False)
    assert ended.outcomes[0].size_bytes == 0


@pytest.mark.parametrize(
    ("limit", "counted", "allowed"),
    [
        ("", 100, None),
        ("0", 100, 0),
        ("7", 100, 7),
        ("7", 0, 7),
        ("1%", 100, 1),
        ("1%", 99, 0),
        ("0%", 100, 0),
        ("100%", 3, 3),
        ("0.1%", 1000, 1),
        ("2.5%", 1000, 25),
        ("0.07%", 10_000, 7),
        ("1.1%", 1000, 11),
    ],
)
def test_max_rejects_is_a_number_or_a_share_of_the_counted_records(limit, counted, allowed):
    assert rejects_allowed(limit, counted) == allowed


@given(st.integers(0, 10_000), st.integers(0, 10**9))
def test_a_share_is_exact_to_the_record(hundredths: int, counted: int):
    limit = f"{hundredths // 100}.{hundredths % 100:02}%"
    assert rejects_allowed(limit, counted) == int(Fraction(hundredths, 10_000) * counted)
