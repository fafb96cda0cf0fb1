"""What a look at a listing gives out, holds back and forgets; when a stream has been idle for long enough."""

import itertools

import pytest

from transforms.core.errors import TransientError
from transforms.core.outcome import ObjectInfo
from transforms.core.streams.notice import LISTING, Notice
from transforms.core.streams.polling import Idle, Poller, Settling

EVERY = 10.0


def file(name, size=1, mtime=0.0):
    return ObjectInfo(f"file:///in/{name}", size, f"{size}-{mtime:g}", mtime)


def stored(name, etag="v1"):
    return ObjectInfo(f"s3://bucket/{name}", 1, etag, 5.0)


# Looks as (time, what is there then, whose names are given out then).
SETTLING = {
    "an old file of the first look": [(1000, [file("a", 1, 990.0)], "a")],
    "a young file of the first look waits one": [(1000, [file("a", 1, 991.0)], ""), (1010, [file("a", 1, 991.0)], "a")],
    "a time that is unknown or to come counts as young": [
        (1000, [file("a"), file("b", 1, 2000.0)], ""),
        (1010, [file("a"), file("b", 1, 2000.0)], "ab"),
    ],
    "a file that appears later waits, however old": [
        (1000, [], ""),
        (1010, [file("a", 1, 5.0)], ""),
        (1020, [file("a", 1, 5.0)], "a"),
    ],
    "a file that grows waits until it doesn't": [
        (1000, [file("a", 1, 999.0)], ""),
        (1010, [file("a", 2, 1009.0)], ""),
        (1020, [file("a", 3, 1019.0)], ""),
        (1030, [file("a", 3, 1019.0)], "a"),
    ],
    "a file that is touched waits": [
        (1000, [file("a", 1, 999.0)], ""),
        (1010, [file("a", 1, 1009.0)], ""),
        (1020, [file("a", 1, 1009.0)], "a"),
    ],
    "a look too soon after another tells nothing": [
        (1000, [file("a", 1, 999.0)], ""),
        (1001, [file("a", 1, 999.0)], ""),
        (1004, [file("a", 1, 999.0)], ""),
        (1005, [file("a", 1, 999.0)], "a"),
    ],
    "a file that went and came back waits anew": [
        (1000, [file("a", 1, 999.0)], ""),
        (1010, [], ""),
        (1020, [file("a", 1, 999.0)], ""),
        (1030, [file("a", 1, 999.0)], "a"),
    ],
    "a store's object is whole at once": [(1000, [stored("a")], "a"), (1001, [stored("a"), stored("b")], "b")],
    "nothing is given out twice": [(1000, [stored("a"), stored("a")], "a"), (1010, [stored("a")], "")],
    "another version is new, an older one that comes back isn't": [
        (1000, [stored("a", "v1")], "a"),
        (1010, [stored("a", "v2")], "a"),
        (1020, [stored("a", "v1")], ""),
    ],
    "what went and came back is not new": [(1000, [stored("a")], "a"), (1010, [], ""), (1020, [stored("a")], "")],
}


@pytest.mark.parametrize("looks", SETTLING.values(), ids=SETTLING)
def test_a_look_gives_out_what_is_new_and_at_rest(looks):
    listings = iter([found for _, found, _ in looks])
    poller = Poller(lambda: iter(next(listings)), EVERY)
    for now, found, names in looks:
        notices = poller.look(now)
        assert "".join(notice.uri[-1] for notice in notices) == names, now
        assert all(notice.learnt == now and notice.origin == LISTING for notice in notices)
        waiting = {info for info in found if info.uri.startswith("file://")} - {
            ObjectInfo(one.uri, one.size_bytes, one.version, one.modified) for one in notices
        }
        assert poller.waiting == len(waiting)


def test_a_notice_tells_what_the_listing_did():
    poller = Poller(lambda: [ObjectInfo("s3://b/k", 7, "etag", 3.0)], EVERY)
    assert poller.look(50.0) == [Notice("s3://b/k", "etag", 7, 3.0, 50.0, LISTING)]


def test_a_failed_listing_gives_out_nothing_and_forgets_nothing():
    def broken():
        yield stored("b")
        raise TransientError("gone")

    listings = iter([lambda: [stored("a")], broken, lambda: [stored("a"), stored("b")]])
    poller = Poller(lambda: next(listings)(), EVERY)  # noqa: PLW0108 - the next at each look
    assert [one.uri for one in poller.look(0)] == ["s3://bucket/a"]
    with pytest.raises(TransientError):
        poller.look(10)
    assert [one.uri for one in poller.look(20)] == ["s3://bucket/b"]


def test_a_name_that_is_no_utf_8_is_a_name():
    poller = Poller(lambda: [stored("\udcff"), stored("\udcfe")], EVERY)
    assert [len(poller.look(now)) for now in (0, 10)] == [2, 0]


def test_an_engine_that_keeps_the_account_gets_all_that_may_be_worked_at_each_look():
    listings = iter([[stored("a"), file("c", 1, 95.0)], [stored("a"), file("c", 1, 95.0)], [stored("a", "v2")]])
    poller = Poller(lambda: next(listings), EVERY)
    looks = [poller.look_at_all(now) for now in (100, 110, 120)]
    assert [("".join(one.uri[-1] for one in look.notices), look.waiting) for look in looks] == [
        ("a", 1),
        ("ac", 0),
        ("a", 0),
    ]
    assert len({look.mark for look in looks}) == 3


def test_two_looks_that_find_the_same_have_the_same_mark_in_whatever_order():
    marks = {
        Poller(lambda found=found: found, EVERY).look_at_all(0).mark
        for found in itertools.permutations([stored("a"), stored("b"), stored("c")])
    }
    assert len(marks) == 1


# Looks as (time, whether there was something), and when the stream may end.
IDLE = {
    "never by itself": (None, [(0, False), (10**9, False)], [False, False]),
    "after the time": (5, [(0, False), (4.9, False), (5, False)], [False, False, True]),
    "after the last work": (5, [(0, True), (6, True), (10, False), (11, False)], [False, False, False, True]),
    "not at the first look": (5, [(10**9, False)], [False]),
    "anew after work": (5, [(0, False), (5, True), (9, False), (10, False)], [False, False, False, True]),
}


@pytest.mark.parametrize(("after", "looks", "ends"), IDLE.values(), ids=IDLE)
def test_a_stream_ends_when_it_was_idle_for_long_enough(after, looks, ends):
    idle = Idle(after)
    assert [idle.over(now, active=active) for now, active in looks] == ends


@pytest.mark.parametrize("make", [lambda: Settling(0), lambda: Poller(list, -1), lambda: Idle(0)])
def test_times_out_of_range_are_refused(make):
    with pytest.raises(ValueError, match="must be above 0"):
        make()
