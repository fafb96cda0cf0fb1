from __future__ import annotations

import pytest

from tests.core.copying.listings import listed
from transforms.core.copying.copy_settings import Filters
from transforms.core.copying.filters import admission, common_prefix
from transforms.core.errors import ConfigError

# (filters, key, size, modified, mtime, through)
TABLE = [
    ({}, "any/.thing", -1, 0.0, 0.0, True),
    ({"include": ("*.csv",)}, "a.csv", 1, 0.0, 0.0, True),
    ({"include": ("*.csv",)}, "x/a.csv", 1, 0.0, 0.0, False),
    ({"include": ("**/*.csv",)}, "x/a.csv", 1, 0.0, 0.0, True),
    ({"include": ("*.csv", "x/")}, "x/y/z", 1, 0.0, 0.0, True),
    ({"exclude": ("tmp/",)}, "tmp/a", 1, 0.0, 0.0, False),
    ({"exclude": ("tmp/",)}, "tmpx/a", 1, 0.0, 0.0, True),
    ({"include": ("*.csv",), "exclude": ("a*",)}, "a.csv", 1, 0.0, 0.0, False),
    ({"min_size_bytes": 5}, "a", 5, 0.0, 0.0, True),
    ({"min_size_bytes": 5}, "a", 4, 0.0, 0.0, False),
    ({"min_size_bytes": 5}, "a", -1, 0.0, 0.0, False),
    ({"max_size_bytes": 5}, "a", 5, 0.0, 0.0, True),
    ({"max_size_bytes": 5}, "a", 6, 0.0, 0.0, False),
    ({"max_size_bytes": 0}, "a", 0, 0.0, 0.0, True),
    ({"max_size_bytes": 5}, "a", -1, 0.0, 0.0, False),
    ({"newer_than": 10.0}, "a", 1, 10.0, 0.0, True),
    ({"newer_than": 10.0}, "a", 1, 9.0, 0.0, False),
    ({"newer_than": 10.0}, "a", 1, 99.0, 9.0, False),
    ({"newer_than": 10.0}, "a", 1, 0.0, 0.0, False),
    ({"older_than": 10.0}, "a", 1, 9.9, 0.0, True),
    ({"older_than": 10.0}, "a", 1, 10.0, 0.0, False),
    ({"older_than": 10.0}, "a", 1, 0.0, 0.0, False),
]


@pytest.mark.parametrize(("filters", "key", "size", "modified", "mtime", "through"), TABLE)
def test_filters_let_through_what_their_table_says(filters, key, size, modified, mtime, through):
    admits = admission(Filters(**filters))
    assert admits(key, listed(key, size=size, modified=modified, mtime=mtime)) is through


def test_an_unreadable_glob_is_refused():
    with pytest.raises(ConfigError, match="not a readable pattern"):
        admission(Filters(exclude=("[z-a]",)))


@pytest.mark.parametrize(
    ("include", "prefix"),
    [((), ""), (("2024/**",), "2024/"), (("2024/01/*", "2024/02/*"), "2024/0"), (("a/*", "*"), ""), (("a/b",), "a/b")],
)
def test_only_what_all_included_keys_start_with_has_to_be_listed(include, prefix):
    assert common_prefix(Filters(include=include)) == prefix
