"""The shared values that steps exchange: an object, an outcome, a failure, a run's summary.

NamedTuples where they may cross a shuffle (with a RowCoder); nothing here does any work.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Status = Literal["done", "skipped", "planned", "failed", "not_started"]
STATUSES: tuple[Status, ...] = ("planned", "done", "skipped", "failed", "not_started")


class ObjectInfo(NamedTuple):
    """One stored object, as a listing or a HEAD describes it.

    Attributes:
        uri: Absolute address, `file:///…`, `s3://…`, `gs://…` or `http(s)://…`.
        size_bytes: Stored length; -1 when the server doesn't tell.
        etag: The store's version mark (for local files: size and mtime in nanoseconds); "" when it has none.
        modified: Last modification, seconds since the epoch, UTC; 0.0 when unknown.
    """

    uri: str
    size_bytes: int
    etag: str
    modified: float


class Outcome(NamedTuple):
    """What became of one planned item.

    Attributes:
        item: The item's address (a file's uri, with `#member` or `#sheet` where there is one).
        status: One of STATUSES.
        size_bytes: Bytes of the item.
        seconds: Time spent on it.
        detail: Why it was skipped or failed; "" otherwise.
    """

    item: str
    status: str
    size_bytes: int
    seconds: float
    detail: str


class Failure(NamedTuple):
    """One thing that failed for good.

    Attributes:
        step: The transform in which it failed.
        item: The item's address.
        error: The exception's class name.
        message: Value, place, cause, remedy; never a secret.
        attempt: How often it was tried.
        time: When, ISO 8601 in UTC.
    """

    step: str
    item: str
    error: str
    message: str
    attempt: int
    time: str
