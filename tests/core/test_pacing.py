import heapq
import threading
import time
from typing import NamedTuple

import pytest

from transforms.core import interrupt, pacing
from transforms.core.errors import InterruptedRunError
from transforms.core.pacing import Pace, Rate, recent_rate
from transforms.core.slow_down import SlowDown


@pytest.fixture(autouse=True)
def _not_interrupted():
    interrupt.reset()
    yield
    interrupt.reset()


def test_a_rate_lets_a_burst_pass_and_then_so_many_a_second():
    rate = Rate(100)
    waits = [rate.reserve(1, 50.0) for _ in range(31)]
    assert waits[:10] == [0.0] * 10
    assert waits[30] == pytest.approx(0.2)
    assert rate.reserve(1, 100.0) == 0.0  # idle time is not saved up
    assert [rate.reserve(1, 100.0) for _ in range(20)][-1] == pytest.approx(0.1)


def test_what_is_larger_than_the_burst_is_paid_by_those_behind_it():
    rate = Rate(1000)
    assert rate.reserve(5000, 50.0) == 0.0
    assert rate.reserve(1, 50.0) == pytest.approx(4.9)


def test_no_limit_is_no_wait():
    assert [Rate(0).reserve(1e12, 0.0) for _ in range(3)] == [0.0] * 3


def test_threads_together_keep_the_limit():
    pace = Pace(requests_per_second=200)
    begun = time.monotonic()

    def work():
        for _ in range(10):
            pace.answered(pace.before_request(), 200)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0.25 < time.monotonic() - begun < 30  # 80 requests, 20 of them at once


def test_bytes_are_paced_too():
    pace = Pace(bytes_per_second=10_000)
    begun = time.monotonic()
    for _ in range(5):
        pace.before_bytes(1000)
    assert 0.25 < time.monotonic() - begun < 30


def test_a_stop_ends_every_wait():
    pace = Pace(bytes_per_second=1)
    pace.before_bytes(1000)
    interrupt.request_locally(2)
    begun = time.monotonic()
    with pytest.raises(InterruptedRunError):
        pace.before_bytes(1)
    pace.answered(pace.before_request(), 503, 100.0)
    pace.before_request()
    assert time.monotonic() - begun < 50, "it would wait 100 s"


def test_one_complaint_stops_all_threads_for_as_long_as_the_server_asked():
    pace = Pace()
    pace.answered(pace.before_request(), 429, 0.4)
    sent = []
    threads = [threading.Thread(target=lambda: sent.append(pace.before_request())) for _ in range(4)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert min(sent) - begun > 0.35


@pytest.mark.parametrize("status", [200, 404, 412, 500])
def test_other_answers_slow_nobody(status):
    pace = Pace()
    pace.answered(pace.before_request(), status)
    assert not pace.slow_down.active


def test_the_process_s_limits_are_set_once_and_kept():
    before = pacing.pace()
    try:
        pacing.limit(5, 7)
        mine = pacing.pace()
        pacing.limit(5, 7)
        assert pacing.pace() is mine
        assert (mine.requests.per_second, mine.bytes.per_second) == (5, 7)
    finally:
        pacing.limit(before.requests.per_second, before.bytes.per_second)


class TestSlowDown:
    def test_it_pauses_then_goes_at_half_the_rate(self):
        slow = SlowDown()
        slow.throttled(10.0, 9.9, 100.0, None)
        assert slow.reserve(10.0) == pytest.approx(0.1)
        assert slow.reserve(10.11) == 0.0
        slow.succeeded(10.12, 10.11)
        assert slow.reserve(10.12) == 0.0
        assert slow.reserve(10.12) == pytest.approx(0.02)

    def test_complaints_about_the_same_burst_count_once(self):
        slow = SlowDown()
        for _ in range(16):
            slow.throttled(10.0, 9.9, 100.0, None)
        slow.succeeded(10.2, 10.15)
        assert slow.reserve(10.2) == 0.0
        assert slow.reserve(10.2) == pytest.approx(0.02)

    def test_a_complaint_after_a_success_halves_again(self):
        slow = SlowDown()
        slow.throttled(10.0, 9.9, 100.0, None)
        slow.succeeded(10.2, 10.15)
        slow.throttled(10.3, 10.25, 100.0, None)
        slow.succeeded(10.5, 10.45)
        assert slow.reserve(10.5) == 0.0
        assert slow.reserve(10.5) == pytest.approx(0.04)

    def test_a_refused_probe_pauses_longer_and_keeps_the_rate(self):
        slow = SlowDown()
        slow.throttled(10.0, 9.9, 100.0, None)
        slow.throttled(11.0, 10.5, 3.0, None)
        assert 0 < slow.reserve(11.0) <= 0.2
        assert slow.reserve(11.3) == 0.0, "the next probe"
        assert slow.reserve(11.3) > 0, "one at a time"
        slow.succeeded(11.31, 11.3)
        assert slow.reserve(11.31) == 0.0
        assert slow.reserve(11.31) == pytest.approx(0.02), "50 a second, as after the first complaint"

    def test_a_pause_never_exceeds_half_a_second_nor_two_minutes_when_asked_for(self):
        slow = SlowDown()
        for second in range(10, 30):
            slow.throttled(float(second), second - 0.5, 100.0, None)
        assert slow.reserve(29.4) > 0
        assert slow.reserve(29.51) == 0.0
        slow.throttled(40.0, 39.5, 100.0, 9999.0)
        assert slow.reserve(159.9) > 0
        assert slow.reserve(160.1) == 0.0

    def test_a_longer_wait_that_is_asked_for_with_the_same_burst_is_kept(self):
        slow = SlowDown()
        slow.throttled(10.0, 9.9, 100.0, None)
        slow.throttled(10.0, 9.9, 100.0, 3.0)
        assert slow.reserve(12.9) > 0
        assert slow.reserve(13.1) == 0.0

    def test_successes_bring_the_old_rate_back_within_seconds_and_then_it_is_forgotten(self):
        slow = SlowDown()
        slow.throttled(10.0, 9.9, 100.0, None)
        slow.succeeded(10.05, 9.9)  # sent before the complaint: says nothing
        assert slow.reserve(10.06) > 0
        slow.succeeded(11.0, 10.9)
        rates = []
        for second in range(12, 30):
            if slow.active:
                slow.reserve(float(second))
                rates.append(1 / slow.reserve(float(second)))
                slow.succeeded(float(second), second - 0.01)
        assert rates == pytest.approx([50, *range(60, 150, 10)])
        assert (slow.active, slow.reserve(30.0), slow.reserve(30.0)) == (False, 0.0, 0.0)


class Outcome(NamedTuple):
    seconds: float
    refused: int


def simulated(server, requests, clients=16, answer_seconds=0.01, retry_after=None):
    """Clients that send requests one behind the other until all have succeeded, on a clock of their own.

    `server` tells at a time whether it takes a request.
    """
    slow, sent, refused, now = SlowDown(), [], 0, 0.0
    events = [(0.0, client, None) for client in range(clients)]
    while requests:
        now, client, sent_at = heapq.heappop(events)
        if sent_at is None:
            wait = slow.reserve(now)
            if not wait:
                sent = [*sent[-63:], now]
            heapq.heappush(events, (now + (wait or answer_seconds), client, None if wait else now))
            continue
        if server(sent_at):
            requests -= 1
            slow.succeeded(now, sent_at)
        else:
            refused += 1
            slow.throttled(now, sent_at, recent_rate(sent, now), retry_after)
        heapq.heappush(events, (now, client, None))
    return Outcome(now, refused)


class Bucket:
    """Takes so many requests a second and refuses the others."""

    def __init__(self, per_second):
        self.per_second, self.tokens, self.at = per_second, per_second / 10, 0.0

    def __call__(self, now):
        self.tokens = min(self.per_second / 10, self.tokens + (now - self.at) * self.per_second)
        self.at = now
        self.tokens -= 1 if (took := self.tokens >= 1) else 0
        return took


class TestRecovery:
    @pytest.mark.parametrize("outage_seconds", [0.05, 1.0, 3.0, 20.0])
    def test_it_goes_on_soon_after_a_server_that_refused_all_takes_requests_again(self, outage_seconds):
        one_by_one = simulated(lambda now: now > outage_seconds, 12, clients=12)
        assert one_by_one.seconds < outage_seconds + 1
        found = simulated(lambda now: now > outage_seconds, 4000)
        assert found.seconds < outage_seconds + 1 + 2 * 4000 / 1600
        assert found.refused <= 16 + 5 + 2 * outage_seconds

    @pytest.mark.parametrize("per_second", [20, 100, 500])
    def test_it_keeps_near_to_what_a_server_takes(self, per_second):
        found = simulated(Bucket(per_second), 20 * per_second)
        assert found.seconds < 20 * 1.5
        assert found.refused < 0.1 * 20 * per_second

    def test_nothing_is_sent_before_the_time_that_the_server_asked_for(self):
        found = simulated(lambda now: now > 4.9, 100, retry_after=5.0)
        assert found.refused == 16
        assert found.seconds < 6
