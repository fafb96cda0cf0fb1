"""The one retry policy: exponential waits with jitter, or what the server asked for, then the last error is raised.

Only `TransientError` is retried; what is transient is decided where the error is understood, not here. tenacity was
taken because waits, stops and their combinations are its subject, and its clock can be watched in tests.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import tenacity

from transforms.core import interrupt
from transforms.core.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class RetryPolicy(NamedTuple):
    """How often and how patiently something is tried again.

    Attributes:
        attempts: How often it is tried in all, 1 or more.
        first_wait_seconds: The longest first wait; each wait after it may be twice as long (full jitter).
        max_wait_seconds: The longest wait that we choose.
        max_retry_after_seconds: The longest wait that a server may ask for; longer ones are cut to it.
        too_fast_seconds: How long a server may say that it is asked too often, however often it does: all of a process
            wait then for one probe at a time (slow_down.py), and one unlucky item may have sent most of them.
    """

    attempts: int = 7
    first_wait_seconds: float = 0.2
    max_wait_seconds: float = 20.0
    max_retry_after_seconds: float = 120.0
    too_fast_seconds: float = 120.0


RETRY = RetryPolicy()
_LAST_ATTEMPTS, _LAST_WAIT_SECONDS = 3, 1.0  # once the run is asked to stop
_TOO_FAST_WAIT_SECONDS = 1.0  # the process's pace decides when it really goes


def retried(function: Callable[[], T], policy: RetryPolicy = RETRY) -> T:
    """Calls `function` until it answers, raises something that isn't transient, or the attempts are used up.

    A run that is asked to stop doesn't wait for a server to come back: three attempts at most, a second between them.

    Args:
        function: Takes nothing; raises TransientError for a failure that may pass.
        policy: How often and how patiently.

    Returns:
        What `function` returned.

    Raises:
        TransientError: The last one, when all attempts failed.
    """
    try:
        return function()
    except TransientError as error:
        return _tried_again(function, policy, error)


def _tried_again(function: Callable[[], T], policy: RetryPolicy, first: TransientError) -> T:
    """The attempts after the first one, which failed; tenacity costs 40 microseconds that success doesn't pay."""
    failed = [first]

    def attempt() -> T:
        if failed:
            raise failed.pop()
        return function()

    jitter = tenacity.wait_random_exponential(multiplier=policy.first_wait_seconds, max=policy.max_wait_seconds)

    def wait_seconds(state: tenacity.RetryCallState) -> float:
        error = _last_error(state)
        if error.retry_after_seconds is not None:
            return min(error.retry_after_seconds, policy.max_retry_after_seconds)
        return min(jitter(state), _TOO_FAST_WAIT_SECONDS) if error.too_fast else jitter(state)

    def finished(state: tenacity.RetryCallState) -> bool:
        if interrupt.requested():
            return state.attempt_number >= _LAST_ATTEMPTS
        patient = _last_error(state).too_fast and (state.seconds_since_start or 0.0) < policy.too_fast_seconds
        return state.attempt_number >= policy.attempts and not patient

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(TransientError),
        stop=finished,
        sleep=_sleep,
        wait=wait_seconds,
        reraise=True,
    )
    return retrying(attempt)


def _last_error(state: tenacity.RetryCallState) -> TransientError:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, TransientError)  # nothing else is retried
    return error


def _sleep(seconds: float) -> None:
    """Wakes when the run is asked to stop; from then on (its summary is to be written yet) waits are short."""
    if interrupt.requested():
        time.sleep(min(seconds, _LAST_WAIT_SECONDS))
    else:
        interrupt.wait(seconds)
