from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils.datetime import to_excel

from transforms.core.tables.excel.xlsx_dates import date_texts, format_kind
from transforms.core.tables.excel.xlsx_kinds import Kind


@pytest.mark.parametrize(
    ("format_id", "code", "kind"),
    [
        (0, None, Kind.NUMBER),
        (2, None, Kind.NUMBER),
        (14, None, Kind.DATE),
        (20, None, Kind.TIME),
        (22, None, Kind.DATETIME),
        (46, None, Kind.ELAPSED),
        (164, "General", Kind.NUMBER),
        (164, "0.00E+00", Kind.NUMBER),
        (164, '#,##0.00 "days"', Kind.NUMBER),
        (164, "0.00_);[Red](0.00)", Kind.NUMBER),
        (164, "[$-409]mmm d;@", Kind.DATE),
        (164, "yyyy\\-mm\\-dd", Kind.DATE),
        (164, "dd/mm/yyyy;@", Kind.DATE),
        (164, "mmm-yy", Kind.DATE),
        (164, "yyyy-mm-dd hh:mm:ss", Kind.DATETIME),
        (164, "m/d/yy h:mm AM/PM", Kind.DATETIME),
        (164, "h:mm AM/PM", Kind.TIME),
        (164, "mm:ss.0", Kind.TIME),
        (164, "hh:mm", Kind.TIME),
        (164, "[h]:mm:ss", Kind.ELAPSED),
        (164, "[mm]:ss", Kind.ELAPSED),
        (14, "dd.mm.yyyy", Kind.DATE),
        (164, "[Green]0.0", Kind.NUMBER),
        (164, '"Month" 0', Kind.NUMBER),
        (164, "@", Kind.NUMBER),
        (164, "#,##0 [$€-407]", Kind.NUMBER),
    ],
)
def test_a_number_format_tells_what_its_numbers_are(format_id, code, kind):
    assert format_kind(format_id, code) == kind


@pytest.mark.parametrize(
    ("serial", "kind", "date1904", "text"),
    [
        ("1", Kind.DATE, False, "1900-01-01"),
        ("59", Kind.DATE, False, "1900-02-28"),
        ("60", Kind.DATE, False, "1900-02-29"),
        ("60.5", Kind.DATE, False, "1900-02-29 12:00:00"),
        ("61", Kind.DATE, False, "1900-03-01"),
        ("45322", Kind.DATE, False, "2024-01-31"),
        ("45322.5", Kind.DATE, False, "2024-01-31 12:00:00"),
        ("45322", Kind.DATETIME, False, "2024-01-31 00:00:00"),
        ("45322.431284722225", Kind.DATETIME, False, "2024-01-31 10:21:03"),
        ("45322.4312500029", Kind.DATETIME, False, "2024-01-31 10:21:00"),
        ("45322.43125289352", Kind.DATETIME, False, "2024-01-31 10:21:00.250"),
        ("0.5", Kind.TIME, False, "12:00:00"),
        ("0.5", Kind.DATETIME, False, "12:00:00"),
        ("0", Kind.DATE, False, "00:00:00"),
        ("0.430902777777778", Kind.TIME, False, "10:20:30"),
        ("45322.5", Kind.TIME, False, "2024-01-31 12:00:00"),
        ("1.5", Kind.ELAPSED, False, "36:00:00"),
        ("-0.0625", Kind.ELAPSED, False, "-01:30:00"),
        ("0", Kind.DATE, True, "1904-01-01"),
        ("43860", Kind.DATE, True, "2024-01-31"),
        ("0.25", Kind.TIME, True, "06:00:00"),
        ("2958465", Kind.DATE, False, "9999-12-31"),
        ("2958466", Kind.DATE, False, "2958466"),
        ("-1", Kind.DATE, False, "-1"),
        ("1E+300", Kind.DATE, False, "1e+300"),
        ("soon", Kind.DATE, False, "soon"),
    ],
)
def test_a_serial_becomes_the_date_that_excel_shows(serial, kind, date1904, text):
    assert date_texts(pa.array([serial]), kind, date1904=date1904).to_pylist() == [text]


def test_dates_of_all_sorts_keep_their_order_in_one_column():
    serials = pa.array(["45322", "x", "60", "0.5", "45322.5", "-3", "45323", "61.0000057870370"])
    assert date_texts(serials, Kind.DATE, date1904=False).to_pylist() == [
        "2024-01-31",
        "x",
        "1900-02-29",
        "12:00:00",
        "2024-01-31 12:00:00",
        "-3",
        "2024-02-01",
        "1900-03-01 00:00:00.500",
    ]


@given(
    st.datetimes(dt.datetime.fromisoformat("1900-03-01"), dt.datetime.fromisoformat("9999-12-31")).map(
        lambda t: t.replace(microsecond=0)
    )
)
def test_any_second_survives_the_way_through_a_serial(moment):
    serial = pa.array([repr(to_excel(moment))])
    assert date_texts(serial, Kind.DATETIME, date1904=False).to_pylist() == [moment.isoformat(" ")]
