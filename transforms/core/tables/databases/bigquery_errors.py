"""What a failure that BigQuery reports means for a load."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import requests
from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError, TransportError

from transforms.core.errors import ConfigError, PermanentError, TransientError
from transforms.core.tables.loads.destination import BadRowsError

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAY_PASS = {
    "rateLimitExceeded", "jobRateLimitExceeded", "quotaExceeded", "backendError", "internalError", "jobBackendError",
    "jobInternalError", "tableUnavailable", "timeout", "stopped",
}  # fmt: skip
_CONFLICT = re.compile(r"concurrent update|serialize access", re.IGNORECASE)
_BAD_ROWS = re.compile(
    r"cannot be null|null value|out of range|overflow|too (?:long|large|big)|invalid (?:utf|date|timestamp|numeric)|"
    r"exceeds? (?:the )?maximum|could not convert|not in the supported range",
    re.IGNORECASE,
)


class NotThereError(PermanentError):
    """There is no such table, dataset or job."""


class JobTakenError(PermanentError):
    """There is a job with this id already."""


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turns the client library's errors into ours.

    Args:
        what: What was being done, for the message.
    """
    try:
        yield
    except exceptions.RetryError as e:
        raise TransientError(f"BigQuery, {what}: no answer ({e.cause})") from e
    except exceptions.GoogleAPICallError as e:
        raise _meaning(e, what) from e
    except (requests.ConnectionError, requests.Timeout, TransportError) as e:
        raise TransientError(f"BigQuery, {what}: can't be reached ({type(e).__name__})") from e
    except GoogleAuthError as e:
        raise ConfigError(
            f"BigQuery, {what}: no usable credentials ({type(e).__name__}): run "
            "`gcloud auth application-default login`, or name a key file in GOOGLE_APPLICATION_CREDENTIALS"
        ) from e


def _meaning(error: exceptions.GoogleAPICallError, what: str) -> Exception:  # noqa: PLR0911 - one line a meaning
    reason = next((str(entry.get("reason", "")) for entry in error.errors or () if isinstance(entry, dict)), "")
    text = f"BigQuery, {what}: {error.message}"
    if "hornbeam: " in error.message:
        return PermanentError(text)
    if _CONFLICT.search(error.message):
        return TransientError(text)
    if isinstance(error, exceptions.Conflict):
        # A table that two made at once: the next attempt finds it.
        return JobTakenError(text) if "Already Exists: Job" in error.message else TransientError(text)
    if isinstance(error, exceptions.NotFound):
        return NotThereError(text)
    if reason in _MAY_PASS or isinstance(error, (exceptions.ServerError, exceptions.TooManyRequests)):
        return TransientError(text)
    if isinstance(error, (exceptions.Forbidden, exceptions.Unauthorized)):
        return PermanentError(
            f"{text}; give this account the roles BigQuery Data Editor on the dataset and BigQuery Job User on the "
            "project"
        )
    return BadRowsError(text) if _BAD_ROWS.search(error.message) else PermanentError(text)
