"""The truth table of `decide`, row by row."""

from __future__ import annotations

import pyarrow as pa
import pytest

from transforms.core.tables.columns.column import TEXT, ColumnType
from transforms.core.tables.columns.column_stats import EMPTY, observe
from transforms.core.tables.columns.schema import decide

DATE, DOUBLE, INTEGER = ColumnType("date"), ColumnType("double"), ColumnType("integer")
DMY, MDY = ColumnType("date", form="%d/%m/%Y"), ColumnType("date", form="%m/%d/%Y")
# values, date_order, type, words of the note ("" = no note)
TABLE = [
    ([None, None], "auto", TEXT, "no values"),
    ([], "auto", TEXT, "no values"),
    (["a", "1"], "auto", TEXT, ""),
    (["1", ""], "auto", TEXT, ""),
    (["1", "true"], "auto", TEXT, ""),
    (["2024-02-29", "5"], "auto", TEXT, ""),
    (["true", None, "FALSE"], "auto", ColumnType("boolean"), ""),
    (["0", "1"], "auto", INTEGER, ""),
    (["9223372036854775807", "-9223372036854775808"], "auto", INTEGER, ""),
    (["9223372036854775808", "1"], "auto", ColumnType("decimal", 19, 0), "beyond 64 bits"),
    (["9" * 38], "auto", ColumnType("decimal", 38, 0), "beyond 64 bits"),
    (["9" * 39], "auto", TEXT, "39 digits"),
    (["1.5", "100", "-0.25"], "auto", ColumnType("decimal", 5, 2), ""),
    (["0.5"], "auto", ColumnType("decimal", 1, 1), ""),
    (["0.0"], "auto", ColumnType("decimal", 1, 1), ""),
    (["1" * 30, "0." + "1" * 9], "auto", TEXT, "39 digits"),
    (["1e5", "1", "0.5"], "auto", DOUBLE, ""),
    (["-0.0", "1.5"], "auto", DOUBLE, ""),
    (["1e5", "9007199254740993"], "auto", TEXT, "no double holds exactly"),
    (["1e5", "0.1000000000000000055"], "auto", TEXT, "no double holds exactly"),
    (["1.5", "NaN"], "auto", DOUBLE, ""),
    (["NaN", "9007199254740993"], "auto", TEXT, "no double holds exactly"),
    (["NaN", "Infinity"], "auto", TEXT, "no number"),
    (["2024-02-29", None], "auto", DATE, ""),
    (["2024-02-29"], "dmy", DATE, ""),
    (["2024/2/29"], "auto", ColumnType("date", form="%Y/%m/%d"), ""),
    (["3/4/2024", "13/4/2024"], "auto", DMY, ""),
    (["3/4/2024", "4/13/2024"], "auto", MDY, ""),
    (["3.4.2024", "13.4.2024"], "auto", ColumnType("date", form="%d.%m.%Y"), ""),
    (["3-4-2024", "4-13-2024"], "auto", ColumnType("date", form="%m-%d-%Y"), ""),
    (["3/4/2024", "5/5/2024"], "auto", TEXT, "ambiguous dates: every value fits both"),
    (["13/4/2024", "4/13/2024"], "auto", TEXT, "contradictory dates: 1 only fit day/month, 1 only fit month/day"),
    (["3/4/2024", "5/5/2024"], "dmy", DMY, ""),
    (["3/4/2024", "5/5/2024"], "mdy", MDY, ""),
    (["3/4/2024", "13/5/2024"], "mdy", TEXT, "1 of 2 dates aren't valid as mdy"),
    (["3/4/2024"], "ymd", TEXT, "1 of 1 dates aren't valid as ymd"),
    (["3/4/2024", "3.4.2024"], "dmy", TEXT, "several forms (3/4/2024 and 3.4.2024)"),
    (["2024-02-29", "29/2/2024"], "auto", TEXT, "several forms"),
    (["2024-02-29", "2024/02/29"], "auto", TEXT, "several forms"),
    (["2024-02-29T10:00", "2024-02-29 10:00:00.5"], "auto", ColumnType("timestamp"), ""),
    (["2024-02-29T10:00Z", "2024-02-29T10:00+01:00"], "auto", ColumnType("timestamptz"), ""),
    (["2024-02-29T10:00Z", "2024-02-29T10:00"], "auto", TEXT, "with a zone (1) and without (1)"),
    (["2024-02-29T10:00", "2024-02-29"], "auto", TEXT, "dates and timestamps"),
]


@pytest.mark.parametrize(("values", "order", "expected", "words"), TABLE)
def test_a_column_gets_the_narrowest_type_that_loses_nothing(values, order, expected, words):
    decision = decide(observe(EMPTY, pa.array(values, pa.string())), date_order=order)
    assert decision.type == expected
    assert words in decision.note
    assert bool(words) == bool(decision.note)
