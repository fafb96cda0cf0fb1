"""How a store is reached, and the errors that stores raise beside the suite's own.

No client and no secret lives here: an access crosses process borders, credentials are found where they are used.
"""

from __future__ import annotations

from typing import NamedTuple

from transforms.core.errors import PermanentError


class StoreAccess(NamedTuple):
    """How to reach a store: references only (environment, profile), never a secret.

    Attributes:
        endpoint_url: Where the store listens, `https://host[:port]`; "" for the provider's own, or the environment's.
        region: S3 region; "" to find out.
        profile: Name of a profile in the shared AWS configuration files; "" for the default chain.
        anonymous: Whether requests go out unsigned (public buckets).
        requester_pays: Whether we pay for what we read.
    """

    endpoint_url: str = ""
    region: str = ""
    profile: str = ""
    anonymous: bool = False
    requester_pays: bool = False


class MissingError(PermanentError):
    """There is no such object (or bucket, or folder)."""


class ForbiddenError(PermanentError):
    """The store knows the request but doesn't allow it."""


class AlreadyThereError(PermanentError):
    """A write with `if_absent` found the name taken."""
