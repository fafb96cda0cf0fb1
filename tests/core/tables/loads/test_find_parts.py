"""From a file to its tables: by name and first bytes, with what each kind of file says when it can't be read."""

import bz2
import gzip
import io
import zipfile

import pytest

from tests.core.tables.loads.load_cases import source
from tests.core.tables.loads.plan_cases import SETTINGS
from tests.pipelines.feature_loads import workbook
from transforms.core.errors import PermanentError
from transforms.core.tables.loads import heads
from transforms.core.tables.loads.find_parts import find_parts, open_blocks
from transforms.core.tables.loads.load_plan import CSV, SHEET, STREAM, Part, part_from_json, part_to_json
from transforms.core.tables.loads.open_load import list_files

TEXT = b"id,name\n1,x\n"


def parts(folder, name: str, content: bytes, **changes) -> list[Part]:
    load = SETTINGS._replace(sources=(str(source(folder, name, content)),), **changes)
    [info] = list_files(load)
    return find_parts(3, info, load)


def zipped(**members: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return target.getvalue()


# file name, content: kind, codec, header
KINDS = {
    "plain": ("a.csv", TEXT, CSV, "", ("id", "name")),
    "another ending": ("a.txt", TEXT, CSV, "", ("id", "name")),
    "capitals": ("A.CSV", TEXT, CSV, "", ("id", "name")),
    "tabs": ("a.tsv", b"id\tname\n1\tx\n", CSV, "", ("id", "name")),
    "gzip": ("a.csv.gz", gzip.compress(TEXT), STREAM, "gz", ("id", "name")),
    "gzip by its bytes": ("a.csv", gzip.compress(TEXT), STREAM, "gz", ("id", "name")),
    "plain, though its name says gzip": ("a.csv.gz", TEXT, CSV, "", ("id", "name")),
    "bzip2": ("a.csv.bz2", bz2.compress(TEXT), STREAM, "bz2", ("id", "name")),
    "zip": ("a.zip", zipped(a__csv=TEXT), STREAM, "zip", ("id", "name")),
    "zip by its bytes": ("a.csv", zipped(a__csv=TEXT), STREAM, "zip", ("id", "name")),
    "workbook": ("a.xlsx", workbook({"s": [["id", "name"], [1, "x"]]}), SHEET, "", ("id", "name")),
    "workbook by its bytes": ("a.csv", workbook({"s": [["id", "name"], [1, "x"]]}), SHEET, "", ("id", "name")),
    "empty": ("a.csv", b"", CSV, "", ()),
    "empty within gzip": ("a.csv.gz", gzip.compress(b""), STREAM, "gz", ()),
}


@pytest.mark.parametrize(("name", "content", "kind", "codec", "header"), KINDS.values(), ids=KINDS)
def test_a_file_is_read_by_what_it_is(tmp_path, name, content, kind, codec, header):
    [part] = parts(tmp_path, name, content)
    assert (part.file, part.kind, part.dialect.header) == (3, kind, header)
    assert part.codec == codec
    assert header or "empty, no column and no record" in part.note
    assert part_from_json(part_to_json(part)) == part


def test_an_archive_has_a_part_for_each_table_in_it(tmp_path):
    found = parts(tmp_path, "a.zip", zipped(b__csv=TEXT, a__tsv=b"x\ty\n1\t2\n", read__me=b"no", c__txt=b"x;y\n1;2\n"))
    assert {part.name: (part.dialect.delimiter, part.dialect.header) for part in found} == {
        "b.csv": (",", ("id", "name")),
        "a.tsv": ("\t", ("x", "y")),
        "c.txt": (";", ("x", "y")),
    }
    assert all(part.label == f"{part.info.uri}#{part.name}" for part in found)
    assert [b"".join(open_blocks(part, SETTINGS)) for part in found if part.name == "b.csv"] == [TEXT]


REFUSED = {
    "no table in an archive": ("a.zip", zipped(read__me=b"x"), "no .csv, .tsv or .txt file in this archive"),
    "neither archive nor workbook": ("a.csv", zipped(read__me=b"x"), "a zip file without a workbook in it"),
    "an old workbook by its bytes, damaged": ("a.csv", bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), "a.csv"),
    "no archive": ("a.zip", b"hello", "a.zip"),
    "cut short": ("a.csv.gz", gzip.compress(TEXT * 100)[:-20], "a.csv.gz"),
    "no workbook": ("a.xlsx", b"hello", "a.xlsx"),
    "an empty workbook file": ("a.xlsx", b"", "a.xlsx"),
}


@pytest.mark.parametrize(("name", "content", "message"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_is_not_what_it_says_is_an_error_that_names_it(tmp_path, name, content, message):
    with pytest.raises(PermanentError) as caught:
        parts(tmp_path, name, content)
    assert message in str(caught.value)


def test_a_member_that_is_not_there_any_more_is_an_error(tmp_path):
    [part] = parts(tmp_path, "a.zip", zipped(a__csv=TEXT))
    with pytest.raises(PermanentError, match="the member is not in the archive any more"):
        list(open_blocks(part._replace(name="b.csv"), SETTINGS))


def test_the_first_bytes_are_kept_once_for_the_scan(tmp_path):
    [part] = parts(tmp_path, "a.csv", TEXT)
    assert heads.HEADS.take((part.info.uri, part.info.etag)) == TEXT
    assert heads.HEADS.take((part.info.uri, part.info.etag)) is None
