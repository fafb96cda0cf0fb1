import pytest

from transforms.core.errors import ConfigError
from transforms.core.objects.uri import ObjectUri, last_name, parse, shown

ODD_KEYS = [
    "a b",
    "a+b",
    "a%20b",
    "100%",
    "a#b",
    "a?b=c",
    "ä/ö/文",
    "e\u0301",
    "a//b",
    "/a",
    "a/",
    "a&b;c",
    "a@b",
    "a\nb",
    "~",
    "...",
]


@pytest.mark.parametrize("key", ODD_KEYS)
@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_a_raw_key_round_trips(scheme, key):
    address = ObjectUri(scheme, "bucket", key)
    assert parse(str(address)) == address


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("file:///data/a b#1.csv", ObjectUri("file", "", "/data/a b#1.csv")),
        ("S3://Bucket/Key", ObjectUri("s3", "Bucket", "Key")),
        ("s3://bucket", ObjectUri("s3", "bucket", "")),
        ("https://host:81/a%20b?c=d#part", ObjectUri("https", "host:81", "/a%20b?c=d")),
        ("http://host", ObjectUri("http", "host", "/")),
    ],
)
def test_an_address_is_taken_apart(uri, address):
    assert parse(uri) == address


@pytest.mark.parametrize(
    "uri", ["data/a.csv", "file://data/a.csv", "s3:///key", "https:///a", "https://u:pw@h/a", "s3://AKIA:pw@bucket/a"]
)
def test_what_is_no_address_is_refused_without_showing_secrets(uri):
    with pytest.raises(ConfigError) as caught:
        parse(uri)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "text"),
    [
        ("https://h/a?x=1", "https://h/a?x=1"),
        ("https://u:pw@h/a", "https://***@h/a"),
        ("https://h/a?X-Amz-Signature=abc&n=1", "https://h/a?X-Amz-Signature=***&n=1"),
        ("https://h/a?Signature=abc&Expires=1", "https://h/a?Signature=***&Expires=***"),  # signed anew, it is the same
        ("https://h/a?sv=1&sig=abc", "https://h/a?sv=1&sig=***"),
        ("s3://k:pw@b/x@y", "s3://***@b/x@y"),
        ("s3://b/x@y", "s3://b/x@y"),
        ("a@b.csv", "a@b.csv"),
    ],
)
def test_secrets_are_masked_when_an_address_is_shown(uri, text):
    assert shown(uri) == text


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("s3://b/a/what?.txt", "what?.txt"),
        ("s3://b/a%20b", "a%20b"),
        ("s3://b/a/", ""),
        ("gs://b/a#b", "a#b"),
        ("file:///x/a b", "a b"),
        ("https://h/a/b.html?next=/c/d", "b.html"),
        ("https://h/a/one%20page.html?x", "one page.html"),
        ("https://h/a/%2E%2E%2Fx", "%2E%2E%2Fx"),
        ("https://h/a/%ff", "%ff"),
        ("https://h/a/?x", ""),
        ("https://h", ""),
    ],
)
def test_the_last_name_of_an_address_is_what_a_copy_keeps(uri, name):
    assert last_name(uri) == name
