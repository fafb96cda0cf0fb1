"""A poll says what is there, fails loudly, and ends the stream when asked to or idle; names survive their coder."""

import pickle
import signal
import threading

import pytest
from apache_beam.coders import registry

from transforms.core import interrupt, pool
from transforms.core.errors import TransientError
from transforms.core.outcome import ObjectInfo
from transforms.core.pool import Ungated
from transforms.core.retrying import RetryPolicy
from transforms.core.streams import poll_retry
from transforms.core.streams.notice import LISTING
from transforms.core.streams.poll_retry import PollError
from transforms.core.streams.polling import mark_of
from transforms.heads import Poll, WatchObjects
from transforms.stream_types import BatchTotals, Notice, NoticeCoder

INFO = ObjectInfo("s3://b/k", 7, "v1", 3.0)
NOTICE = Notice("s3://b/k", "v1", 7, 3.0, 9.0, LISTING)


@pytest.fixture(autouse=True)
def _nobody_asked():
    interrupt.reset()
    yield
    interrupt.reset()


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(poll_retry, "POLL_RETRY", RetryPolicy(3, 0.001, 0.001))


def one():
    return [INFO]


def test_a_poll_tells_of_all_that_is_there_each_time_and_says_how_late_it_is():
    poll = Poll(one, 0.1, None)
    for _ in range(2):
        result = poll(b"")
        [told] = result.notices
        assert told[:4] == NOTICE[:4]
        assert told.origin == LISTING
        assert told.learnt <= result.at
        assert not result.is_last


def test_a_poll_pickles_and_its_copies_in_a_process_share_the_last_look(tmp_path):
    (tmp_path / "young").touch()
    young = ObjectInfo(f"file://{tmp_path}/young", 0, "v", 10.0**12)
    poll = Poll([young].copy, 0.001, None)
    assert not poll(b"").notices
    copies = [pickle.loads(pickle.dumps(Poll(one, 0.1, None))), poll]
    assert len(copies[0](b"").notices) == 1
    threading.Event().wait(0.002)
    again = Poll([young].copy, 0.001, None)
    again.stream_id = poll.stream_id
    assert len(again(b"").notices) == 1


def test_a_listing_that_comes_back_in_time_is_no_failure():
    failures = [TransientError("503"), TransientError("503")]

    def listing():
        if failures:
            raise failures.pop()
        return [INFO]

    assert len(Poll(listing, 0.1, None)(b"").notices) == 1


def test_a_listing_that_stays_away_fails_the_job_and_says_what_to_do():
    def listing():
        raise TransientError("s3://b/ answers 503")

    with pytest.raises(
        PollError, match=r"watching failed: s3://b/ answers 503.*tried 3 times.*the same command goes on"
    ):
        Poll(listing, 0.1, None)(b"")


def test_a_poll_that_is_asked_to_stop_ends_the_stream_without_looking():
    poll = Poll(lambda: pytest.fail("looked"), 0.1, None)
    interrupt.request_locally(signal.SIGTERM)
    result = poll(b"")
    assert (result.is_last, result.notices) == (True, ())


def test_a_stop_during_an_outage_ends_the_stream_well():
    def listing():
        interrupt.request_locally(signal.SIGTERM)
        raise TransientError("503")

    assert Poll(listing, 0.1, None)(b"").is_last


def test_a_stream_is_idle_when_nothing_changes_and_nothing_is_worked():
    found = [INFO]
    poll = Poll(lambda: found, 0.1, 0.0001)
    go = threading.Event()
    assert not poll(b"").is_last, "the first look"
    found.append(INFO._replace(uri="s3://b/new"))
    assert not poll(b"").is_last, "something new"
    future = pool.shared(2, Ungated(), "test").run(go.wait)
    assert not poll(b"").is_last, "something is worked"
    go.set()
    future.result()
    pool.wait_until_idle()
    threading.Event().wait(0.001)
    result = poll(b"")
    assert result.is_last
    assert len(result.notices) == 2, "the last look's, too"


@pytest.mark.parametrize("uri", ["s3://b/k", "file:///é\n", "file:///\udcff"])
def test_any_name_survives_its_coder_and_is_its_own_identity(uri):
    notice, coder = NOTICE._replace(uri=uri), registry.get_coder(Notice)
    assert isinstance(coder, NoticeCoder)
    assert coder.decode(coder.encode(notice)) == notice
    assert mark_of(notice) != mark_of(notice._replace(version="v2"))
    totals = BatchTotals(told=3, bytes=2**40)
    assert registry.get_coder(BatchTotals).decode(registry.get_coder(BatchTotals).encode(totals)) == totals


@pytest.mark.parametrize(("every", "idle"), [(0, None), (-1, None), (1, 0), (1, -1)])
def test_times_out_of_range_are_refused(every, idle):
    with pytest.raises(ValueError, match="must be above 0"):
        WatchObjects(one, every, idle)
