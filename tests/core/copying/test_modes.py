from functools import partial

import pytest

from tests.core.copying.copies import settings_for
from transforms.core.copying.modes import NO_SERVER, Choice, choose_mode, may_fall_back
from transforms.core.errors import ConfigError, PermanentError, SourceChangedError, TransientError
from transforms.core.objects.access import (
    AlreadyThereError,
    ConflictError,
    CorruptedError,
    ForbiddenError,
    MissingError,
    StoreAccess,
    UnsupportedError,
)
from transforms.core.outcome import ObjectInfo

S3, GS, FILE, WEB = "s3://a/k", "gs://a/k", "file:///a/k", "https://a/k"
HERE, THERE, ROLE, NOBODY, KEY = (
    StoreAccess("https://here"),
    StoreAccess("https://there"),
    StoreAccess("https://here", profile="role"),
    StoreAccess("https://here", anonymous=True),
    StoreAccess("https://here", access_key_id="env:A", secret_access_key="env:B"),
)
ENDPOINTS = "direct_sync: the two sides have different endpoints"
BY_DEFAULT, FAILED = {}, {"direct_sync": "403"}
TABLE = [
    # source, destination, accesses, settings, tried, mode, why
    (S3, S3, (HERE, HERE), BY_DEFAULT, {}, "direct_sync", ""),
    (S3, S3, (HERE, HERE._replace(endpoint_url="https://here/")), BY_DEFAULT, {}, "direct_sync", ""),
    (S3, S3, (HERE._replace(region="eu"), HERE._replace(region="us")), BY_DEFAULT, {}, "direct_sync", ""),
    (GS, GS, (HERE, HERE), BY_DEFAULT, {}, "direct_sync", ""),
    (S3, S3, (HERE, THERE), BY_DEFAULT, {}, "hybrid", ENDPOINTS),
    (S3, S3, (HERE, ROLE), BY_DEFAULT, {}, "hybrid", "direct_sync: the two sides have different profiles"),
    (S3, S3, (KEY, HERE), BY_DEFAULT, {}, "hybrid", "direct_sync: the two sides have different keys"),
    (S3, S3, (KEY, KEY), BY_DEFAULT, {}, "direct_sync", ""),
    (S3, S3, (NOBODY, HERE), BY_DEFAULT, {}, "hybrid", "direct_sync: one side is anonymous, the other is not"),
    (S3, GS, (HERE, HERE), BY_DEFAULT, {}, "hybrid", ""),
    (WEB, FILE, (HERE, HERE), BY_DEFAULT, {}, "hybrid", ""),
    (S3, S3, (HERE, HERE), BY_DEFAULT, FAILED, "hybrid", "direct_sync: 403"),
    (S3, S3, (HERE, HERE), BY_DEFAULT, {**FAILED, "hybrid": "no ranges"}, "traditional",
     "direct_sync: 403; hybrid: no ranges"),
    (S3, S3, (HERE, HERE), BY_DEFAULT, {**FAILED, "hybrid": "a", "traditional": "b"}, None,
     "direct_sync: 403; hybrid: a; traditional: b"),
    (S3, S3, (HERE, HERE), {"mode": "hybrid"}, {}, "direct_sync", ""),
    (GS, GS, (HERE, HERE), {"mode": "hybrid", "fallback": "none"}, {}, "direct_sync", ""),
    (S3, S3, (HERE, HERE), {"mode": "hybrid"}, FAILED, "hybrid", "direct_sync: 403"),
    (S3, S3, (HERE, HERE), {"mode": "hybrid", "fallback": "none"}, FAILED, None, "direct_sync: 403"),
    (S3, S3, (HERE, THERE), {"mode": "hybrid", "fallback": "none"}, {}, "hybrid", ENDPOINTS),
    (S3, GS, (HERE, HERE), {"mode": "hybrid"}, {}, "hybrid", ""),
    (S3, S3, (HERE, HERE), {"mode": "traditional"}, {}, "traditional", ""),
    (S3, GS, (HERE, HERE), {"mode": "direct_sync"}, {}, "hybrid", f"direct_sync: {NO_SERVER}"),
    (S3, GS, (HERE, HERE), {"mode": "direct_sync", "fallback": "none"}, {}, None, f"direct_sync: {NO_SERVER}"),
    (S3, S3, (HERE, THERE), {"fallback": "none"}, {}, "hybrid", ENDPOINTS),
    (S3, S3, (HERE, HERE), {"fallback": "none"}, FAILED, None, "direct_sync: 403"),
    (FILE, FILE, (HERE, HERE), BY_DEFAULT, {}, "hybrid", ""),
    (FILE, FILE, (HERE, HERE), {"verify": "none"}, {}, "direct_sync", ""),
    (FILE, FILE, (HERE, HERE), {"verify": "metadata"}, {}, "direct_sync", ""),
    (FILE, FILE, (HERE, HERE), {"mode": "direct_sync"}, {}, "direct_sync", ""),
    (FILE, FILE, (HERE, HERE), {"mode": "hybrid", "verify": "none"}, {}, "hybrid", ""),
]  # fmt: skip


@pytest.mark.parametrize(("source", "destination", "accesses", "more", "tried", "mode", "why"), TABLE)
def test_the_cheapest_open_way_is_taken(source, destination, accesses, more, tried, mode, why):
    settings = settings_for(source, destination, source_access=accesses[0], destination_access=accesses[1], **more)
    assert choose_mode(ObjectInfo(source, 5, "", 0.0), destination, settings, tried) == Choice(mode, why)


def test_a_source_of_unknown_size_goes_by_a_file():
    choice = choose_mode(ObjectInfo(WEB, -1, "", 0.0), S3, settings_for(WEB, S3))
    assert choice == Choice("traditional", "hybrid: the source doesn't tell its size")


def test_a_source_of_unknown_size_is_beyond_hybrid_where_nothing_else_is_allowed():
    settings = settings_for(WEB, S3, mode="hybrid", fallback="none")
    assert choose_mode(ObjectInfo(WEB, -1, "", 0.0), S3, settings).mode is None


def test_an_unknown_mode_names_the_known_ones():
    with pytest.raises(ConfigError, match=r"'fast' is unknown; known: auto, direct_sync, hybrid, traditional"):
        choose_mode(ObjectInfo(S3, 5, "", 0.0), S3, settings_for(S3, S3, mode="fast"))


@pytest.mark.parametrize(
    ("error", "ways_that_end_there"),
    [
        (ConflictError, {"direct_sync", "hybrid", "traditional"}),
        (AlreadyThereError, {"direct_sync", "hybrid", "traditional"}),
        (SourceChangedError, {"direct_sync", "hybrid", "traditional"}),
        (CorruptedError, {"direct_sync", "hybrid", "traditional"}),
        (MissingError, {"direct_sync", "hybrid", "traditional"}),
        (ForbiddenError, {"hybrid", "traditional"}),
        (UnsupportedError, {"traditional"}),
        (PermanentError, {"traditional"}),
        (TransientError, {"hybrid", "traditional"}),
        (partial(TransientError, too_fast=True), {"direct_sync", "hybrid", "traditional"}),
    ],
)
def test_what_another_way_can_not_mend_does_not_fall_back(error, ways_that_end_there):
    ways = ("direct_sync", "hybrid", "traditional")
    assert {way for way in ways if not may_fall_back(way, error("why"))} == ways_that_end_there
