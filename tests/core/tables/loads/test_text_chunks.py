"""The chunks of a part come out the same however it is read, whichever are asked for; a changed file is told."""

import bz2
import gzip
import io
import lzma
import re
import zipfile

import pytest
import xlsxwriter
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.tables.delimited.csv_cases import rows_of
from tests.core.tables.loads.load_cases import run_load, source
from tests.core.tables.loads.plan_cases import SETTINGS
from transforms.core.errors import PermanentError
from transforms.core.objects.traffic import traffic
from transforms.core.tables.delimited.dialect import SAMPLE_BYTES, DialectOverrides
from transforms.core.tables.delimited.resolve import resolve
from transforms.core.tables.loads import scan_parts, text_chunks
from transforms.core.tables.loads.find_parts import find_parts
from transforms.core.tables.loads.load_plan import CSV, STREAM, PlannedPart
from transforms.core.tables.loads.open_load import list_files

TEXT = "id,name\n" + "".join(f'{n},"x\n{n}"\n' for n in range(100))
ROWS = {n + 1: [str(n), f"x\n{n}"] for n in range(100)}


def zipped(data: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("in/a.csv", data)
    return target.getvalue()


PACKED = {
    "a.csv": (lambda data: data, CSV),
    "a.csv.gz": (gzip.compress, STREAM),
    "a.csv.bz2": (bz2.compress, STREAM),
    "a.csv.xz": (lzma.compress, STREAM),
    "a.csv.zst": (zstd.compress, STREAM),
    "a.zip": (zipped, STREAM),
}


def planned(folder, name: str, content: bytes, **changes) -> tuple[PlannedPart, object]:
    """The file's part after pass 1."""
    load = SETTINGS._replace(sources=(str(source(folder, name, content)),), **changes)
    [info] = list_files(load)
    [part] = find_parts(0, info, load)
    found = resolve([scan_parts.scan(part, start, stop, load) for start, stop in scan_parts.cut(part, load)], 2)
    return PlannedPart(part, (0, 1), found.counted, found.unclosed, found.chunks, 0), load


@pytest.mark.parametrize("name", PACKED)
def test_every_way_of_packing_gives_the_same_chunks(tmp_path, name):
    pack, kind = PACKED[name]
    one, load = planned(tmp_path, name, pack(TEXT.encode()), chunk_rows=7)
    assert one.part.kind == kind
    rows = {}
    for index, chunk in text_chunks.text_chunks(one, 0, len(one.chunks) - 1, load):
        found = rows_of(chunk)
        assert len(found) == one.chunks[index].records
        assert [chunk.place(row).line for row in range(len(found))] == [2 * number for number in found]
        rows |= found
    assert rows == ROWS


@pytest.mark.parametrize("name", ["a.csv.gz", "a.zip"])
@pytest.mark.parametrize(("chunk_rows", "records"), [(10_000, 10), (4, 4)])
def test_long_records_of_a_stream_make_chunks_of_few(tmp_path, name, chunk_rows, records):
    text = "id,name\n" + "".join(f"{n:03},{'x' * 995}\n" for n in range(100))
    one, load = planned(tmp_path, name, PACKED[name][0](text.encode()), chunk_rows=chunk_rows, range_bytes=9_500)
    assert [chunk.records for chunk in one.chunks] == [records] * (100 // records)
    rows = {}
    for _, chunk in text_chunks.text_chunks(one, 0, len(one.chunks) - 1, load):
        rows |= rows_of(chunk)
    assert rows == {n + 1: [f"{n:03}", "x" * 995] for n in range(100)}


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
@settings(deadline=None, max_examples=25)
@given(spans=st.tuples(st.integers(0, 14), st.integers(0, 14)).map(sorted))
def test_any_run_of_chunks_can_be_read_alone(name, spans, tmp_path_factory):
    one, load = planned(tmp_path_factory.mktemp("run"), name, PACKED[name][0](TEXT.encode()), chunk_rows=7)
    first, last = spans
    numbers = []
    for index, chunk in text_chunks.text_chunks(one, first, last, load):
        numbers.append(index)
        start = one.chunks[index].record
        assert rows_of(chunk) == {n: ROWS[n] for n in range(start + 1, start + one.chunks[index].records + 1)}
    assert numbers == list(range(first, last + 1))


def test_a_run_longer_than_a_read_is_read_in_several(tmp_path, monkeypatch):
    one, load = planned(tmp_path, "a.csv", TEXT.encode(), chunk_rows=7)
    monkeypatch.setattr(text_chunks, "READ_BYTES", 2 * max(chunk.stop - chunk.start for chunk in one.chunks))
    before, rows = traffic(), {}
    for _, chunk in text_chunks.text_chunks(one, 1, len(one.chunks) - 1, load):
        rows |= rows_of(chunk)
    read = traffic()
    assert rows == {n: row for n, row in ROWS.items() if n > 7}
    assert read.bytes_read - before.bytes_read == one.chunks[-1].stop - one.chunks[1].start
    assert read.requests - before.requests == 7, "14 chunks, two to a read"


def test_a_stream_that_is_shorter_than_planned_is_an_error_that_says_so(tmp_path):
    one, load = planned(tmp_path, "a.csv.gz", gzip.compress(TEXT.encode()), chunk_rows=50)
    beyond = one._replace(chunks=(*one.chunks, one.chunks[-1]._replace(start=one.chunks[-1].stop, stop=1 << 20)))
    with pytest.raises(PermanentError, match=r"a\.csv\.gz: ends before byte 1048576; has the file changed\?"):
        list(text_chunks.text_chunks(beyond, 0, len(one.chunks), load))


def test_a_file_that_changed_since_it_was_planned_is_an_error_and_nothing_is_loaded(tmp_path):
    one, load = planned(tmp_path, "a.csv", TEXT.encode(), chunk_rows=50)
    source(tmp_path, "a.csv", TEXT.replace("x", "yy"))
    with pytest.raises(PermanentError, match=r"a\.csv"):
        list(text_chunks.text_chunks(one, 0, 0, load))


LONG = "id,name\n" + "".join(f"{n},{'x' * 100}\n" for n in range(4000))


@pytest.mark.parametrize("chunk_rows", [4000, 1000])
def test_what_was_read_to_find_the_dialect_is_not_read_again(tmp_path, chunk_rows):
    size, before = len(LONG), traffic().bytes_read
    one, load = planned(tmp_path, "a.csv", LONG.encode(), chunk_rows=chunk_rows)
    assert traffic().bytes_read - before == size
    rows = {}
    for _, chunk in text_chunks.text_chunks(one, 0, len(one.chunks) - 1, load):
        rows |= rows_of(chunk)
    assert rows == {n + 1: [str(n), "x" * 100] for n in range(4000)}
    assert traffic().bytes_read - before < 2 * size - SAMPLE_BYTES + 100


def test_chunks_behind_the_first_bytes_leave_these_to_the_first(tmp_path):
    one, load = planned(tmp_path, "a.csv", LONG.encode(), chunk_rows=1000)
    [(_, last)] = text_chunks.text_chunks(one, 3, 3, load)
    [(_, first)] = text_chunks.text_chunks(one, 0, 0, load)
    assert (min(rows_of(first)), max(rows_of(last))) == (1, 4000)


def test_a_longer_file_that_changed_since_is_an_error_though_its_first_bytes_are_at_hand(tmp_path):
    one, load = planned(tmp_path, "a.csv", LONG.encode(), chunk_rows=4000)
    source(tmp_path, "a.csv", LONG.replace("x", "yy"))
    with pytest.raises(PermanentError, match=r"a\.csv"):
        list(text_chunks.text_chunks(one, 0, 0, load))


def workbook(path) -> None:
    """6,000 records below a title, one row left out; record 5,901 has a cell beyond the header's columns."""
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("data")
    sheet.write_row(0, 0, ("a title",))
    sheet.write_row(2, 0, ("id", "name"))
    for number in range(6000):
        row = 3 + number + (number >= 100)
        sheet.write_row(row, 0, (number, "x\ny", "extra") if number == 5900 else (number, "x\ny"))
    book.close()


def without_dimension(path) -> None:
    """As the writers do that don't know a sheet's size when they begin it."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, re.sub(rb"<dimension [^>]*/>", b"", content))


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("chunk_rows", [100, 10_000])
def test_a_sheet_has_as_many_columns_as_its_widest_row_whether_it_says_so_or_not(tmp_path, chunk_rows, told):
    workbook(tmp_path / "a.xlsx")
    if not told:
        without_dimension(tmp_path / "a.xlsx")
    found = run_load(tmp_path, tmp_path / "a.xlsx", chunk_rows=chunk_rows, provenance=True)
    extra = {5900: "extra"}
    assert found.columns[:3] == ["id", "name", "column_3"]
    assert [(*row[:3], row[4]) for row in found.rows] == [(n, "x\ny", extra.get(n), n + 1) for n in range(6000)]
    assert found.account == {"counted": 6000, "loaded": 6000, "rejected": 0, "skipped": 0}


def test_members_of_an_archive_are_tables_of_one_file(tmp_path):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("a.csv", "x,y\n1,2\n")
        archive.writestr("read.me", "no table")
        archive.writestr("sub/b.tsv", "y\tx\n4\t3\n")
    found = run_load(tmp_path, source(tmp_path, "a.zip", target.getvalue()), provenance=True)
    assert [(row[0], row[1], row[2].rsplit("#")[1]) for row in found.rows] == [(1, 2, "a.csv"), (3, 4, "sub/b.tsv")]
    assert found.outcomes == {"a.zip": ("done", "")}


def test_quoted_line_ends_over_a_chunk_of_a_stream_are_found_again(tmp_path):
    content = gzip.compress(b'a,b\n1,"' + b"\n" * 5000 + b'"\n2,x\n')
    found = run_load(
        tmp_path, source(tmp_path, "a.csv.gz", content), chunk_rows=1, overrides=DialectOverrides(header="yes")
    )
    assert [(row[0], len(row[1])) for row in found.rows] == [(1, 5000), (2, 1)]
