import signal
import threading
import time

import pytest

from transforms.core import interrupt
from transforms.core.errors import PermanentError, TransientError
from transforms.core.retrying import RetryPolicy, retried

QUICK = RetryPolicy(attempts=4, first_wait_seconds=0.001, max_wait_seconds=0.002, max_retry_after_seconds=0.2)


class Flaky:
    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def test_a_transient_failure_is_tried_again_until_it_passes():
    flaky = Flaky(TransientError("a"), TransientError("b"))
    assert retried(flaky, QUICK) == "done"
    assert flaky.calls == 3


def test_the_last_error_is_raised_when_the_attempts_are_used_up():
    flaky = Flaky(*(TransientError(str(number)) for number in range(10)))
    with pytest.raises(TransientError, match=r"^3$"):
        retried(flaky, QUICK)
    assert flaky.calls == 4


def test_a_server_that_is_asked_too_often_uses_up_no_attempts_while_it_is_waited_for():
    refusals = [TransientError(str(number), too_fast=True) for number in range(30)]
    flaky = Flaky(*refusals)
    assert retried(flaky, QUICK._replace(too_fast_seconds=60)) == "done"
    assert flaky.calls == 31


@pytest.mark.parametrize("last", [TransientError("down"), TransientError("slower", too_fast=True)])
def test_another_failure_among_those_refusals_ends_it_and_so_does_their_time(last):
    flaky = Flaky(*(TransientError("slower", too_fast=True) for _ in range(5)), *[last] * 5)
    with pytest.raises(TransientError, match=str(last)):
        retried(flaky, QUICK._replace(too_fast_seconds=0 if last.too_fast else 60))
    assert flaky.calls == (4 if last.too_fast else 6)


@pytest.mark.parametrize("error", [PermanentError("gone"), ValueError("a bug")])
def test_what_will_not_pass_is_raised_at_once(error):
    flaky = Flaky(error)
    with pytest.raises(type(error)):
        retried(flaky, QUICK)
    assert flaky.calls == 1


@pytest.mark.parametrize(("asked", "waited"), [(0.1, 0.1), (3600.0, 0.2)])
def test_the_servers_own_waiting_time_is_kept_up_to_a_bound(asked, waited):
    started = time.monotonic()
    retried(Flaky(TransientError("later", asked)), QUICK)
    assert waited <= time.monotonic() - started < waited + 60


def test_a_run_that_is_asked_to_stop_waits_for_no_server():
    patient = RetryPolicy(attempts=4, max_retry_after_seconds=60)
    flaky = Flaky(*(TransientError("away", retry_after_seconds=60) for _ in range(10)))
    threading.Timer(0.2, interrupt.request_locally, [signal.SIGTERM]).start()
    started = time.monotonic()
    try:
        with pytest.raises(TransientError, match="away"):
            retried(flaky, patient)
    finally:
        interrupt.reset()
    assert time.monotonic() - started < 50
    assert flaky.calls == 3
