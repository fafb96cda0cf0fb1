"""The value that a stream carries: an object that a poll saw, or that a notification told of."""

from __future__ import annotations

from typing import Final, NamedTuple

LISTING: Final = "listing"
NOTIFICATION: Final = "notification"


class Notice(NamedTuple):
    """An object that may have to be worked; what is really there is looked up when it is.

    Attributes:
        uri: Absolute address, as in `ObjectInfo`.
        version: The store's version mark, as `ObjectInfo.etag` of the same store has it; "" when not told.
        size_bytes: As told; -1 when not told.
        modified: As told, seconds since the epoch, UTC; 0.0 when not told.
        learnt: When this stream learnt of it, seconds since the epoch, UTC.
        origin: LISTING or NOTIFICATION.
    """

    uri: str
    version: str
    size_bytes: int
    modified: float
    learnt: float
    origin: str

    @property
    def identity(self) -> str:
        """The same for every notice of the same version of the same object."""
        return f"{self.uri}\n{self.version}"
