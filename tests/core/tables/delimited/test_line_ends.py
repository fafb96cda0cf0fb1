"""A line end that is given: it alone ends a record, and the other two are data, wherever they stand."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.tables.delimited.csv_cases import chunks_of, rows_of, scanned, streamed
from transforms.core.errors import ConfigError, PermanentError
from transforms.core.tables.delimited import scan
from transforms.core.tables.delimited.dialect import Dialect, DialectOverrides, detect
from transforms.core.tables.delimited.line_ends import LINE_ENDS, hidden, shown_again

FOREIGN = {"lf": "\r", "crlf": "\r\n", "cr": "\n"}
CODECS = ("utf-8", "utf-16-le", "utf-16-be", "cp1252")
ALONE = st.sampled_from(sorted(LINE_ENDS))
FIELD = st.text('ab\r\n,"\\é', max_size=7)
ROWS = st.lists(st.lists(FIELD, min_size=2, max_size=2), min_size=1, max_size=10)


def field(text: str, end: str, escape: str) -> str:
    """As it stands in the file: quoted only where it must be, so that the other line ends stand bare."""
    special = {",", '"', "\\", end} if escape else {",", end}
    if escape:
        return "".join(f"\\{char}" if char in special | set(end) else char for char in text)
    quoted = any(one in text for one in special) or text.startswith('"')
    return '"' + text.replace('"', '""') + '"' if quoted else text


def file_of(rows: list[list[str]], end: str, escape: str) -> str:
    return "".join(",".join(field(text, end, escape) for text in row) + end for row in rows)


def dialect_of(end: str, codec: str, escape: str = "") -> Dialect:
    return Dialect(",", '"', escape, codec, end, 0, 0, 1, (), 2, True)  # type: ignore[arg-type]


@settings(max_examples=200, deadline=None)
@given(
    rows=ROWS,
    name=ALONE,
    codec=st.sampled_from(CODECS),
    escape=st.sampled_from(["", "\\"]),
    size=st.integers(1, 30),
    chunk_rows=st.integers(1, 4),
    block=st.integers(1, 12),
)
def test_what_is_written_with_one_line_end_is_read_whatever_the_ranges_and_blocks(
    rows, name, codec, escape, size, chunk_rows, block
):
    dialect = dialect_of(LINE_ENDS[name], codec, escape)
    data = file_of(rows, dialect.line_end, escape).encode(codec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "BLOCK_BYTES", 2 * block)
        patch.setattr(scan, "FETCH_BYTES", 4 * block)
        patch.setattr(scan, "_TAIL_BYTES", 2)
        ranged = scanned(data, dialect, size, chunk_rows)
    for found in (ranged, streamed(data, dialect, list(range(0, len(data), size)), chunk_rows)):
        read = {number: row for chunk in chunks_of(data, dialect, found) for number, row in rows_of(chunk).items()}
        assert read == {number: [text or None for text in row] for number, row in enumerate(rows, 1)}
        assert found.counted == len(rows)


@settings(max_examples=400, deadline=None)
@given(text=st.text('ab,"\r\n', max_size=40), name=ALONE, size=st.integers(1, 20))
def test_any_text_is_read_as_the_csv_module_reads_it_with_the_others_hidden(text, name, size):
    dialect = dialect_of(LINE_ENDS[name], "utf-8")
    lines = io.StringIO(hidden(text, dialect.only), newline="")
    expected = [[shown_again(cell) for cell in row] for row in csv.reader(lines, **dialect.csv_kwargs())]
    found = scanned(text.encode(), dialect, size, 3)
    chunks = chunks_of(text.encode(), dialect, found)
    read = [[cell or "" for cell in row] for chunk in chunks for row in rows_of(chunk).values()]
    set_aside = sum(len(chunk.bad) for chunk in chunks)
    assert found.counted == len(expected)
    assert read == [row for row in expected if len(row) == 2][: len(read)]
    assert len(read) + set_aside + sum(chunk.skipped for chunk in chunks) == len(expected)


@settings(max_examples=200, deadline=None)
@given(text=st.text("a\r\n", max_size=20), name=ALONE)
def test_only_what_ends_no_record_is_hidden_and_all_of_it_comes_back(text, name):
    end = LINE_ENDS[name]
    found = hidden(text, end)
    assert len(found) == len(text)
    assert set(found.replace(end, "")).isdisjoint("\r\n")
    assert found.count(end) == text.count(end)
    assert shown_again(found) == text
    assert hidden(text, "") == text


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("name", FOREIGN)
def test_a_header_is_found_with_bare_line_ends_in_names_and_values(name, codec):
    end, other = LINE_ENDS[name], FOREIGN[name]
    other = other[-1] if name == "crlf" else other
    data = end.join([f"id,a{other}b,n", f"1,x{other}y,2", f"3,{other},4", ""]).encode(codec)
    found = detect(data, whole=True, overrides=DialectOverrides(line_end=name, encoding=codec), name="f.csv")
    assert (found.header, found.line_end, found.line_end_given) == (("id", f"a{other}b", "n"), end, True)
    assert (found.delimiter, found.width, found.data_line) == (",", 3, 2)
    assert data[found.data_start :].decode(codec).startswith("1,x")


@pytest.mark.parametrize(
    ("name", "content", "seen"),
    [
        ("lf", "a,b\r\n1,2\r\n", "CRLF"),
        ("lf", "a,b\r1,2\r", "CR"),
        ("crlf", "a,b\n1,2\n", "LF"),
        ("crlf", 'a,b\n1,"x\r\ny"\n', "LF"),
        ("crlf", "a,b\r1,2\r", "CR"),
        ("cr", "a,b\n1,2\n", "LF"),
        ("cr", "a,b\r\n1,2\r\n", "CRLF"),
    ],
)
def test_a_line_end_in_which_no_record_ends_is_refused_with_what_is_seen(name, content, seen):
    with pytest.raises(PermanentError, match=rf"f\.csv: --line_end {name}, but its records end in {seen},.*leave"):
        detect(content.encode(), whole=True, overrides=DialectOverrides(line_end=name), name="f.csv")


@pytest.mark.parametrize("name", LINE_ENDS)
@pytest.mark.parametrize("content", ["", "a,b", 'a,"x\r\ny\nz\r"'])
def test_a_file_in_which_no_record_ends_fits_every_line_end(name, content):
    found = detect(content.encode(), whole=True, overrides=DialectOverrides(line_end=name), name="f.csv")
    assert found.only == LINE_ENDS[name]


def test_a_line_end_that_there_is_not_is_refused():
    with pytest.raises(ConfigError, match=r"line_end 'nl' for f\.csv: must be one of lf, crlf, cr"):
        detect(b"a\n", whole=True, overrides=DialectOverrides(line_end="nl"), name="f.csv")


def test_without_the_option_all_three_end_a_record():
    found = detect(b"a,b\r\n1,2\n3,4\r5,6\r\n", whole=True, name="f.csv")
    assert (found.line_end, found.line_end_given, found.only) == ("\r\n", False, "")
