"""What is found of a dialect, what overrides it, and which overrides are refused."""

import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.core.errors import ConfigError, PermanentError
from transforms.core.tables.delimited.delimiter_guess import Quoting, records
from transforms.core.tables.delimited.dialect import DialectOverrides, detect

FORM = b"id,name,n\n1,a,2\n2,b,3\n"


def _detect(sample, *, whole=True, name="in/f.csv", **overrides):
    return detect(sample, whole=whole, overrides=DialectOverrides(**overrides), name=name)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"delimiter": ";;"}, "delimiter ';;' for in/f.csv: must be one ASCII character"),
        ({"delimiter": "\n"}, "no line end"),
        ({"delimiter": "\0"}, "no NUL"),
        ({"delimiter": "§"}, "must be one ASCII character"),
        ({"delimiter": "none"}, "must be one ASCII character"),
        ({"quote": "''"}, "quote \"''\" for in/f.csv"),
        ({"escape": "\r"}, "escape"),
        ({"delimiter": '"', "quote": '"'}, "must differ"),
        ({"quote": "\\", "escape": "\\"}, "must differ"),
        ({"header": "perhaps"}, "must be auto, yes or no"),
        ({"skip_rows": -1}, "must be 0 or more"),
        ({"encoding": "klingon"}, "Python knows no such text encoding"),
        ({"encoding": "base64"}, "Python knows no such text encoding"),
        ({"encoding": "cp037"}, "ASCII must be ASCII in it .* iconv -f CP037 -t UTF-8"),
        ({"encoding": "utf-32"}, "can't be read"),
        ({"encoding": "utf-7"}, "can't be read"),
        ({"encoding": "iso2022_jp"}, "can't be read"),
        ({"encoding": "gbk", "delimiter": "|"}, "second byte of letters there"),
        ({"encoding": "shift_jis", "escape": "\\"}, "second byte of letters there"),
    ],
)
def test_an_override_that_can_not_be_is_refused_with_the_cause(overrides, message):
    with pytest.raises(ConfigError, match=message):
        _detect(FORM, **overrides)


def test_a_utf_32_file_is_refused_with_the_remedy():
    with pytest.raises(PermanentError, match="iconv -f UTF-32 -t UTF-8"):
        _detect(FORM.decode().encode("utf-32"))


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({}, {"delimiter": ",", "header": ("id", "name", "n"), "data_start": 10}),
        ({"delimiter": ";"}, {"delimiter": ";", "width": 1}),
        ({"delimiter": "tab"}, {"delimiter": "\t"}),
        ({"quote": "none"}, {"quote": ""}),
        ({"quote": "'"}, {"quote": "'"}),
        ({"escape": "\\"}, {"escape": "\\"}),
        ({"encoding": "CP1252"}, {"encoding": "cp1252"}),
        ({"encoding": "UTF8"}, {"encoding": "utf-8"}),
        ({"encoding": "utf-8-sig"}, {"encoding": "utf-8", "bom_bytes": 0}),
        ({"encoding": "latin1"}, {"encoding": "latin-1"}),
        ({"header": "no"}, {"header": (), "data_start": 0, "data_line": 1, "width": 3}),
        ({"skip_rows": 1}, {"header": (), "data_start": 10, "data_line": 2}),
        ({"skip_rows": 1, "header": "yes"}, {"header": ("1", "a", "2"), "data_start": 16, "data_line": 3}),
        ({"skip_rows": 99}, {"header": (), "data_start": len(FORM), "width": 0}),
    ],
)
def test_overrides_win(overrides, expected):
    found = _detect(FORM, **overrides)._asdict()
    assert {key: found[key] for key in expected} == expected


def test_lines_are_skipped_before_anything_is_parsed():
    sample = b'exported by "someone, who never closes his quote\nid,n\n1,2\n'
    assert _detect(sample, skip_rows=1).header == ("id", "n")


def test_utf_16_by_name_takes_the_byte_order_from_the_mark_or_the_bytes():
    text = FORM.decode()
    assert _detect(text.encode("utf-16"), encoding="utf-16").encoding == "utf-16-le"
    assert _detect(b"\xfe\xff" + text.encode("utf-16-be"), encoding="utf-16").bom_bytes == 2
    assert _detect(text.encode("utf-16-be"), encoding="utf-16").encoding == "utf-16-be"
    assert _detect(b"", encoding="utf-16").encoding == "utf-16-le"


def test_text_that_is_utf_8_but_for_a_damaged_character_is_utf_8():
    assert _detect(("a,b\n" + "é,ü\n" * 50).encode() + b"\xff,1\n").encoding == "utf-8"
    assert _detect(b"a,b\n\xe9,\xfc\n").encoding == "cp1252"


def test_nul_bytes_in_a_file_do_not_make_it_utf_16():
    assert _detect(b"a,b\n" + b"1,x\0\0\n" * 50).encoding == "utf-8"
    assert _detect(b"a,b\n1,\0\n").encoding == "utf-8"


@pytest.mark.parametrize(("name", "delimiter"), [("f.tsv", "\t"), ("f.csv", ","), ("s3://b/f.TSV?x=1", "\t")])
def test_a_file_name_promises_the_delimiter_of_a_single_column(name, delimiter):
    assert _detect(b"name\nBob\nAnn\n", name=name).delimiter == delimiter


@pytest.mark.parametrize("name", ["f.tsv.gz", "f.TAB.zst"])
def test_a_file_name_promises_its_delimiter_also_when_it_is_compressed(name):
    assert _detect(b"name\nBob\nAnn\n", name=name).delimiter == "\t"


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a,b\n1,2\n3\n4\n", ","),
        ("a,b\n1,2\n3\n", ","),
        ("a,b\n1\n2\n3\n4\n", ","),
        ("id;name;city\n1\n2;x\n", ";"),
        ("id\tname\n1\n2\n", "\t"),
        ("id|name\r\n1\r\n2\r\n", "|"),
        ("a,b\n" + "1\n" * 15 + "1,2\n" * 4, ","),
    ],
)
def test_a_short_csv_whose_first_line_has_delimited_names_is_no_single_column(text, delimiter):
    found = _detect(text.encode(), name="f.csv")
    assert (found.delimiter, found.width) == (delimiter, text.split("\n", 1)[0].count(delimiter) + 1)
    assert found.header == tuple(text.splitlines()[0].split(delimiter))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("f.csv", "Last, first\nSmith\nJones\n"),  # prose: a space after its comma
        ("f.csv", "city,country\n" + "Vienna\n" * 20),  # the rows speak against it
        ("f.csv", "price\n1,50\n2\n"),  # no comma in the first line
        ("f.csv", "1,50\n2\n3\n4\n"),  # no names in the first line
        ("f.csv", '"a,b"\n1\n2\n'),  # one quoted name
        ("f.txt", "a,b\n1\n2\n3\n"),  # a file that isn't said to be delimited
        ("f.tsv", "a,b\n1\n2\n3\n"),
    ],
)
def test_a_single_column_stays_one_where_its_first_line_promises_nothing(name, text):
    assert _detect(text.encode(), name=name).width == 1


def test_a_delimiter_that_is_given_goes_before_what_the_first_line_promises():
    assert _detect(b"a,b\n1,2\n3\n4\n", name="f.csv", delimiter=";").header == ("a,b",)


def test_a_dialect_survives_json():
    found = _detect(FORM)
    again = type(found)(**json.loads(json.dumps(found._asdict())))
    assert again._replace(header=tuple(again.header)) == found


def test_a_byte_order_mark_inside_the_first_name_is_taken_off():
    assert _detect(b"\xef\xbb\xbf\xef\xbb\xbfid,n\n1,2\n").header == ("id", "n")


WORDS = st.text("abcdefghij XYZ-_äß", min_size=1, max_size=12).filter(lambda word: word.strip() == word)
AWKWARD = st.one_of(
    WORDS, st.sampled_from(["a, b", "c; d", "line\nbreak", 'say "x"', "tab\there", "p|q", "it's", "", "cr\r\nlf"])
)
COLUMNS = st.sampled_from(["integer", "decimal", "date", "word", "awkward"])
VALUES = {
    "integer": st.integers(-99_999, 99_999).map(str),
    "decimal": st.decimals(-999, 999, places=2).map(str),
    "date": st.dates().map(str),
    "word": WORDS,
    "awkward": AWKWARD,
}


@st.composite
def tables(draw):
    kinds = ["integer", draw(st.sampled_from(["decimal", "date"])), *draw(st.lists(COLUMNS, max_size=5))]
    kinds = draw(st.permutations(kinds))
    rows = draw(st.lists(st.tuples(*(VALUES[kind] for kind in kinds)), min_size=4, max_size=30))
    return [f"field {letter}" for letter in "ABCDEFGH"[: len(kinds)]], [list(row) for row in rows]


@settings(max_examples=400, deadline=None)
@given(
    table=tables(),
    delimiter=st.sampled_from(",;\t|"),
    quote=st.sampled_from(['"', '"', "'"]),
    every=st.booleans(),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"]),
    title=st.sampled_from(["", "", "Report\n\n"]),
    header=st.booleans(),
)
def test_what_csv_writer_writes_is_found_again(table, delimiter, quote, every, line_end, encoding, title, header):
    names, rows = table
    out = io.StringIO(newline="")
    every = every or line_end == "\r"  # the writer of Python 3.11 leaves a line feed bare then
    quoting = csv.QUOTE_ALL if every else csv.QUOTE_MINIMAL
    writer = csv.writer(out, delimiter=delimiter, quotechar=quote, quoting=quoting, lineterminator=line_end)
    writer.writerows([names, *rows] if header else rows)
    title = title if header else ""
    content = (title + out.getvalue()).encode(encoding)
    found = _detect(content)
    assert found.delimiter == delimiter
    assert found.header == (tuple(names) if header else ())
    assert found.width == len(names)
    if quote in out.getvalue() and (every or quote == '"'):
        assert found.quote == quote
        data = content[found.data_start :].decode(found.encoding)
        assert list(csv.reader(io.StringIO(data, newline=""), **found.csv_kwargs())) == rows


@settings(max_examples=300, deadline=None)
@given(table=tables(), delimiter=st.sampled_from(",;\t|"), every=st.booleans())
def test_what_csv_writer_escapes_is_found_again(table, delimiter, every):
    names, rows = table
    out = io.StringIO(newline="")
    form = {"delimiter": delimiter, "escapechar": "\\", "doublequote": False, "lineterminator": "\n"}
    csv.writer(out, quoting=csv.QUOTE_ALL if every else csv.QUOTE_MINIMAL, **form).writerows([names, *rows])
    found = _detect(out.getvalue().encode())
    assert found.delimiter == delimiter
    assert found.header == tuple(names)
    data = out.getvalue().encode()[found.data_start :].decode()
    if "\\" in out.getvalue():
        assert list(csv.reader(io.StringIO(data, newline=""), **found.csv_kwargs())) == rows


@settings(max_examples=200, deadline=None)
@given(text=st.text('ab,"\n\r\\\0 ', max_size=60), quote=st.sampled_from(['"', ""]), escape=st.sampled_from(["", "\\"]))
def test_records_end_where_the_csv_module_ends_them(text, quote, escape):
    quoting = Quoting(",", quote, escape)
    found = list(records(text, quoting))
    assert [record.cells for record in found] == list(csv.reader(io.StringIO(text, newline=""), **quoting.csv_kwargs()))
    assert [record.end for record in found[-1:]] == [len(text)] * bool(found)
    for record in found[:-1]:
        rest = [after.cells for after in records(text[record.end :], quoting)]
        assert rest == [after.cells for after in found[found.index(record) + 1 :]]
