"""A server that asks everybody to slow down (503 SlowDown, 429): one probe at a time until it doesn't, then all go on.

Counted in requests; how long it takes is counted on a clock of its own in tests/core/test_pacing.py.
"""

import threading
import time

import pytest

from tests.servers.fault_proxy import Fault
from tests.services.copy_ends import bodies, copy
from transforms.core.retrying import RETRY

SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
KEYS = {f"k{number:02}": b"x" * number for number in range(24)}


AT_ONCE = 16
WAYS = {"auto": "file", "direct_sync": "s3"}  # by s5cmd, whose retries know of one another nothing


@pytest.fixture(params=WAYS)
def mode(request):
    return request.param


@pytest.fixture
def ends(new_end, fault_proxy, mode):
    here, there = new_end(WAYS[mode], "here", fault_proxy.endpoint), new_end("s3", "there", fault_proxy.endpoint)
    fault_proxy.reset(there.server.endpoint)
    for key, body in KEYS.items():
        here.put(key, body)
    return here, there


def puts(proxy):
    return [status for method, _, status, _ in proxy.log if method == "PUT"]


def first_ones(mode):
    """How many are sent before anybody knows; s5cmd, which is ended then, may have sent each of its own once more."""
    return 2 * AT_ONCE if mode == "direct_sync" else AT_ONCE


@pytest.mark.parametrize("status", [503, 429])
def test_no_object_fails_by_a_burst_and_none_is_sent_once_more_than_refused(ends, fault_proxy, tmp_path, mode, status):
    here, there = ends
    fault_proxy.add(Fault(method="PUT", status=status, times=20, body=SLOW_DOWN))
    run = copy(here, there, tmp_path, mode=mode)
    assert (run.summary.exit_code, run.counts, bodies(there)) == (0, (24, 0, 0, 0), KEYS)
    assert sorted(puts(fault_proxy)) == [200] * 24 + [status] * 20


def test_a_server_that_refuses_everything_for_two_seconds_hears_some_probes_and_not_each_thread(
    ends, fault_proxy, tmp_path, mode
):
    here, there = ends
    fault_proxy.add(Fault(method="PUT", status=503, times=10_000, body=SLOW_DOWN))
    began, ended = time.monotonic(), []

    def end():
        fault_proxy._faults[0].times = 0
        ended.append(time.monotonic())

    over = threading.Timer(2, end)
    over.start()
    run = copy(here, there, tmp_path, mode=mode, max_concurrent=AT_ONCE)
    over.join()
    assert (run.summary.exit_code, run.counts, bodies(there)) == (0, (24, 0, 0, 0), KEYS)
    told = [why for why in run.summary.details["fell_back"] if "the server asked for fewer requests" in why]
    assert len(told) == (1 if mode == "direct_sync" else 0), "what s5cmd didn't get to goes at this process's pace"
    refused = puts(fault_proxy).count(503)
    probes = 4 + 2 * (ended[0] - began)  # after 0.1, 0.2, 0.4 and each 0.5 seconds one
    assert 1 <= refused <= first_ones(mode) + probes, "the first of each at most, then one at a time"


def test_while_it_was_asked_to_wait_nothing_is_sent_at_all(ends, fault_proxy, tmp_path, mode):
    here, there = ends
    fault_proxy.add(Fault(method="PUT", status=503, retry_after="2", times=10_000, body=SLOW_DOWN))
    over = threading.Timer(1, lambda: setattr(fault_proxy._faults[0], "times", 0))
    over.start()
    run = copy(here, there, tmp_path, mode=mode, max_concurrent=AT_ONCE)
    over.join()
    assert (run.summary.exit_code, run.counts) == (0, (24, 0, 0, 0))
    assert puts(fault_proxy).count(503) <= first_ones(mode)


def test_the_last_object_is_not_given_up_while_the_server_is_only_asked_too_often(new_end, fault_proxy, tmp_path):
    here, there = new_end("file", "here"), new_end("s3", "there", fault_proxy.endpoint)
    fault_proxy.reset(there.server.endpoint)
    here.put("alone", b"x")
    refusals = RETRY.attempts + 2
    fault_proxy.add(Fault(method="PUT", status=503, times=refusals, body=SLOW_DOWN))
    run = copy(here, there, tmp_path)
    assert (run.summary.exit_code, puts(fault_proxy)) == (0, [503] * refusals + [200])
