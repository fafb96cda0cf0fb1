"""Ranges of a file are chained by how each one ends; what only one hypothesis saw counts only if it is the true one."""

import pytest

from transforms.core.errors import PermanentError
from transforms.core.tables.columns.seen import ColumnStats
from transforms.core.tables.delimited.range_scan import Cut, Reading
from transforms.core.tables.delimited.resolve import Chunk, ResolvedFile, resolve
from transforms.core.tables.delimited.scan import RangeScan


def reading(records: int, *cuts: tuple[int, int, int], inside=False, overlong=-1, unclosed=False) -> Reading:
    return Reading(
        records, tuple(Cut(*cut) for cut in cuts), inside, (ColumnStats(values=records),), overlong, unclosed
    )


def test_a_file_without_a_range_has_no_record_and_no_chunk():
    assert resolve([], 2) == ResolvedFile(0, (), (), -1, unclosed=False)


def test_ranges_in_which_no_record_starts_make_no_chunk():
    nothing = RangeScan(10, 20, 0, (reading(0, inside=True), reading(0)))
    found = resolve([RangeScan(0, 10, 0, (reading(1, (0, 0, 0), inside=True),)), nothing, RangeScan(20, 20, 0, ())], 1)
    assert found.chunks == (Chunk(0, 20, 0, 1, 1),)


@pytest.mark.parametrize(("opens", "counted", "starts"), [(False, 5, [0, 10]), (True, 4, [0, 15])])
def test_the_second_range_is_read_as_the_first_one_ends(opens, counted, starts):
    first = RangeScan(0, 10, 2, (reading(2, (0, 0, 0), inside=opens),))
    second = RangeScan(10, 20, 3, (reading(3, (10, 0, 0)), reading(2, (15, 0, 2))))
    found = resolve([first, second], 5)
    assert found.counted == counted
    assert [chunk.start for chunk in found.chunks] == starts
    assert found.chunks[1].line == (9 if opens else 7)
    assert found.stats == (ColumnStats(values=counted),)


def test_chunks_tile_the_file_and_count_on():
    first = RangeScan(0, 10, 4, (reading(4, (0, 0, 0), (6, 2, 2)),))
    second = RangeScan(10, 20, 2, (reading(2, (12, 0, 1)), reading(0)))
    assert resolve([first, second], 1).chunks == (
        Chunk(0, 6, 0, 2, 1),
        Chunk(6, 12, 2, 2, 3),
        Chunk(12, 20, 4, 2, 6),
    )


def test_an_open_quote_is_told_whichever_range_it_began_in():
    first = RangeScan(0, 10, 1, (reading(1, (0, 0, 0), inside=True, unclosed=True),))
    second = RangeScan(10, 20, 1, (reading(1, (10, 0, 0)), reading(0, inside=True)))
    assert resolve([first, second], 1).unclosed
    assert resolve([first], 1).unclosed
    assert not resolve([first._replace(readings=(reading(1, (0, 0, 0)),)), second], 1).unclosed


def test_the_first_record_over_the_limit_is_told_if_it_is_a_record():
    first = RangeScan(0, 10, 1, (reading(1, (0, 0, 0)),))
    second = RangeScan(10, 20, 1, (reading(1, (10, 0, 0), overlong=12), reading(1, (11, 0, 0), overlong=11)))
    third = RangeScan(20, 30, 1, (reading(1, (20, 0, 0), overlong=21), reading(0)))
    assert resolve([first, second, third], 1).overlong == 12
    wrong = second._replace(readings=(reading(1, (10, 0, 0)), second.readings[1]))
    assert resolve([first, wrong, third], 1).overlong == 21


def test_a_missing_range_is_an_error():
    scans = [RangeScan(0, 10, 0, (reading(1, (0, 0, 0)),)), RangeScan(12, 20, 0, (reading(0), reading(0)))]
    with pytest.raises(PermanentError, match="bytes 10 to 12 were not scanned"):
        resolve(scans, 1)
