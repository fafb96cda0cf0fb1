"""What pass 1 reads: each byte about once, in few large requests, however the ranges lie; and nothing it is given."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.tables.delimited.csv_cases import Written, written
from tests.core.tables.loads.plan_cases import SETTINGS, part
from transforms.core.tables.delimited.range_scan import Limits
from transforms.core.tables.delimited.scan import FETCH_BYTES, scan_range
from transforms.core.tables.loads import scan_parts
from transforms.core.tables.loads.load_plan import CSV, SHEET, STREAM
from transforms.core.tables.loads.scan_parts import scan_from_json, scan_to_json

LIMITS = Limits(10_000, 64 << 20)


class Counted:
    """Bytes with a count of what is read of them."""

    def __init__(self, data: bytes) -> None:
        self.data, self.reads = data, []

    def __call__(self, start: int, stop: int) -> memoryview:
        assert 0 <= start < stop <= len(self.data)
        self.reads.append((start, stop))
        return memoryview(self.data)[start:stop]


def test_a_range_is_read_once_with_a_little_behind_it():
    data = Counted(b'12345678,"quoted, too"\n' * 900_000)
    size, dialect = len(data.data), part(0, width=2).dialect
    records = 0
    for start, stop in scan_parts.cut(_sized(dialect, size), SETTINGS._replace(range_bytes=8 << 20)):
        data.reads.clear()
        found = scan_range(data, size, dialect, start, stop, LIMITS)
        records += found.readings[0].records
        assert sum(last - first for first, last in data.reads) < (stop - start) + 16_384
        assert len(data.reads) <= -(-(stop - start) // FETCH_BYTES) + 1
    assert records == 900_000


def _sized(dialect, size: int, kind: str = CSV):
    one = part(0, width=2)
    return one._replace(info=one.info._replace(size_bytes=size), dialect=dialect, kind=kind)


def test_the_first_bytes_are_not_read_again_when_they_are_at_hand():
    data = Counted(b"1,2\n" * 100_000)
    found = scan_range(data, len(data.data), part(0, width=2).dialect, 0, len(data.data), LIMITS, data.data[:300_000])
    assert found.readings[0].records == 100_000
    assert min(start for start, _ in data.reads) == 300_000


@pytest.mark.parametrize("size", [0, 1, 2, 3, 100, 1 << 40])
@pytest.mark.parametrize("range_bytes", [1, 2, 7, 8 << 20])
def test_ranges_tile_a_file_in_whole_units_and_are_not_too_many(size, range_bytes):
    dialect = part(0, width=2).dialect._replace(data_start=min(size, 2))
    ranges = scan_parts.cut(_sized(dialect, size), SETTINGS._replace(range_bytes=range_bytes))
    assert len(ranges) <= scan_parts.MOST_RANGES
    assert all(start < stop for start, stop in ranges)
    assert [start for start, _ in ranges] == [dialect.data_start, *(stop for _, stop in ranges)][: len(ranges)]
    assert all((start - dialect.data_start) % 2 == 0 for start, _ in ranges)
    assert not ranges or ranges[-1][1] == size


@pytest.mark.parametrize("kind", [STREAM, SHEET])
def test_what_can_only_be_read_from_its_beginning_is_one_range(kind):
    assert scan_parts.cut(_sized(part(0, width=2).dialect, 1 << 30, kind), SETTINGS) == [(0, 1 << 30)]


def test_a_table_without_columns_has_no_range():
    assert scan_parts.cut(_sized(part(0, width=0).dialect, 10), SETTINGS) == []


@settings(deadline=None, max_examples=60)
@given(written(), st.integers(1, 20))
def test_a_scan_survives_its_way_over_a_shuffle(file: Written, half: int):
    size = len(file.data)
    for start, stop in scan_parts.cut(_sized(file.dialect, size), SETTINGS._replace(range_bytes=2 * half)):
        found = scan_range(Counted(file.data), size, file.dialect, start, stop, LIMITS._replace(chunk_rows=3))
        assert scan_from_json(scan_to_json(found)) == found
