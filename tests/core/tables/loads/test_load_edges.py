"""The answer to every odd file, by a whole load: what is loaded, what is rejected and why, what fails and how."""

import gzip
import json
import resource
from pathlib import Path

import pytest

from tests.core.tables.loads.load_cases import Loaded, run_load, source
from transforms.core.tables.delimited.dialect import DialectOverrides

HEADED = DialectOverrides(header="yes")


def loaded(folder: Path, content: str | bytes, name: str = "a.csv", **changes) -> Loaded:
    return run_load(folder, source(folder, name, content), **changes)


def rules(found: Loaded) -> list[tuple[int, int, str]]:
    """(record, line, rule) of every reject."""
    return [(reject["record"], reject["line"], reject["rule"]) for reject in found.rejects]


def account(found: Loaded) -> tuple[int, ...]:
    """Counted, loaded, rejected, skipped."""
    return tuple(found.account[name] for name in ("counted", "loaded", "rejected", "skipped"))


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\n", b"\r\n\r\n"])
def test_files_without_a_column_alone_are_an_error_that_says_so(tmp_path, content):
    found = loaded(tmp_path, content)
    assert found.error == (
        "ConfigError",
        "the sources have no column at all (empty files); there is nothing to load or to create",
    )
    assert found.outcomes["a.csv"][0] == "failed"
    assert not found.columns


def test_an_empty_file_beside_others_is_done_and_noted(tmp_path):
    source(tmp_path, "b.csv", "x,y\n1,2\n")
    source(tmp_path, "a.csv", "")
    found = run_load(tmp_path)
    assert (found.rows, account(found)) == ([(1, 2)], (1, 1, 0, 0))
    assert {name: status for name, (status, _) in found.outcomes.items()} == {"a.csv": "done", "b.csv": "done"}
    assert any("a.csv: empty" in note for note in found.details["notes"])


@pytest.mark.parametrize("content", ["id,name", "id,name\n", "id,name\r\n", "\ufeffid,name\r"])
def test_a_header_alone_makes_an_empty_table_of_texts(tmp_path, content):
    found = loaded(tmp_path, content)
    assert (found.columns, found.types, found.rows) == (["id", "name"], ["VARCHAR", "VARCHAR"], [])
    assert (account(found), found.error) == ((0, 0, 0, 0), ("", ""))


def test_a_header_alone_may_not_replace_a_table_unless_it_is_meant(tmp_path):
    loaded(tmp_path, "id\n1\n", mode="replace")
    refused = loaded(tmp_path, "id\n", mode="replace", overrides=HEADED)
    assert refused.error[0] == "PermanentError"
    assert "--allow_empty" in refused.error[1]
    assert refused.rows == [(1,)]
    assert loaded(tmp_path, "id\n", mode="replace", overrides=HEADED, allow_empty=True).rows == []


def test_blank_lines_alone_may_not_replace_a_table_either(tmp_path):
    loaded(tmp_path, "id\n1\n", mode="replace")
    refused = loaded(tmp_path, "id\n\n\n", mode="replace", overrides=HEADED)
    assert "--allow_empty" in refused.error[1]
    assert refused.rows == [(1,)]


def test_columns_of_one_name_are_numbered_and_told(tmp_path):
    found = loaded(tmp_path, "a,A,a,a_2\n1,2,3,4\n")
    assert found.rows == [(1, 2, 3, 4)]
    assert len({name.casefold() for name in found.columns}) == 4
    assert found.columns[0] == "a"
    assert found.columns[3] == "a_2"


def test_columns_without_a_name_are_called_by_their_place(tmp_path):
    found = loaded(tmp_path, "a,,c,d,\n1,x,3,4,y\n")
    assert found.columns == ["a", "column_2", "c", "d", "column_5"]
    assert found.rows == [(1, "x", 3, 4, "y")]


def test_a_hostile_header_is_a_column_name(tmp_path):
    name = 'x"; DROP TABLE t; --'
    found = loaded(tmp_path, '"x""; DROP TABLE t; --",b\n1,2\n')
    assert (found.columns, found.rows) == ([name, "b"], [(1, 2)])


def test_ragged_records_are_rejected_with_the_number_of_their_fields(tmp_path):
    found = loaded(tmp_path, "a,b\n1,2\n3\n4,5,6\n\n7,8\n", overrides=DialectOverrides(delimiter=","))
    assert found.rows == [(1, 2), (7, 8)]
    assert rules(found) == [(2, 3, "columns 2"), (3, 4, "columns 2")]
    assert [(reject["value"], reject["raw"]) for reject in found.rejects] == [("1 fields", "3"), ("3 fields", "4,5,6")]
    assert account(found) == (5, 2, 2, 1)


def test_blank_lines_are_skipped_and_counted(tmp_path):
    found = loaded(tmp_path, "a,b\n\n1,2\n\r\n\n3,4\n\n")
    assert found.rows == [(1, 2), (3, 4)]
    assert account(found) == (6, 2, 0, 4)
    assert not found.rejects


def test_a_nul_rejects_its_record_only(tmp_path):
    found = loaded(tmp_path, 'a,b\n1,x\n2,"y\0\n"\n3,z\n')
    assert (found.rows, rules(found)) == ([(1, "x"), (3, "z")], [(2, 3, "NUL character")])
    assert found.rejects[0]["raw"] == '2,"y\0\n"'


def test_bytes_that_are_not_in_the_encoding_reject_their_record_only(tmp_path):
    good = "".join(f"{n},é\n" for n in range(30)).encode()
    found = loaded(tmp_path, b"a,b\n" + good + b"30,\xff\xfe\n31,x\n")
    assert len(found.rows) == 31
    assert rules(found) == [(31, 32, "not utf-8")]
    assert found.rejects[0]["raw"] == "30,\\xff\\xfe"


def test_a_byte_that_cp1252_does_not_have_rejects_its_record_only(tmp_path):
    overrides = DialectOverrides(encoding="cp1252")
    found = loaded(tmp_path, b"a,b\n1,\x80\n2,\x81\n", overrides=overrides)
    assert (found.rows, rules(found)) == ([(1, "€")], [(2, 3, "not cp1252")])


@pytest.mark.parametrize("range_bytes", [2, 8, 1 << 20])
def test_a_quote_that_never_closes_rejects_one_record_up_to_the_end(tmp_path, range_bytes):
    found = loaded(tmp_path, 'a,b\n1,x\n2,"y\n3,z\n4,w\n', range_bytes=range_bytes, chunk_rows=1)
    assert found.rows == [(1, "x")]
    assert rules(found) == [(2, 3, "quote never closed")]
    assert found.rejects[0]["raw"] == '2,"y\n3,z\n4,w'
    assert account(found) == (2, 1, 1, 0)


def test_a_quote_that_never_closes_rejects_one_record_of_a_compressed_file_too(tmp_path):
    found = loaded(tmp_path, gzip.compress(b'a,b\n1,x\n2,"y\n3,z\n4,w'), "a.csv.gz")
    assert (found.rows, rules(found)) == ([(1, "x")], [(2, 3, "quote never closed")])


def test_a_quote_in_the_middle_of_a_field_is_text(tmp_path):
    found = loaded(tmp_path, 'a,b\n5" disk,x\n3"" tape,y\n"6"" x",z\n')
    assert found.rows == [('5" disk', "x"), ('3"" tape', "y"), ('6" x', "z")]


def test_carriage_returns_alone_end_records(tmp_path):
    assert loaded(tmp_path, 'a,b\r1,"x\ry"\r\r2,z\r', range_bytes=2).rows == [(1, "x\ry"), (2, "z")]


def test_the_last_record_needs_no_line_end(tmp_path):
    assert loaded(tmp_path, 'a,b\n1,x\n2,""').rows == [(1, "x"), (2, "")]


def test_an_empty_last_field_behind_a_quoted_one_is_null_without_a_line_end_too(tmp_path):
    assert loaded(tmp_path, 'a,b\n1,x\n"2",').rows == [(1, "x"), (2, None)]


def test_a_single_column_keeps_its_quoted_empty_values_and_skips_its_blank_lines(tmp_path):
    found = loaded(tmp_path, 'name\nx\n""\n\n"y"\n', overrides=HEADED)
    assert (found.rows, account(found)) == ([("x",), ("",), ("y",)], (4, 3, 0, 1))


def test_a_file_of_one_byte_is_a_record(tmp_path):
    found = loaded(tmp_path, "7", overrides=DialectOverrides(header="no"))
    assert (found.columns, found.rows) == (["column_1"], [(7,)])


def test_utf_16_loads_whatever_the_range(tmp_path):
    text = "id,name\r\n" + "".join(f'{n},"ж\u0a0d\n{n}"\r\n' for n in range(200))
    for order in ("le", "be"):
        folder = tmp_path / order
        folder.mkdir()
        data = ("\ufeff" + text).encode(f"utf-16-{order}")
        found = loaded(folder, data, range_bytes=31, chunk_rows=7)
        assert found.rows == [(n, f"ж\u0a0d\n{n}") for n in range(200)]


def test_utf_16_of_an_odd_length_rejects_the_record_with_the_odd_byte(tmp_path):
    text = "id,name\n1,x\n2,y\n".encode("utf-16-le")
    found = loaded(tmp_path, b"\xff\xfe" + text + "3,z".encode("utf-16-le") + b"\x00")
    assert (found.rows, rules(found)) == ([(1, "x"), (2, "y")], [(3, 4, "not utf-16-le")])


def test_utf_16_with_one_byte_behind_its_last_line_rejects_that_byte(tmp_path):
    found = loaded(tmp_path, b"\xff\xfe" + "id,name\n1,x\n2,y\n".encode("utf-16-le") + b"\x33", chunk_rows=2)
    assert (found.rows, rules(found)) == ([(1, "x"), (2, "y")], [(3, 4, "not utf-16-le")])


def test_a_byte_order_mark_within_a_file_is_a_character_wherever_a_chunk_begins(tmp_path):
    for chunk_rows in (1, 2, 10):
        folder = tmp_path / str(chunk_rows)
        folder.mkdir()
        found = loaded(folder, "\ufeffname,b\nx,1\n\ufeffname,2\n", chunk_rows=chunk_rows)
        assert found.rows == [("x", 1), ("\ufeffname", 2)]


def test_a_table_of_two_thousand_columns_loads(tmp_path):
    width = 2000
    text = ",".join(f"c{n}" for n in range(width)) + "\n" + (",".join(str(n) for n in range(width)) + "\n") * 30
    found = loaded(tmp_path, text, range_bytes=50_000, chunk_rows=7)
    assert found.rows == [tuple(range(width))] * 30


def test_a_field_of_50_mb_loads(tmp_path):
    path = source(tmp_path, "a.csv", b"")
    big = b"x" * ((50 << 20) - 1) + b"\n"
    path.write_bytes(b'id,text\n1,a\n2,"' + big + b'"\n3,c\n')
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = run_load(tmp_path, path)
    assert [(number, len(text)) for number, text in found.rows] == [(1, 1), (2, 50 << 20), (3, 1)]
    assert found.rows[1][1].endswith("x\n")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 12 * 50, f"{grown:.0f} MiB more for a value of 50 MiB"


def test_a_record_over_the_limit_fails_its_file_alone_and_names_the_remedy(tmp_path):
    source(tmp_path, "bad.csv", b'id,text\n1,a\n2,"' + b"x" * (3 << 20) + b'"\n3,c\n')
    source(tmp_path, "good.csv", b"id,text\n9,z\n")
    found = run_load(tmp_path, max_record_bytes=2 << 20)
    status, detail = found.outcomes["bad.csv"]
    assert status == "failed"
    assert "the record at byte 12 is longer than 2 MiB; a quote is probably not closed" in detail
    assert "--max_record_mb" in detail
    assert (found.rows, found.outcomes["good.csv"][0]) == ([(9, "z")], "done")


@pytest.mark.parametrize(
    ("server", "name", "content", "remedy"),
    [
        ("plain", "utf32.csv", "id,text\n1,a\n".encode("utf-32"), "iconv -f UTF-32 -t UTF-8"),
        ("nosize", "bad.xlsx", b"PK", "download it first"),
        ("nosize", "bad.zip", b"PK", "download it first"),
    ],
    ids=["utf-32", "workbook", "archive"],
)
def test_a_file_that_can_not_be_read_fails_alone_and_names_the_remedy(
    tmp_path, web_server, server, name, content, remedy
):
    web_server.put(f"edges/{name}", content)
    good = source(tmp_path, "good.csv", "id,text\n9,z\n")
    found = run_load(tmp_path, good, web_server.url(f"edges/{name}", server))
    assert (found.rows, found.outcomes["good.csv"][0]) == ([(9, "z")], "done")
    assert found.outcomes[name][0] == "failed"
    assert remedy in found.outcomes[name][1]


def test_quotes_can_be_switched_off(tmp_path):
    found = loaded(tmp_path, 'a\tb\n"1\tx"\n2\t"\n', overrides=DialectOverrides(quote="none", delimiter="tab"))
    assert found.rows == [('"1', 'x"'), ("2", '"')]


def test_values_are_never_evaluated(tmp_path):
    text = "a,b\n=cmd|' /C calc'!A0,'; DROP TABLE t; --\n${HOME},%(x)s\n"
    assert loaded(tmp_path, text).rows == [("=cmd|' /C calc'!A0", "'; DROP TABLE t; --"), ("${HOME}", "%(x)s")]


def test_rejects_say_where_the_record_stands(tmp_path):
    found = loaded(tmp_path, 'a,b\n"1\n\n",x\n2\n', chunk_rows=1)
    assert json.loads(json.dumps(found.rejects))[0] | {"file": ""} == {
        "file": "",
        "sheet": "",
        "record": 2,
        "line": 5,
        "column": "",
        "value": "1 fields",
        "rule": "columns 2",
        "raw": "2",
    }


def test_long_rejects_are_told_in_parts_of_few(tmp_path):
    records = [f"{n},{'x' * 300_000},too many" for n in range(16)]
    found = run_load(tmp_path, source(tmp_path, "a.csv", "\n".join(["a,b", "1,x", *records, ""])))
    assert [line["raw"] for line in found.rejects] == records
    sizes = [path.stat().st_size for path in sorted(tmp_path.glob("run/parts/*/3-rejects-*"))]
    assert len(sizes) == 2
    assert max(sizes) < 5 << 20
