"""How long a stream waits for a listing that fails, and what it says when that was too long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from transforms.core.errors import HornbeamError, TransientError
from transforms.core.retrying import RetryPolicy, retried

if TYPE_CHECKING:
    from collections.abc import Callable

POLL_RETRY: Final = RetryPolicy(attempts=8, first_wait_seconds=1.0, max_wait_seconds=30.0)  # 1 to 2 minutes
T = TypeVar("T")


class PollError(HornbeamError):
    """A watched listing failed for longer than its retries last: the stream can't know what is new."""


def patiently(look: Callable[[], T]) -> T:
    """Looks, again and again while the store doesn't answer.

    Args:
        look: Raises TransientError for what may pass.

    Raises:
        PollError: It failed again and again.
    """
    try:
        return retried(look, POLL_RETRY)
    except TransientError as e:
        raise PollError(
            f"watching failed: {e}. It was tried {POLL_RETRY.attempts} times; when the store answers again, the"
            " same command goes on where this one stopped"
        ) from e
