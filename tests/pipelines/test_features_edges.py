"""The defined answers to empty, broken, huge and hostile files, each through the whole command."""

import gzip
import io
import zipfile

import pytest

from tests.pipelines.feature_loads import load, workbook
from transforms.core.errors import ConfigError


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_an_empty_file_beside_others_is_a_note(tmp_path, kind):
    loaded = load(tmp_path, {"a.csv": "", "b.csv": "n\n1\n2\n"}, kind=kind)
    assert loaded.rows == [(1,), (2,)]
    assert loaded.summary.exit_code == 0
    assert any("a.csv: empty" in note for note in loaded.summary.details["notes"])


def test_only_empty_files_are_a_wrong_command(tmp_path):
    loaded = load(tmp_path, {"a.csv": "", "b.csv": "\n\n"})
    assert loaded.summary.exit_code == 2
    assert "no column at all" in loaded.error
    assert not loaded.database.exists()


def test_a_header_alone_makes_the_table(tmp_path):
    loaded = load(tmp_path, {"a.csv": "a,b\n"})
    assert loaded.columns == ["a", "b"]
    assert loaded.rows == []
    assert loaded.summary.exit_code == 0


def test_an_empty_input_replaces_a_table_only_when_that_is_allowed(tmp_path):
    load(tmp_path, {"a.csv": "a,b\n1,2\n"})
    refused = load(tmp_path, {"b.csv": "a,b\n"}, write_mode="replace")
    assert refused.summary.exit_code == 1
    assert "--allow_empty" in refused.error
    assert refused.rows == [(1, 2)]
    assert load(tmp_path, {"b.csv": "a,b\n"}, write_mode="replace", allow_empty=True).rows == []


RECORDS = [
    ("5", "columns 2", "5"),
    ("6,7,8", "columns 2", "6,7,8"),
    ("9,x\0y", "NUL character", "9,x\0y"),
    ('10,"open\n11,z', "quote never closed", '10,"open\n11,z'),
]


@pytest.mark.parametrize(("record", "rule", "raw"), RECORDS, ids=["short", "long", "NUL", "unclosed quote"])
@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_a_broken_record_is_rejected_and_the_others_load(tmp_path, kind, record, rule, raw):
    loaded = load(tmp_path, {"a.csv": f"a,b\n1,p\n2,q\n3,r\n{record}\n"}, kind=kind)
    assert loaded.rows == [(1, "p"), (2, "q"), (3, "r")]
    [reject] = loaded.rejects
    assert (reject["record"], reject["line"], reject["rule"]) == (4, 5, rule)
    assert reject["raw"].rstrip("\n") == raw
    assert loaded.summary.rows == (4, 3, 1, 0)
    assert loaded.summary.exit_code == 1


def test_bytes_that_the_encoding_does_not_have_are_rejected_and_can_be_had_back(tmp_path):
    loaded = load(tmp_path, {"a.csv": b"a,b\n1,x\xff\n2,y\n"}, encoding="utf-8")
    assert loaded.rows == [(2, "y")]
    [reject] = loaded.rejects
    assert (reject["rule"], reject["raw"], reject["raw_escaped"]) == ("not utf-8", "1,x\\xff", True)


def test_blank_lines_are_skipped_and_counted(tmp_path):
    loaded = load(tmp_path, {"a.csv": "a,b\n1,x\n\n2,y\n\n\n"})
    assert loaded.rows == [(1, "x"), (2, "y")]
    assert loaded.summary.rows == (5, 2, 0, 3)
    assert loaded.summary.exit_code == 0


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_a_field_of_50_mb_loads(tmp_path, kind):
    long = "x" * 50_000_000
    loaded = load(tmp_path, {"a.csv": f"a,b\n1,{long}\n2,y\n"}, kind=kind)
    assert loaded.summary.exit_code == 0, loaded.error
    assert {number: len(text) for number, text in loaded.rows} == {1: len(long), 2: 1}


def test_a_record_over_the_limit_fails_its_file_with_the_remedy(tmp_path):
    loaded = load(tmp_path, {"a.csv": 'a,b\n1,"' + "x" * 3_000_000 + '"\n', "b.csv": "a,b\n2,y\n"}, max_record_mb=1)
    assert loaded.summary.exit_code == 1
    assert loaded.rows == [(2, "y")]
    [failure] = loaded.lines("failures.jsonl")
    for part in ("a.csv", "byte 4", "longer than 1 MiB", "--quote", "--max_record_mb"):
        assert part in failure["message"]


def archive(members):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in members.items():
            target.writestr(name, data)
    return content.getvalue()


def doctored(change):
    """A sound workbook whose first sheet's XML is changed."""
    with zipfile.ZipFile(io.BytesIO(workbook({"s": [["a", "b"], [1, "x"]]}))) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    parts["xl/worksheets/sheet1.xml"] = change(parts["xl/worksheets/sheet1.xml"])
    return archive(parts)


LOL = b'<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]>'
BOMBS = {
    "xml.xlsx": (
        lambda: doctored(lambda xml: LOL + xml.partition(b"?>")[2] if b"?>" in xml else LOL + xml),
        "XML bomb",
    ),
    "blown.xlsx": (lambda: doctored(lambda xml: xml.replace(b"<row", b" " * 300_000_000 + b"<row", 1)), "zip bomb"),
    "one_line.zip": (lambda: archive({"bomb.csv": "a,b\n" + "0" * 200_000_000}), "longer than 64 MiB"),
    "junk.csv.gz": (lambda: b"\x1f\x8b\x08\x00junkjunkjunk", "damaged"),
    "junk.xlsx": (lambda: b"PK\x03\x04 is no workbook", "junk.xlsx"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_or_a_damaged_file_fails_alone_with_its_reason(tmp_path, name):
    content, reason = BOMBS[name]
    loaded = load(tmp_path, {name: content(), "sound.csv": "a,b\n7,y\n"})
    assert loaded.summary.exit_code == 1
    assert loaded.rows == [(7, "y")]
    assert loaded.summary.items[:4] == (2, 1, 0, 1)
    [failure] = loaded.lines("failures.jsonl")
    assert name in failure["item"]
    assert reason in failure["message"]
    assert loaded.summary.memory.peak_mb - loaded.summary.memory.baseline_mb < 400


def test_a_sheet_that_claims_all_rows_of_the_world_reads_those_it_has(tmp_path):
    def claim(xml):
        return xml.replace(b'ref="A1:B2"', b'ref="A1:XFD1000000000"')

    assert doctored(claim) != doctored(lambda xml: xml)
    loaded = load(tmp_path, {"a.xlsx": doctored(claim)})
    assert loaded.rows == [(1, "x")]


def test_a_wrong_archive_alone_is_a_failed_run_with_the_failure_listed(tmp_path):
    loaded = load(tmp_path, {"a.zip": archive({"readme.md": "no table"})})
    assert loaded.summary.exit_code == 1
    assert "no .csv, .tsv or .txt file in this archive" in loaded.lines("failures.jsonl")[0]["message"]


def test_the_file_that_failed_is_retried_alone(tmp_path):
    failed = load(tmp_path, {"a.csv.gz": b"\x1f\x8b\x08\x00junkjunkjunk", "b.csv": "a,b\n1,x\n"})
    assert failed.rows == [(1, "x")]
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"a,b\n2,y\n"))
    again = load(tmp_path, {}, source=[str(tmp_path / "a.csv.gz"), str(tmp_path / "b.csv")], retry=str(failed.folder))
    assert again.summary.items.planned == 1
    assert sorted(again.rows) == [(1, "x"), (2, "y")]
    with pytest.raises(ConfigError, match="nothing failed in that run"):
        load(tmp_path, {}, source=[str(tmp_path / "b.csv")], retry=str(again.folder))
