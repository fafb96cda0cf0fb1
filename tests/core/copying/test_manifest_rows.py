from __future__ import annotations

import base64
import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.core.copying.manifest_rows import COLUMNS, RowRules, csv_columns, read_row
from transforms.core.errors import ConfigError
from transforms.core.objects.details import Checksums

MD5 = "0123456789abcdef0123456789abcdef"
MD5_BASE64 = base64.b64encode(bytes.fromhex(MD5)).decode()
S3 = RowRules(COLUMNS[:4], "s3://b/out/", "/home/me/")
DISK = S3._replace(destination="file:///data/out/")


def row(text, rules=S3):
    found = read_row(text.encode(), 7, rules)
    assert found.line == 7
    return found.source, found.uri, found.size_bytes, found.expected


READ = [
    ("s3://a/x/y.csv,,,", ("s3://a/x/y.csv", "s3://b/out/y.csv", -1, Checksums())),
    ("s3://a/x/y.csv,z/w.csv,12,", ("s3://a/x/y.csv", "s3://b/out/z/w.csv", 12, Checksums())),
    ("s3://a/y,s3://b/out/z,0,", ("s3://a/y", "s3://b/out/z", 0, Checksums())),
    (f"s3://a/y,,,{MD5.upper()}", ("s3://a/y", "s3://b/out/y", -1, Checksums(md5=MD5))),
    (f"s3://a/y,,,{MD5_BASE64}", ("s3://a/y", "s3://b/out/y", -1, Checksums(md5=MD5))),
    ("https://h/x/y.csv?sig=1,,,", ("https://h/x/y.csv?sig=1", "s3://b/out/y.csv", -1, Checksums())),
    ("/abs/y,,,", ("file:///abs/y", "s3://b/out/y", -1, Checksums())),
    ("rel/y,,,", ("file:///home/me/rel/y", "s3://b/out/y", -1, Checksums())),
    ('"gs://a/x, ""y""",,,', ('gs://a/x, "y"', 's3://b/out/x, "y"', -1, Checksums())),
    ("s3://a/y,a/../b,,", ("s3://a/y", "s3://b/out/a/../b", -1, Checksums())),
    ("s3://a/y,\u4e2d \u00e9,,", ("s3://a/y", "s3://b/out/\u4e2d \u00e9", -1, Checksums())),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), READ)
def test_rows_that_can_be_read(text, expected):
    assert row(text) == expected


REFUSED = [
    (",,,", S3, "there is no source"),
    ("s3://a/x/,,,", S3, "names no object"),
    ("x/,,,", S3, "names no object"),
    ("s3://a/,,,", S3, "names no object"),
    ("s3:///x,,,", S3, "expected s3://BUCKET/KEY"),
    ("s3://a/x,,", S3, "3 cells, the header has 4"),
    ('s3://a/x,"open,,', S3, "not CSV"),
    ("s3://a/x,,-1,", S3, "no number of bytes"),
    ("s3://a/x,,1e3,", S3, "no number of bytes"),
    ("s3://a/x,,,abc", S3, "is no md5"),
    ("s3://a/x,../y,,", S3, "leads out of the destination"),
    ("s3://a/x,a/../../y,,", S3, "leads out of the destination"),
    ("s3://a/x,s3://b/out/../y,,", S3, "leads out of the destination"),
    ("s3://a/x,s3://b/other/y,,", S3, "is not below s3://b/out/"),
    ("s3://a/x,s3://b/out/,,", S3, "can't be used"),
    ("s3://a/x,/y,,", S3, "without a slash in front"),
    ("s3://a/x,a\0b,,", S3, "a NUL"),
    ("s3://a/x,a/../b,,", DISK, "a part . or .."),
    ("s3://a/x,a//b,,", DISK, "nothing between two slashes"),
    ("s3://a/..,,,", DISK, "a part . or .."),
]


@pytest.mark.parametrize(("text", "rules", "message"), REFUSED)
def test_rows_that_are_refused_say_why(text, rules, message):
    with pytest.raises(ConfigError, match=message):
        row(text, rules)


JSON = S3._replace(columns=())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"source": "s3://a/y"}', ("s3://a/y", "s3://b/out/y", -1, Checksums())),
        (
            f'{{"source": "s3://a/y", "size": 5, "md5": "{MD5}", "destination": null}}',
            ("s3://a/y", "s3://b/out/y", 5, Checksums(md5=MD5)),
        ),
    ],
)
def test_json_rows_say_the_same(text, expected):
    assert row(text, JSON) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "no object"),
        ('{"source": "s3://a/y", "sise": 5}', "unknown name 'sise'; known: source"),
        ('{"source": 5}', "no text"),
        ('{"source": "s3://a/y", "size": true}', "no text"),
        ('{"source": "s3://a/\\ud800"}', "half a character"),
    ],
)
def test_json_rows_that_are_refused_say_why(text, message):
    with pytest.raises(ConfigError, match=message):
        row(text, JSON)


NAMED = S3._replace(columns=(), as_named=True)


@pytest.mark.parametrize("key", ["a", "folder/", "/first", "..", "../up", "a\0b", "\udcff", ""])
@pytest.mark.parametrize("rules", [NAMED, NAMED._replace(destination="file:///data/out/")])
def test_what_a_listing_named_is_taken_as_it_is(key, rules):
    text = json.dumps({"source": f"s3://a/{key}", "destination": rules.destination + key})
    assert row(text, rules) == (f"s3://a/{key}", rules.destination + key, -1, Checksums())


def test_what_a_listing_named_still_lies_below_the_destination():
    with pytest.raises(ConfigError, match="is not below s3://b/out/"):
        row('{"source": "s3://a/y", "destination": "s3://b/other/y"}', NAMED)


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        (b"source", ("source",)),
        (b"\xef\xbb\xbfsource,size", ("source", "size")),
        (b" Source ,SHA256,crc32c", ("source", "sha256", "crc32c")),
    ],
)
def test_headers_that_can_be_read(header, columns):
    assert csv_columns(header) == columns


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"", "begin with a header|not CSV"),
        (b"s3://a/x", "no column source: begin with a header of these columns: source, destination"),
        (b"source,etag", "unknown column 'etag'; known: source"),
        (b"source,size,size", "twice"),
        (b"source,\xff", "not UTF-8"),
    ],
)
def test_headers_that_are_refused_say_why(header, message):
    with pytest.raises(ConfigError, match=message):
        csv_columns(header)


KEY = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=20)


@given(KEY.filter(lambda key: not key.endswith("/")))
def test_any_key_survives_both_forms_and_stays_below_the_destination(key):
    text = io.StringIO()
    csv.writer(text).writerow([f"s3://a/{key}", f"d/{key}", "", ""])
    by_csv = read_row(text.getvalue().removesuffix("\r\n").encode(), 1, S3)
    by_json = read_row(json.dumps({"source": f"s3://a/{key}", "destination": f"d/{key}"}).encode(), 1, JSON)
    assert by_csv == by_json
    assert by_csv.source == f"s3://a/{key}"
    assert by_csv.uri == f"s3://b/out/d/{key}"
