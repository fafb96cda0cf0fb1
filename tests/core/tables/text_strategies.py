"""Texts that love the edges of types: for the property tests of inference and coercion."""

from __future__ import annotations

from hypothesis import strategies as st

_JUNK = (
    "", " ", "-", "+", ".", "0x1F", "00123", "+5", " 5", "5 ", "-0", "1,5", "1_0", "٣", "é", "\0", "5\n", "\n5",
    "555-1234", "+49 170 1234567", "1.2.3", "--1", "-.", "1-2", "5.", "1:2", "nan", "inf", "t", "yes", "NULL",
)  # fmt: skip
digits = st.text("0123456789", min_size=1, max_size=3)
long_digits = st.text("0123456789", min_size=14, max_size=42)


def joined(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map("".join)


def maybe(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.just("") | part


integers = st.one_of(
    st.integers(-1000, 1000),
    st.integers(-(2**64), 2**64),
    st.integers(10**14, 10**17).map(lambda number: number * 1000),
    st.sampled_from([2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**37, 10**38]),
).map(str)
decimals = joined(maybe(st.just("-")), maybe(digits | long_digits), st.just("."), maybe(digits | long_digits))
doubles = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(1e-310, 1e-300).map(repr),
    joined(maybe(st.just("-")), digits, maybe(st.just(".25")), st.sampled_from(["e", "E", "e-", "E+", "e+0"]), digits),
    st.sampled_from(
        ["5e-324", "2.5e-320", "1.7976931348623157e308", "1e400", "1e-400", "0e0", "-0.0e9", ".5e3", "1.e5"]
    ),
)
specials = st.sampled_from(["NaN", "Infinity", "-Infinity", "nan", "inf", "INF", "-inf", "+Infinity"])
booleans = st.sampled_from(["true", "FALSE", "True", "tRuE", "t", "1", "0", "no", "true "])
years = st.sampled_from(["0000", "0001", "1900", "2000", "2023", "2024", "9999", "24", "20240"])
months = st.sampled_from(["0", "00", "1", "01", "2", "02", "12", "13"])
days = st.sampled_from(["0", "00", "1", "05", "12", "13", "28", "29", "30", "31", "32"])
iso_dates = joined(years, st.just("-"), months, st.just("-"), days)
real_dates = st.dates().map(str)
ymd_dates = joined(years, st.just("/"), months, st.just("/"), days)
parted_dates = st.sampled_from("/-.").flatmap(
    lambda mark: joined(days, st.just(mark), days | months, st.just(mark), years)
)
times = joined(
    st.sampled_from(["00:00", "23:59", "12:30", "24:00", "12:60", "12"]),
    st.sampled_from(["", ":00", ":59", ":60", ":5"]),
    st.sampled_from(["", "", ".1", ".123456", ".1234567", ".1234560", ".12345600000", ".", ",5"]),
)
zones = st.sampled_from(["Z", "z", "+01", "+0100", "+01:00", "-23:59", "+24:00", "+01:60", "-00:00", " +01:00"])
naive = joined(real_dates | iso_dates, st.sampled_from(["T", " ", "t"]), times)
good_naive = st.datetimes().map(str) | st.datetimes().map(lambda moment: moment.isoformat(timespec="minutes"))
zoned = joined(naive | good_naive, zones)
junk = st.sampled_from(_JUNK) | st.text("0123456789-+./:eE TZNafInity", max_size=28) | st.text(max_size=5)

FAMILIES: dict[str, st.SearchStrategy[str]] = {
    "integer": integers,
    "decimal": decimals,
    "double": doubles | specials,
    "boolean": booleans,
    "date": real_dates | iso_dates,
    "other date": ymd_dates | parted_dates,
    "timestamp": naive | good_naive,
    "timestamptz": zoned,
    "text": junk,
}


def columns_of(*families: str, max_size: int = 12) -> st.SearchStrategy[list[str | None]]:
    """Columns whose values come from these families, with NULLs between them."""
    return st.lists(st.none() | st.one_of(*(FAMILIES[family] for family in families)), max_size=max_size)


columns = st.one_of(
    *(columns_of(family) for family in FAMILIES),
    columns_of("integer", "decimal"),
    columns_of("integer", "decimal", "double"),
    columns_of("timestamp", "timestamptz"),
    columns_of("date", "other date", "timestamp"),
    columns_of(*FAMILIES),
)
