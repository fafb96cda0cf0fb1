from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.copying.listings import listed
from transforms.core.copying.copy_settings import CopySettings, Filters, Side
from transforms.core.copying.key_merge import KeyPair
from transforms.core.copying.sync_plan import COMPARE_BY, IF_EXISTS, as_listed, decide, decisions
from transforms.core.errors import ConfigError
from transforms.core.objects.details import Attributes, Checksums, ObjectDetails
from transforms.core.outcome import ObjectInfo

SETTINGS = CopySettings(Side("s3://a/"), Side("s3://b/"))
A, B = Checksums(md5="aa"), Checksums(md5="bb")
ETAG_A, ETAG_B = Checksums(multipart_etag="aa-2"), Checksums(multipart_etag="bb-3")
HERE = listed()


def settings(**changes):
    return SETTINGS._replace(**changes)


SIDES = [
    (HERE, None, {}, ("copy", "missing")),
    (HERE, None, {"incremental": False}, ("copy", "missing")),
    (HERE, None, {"if_exists": "fail"}, ("copy", "missing")),
    (None, HERE, {"delete": True}, ("extra", "extra")),
    (None, HERE, {}, ("ignore", "extra")),
]


@pytest.mark.parametrize(("source", "existing", "changes", "expected"), SIDES)
def test_a_key_that_one_side_has(source, existing, changes, expected):
    assert decide(source, existing, settings(**changes)) == expected


# (compare_by, source, existing, seen in listings, seen in details of the same)
NEEDS = ("needs_details", "unproven")
SAME = ("skip", "same")
TABLE = [
    ("auto", {"size": 1}, {"size": 2}, ("copy", "size"), ("copy", "size")),
    ("checksum", {"size": 1}, {"size": 2}, ("copy", "size"), ("copy", "size")),
    ("size", {"size": 1}, {"size": 2}, ("copy", "size"), ("copy", "size")),
    ("mtime", {"size": 1}, {"size": 2}, ("copy", "size"), ("copy", "size")),
    ("size", {}, {}, SAME, SAME),
    ("size", {"checksums": A}, {"checksums": B}, SAME, SAME),
    ("size", {"size": -1}, {}, NEEDS, ("copy", "unproven")),
    ("size", {"modified": 9.0}, {"modified": 1.0}, SAME, SAME),
    ("auto", {"checksums": A}, {"checksums": A}, SAME, SAME),
    ("auto", {"checksums": A, "modified": 9.0}, {"checksums": A, "modified": 1.0}, SAME, SAME),
    ("auto", {"checksums": A, "size": -1}, {"checksums": A}, SAME, SAME),
    ("auto", {"checksums": A}, {"checksums": B}, ("copy", "checksum"), ("copy", "checksum")),
    ("auto", {"checksums": A, "etag": "aa"}, {"checksums": B, "etag": "bb"}, NEEDS, ("copy", "checksum")),
    ("auto", {"checksums": A}, {"checksums": B, "etag": "bb"}, NEEDS, ("copy", "checksum")),
    ("checksum", {"checksums": A}, {"checksums": A}, SAME, SAME),
    ("checksum", {"checksums": A}, {"checksums": B}, ("copy", "checksum"), ("copy", "checksum")),
    ("checksum", {"checksums": A, "etag": "aa"}, {"checksums": B}, NEEDS, ("copy", "checksum")),
    ("checksum", {}, {}, NEEDS, ("copy", "unproven")),
    ("checksum", {"mtime": 5.0}, {"mtime": 5.0}, NEEDS, ("copy", "unproven")),
    ("checksum", {"checksums": ETAG_A}, {"checksums": ETAG_A}, SAME, SAME),
    ("checksum", {"checksums": ETAG_A}, {"checksums": ETAG_B}, NEEDS, ("copy", "unproven")),
    ("auto", {"mtime": 5.0}, {"mtime": 5.0009}, SAME, SAME),
    ("auto", {"mtime": 5.0, "modified": 9.0}, {"mtime": 5.0, "modified": 1.0}, SAME, SAME),
    ("auto", {"mtime": 5.0}, {"mtime": 4.0}, ("copy", "newer"), ("copy", "newer")),
    ("auto", {"mtime": 4.0}, {"mtime": 5.0}, ("copy", "older"), ("copy", "older")),
    ("auto", {"mtime": 5.0, "modified": 5.0}, {"modified": 6.0}, SAME, SAME),
    ("auto", {"mtime": 5.5, "modified": 5.5}, {"modified": 5.0}, NEEDS, ("copy", "newer")),
    ("auto", {"modified": 5.0}, {"modified": 5.0}, SAME, SAME),
    ("auto", {"modified": 5.0}, {}, NEEDS, ("copy", "unproven")),
    ("auto", {}, {"modified": 5.0}, NEEDS, ("copy", "unproven")),
    ("auto", {"checksums": ETAG_A, "modified": 1.0}, {"checksums": ETAG_B, "modified": 2.0}, SAME, SAME),
    # From a store without kept times to a disk: the file carries the store's time, a HEAD's cut to seconds.
    ("auto", {"modified": 5.25}, {"mtime": 5.25, "modified": 5.25, "written": 3.0}, SAME, SAME),
    ("auto", {"modified": 5.25}, {"mtime": 5.0, "modified": 5.0, "written": 3.0}, SAME, SAME),
    # From a store with kept times in its metadata: the file is old, and was written after the object.
    ("auto", {"modified": 5.0}, {"mtime": 1.0, "modified": 1.0, "written": 6.0}, SAME, SAME),
    ("auto", {"modified": 7.0}, {"mtime": 1.0, "modified": 1.0, "written": 6.0}, NEEDS, ("copy", "newer")),
    # A file with an old time that came after the copy (cp -p over it): only the kept time tells.
    ("auto", {"mtime": 1.0, "modified": 1.0, "written": 9.0}, {"modified": 6.0}, NEEDS, ("copy", "newer")),
    ("mtime", {"checksums": A, "modified": 1.0}, {"checksums": B, "modified": 2.0}, SAME, SAME),
    ("mtime", {"checksums": A, "modified": 3.0}, {"checksums": A, "modified": 2.0}, NEEDS, ("copy", "newer")),
    ("mtime", {"mtime": 3.0}, {"mtime": 2.0}, ("copy", "newer"), ("copy", "newer")),
]


@pytest.mark.parametrize(("compare_by", "source", "existing", "by_listing", "by_details"), TABLE)
def test_a_key_that_both_sides_have(compare_by, source, existing, by_listing, by_details):
    chosen = settings(compare_by=compare_by)
    assert decide(listed(**source), listed(**existing), chosen) == by_listing
    assert decide(listed(**source), listed(**existing), chosen, parts=(0, 0)) == by_details


@pytest.mark.parametrize(("compare_by", "source", "existing", "by_listing", "by_details"), TABLE)
def test_what_is_the_same_is_copied_on_request_and_the_rest_as_ever(
    compare_by, source, existing, by_listing, by_details
):
    chosen = settings(compare_by=compare_by, incremental=False)
    forced = ("copy", "forced")
    assert decide(listed(**source), listed(**existing), chosen) == (
        forced if by_listing in (SAME, NEEDS) else by_listing
    )
    expected = forced if by_details == SAME else by_details
    assert decide(listed(**source), listed(**existing), chosen, parts=(0, 0)) == expected


@pytest.mark.parametrize(("compare_by", "source", "existing", "by_listing", "by_details"), TABLE)
@pytest.mark.parametrize("if_exists", ["skip", "fail"])
def test_only_what_is_different_is_ruled_by_if_exists(if_exists, compare_by, source, existing, by_listing, by_details):
    chosen = settings(compare_by=compare_by, if_exists=if_exists)
    ruled = (if_exists, "exists")
    by_rule = by_listing if by_listing in (SAME, NEEDS) else ruled
    assert decide(listed(**source), listed(**existing), chosen) == by_rule
    by_rule = SAME if by_details == SAME else ruled
    assert decide(listed(**source), listed(**existing), chosen, parts=(0, 0)) == by_rule


def test_known_part_sizes_make_multipart_etags_tell():
    one, other = listed(checksums=ETAG_A, modified=1.0), listed(checksums=ETAG_B, modified=2.0)
    assert decide(one, other, SETTINGS, parts=(8, 8)) == ("copy", "checksum")
    assert decide(one, other, SETTINGS, parts=(8, 9)) == SAME


def test_an_encrypting_bucket_is_settled_by_details_without_the_false_md5():
    source = listed(checksums=A, etag="aa", modified=1.0)
    assert decide(source, listed(checksums=B, etag="bb", modified=2.0), SETTINGS) == NEEDS
    assert decide(source, listed(etag="bb", modified=2.0), SETTINGS, parts=(0, 0)) == SAME


def test_a_copy_made_in_the_second_of_its_file_is_settled_by_the_kept_time():
    source = listed(mtime=10.5, modified=10.5)
    assert decide(source, listed(modified=10.0), SETTINGS) == NEEDS
    details = ObjectDetails(ObjectInfo("s3://b/k", 1, "e", 10.0), Attributes(mtime=10.5))
    assert decide(source, as_listed(details), SETTINGS, parts=(0, 0)) == SAME


def test_details_keep_when_a_listing_saw_the_object_written():
    details = ObjectDetails(ObjectInfo("file:///k", 1, "e", 1.0), Attributes(mtime=1.0))
    assert as_listed(details, listed(written=6.0)).written == 6.0


@pytest.mark.parametrize("changes", [{"compare_by": "luck"}, {"if_exists": "ask"}])
def test_an_unknown_rule_lists_the_known_ones(changes):
    with pytest.raises(ConfigError, match=r"unknown .*; known: (auto, checksum|overwrite, skip)"):
        decide(listed(checksums=A), listed(checksums=B), settings(**changes))


LISTED = st.builds(
    listed,
    size=st.integers(-1, 1),
    etag=st.sampled_from(["", "aa", "zz"]),
    modified=st.sampled_from([0.0, 1.0, 2.0]),
    checksums=st.sampled_from([A, B, ETAG_A, ETAG_B, Checksums(), Checksums(md5="aa", crc32c="1")]),
    mtime=st.sampled_from([0.0, 1.0, 2.0]),
    written=st.sampled_from([0.0, 1.0, 3.0]),
)


@given(LISTED, LISTED, st.sampled_from(list(product(COMPARE_BY, IF_EXISTS, [True, False]))))
def test_details_always_settle_a_key(source, existing, rules):
    compare_by, if_exists, incremental = rules
    chosen = settings(compare_by=compare_by, if_exists=if_exists, incremental=incremental)
    assert decide(source, existing, chosen, parts=(0, 0)).action in ("copy", "skip", "fail")
    first = decide(source, existing, chosen)
    if first.action not in ("needs_details", "copy"):
        assert decide(source, existing, chosen, parts=(0, 0)) == first


@given(LISTED)
def test_an_object_is_never_newer_than_itself(one):
    assert decide(one, one, SETTINGS) in (SAME, NEEDS)


FILTERED = ("ignore", "filtered")


@pytest.mark.parametrize(
    ("pair", "filters", "expected"),
    [
        (KeyPair("a.csv", HERE, None), Filters(include=("*.csv",)), ("copy", "missing")),
        (KeyPair("a.txt", HERE, None), Filters(include=("*.csv",)), FILTERED),
        (KeyPair("a.txt", None, HERE), Filters(include=("*.csv",)), FILTERED),
        (KeyPair("a.csv", None, HERE), Filters(include=("*.csv",)), ("extra", "extra")),
        (KeyPair("a.csv", None, HERE), Filters(min_size_bytes=2), FILTERED),
        (KeyPair("a.csv", listed(size=1), listed(size=9)), Filters(min_size_bytes=2), FILTERED),
        (KeyPair("a.csv", listed(size=9), listed(size=1)), Filters(min_size_bytes=2), ("copy", "size")),
    ],
)
def test_what_the_filters_keep_out_is_neither_copied_nor_extra(pair, filters, expected):
    (planned,) = decisions([pair], settings(filters=filters, delete=True))
    assert planned == (*pair, expected)
