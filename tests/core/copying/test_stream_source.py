"""A poll finds, and a notification may name, just what a copy of all there is would take."""

from __future__ import annotations

import itertools
import os
import pickle

import pytest

from tests.core.copying.copies import settings_for
from transforms.core.copying.copy_settings import Filters
from transforms.core.copying.stream_source import SourceListing, SourceSelects, check_streamable, relative_key
from transforms.core.errors import ConfigError
from transforms.core.objects.local import LocalStore

NAMES = ("a.csv", "b.bin", "sub/a.csv", "sub/c.csv", "sub/deep/d.csv", "subway.csv", ".hidden/e.csv", "é +%.csv")
FILTERS = (
    Filters(),
    Filters(include=("*.csv",)),
    Filters(include=("sub/**",)),
    Filters(include=("sub/*.csv", "sub/deep/*")),
    Filters(include=("**/*.csv",), exclude=("sub/**",)),
    Filters(exclude=("*.bin", ".hidden/*")),
)


@pytest.fixture
def settings(tmp_path):
    for name in NAMES:
        path = tmp_path / "from" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    (tmp_path / "from" / ".hornbeam-0123456789abcdef0123456789abcdef.tmp").write_bytes(b"half")
    return settings_for(f"file://{tmp_path}/from/", f"file://{tmp_path}/to/")


@pytest.mark.parametrize("filters", FILTERS)
def test_what_is_selected_by_name_is_what_is_listed(settings, filters):
    wanted = settings._replace(filters=filters)
    listed = [info.uri for info in SourceListing(wanted)()]
    every = [info.uri for info in SourceListing(settings)()]
    assert len(every) == len(NAMES)
    assert listed == [uri for uri in every if SourceSelects(wanted)(uri)]


def test_sizes_and_times_are_judged_by_the_listing_and_not_by_a_name(settings, tmp_path):
    os.utime(tmp_path / "from/a.csv", (1000, 1000))
    wanted = settings._replace(filters=Filters(older_than=2000.0, max_size_bytes=5))
    assert [info.uri for info in SourceListing(wanted)()] == [f"{settings.source.uri}a.csv"]
    assert SourceSelects(wanted)(f"{settings.source.uri}b.bin")


def test_a_listing_streams_and_ends_where_no_glob_can_match_any_more(settings, monkeypatch):
    seen, list_range = [], LocalStore.list_range

    def noted(*args, **more):
        for listed in list_range(*args, **more):
            seen.append(listed.info.uri.removeprefix(settings.source.uri))
            yield listed

    monkeypatch.setattr(LocalStore, "list_range", noted)
    assert len(list(itertools.islice(SourceListing(settings)(), 2))) == len(seen) == 2
    seen.clear()
    assert len(list(SourceListing(settings._replace(filters=Filters(include=("sub/*",))))())) == 2
    assert seen == ["sub/a.csv", "sub/c.csv", "sub/deep/d.csv", "subway.csv"]


def test_one_object_by_its_name_is_listed_when_it_is_there_and_the_filters_let_it_through(tmp_path, settings):
    one = settings_for(f"file://{tmp_path}/from/late", f"file://{tmp_path}/to/late", filters=Filters(include=("l*",)))
    assert list(SourceListing(one)()) == []
    (tmp_path / "from/late").write_bytes(b"now")
    assert [info.uri for info in SourceListing(one)()] == [one.source.uri]
    assert SourceSelects(one)(one.source.uri)
    assert not SourceSelects(one)(f"{one.source.uri}r")
    for filters in (Filters(exclude=("late",)), Filters(include=("from/*",)), Filters(min_size_bytes=4)):
        assert list(SourceListing(one._replace(filters=filters))()) == []
    assert not SourceSelects(one._replace(filters=Filters(exclude=("*",))))(one.source.uri)


def test_a_folder_that_is_not_there_yet_holds_nothing(tmp_path):
    assert list(SourceListing(settings_for(f"file://{tmp_path}/none/", f"file://{tmp_path}/to/"))()) == []


@pytest.mark.parametrize(
    ("source", "address", "key"),
    [
        ("s3://b/p/one", "s3://b/p/one", ""),
        ("s3://b/p/one", "s3://b/p/one2", None),
        ("s3://b/p/", "s3://b/p/a/b", "a/b"),
        ("s3://b/p/", "s3://b/p/", ""),
        ("s3://b/p/", "s3://b/p/../x", "../x"),
        ("s3://b/p/", "s3://b/p", None),
        ("s3://b/p/", "s3://b/q/a", None),
        ("s3://b/p/", "s3://c/p/a", None),
        ("s3://b/p/", "gs://b/p/a", None),
        ("s3://b/", "s3://b/a", "a"),
        ("s3://b/", "s3://bc/a", None),
        ("file:///p/", "file:///p/a b/é", "a b/é"),
        ("file:///p/", "file:///p/../x", None),
        ("file:///p/", "file:///p/a/../../x", None),
        ("file:///p/", "file:///p/a//b", None),
        ("file:///p/", "file:///p/", None),
        ("file:///p/", "file:///p/.hornbeam-0123456789abcdef0123456789abcdef.tmp", None),
        ("file:///p/", f"file:///p/{os.fsdecode(bytes([255]))}", os.fsdecode(bytes([255]))),
    ],
)
def test_the_key_is_what_follows_the_source(source, address, key):
    assert relative_key(address, source) == key


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"delete": True}, "delete"),
        ({"manifest": "file:///list.csv"}, "manifest"),
        ({"dry_run": True}, "dry_run"),
        ({"incremental": False}, "incremental=False"),
    ],
)
def test_what_needs_an_end_is_refused_by_name(changes, named):
    check_streamable(settings_for("s3://a/", "s3://b/"))
    with pytest.raises(ConfigError, match=f"leave out {named}$"):
        check_streamable(settings_for("s3://a/", "s3://b/", **changes))


def test_both_are_values_that_pickle(settings):
    for value in (SourceListing(settings), SourceSelects(settings)):
        again = pickle.loads(pickle.dumps(value))
        assert again == value
    assert sum(1 for _ in pickle.loads(pickle.dumps(SourceListing(settings)))()) == len(NAMES)
