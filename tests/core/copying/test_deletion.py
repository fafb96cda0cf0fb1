from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.core.copying.deletion import DeletionFacts, MaxDelete, decide_deletion, read_max_delete
from transforms.core.errors import ConfigError

FINE = DeletionFacts(
    ranges_planned=3,
    ranges_listed=3,
    failed=0,
    not_started=0,
    unverified=0,
    destination_objects=100,
    extras=10,
    extra_bytes=999,
)


@pytest.mark.parametrize(
    ("text", "objects", "allowed"),
    [
        ("0", 100, 0),
        ("100", 5, 100),
        ("10%", 100, 10),
        ("10%", 99, 9),
        ("10%", 9, 0),
        (" 0.5 % ", 1000, 5),
        ("100%", 7, 7),
        ("0%", 7, 0),
        ("29%", 100, 29),  # 0.29 * 100 is 28.999999999999996
    ],
)
def test_a_count_or_a_share_says_how_many_may_go(text, objects, allowed):
    assert read_max_delete(text).allowed(objects) == allowed


@pytest.mark.parametrize("text", ["", "-1", "101%", "ten", "10 percent", "1e3", "%", "5.5"])
def test_what_is_neither_is_refused_with_examples(text):
    with pytest.raises(ConfigError, match="write 100, or 10%"):
        read_max_delete(text)


TEN_PERCENT = MaxDelete(-1, 0.1)
TABLE = [
    ({}, True, ""),
    ({"extras": 0}, False, ""),
    ({"extras": 0, "failed": 1}, False, ""),
    ({"extras": 0, "failed": 1, "ranges_listed": 0}, False, "nothing was deleted: 3 of 3 key ranges weren't listed"),
    ({"ranges_listed": 2}, False, "10 extra objects (999 bytes) stay at the destination: 1 of 3 key ranges weren't"),
    ({"failed": 2}, False, "2 objects failed and 0 weren't started"),
    ({"not_started": 4}, False, "0 objects failed and 4 weren't started"),
    ({"unverified": 5}, False, "5 objects were copied without proof"),
    (
        {"extras": 11},
        False,
        "are 11.0 % of the 100 there, and --max_delete lets 10 go; if they shall go, say --max_delete 11",
    ),
]


@pytest.mark.parametrize(("changes", "delete", "reason"), TABLE)
def test_extras_are_deleted_only_when_all_else_is_done(changes, delete, reason):
    found = decide_deletion(FINE._replace(**changes), TEN_PERCENT)
    assert found.delete is delete
    assert reason in found.reason
    assert bool(found.reason) == bool(reason)
    assert found.allowed == 10


@given(st.integers(0, 10**7), st.floats(0, 1), st.integers(0, 10**7))
def test_never_more_than_the_share_goes(objects, share, extras):
    facts = FINE._replace(destination_objects=objects, extras=extras)
    if decide_deletion(facts, MaxDelete(-1, share)).delete:
        assert extras <= share * objects + 1e-6
