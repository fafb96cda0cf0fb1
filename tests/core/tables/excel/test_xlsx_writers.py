from __future__ import annotations

import contextlib
import datetime as dt
import io
import math

import openpyxl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.tables.excel.excel_files import rows_of

VALUES = st.one_of(
    st.none(),
    st.integers(-(10**15), 10**15),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.booleans(),
    st.text(
        st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=12
    ),
    st.sampled_from(["00123", "<&>", " x ", "a\nb", "_x000D_", "=not", "#N/A"]),
    st.datetimes(dt.datetime.fromisoformat("1901-01-01"), dt.datetime.fromisoformat("9999-12-31")).map(
        lambda t: t.replace(microsecond=0)
    ),
    st.dates(dt.date(1901, 1, 1)),
)
TABLES = st.lists(st.lists(VALUES, max_size=6), min_size=1, max_size=12)


def expected_text(value: object) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    if isinstance(value, float):
        return repr(float(value))
    return str(value)


def same(found: str | None, value: object) -> bool:
    if isinstance(value, float) and found is not None:
        return float(found) == pytest.approx(value, rel=1e-15)  # XlsxWriter writes 16 digits
    return found == expected_text(value)


def assert_same(found: list[list[str | None]], table: list[list[object]]) -> None:
    for i, row in enumerate(table):
        have = found[i] if i < len(found) else []
        have = have + [None] * (len(row) - len(have))
        assert all(same(text, value) for text, value in zip(have, row, strict=True)), (have, row)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TABLES, st.booleans(), st.booleans())
def test_what_xlsxwriter_wrote_is_read_back(table, constant_memory, date1904):
    out = io.BytesIO()
    options = {"constant_memory": constant_memory, "in_memory": True, "date_1904": date1904}
    with xlsxwriter.Workbook(out, options) as book:
        sheet = book.add_worksheet("S")
        date = book.add_format({"num_format": "dd/mm/yyyy"})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for i, row in enumerate(table):
            for j, value in enumerate(row):
                if isinstance(value, dt.datetime):
                    if not date1904 or value.year >= 1905:
                        sheet.write_datetime(i, j, value, moment)
                    else:
                        row[j] = None
                elif isinstance(value, dt.date):
                    if not date1904 or value.year >= 1905:
                        sheet.write_datetime(i, j, value, date)
                    else:
                        row[j] = None
                elif isinstance(value, str):
                    sheet.write_string(i, j, value)
                elif value is not None:
                    sheet.write(i, j, value)
    assert_same(rows_of(out), table)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TABLES, st.booleans())
def test_what_openpyxl_wrote_is_read_back_and_agrees_with_calamine(table, write_only):
    book = openpyxl.Workbook(write_only=write_only)
    sheet = book.create_sheet("S")
    for row in table:
        sheet.append([None if isinstance(value, str) and value.startswith(("=", "#")) else value for value in row])
    out = io.BytesIO()
    book.save(out)
    table = [[None if isinstance(v, str) and v.startswith(("=", "#")) else v for v in row] for row in table]
    table = [[v.replace("_x000D_", "\r") if isinstance(v, str) else v for v in row] for row in table]
    assert_same(rows_of(out), table)


@settings(max_examples=4, deadline=None)
@given(st.lists(st.lists(VALUES, min_size=5, max_size=6), min_size=10, max_size=20))
def test_the_streamed_sheet_equals_the_one_that_calamine_loads(table):
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet("S")
        for i, row in enumerate(table):
            for j, value in enumerate(row):
                if isinstance(value, str):
                    sheet.write_string(i, j, value.strip() or "x")
                elif isinstance(value, dt.date):
                    sheet.write_datetime(i, j, value, book.add_format({"num_format": "yyyy-mm-dd hh:mm"}))
                elif value is not None:
                    sheet.write(i, j, value)
    fast = rows_of(out, engine="fast")
    streamed = rows_of(out)
    assert [[_plain(text) for text in row] for row in streamed] == [[_plain(text) for text in row] for row in fast]


def _plain(text: str | None) -> object:
    """A number as such; a text that float takes for no number (`NAN`) stays a text."""
    with contextlib.suppress(ValueError):
        if math.isfinite(number := float(text or "")):
            return number
    return text.removesuffix(" 00:00:00") if text else text
