"""Pass 1 and pass 2 against Python's csv module: for any table, dialect, range and chunk size, the same rows.

One documented difference, in malformed files only: an escape character directly behind a closing quote.
"""

import csv
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tests.core.tables.delimited.csv_cases import Written, by_csv_module, chunks_of, rows_of, scanned, streamed, written
from transforms.core.tables.columns.column_stats import EMPTY, observe
from transforms.core.tables.delimited import scan
from transforms.core.tables.delimited.dialect import Dialect
from transforms.core.tables.delimited.resolve import ResolvedFile

RANGE_BYTES = st.integers(1, 40) | st.sampled_from([64, 1000, 1 << 20])
CUTS = st.lists(st.integers(0, 200), max_size=30)
CHUNK_ROWS = st.integers(1, 6) | st.just(10_000)
PLAIN = Dialect(",", '"', "", "utf-8", "\n", 0, 0, 1, (), 2)


def assert_equals_what_was_written(file: Written, found: ResolvedFile, chunk_rows: int):
    data, dialect = file.data, file.dialect
    assert found.counted == len(file.rows)
    assert (found.overlong, found.unclosed) == (-1, False)
    assert_chunks_tile(file, found, chunk_rows)
    rows, places = {}, {}
    for plan, chunk in zip(found.chunks, chunks_of(data, dialect, found), strict=True):
        assert not chunk.bad
        mine = rows_of(chunk)
        assert len(mine) + chunk.skipped == plan.records
        rows |= mine
        places |= {number: chunk.place(index) for index, number in enumerate(mine)}
    assert rows == file.records
    assert {number: (place.record, place.line) for number, place in places.items()} == {
        number: (number, file.lines[number - 1]) for number in file.records
    }
    whole = [pa.array([row[at] for row in file.records.values()], pa.string()) for at in range(dialect.width)]
    assert found.stats == (tuple(observe(EMPTY, column) for column in whole) if file.records else found.stats)


def assert_chunks_tile(file: Written, found: ResolvedFile, chunk_rows: int):
    edges = [file.dialect.data_start, *(chunk.stop for chunk in found.chunks)]
    assert [chunk.start for chunk in found.chunks] == edges[:-1]
    assert edges[-1] == len(file.data)
    assert all(1 <= chunk.records <= chunk_rows for chunk in found.chunks)
    for before, after in pairwise(found.chunks):
        assert after.record == before.record + before.records
    assert [chunk.line for chunk in found.chunks] == [file.lines[chunk.record] for chunk in found.chunks]


@settings(max_examples=300, deadline=None)
@given(file=written())
def test_the_writer_of_these_tests_writes_what_the_csv_module_reads(file: Written):
    expected = [[text or "" for text in row] if row != [None] else [] for row in file.rows]
    assert by_csv_module(file.data, file.dialect) == expected


@settings(max_examples=300, deadline=None)
@given(file=written(), range_bytes=RANGE_BYTES, chunk_rows=CHUNK_ROWS)
def test_ranges_scanned_apart_give_the_rows_and_places_that_were_written(
    file: Written, range_bytes: int, chunk_rows: int
):
    assert_equals_what_was_written(file, scanned(file.data, file.dialect, range_bytes, chunk_rows), chunk_rows)


@settings(max_examples=300, deadline=None)
@given(file=written(), range_bytes=RANGE_BYTES, chunk_rows=CHUNK_ROWS, block=st.integers(1, 20))
def test_a_range_read_in_blocks_of_any_size_gives_the_same(
    file: Written, range_bytes: int, chunk_rows: int, block: int
):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "BLOCK_BYTES", 2 * block)
        patch.setattr(scan, "FETCH_BYTES", 4 * block)
        patch.setattr(scan, "_TAIL_BYTES", 2)
        assert_equals_what_was_written(file, scanned(file.data, file.dialect, range_bytes, chunk_rows), chunk_rows)


@settings(max_examples=300, deadline=None)
@given(file=written(), cuts=CUTS, chunk_rows=CHUNK_ROWS)
def test_a_stream_that_comes_in_any_blocks_gives_the_same(file: Written, cuts: list[int], chunk_rows: int):
    assert_equals_what_was_written(
        file, streamed(file.data, file.dialect, [min(cut, len(file.data)) for cut in cuts], chunk_rows), chunk_rows
    )


@settings(max_examples=200, deadline=None)
@given(file=written(), range_bytes=RANGE_BYTES, block=st.integers(1, 20), limit=st.integers(1, 60), cuts=CUTS)
def test_the_first_record_over_the_limit_is_found_however_the_file_is_read(
    file: Written, range_bytes: int, block: int, limit: int, cuts: list[int]
):
    edges = [one.start for one in scanned(file.data, file.dialect, 1 << 20, 1).chunks] + [len(file.data)]
    first = next((start for start, stop in pairwise(edges) if stop - start > limit), -1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "BLOCK_BYTES", 2 * block)
        assert scanned(file.data, file.dialect, range_bytes, 10, limit).overlong == first
    assert streamed(file.data, file.dialect, [min(cut, len(file.data)) for cut in cuts], 10, limit).overlong == first


@settings(max_examples=800, deadline=None)
@given(
    text=st.text(st.sampled_from('aab,,"\n\r'), max_size=40),
    width=st.integers(1, 3),
    range_bytes=st.integers(1, 12),
    chunk_rows=st.integers(1, 4),
)
@example('""\n\n""\n', 1, 1, 1)
@example('"a"b,"c""\n\r"', 2, 1, 1)
@example('"a"\r"', 1, 1, 1)
def test_malformed_quotes_are_read_as_the_csv_module_reads_them(
    text: str, width: int, range_bytes: int, chunk_rows: int
):
    check_malformed(text.encode(), PLAIN._replace(width=width), range_bytes, chunk_rows)


@settings(max_examples=800, deadline=None)
@given(
    text=st.text(st.sampled_from('aab,,"\n\r\\'), max_size=40),
    width=st.integers(1, 3),
    range_bytes=st.integers(1, 12),
    chunk_rows=st.integers(1, 4),
)
def test_malformed_quotes_and_escapes_are_read_as_the_csv_module_reads_them(
    text: str, width: int, range_bytes: int, chunk_rows: int
):
    assume('"\\' not in text)
    check_malformed(text.encode(), PLAIN._replace(width=width, escape="\\"), range_bytes, chunk_rows)


def check_malformed(data: bytes, dialect: Dialect, range_bytes: int, chunk_rows: int):
    try:
        expected = by_csv_module(data, dialect)
    except csv.Error:
        assume(False)
    ranges = scanned(data, dialect, range_bytes, chunk_rows)
    cuts = list(range(0, len(data), range_bytes))
    for found in (ranges, streamed(data, dialect, cuts, chunk_rows)):
        assert found.counted == len(expected)
        assert b"".join(data[chunk.start : chunk.stop] for chunk in found.chunks) == data
        chunks = chunks_of(data, dialect, found)
        rows = {number: row for chunk in chunks for number, row in rows_of(chunk).items()}
        bad = {one.place.record: one for chunk in chunks for one in chunk.bad}
        for number, row in enumerate(expected, 1):
            if number in bad:
                if bad[number].rule == "quote never closed":
                    assert number == len(expected)
                    assert found.unclosed
                    assert open_at_the_end(data, dialect)
                else:
                    assert bad[number].value == f"{len(row)} fields"
                    assert len(row) != dialect.width
            elif row:
                assert [text or "" for text in rows[number]] == row
            else:
                assert number not in rows
        assert len(rows) + len(bad) + sum(chunk.skipped for chunk in chunks) == len(expected)
        assert found.unclosed == open_at_the_end(data, dialect)


def open_at_the_end(data: bytes, dialect: Dialect) -> bool:
    """Whether the csv module, strict about nothing else, would go on reading the last record."""
    behind = by_csv_module(data + b"x\n\n,\n", dialect)
    return behind[-2:] != [[], ["", ""]]
