import pytest

from transforms.core.errors import ConfigError
from transforms.core.objects.patterns import key_pattern

KEYS = [
    "a.csv",
    "in/.h.csv",
    "in/.d/a.csv",
    "in/a.csv",
    "in/b1.csv",
    "in/b[1].csv",
    "in/x/a.csv",
    "in/x/y/a.csv",
    "in/x/y/b.txt",
    "in2/a.csv",
]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("a.csv", ["a.csv"]),
        ("", KEYS),
        ("in/", KEYS[1:-1]),
        ("in/*.csv", ["in/a.csv", "in/b1.csv", "in/b[1].csv"]),
        ("in/.*", ["in/.h.csv"]),
        ("*/a.csv", ["in/a.csv", "in2/a.csv"]),
        ("in*/a.csv", ["in/a.csv", "in2/a.csv"]),
        ("in/**/a.csv", ["in/a.csv", "in/x/a.csv", "in/x/y/a.csv"]),
        ("in/**", ["in/a.csv", "in/b1.csv", "in/b[1].csv", "in/x/a.csv", "in/x/y/a.csv", "in/x/y/b.txt"]),
        ("**/*.txt", ["in/x/y/b.txt"]),
        ("**/y/*", ["in/x/y/a.csv", "in/x/y/b.txt"]),
        ("in/b?.csv", ["in/b1.csv"]),
        ("in/[a-b]*.csv", ["in/a.csv", "in/b1.csv", "in/b[1].csv"]),
        ("in/[!a]*.csv", ["in/b1.csv", "in/b[1].csv"]),
        ("in/b[[]1].csv", ["in/b[1].csv"]),
        ("in/b[1].csv", ["in/b1.csv"]),
        ("in/x*/", ["in/x/a.csv", "in/x/y/a.csv", "in/x/y/b.txt"]),
        ("in/b[1", []),
    ],
)
def test_a_pattern_matches_as_its_table_says(pattern, expected):
    found = key_pattern(pattern)
    assert [key for key in KEYS if found.matches.fullmatch(key)] == expected
    assert all(key.startswith(found.prefix) for key in expected)


@pytest.mark.parametrize(
    ("pattern", "prefix", "deep"),
    [
        ("in/*.csv", "in/", False),
        ("in/b*", "in/b", False),
        ("in/*/a.csv", "in/", True),
        ("in/**", "in/", True),
        ("in/", "in/", True),
        ("", "", True),
    ],
)
def test_a_listing_asks_for_no_more_than_it_needs(pattern, prefix, deep):
    found = key_pattern(pattern)
    assert (found.prefix, found.deep) == (prefix, deep)


def test_a_set_that_cannot_be_read_is_named():
    with pytest.raises(ConfigError, match=r"\[z-a\]"):
        key_pattern("in/[z-a].csv")
