import itertools

import pytest

from transforms.core.errors import TransientError
from transforms.core.objects.access import ListingOrderError
from transforms.core.objects.s3_folders import first_name
from transforms.core.objects.s3_listing import just_before, ordered, page_of, rising
from transforms.core.outcome import ObjectInfo

LETTERS = ["\0", "-", "/", "0", "a", "b", "\ue000", "\U0010fffe"]


@pytest.mark.parametrize("key", ["".join(letters) for n in (1, 2) for letters in itertools.product(LETTERS, repeat=n)])
def test_what_comes_just_before_a_key_is_less_and_leaves_little_between(key):
    before = ordered(just_before(key))
    assert before < ordered(key)
    shorter = ["".join(letters) for n in (1, 2) for letters in itertools.product(LETTERS, repeat=n)]
    assert not [other for other in shorter if before < ordered(other) < ordered(key)]


@pytest.mark.parametrize(
    ("prefix", "start", "expected"),
    [
        ("a/", "a/m", just_before("a/m")),
        ("a/", "a/m/n", just_before("a/m")),
        ("a/", "a/m-n", just_before("a/m")),
        ("a/", "a/m n/o", just_before("a/m")),
        ("a/", "a/-n", just_before("a/-n")),
        ("a/", "a/", ""),
        ("a/", "", ""),
        ("b/", "a/x", ""),
    ],
)
def test_a_folders_listing_begins_where_no_key_is_missed(prefix, start, expected):
    assert first_name(prefix, start) == expected


@pytest.mark.parametrize("keys", [["a/b", "a-b"], ["a", "a"], ["b", "a"], ["\U00010000", "\uffff"]])
def test_a_listing_out_of_order_is_an_error_that_names_the_key(keys):
    found = ((key, ObjectInfo(f"s3://b/{key}", 0, "", 0.0)) for key in keys)
    with pytest.raises(ListingOrderError, match="s3://b/"):
        list(rising(found, "s3://b/"))


CONTENTS = """<Contents><Key>{key}</Key><LastModified>2026-11-22T10:00:00.250Z</LastModified><ETag>{etag}</ETag>
<Owner><ID>1</ID></Owner><Size>7</Size><StorageClass>STANDARD</StorageClass></Contents>"""


@pytest.mark.parametrize("encoding", ["<EncodingType>url</EncodingType>", "<EncodingType >url</EncodingType >"])
@pytest.mark.parametrize("etag", ["&quot;e-2&quot;", "&#34;e-2&#34;", '"e-2"', "e-2"])
def test_a_page_is_read_alike_as_text_and_as_xml(encoding, etag):
    contents = "".join(CONTENTS.format(key=key, etag=etag) for key in ("a+b%2Bc%25%C3%A4", "%00", "%FF"))
    folders = (
        "<CommonPrefixes><Prefix>x%2F</Prefix></CommonPrefixes><CommonPrefixes><Prefix>y+/</Prefix></CommonPrefixes>"
    )
    body = f"""<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{contents}{folders}
    {encoding}<NextContinuationToken>t&amp;</NextContinuationToken></ListBucketResult>"""
    page = page_of(body.encode(), "b", "s3://b/")
    assert [key for key, _ in page.keys] == ["a b+c%ä", "\0", "\udcff"]
    assert page.keys[0][1] == ObjectInfo("s3://b/a b+c%ä", 7, "e-2", 1795341600.25)
    assert (page.folders, page.token) == (["x/", "y /"], "t&")


def test_a_page_without_encoding_is_xml():
    body = "<ListBucketResult>" + CONTENTS.format(key="a&amp;b+", etag="e") + "</ListBucketResult>"
    assert [key for key, _ in page_of(body.encode(), "b", "s3://b/").keys] == ["a&b+"]


def test_a_page_that_is_cut_is_asked_for_again():
    body = "<ListBucketResult><EncodingType>url</EncodingType>" + CONTENTS.format(key="a", etag="e")
    with pytest.raises(TransientError, match="isn't XML"):
        page_of(body.encode(), "b", "s3://b/")
