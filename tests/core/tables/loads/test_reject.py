"""A reject's line loses nothing."""

from __future__ import annotations

import json
import re

import pytest

from transforms.core.tables.loads.reject import RAW_CHARACTERS, Reject, to_line

REJECT = Reject("file:///a.csv", "", 3, 5, "Price", "x", "type integer", b"1,x\n")


def unescaped(shown: str) -> bytes:
    return re.sub(
        rb"\\(\\|x[0-9a-f]{2})", lambda m: b"\\" if m[1] == b"\\" else bytes([int(m[1][1:], 16)]), shown.encode()
    )


def test_a_line_is_json_with_all_fields_in_order():
    line = to_line(REJECT)
    assert "\n" not in line
    assert list(json.loads(line).items()) == list(REJECT._replace(raw="1,x\n")._asdict().items())


@pytest.mark.parametrize("raw", [b"\xff,1\n", b"a\\xff\xff\\\n", b"M\xc3\xbcller \xc3", bytes(range(256))])
def test_bytes_that_are_not_utf8_can_be_had_back(raw):
    fields = json.loads(to_line(REJECT._replace(raw=raw)))
    assert fields["raw_escaped"] is True
    assert unescaped(fields["raw"]) == raw


@pytest.mark.parametrize("raw", [b"a\\xff\n", "Müller,\0\u2028😀".encode(), b""])
def test_utf8_bytes_stand_as_they_are(raw):
    line = to_line(REJECT._replace(raw=raw))
    assert json.loads(line)["raw"].encode() == raw
    assert "raw_escaped" not in line


def test_a_long_value_is_cut_and_its_length_told():
    fields = json.loads(to_line(REJECT._replace(value="ä" * 201)))
    assert (fields["value"], fields["value_characters"]) == ("ä" * 200, 201)
    assert "value_characters" not in to_line(REJECT._replace(value="ä" * 200))


@pytest.mark.parametrize("letter", ["x", "ä", "\udcff"])
@pytest.mark.parametrize("form", [str, lambda text: text.encode("utf-8", "surrogateescape")])
def test_a_very_long_record_is_cut_between_two_characters_and_its_length_told(letter, form):
    fields = json.loads(to_line(REJECT._replace(raw=form(letter * (RAW_CHARACTERS + 1)))))
    assert fields["raw_characters"] == RAW_CHARACTERS + 1
    assert fields["raw"] == letter.replace("\udcff", "\\xff") * RAW_CHARACTERS
    assert "raw_characters" not in to_line(REJECT._replace(raw=form(letter * RAW_CHARACTERS)))


def test_null_stays_null_and_surrogates_can_be_written():
    assert json.loads(to_line(REJECT._replace(value=None)))["value"] is None
    line = to_line(REJECT._replace(value="a\udcff", raw="a\udcff"))
    assert json.loads(line.encode())["value"] == "a\\xff"
    assert unescaped(json.loads(line)["raw"]) == b"a\xff"
