"""What one text is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from transforms.core.tables.values.value_forms import Form, form_of, read_moment

TABLE = {
    "boolean": ["true", "false", "True", "FALSE", "tRuE"],
    "integer": ["0", "7", "-7", "1234567890", "9" * 60],
    "decimal": ["1.5", "-0.25", "0.0", ".5", "-.5", "1.50", "123.000"],
    "double": ["1e5", "-2.5E-07", "0e0", "5e-324", "1.7976931348623157e308", "-0.0", "-.00"],
    "special": ["NaN", "Infinity", "-Infinity"],
    "iso": ["2024-02-29", "0001-01-01", "9999-12-31"],
    "ymd": ["2024/02/29", "2024/2/1"],
    "parted": ["1/2/2024", "31.12.2024", "12-31-2024", "29/02/2024"],
    "naive": ["2024-02-29T12:30", "2024-02-29 12:30:59", "2024-02-29T00:00:00.123456", "2024-02-29T00:00:00.1234560"],
    "zoned": ["2024-02-29T12:30Z", "2024-02-29 12:30:59.5+01:00", "2024-02-29T12:30:59-0330", "2024-02-29T12:30+01"],
    "text": [
        "", " ", "00123", "+5", "-0", " 5", "5 ", "5\n", "0x1F", "1_000", "1,5", "5.", "00.5", "+1.5", "٣", "-", ".",
        "1e400", "1e-400", "2.5e-320000", "1.23456789012345678901e5", "1e", "e5", "nan", "inf", "INF", "+Infinity",
        "t", "f", "yes", "no", "true ", "+49 170 1234567", "0170 1234567", "555-1234",
        "2024-02-30", "2023-02-29", "0000-01-01", "2024-2-3", "1/2/24", "31/31/2024", "1/2-2024", "1900.2.3",
        "2024-02-29t12:30", "2024-02-29T12", "2024-02-29T24:00", "2024-02-29T12:60", "2024-02-29T12:30:60",
        "2024-02-29T12:30:59.", "2024-02-29T12:30:59,5", "2024-02-29T12:30:59.1234567", "2024-02-30T12:30",
        "2024-02-29T12:30z", "2024-02-29T12:30 +01:00", "2024-02-29T12:30+24:00", "2024-02-29T12:30+01:60",
        "0001-01-01T00:00+01:00", "9999-12-31T23:59-01:00", "2024-02-29T12:30+1",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("family", "text"), [(family, text) for family, texts in TABLE.items() for text in texts])
def test_a_text_is_what_it_can_be_without_losing_information(family, text):
    assert form_of(text).family == family


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("-120", Form("integer", int_digits=3)),
        ("0", Form("integer")),
        ("9223372036854775807", Form("integer", int_digits=19, lossy=True)),
        ("9223372036854775808", Form("integer", int_digits=19, wide=True, lossy=True)),
        ("9223372036854775809", Form("integer", int_digits=19, wide=True, lossy=True)),
        ("9007199254740992", Form("integer", int_digits=16)),
        ("9007199254740993", Form("integer", int_digits=16, lossy=True)),
        ("0.25", Form("decimal", scale=2)),
        ("12.5", Form("decimal", int_digits=2, scale=1)),
        ("0.1000000000000000055", Form("decimal", scale=19, lossy=True)),
        ("31/12/2024", Form("parted", separator="/", dmy=True)),
        ("12.31.2024", Form("parted", separator=".", mdy=True)),
        ("1-2-2024", Form("parted", separator="-", dmy=True, mdy=True)),
    ],
)
def test_a_form_measures_what_decides_the_column(text, form):
    assert form_of(text) == form


def test_a_moment_with_a_zone_is_read_in_utc():
    assert read_moment("2024-02-29T01:30:00.5+02:00") == datetime(2024, 2, 28, 23, 30, 0, 500000, UTC)
