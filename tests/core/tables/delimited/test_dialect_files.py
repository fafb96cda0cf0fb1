"""Every file of tests/data/csv has one purpose, and one row here says what its dialect is."""

import csv
import io
from pathlib import Path

import pytest

from transforms.core.tables.delimited.dialect import DialectOverrides, detect
from transforms.core.tables.delimited.encoding_guess import byte_length, structure

FOLDER = Path(__file__).parents[3] / "data" / "csv"
PRODUCTS = ("id", "name", "price", "day")
GERMAN = ("id", "Name", "Größe")

# file: delimiter, quote, escape, header, columns, line of the first record
FILES = {
    "apostrophes.csv": (",", '"', "", ("id", "saying", "n"), 3, 2),
    "backslash_escape.csv": (",", '"', "\\", ("id", "text", "n"), 3, 2),
    "backslash_unquoted.csv": (",", '"', "\\", ("id", "text", "n"), 3, 2),
    "blank_lines.csv": (",", '"', "", (), 0, 1),
    "bom_only.csv": (",", '"', "", (), 0, 1),
    "caret.csv": ("^", '"', "", PRODUCTS, 4, 2),
    "codes.csv": (",", '"', "", ("code", "label"), 2, 2),
    "colon.csv": (":", '"', "", PRODUCTS, 4, 2),
    "comma.csv": (",", '"', "", PRODUCTS, 4, 2),
    "comment_lines.csv": (",", '"', "", ("a", "b", "c"), 3, 4),
    "coordinates.tsv": ("\t", '"', "", ("name", "lat,lon", "n"), 3, 2),
    "cp1252.csv": (";", '"', "", GERMAN, 3, 2),
    "cr_only.csv": (",", '"', "", PRODUCTS, 4, 2),
    "crlf.csv": (",", '"', "", PRODUCTS, 4, 2),
    "decimal_comma.csv": (";", '"', "", (), 3, 1),
    "decimal_comma_header.csv": (";", '"', "", ("Datum", "Betrag", "Menge"), 3, 2),
    "duplicate_names.csv": (",", '"', "", ("id", "id", "name"), 3, 2),
    "empty.csv": (",", '"', "", (), 0, 1),
    "empty_names.csv": (",", '"', "", ("", "a", "", "b"), 4, 2),
    "escaped_delimiter.csv": (",", '"', "\\", ("id", "text", "n"), 3, 2),
    "header_no_newline.csv": (",", '"', "", ("id", "name", "price"), 3, 2),
    "header_only.csv": (",", '"', "", ("id", "name", "price"), 3, 2),
    "hostile_header.csv": (",", '"', "", ('x"; DROP TABLE loads; --', "b"), 2, 2),
    "inch_marks.csv": (",", '"', "", ("item", "size", "n"), 3, 2),
    "json_backslashes.csv": (",", '"', "", ("id", "payload", "n"), 3, 2),
    "json_cells.csv": (",", '"', "", ("id", "payload", "n"), 3, 2),
    "latin1.csv": (";", '"', "", GERMAN, 3, 2),
    "log.txt": (",", '"', "", (), 3, 1),
    "mixed_line_ends.csv": (",", '"', "", ("id", "name"), 2, 2),
    "no_header.csv": (",", '"', "", (), 3, 1),
    "no_header_text.csv": (",", '"', "", (), 2, 1),
    "no_quoting.txt": ("\t", "", "", ("id", "size", "n"), 3, 2),
    "nul_bytes.csv": (",", '"', "", ("id", "name"), 2, 2),
    "one_data_row.csv": (",", '"', "", (), 3, 1),
    "passwd.txt": (":", '"', "", (), 7, 1),
    "phones.csv": (",", '"', "", ("name", "phone", "zip"), 3, 2),
    "pipe.csv": ("|", '"', "", PRODUCTS, 4, 2),
    "quoted_all.csv": (",", '"', "", ("id", "a;b", "c"), 3, 2),
    "quoted_newlines.csv": (",", '"', "", ("id", "note", "n"), 3, 2),
    "quoted_header.tsv": ("\t", "'", "", ("pop'n", "vote"), 2, 2),
    "ragged.csv": (",", '"', "", ("a", "b", "c"), 3, 2),
    "semicolon.csv": (";", '"', "", PRODUCTS, 4, 2),
    "sep_line.csv": (";", '"', "", ("a", "b"), 2, 3),
    "shift_jis.csv": (",", '"', "", ("番号", "名前", "表"), 3, 2),
    "single_column_decimal_comma.csv": ("\t", '"', "", ("price",), 1, 2),
    "single_column_names.csv": (",", '"', "", ("name",), 1, 2),
    "single_column_numbers.csv": (",", '"', "", (), 1, 1),
    "single_column_prose.txt": ("\t", '"', "", (), 1, 1),
    "single_column_times.csv": (",", '"', "", ("seen",), 1, 2),
    "single_quotes.csv": (";", "'", "", ("id", "text", "n"), 3, 2),
    "space.csv": (" ", '"', "", ("x", "y", "z"), 3, 2),
    "sparse.csv": (",", '"', "", ("id", "a", "b", "c", "d"), 5, 2),
    "tab.csv": ("\t", '"', "", PRODUCTS, 4, 2),
    "text_only.csv": (",", '"', "", ("city", "country"), 2, 2),
    "thousands_quoted.csv": (",", '"', "", ("city", "people"), 2, 2),
    "thousands_semicolon.csv": (";", '"', "", ("city", "people", "area"), 3, 2),
    "tilde.csv": ("~", '"', "", PRODUCTS, 4, 2),
    "title_block.csv": (",", '"', "", ("region", "units", "revenue"), 3, 5),
    "title_block_padded.csv": (",", '"', "", ("region", "units", "revenue"), 3, 5),
    "title_quoted_newline.csv": (",", '"', "", ("region", "units"), 2, 4),
    "trailing_delimiters.csv": (",", '"', "", ("a", "b", "c", ""), 4, 2),
    "trailing_in_header_only.csv": (",", '"', "", ("a", "b", "c"), 3, 2),
    "trailing_in_rows_only.csv": (",", '"', "", ("a", "b", "c", ""), 4, 2),
    "unclosed_quote.csv": (",", '"', "", ("id", "note"), 2, 2),
    "unit_separator.csv": ("\x1f", '"', "", PRODUCTS, 4, 2),
    "urls.csv": ("|", '"', "", ("id", "url", "seen"), 3, 2),
    "utf16_be.csv": (";", '"', "", GERMAN, 3, 2),
    "utf16_be_bom.csv": (";", '"', "", GERMAN, 3, 2),
    "utf16_cjk.csv": (",", '"', "", ("编号", "名称"), 2, 2),
    "utf16_le.csv": (";", '"', "", GERMAN, 3, 2),
    "utf16_le_bom.csv": (";", '"', "", GERMAN, 3, 2),
    "utf8.csv": (";", '"', "", GERMAN, 3, 2),
    "utf8_bom.csv": (";", '"', "", GERMAN, 3, 2),
    "windows_paths.csv": (",", '"', "", ("path", "n"), 2, 2),
    "year_header.csv": (",", '"', "", ("country", "2019", "2020", "2021"), 4, 2),
}
ENCODINGS = {
    "cp1252.csv": ("cp1252", 0),
    "latin1.csv": ("latin-1", 0),
    "bom_only.csv": ("utf-8", 3),
    "utf8_bom.csv": ("utf-8", 3),
    "utf16_le_bom.csv": ("utf-16-le", 2),
    "utf16_be_bom.csv": ("utf-16-be", 2),
    "utf16_le.csv": ("utf-16-le", 0),
    "utf16_be.csv": ("utf-16-be", 0),
    "utf16_cjk.csv": ("utf-16-le", 0),
    "shift_jis.csv": ("shift_jis", 0),
}
LINE_ENDS = {"crlf.csv": "\r\n", "cr_only.csv": "\r", "mixed_line_ends.csv": "\r\n", "sep_line.csv": "\r\n"}


def _detect(name: str, sample: bytes, *, whole: bool = True):
    # a multi-byte encoding of the East can't be told from cp1252: it is always named
    overrides = DialectOverrides(encoding="shift_jis" if name == "shift_jis.csv" else "")
    return detect(sample, whole=whole, overrides=overrides, name=name)


@pytest.mark.parametrize("name", FILES)
def test_the_dialect_of(name):
    found = _detect(name, (FOLDER / name).read_bytes())
    assert (found.delimiter, found.quote, found.escape, found.header, found.width, found.data_line) == FILES[name]
    assert (found.encoding, found.bom_bytes) == ENCODINGS.get(name, ("utf-8", 0))
    if name != "blank_lines.csv":
        assert found.line_end == LINE_ENDS.get(name, "\n")


def test_every_file_of_the_folder_has_its_row():
    assert sorted(FILES) == sorted(path.name for path in FOLDER.iterdir())


@pytest.mark.parametrize("name", FILES)
def test_the_data_start_at_the_record_that_the_csv_module_finds_there(name):
    content = (FOLDER / name).read_bytes()
    found = _detect(name, content)
    text = content[found.bom_bytes :].decode(found.encoding, "replace")
    every = list(csv.reader(io.StringIO(text, newline=""), **found.csv_kwargs()))
    rest = content[found.data_start :].decode(found.encoding, "replace")
    rows = list(csv.reader(io.StringIO(rest, newline=""), **found.csv_kwargs()))
    assert every[len(every) - len(rows) :] == rows
    before = content[: found.data_start].decode(found.encoding, "replace")
    assert found.data_line == 1 + len(before.replace("\r\n", "\n").replace("\r", "\n").split("\n")) - 1 + (
        found.data_start == len(content) > 0 and not before.endswith(("\n", "\r", "\ufeff"))
    )


@pytest.mark.parametrize("name", FILES)
def test_a_sample_cut_anywhere_in_the_second_half_is_read_without_error_and_in_its_encoding(name):
    content = (FOLDER / name).read_bytes()
    # these have what decides in their last bytes only
    undecided = ("latin1.csv", "cp1252.csv", "bom_only.csv", "utf16_cjk.csv")
    for end in range(len(content) // 2, len(content)):
        found = _detect(name, content[:end], whole=False)
        assert found.data_start <= end
        if name not in undecided:
            assert (found.encoding, found.bom_bytes) == ENCODINGS.get(name, ("utf-8", 0)), end


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "latin-1"])
def test_the_structure_of_a_sample_gives_its_bytes_again(encoding):
    sample = "a,🛠b\n".encode("utf-16-le") + b"\x00\xd8,\x00\x00\xdc\xff\xff"
    text = structure(sample, encoding)
    assert byte_length(text, encoding) == len(sample)
