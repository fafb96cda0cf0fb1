import math

import pytest

from tests.core.copying.copies import settings_for
from transforms.core.copying.attributes_to_keep import attributes_to_keep, mtime_of, type_by_name
from transforms.core.errors import PermanentError
from transforms.core.objects.details import Attributes, ObjectDetails
from transforms.core.outcome import ObjectInfo

FULL = Attributes(
    content_type="text/csv",
    content_encoding="gzip",
    content_disposition="attachment",
    content_language="fa",
    cache_control="no-store",
    storage_class="STANDARD_IA",
    user=(("colour", "blue"),),
    tags=(("team", "a"),),
)


def kept(source, destination, attributes, modified=7.0, **more):
    details = ObjectDetails(ObjectInfo(source, 1, "", modified), attributes)
    return attributes_to_keep(details, destination, settings_for(source, destination, **more))


@pytest.mark.parametrize(
    ("source", "destination", "attributes", "settings", "expected"),
    [
        ("s3://a/k", "s3://b/k", FULL, {}, FULL._replace(storage_class="", tags=())),
        ("s3://a/k", "s3://b/k", FULL, {"keep_tags": True}, FULL._replace(storage_class="")),
        ("s3://a/k", "gs://b/k", FULL, {"keep_tags": True}, FULL._replace(storage_class="", tags=())),
        ("s3://a/k", "s3://b/k", FULL, {"storage_class": "keep"}, FULL._replace(tags=())),
        ("s3://a/k", "gs://b/k", FULL, {"storage_class": "keep"}, FULL._replace(storage_class="", tags=())),
        ("s3://a/k", "gs://b/k", FULL, {"storage_class": "NEARLINE"}, FULL._replace(storage_class="NEARLINE", tags=())),
        ("s3://a/k", "file:///b/k", FULL, {}, Attributes(mtime=7.0)),
        ("s3://a/k", "file:///b/k", Attributes(user=(("mtime", "3.25"),)), {}, Attributes(mtime=3.25)),
        ("file:///a/k", "file:///b/k", Attributes(mtime=5.5), {}, Attributes(mtime=5.5)),
        ("file:///a/k", "file:///b/k", Attributes(mtime=-5.5), {}, Attributes(mtime=-5.5)),
        ("s3://a/k", "file:///b/k", Attributes(user=(("mtime", "nan"),), mtime=math.nan), {}, Attributes(mtime=7.0)),
        ("s3://a/k", "file:///b/k", Attributes(user=(("mtime", "1e300"),), mtime=1e300), {}, Attributes(mtime=7.0)),
        ("s3://a/k", "s3://b/k", Attributes(user=(("mtime", "inf"),), mtime=math.inf), {},
         Attributes(user=(("mtime", "inf"),))),
        ("file:///a/k", "s3://b/k", Attributes(mtime=5.5), {}, Attributes(user=(("mtime", "5.5"),), mtime=5.5)),
        ("file:///a/k.json", "gs://b/k", Attributes(), {}, Attributes(content_type="application/json")),
        ("s3://a/k.json", "s3://b/k.json", Attributes(), {}, Attributes()),
        ("s3://a/k", "s3://b/k", Attributes(user=(("mtime", "1.5"),)), {},
         Attributes(user=(("mtime", "1.5"),), mtime=1.5)),
        ("s3://a/k", "s3://b/k", Attributes(user=(("mtime", "1.5"),), mtime=1.5), {},
         Attributes(user=(("mtime", "1.5"),), mtime=1.5)),
        ("gs://a/k", "s3://b/k", Attributes(user=(("a", "é"),)), {}, Attributes(user=(("a", "é"),))),
        ("s3://a/k", "gs://b/k", Attributes(user=(("a", "é"),)), {}, Attributes(user=(("a", "é"),))),
    ],
)  # fmt: skip
def test_what_the_destination_can_hold_is_kept(source, destination, attributes, settings, expected):
    assert kept(source, destination, attributes, **settings) == expected


@pytest.mark.parametrize(
    ("destination", "user", "message"),
    [
        ("s3://b/k", (("a b", "1"),), "named 'a b', which s3 can't hold"),
        ("s3://b/k", (("a", "x" * 2048),), "holds 2049 bytes of user metadata, s3 takes 2048"),
        ("gs://b/k", (("a", "x" * 8192),), "holds 8193 bytes of user metadata, gs takes 8192"),
    ],
)
def test_metadata_that_would_be_lost_stops_the_copy(destination, user, message):
    with pytest.raises(PermanentError, match=message):
        kept("gs://a/k", destination, Attributes(user=user))


def test_a_time_goes_to_an_object_and_back_unchanged():
    mtime = 1700000000.1234567
    there = kept("file:///a/k", "s3://b/k", Attributes(mtime=mtime))
    assert kept("s3://b/k", "file:///c/k", Attributes(user=there.user)).mtime == mtime


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12", 12.0),
        ("12.5", 12.5),
        ("1e5", 0.0),
        ("-1.5", -1.5),
        ("--1", 0.0),
        ("", 0.0),
        ("nan", 0.0),
        ("٣", 0.0),
        ("1.", 0.0),
    ],
)
def test_a_time_that_is_no_decimal_number_is_none(text, seconds):
    assert mtime_of((("mtime", text),)) == seconds


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("file:///a/b.csv", "text/csv"),
        ("file:///a/b.csv.gz", "application/gzip"),
        ("file:///a.csv/b", ""),
        ("file:///a/b.unheard-of", ""),
        ("file:///a/data:,x.json", "application/json"),
    ],
)
def test_a_type_is_told_by_the_ending(name, kind):
    assert type_by_name(name) == kind
