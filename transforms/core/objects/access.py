"""How a store is reached, and the errors that stores raise beside the suite's own.

No client and no secret lives here: an access crosses process borders, credentials are found where they are used.
"""

from __future__ import annotations

from typing import NamedTuple

from transforms.core.errors import PermanentError


class StoreAccess(NamedTuple):
    """How to reach a store: references only (environment, profile, secret.py's), and no secret but those of `signed`.

    Attributes:
        endpoint_url: Where the store listens, `https://host[:port]`; "" for the provider's own, or the environment's.
        region: S3 region; "" to find out.
        profile: Name of a profile in the shared AWS configuration files; "" for the default chain.
        anonymous: Whether requests go out unsigned (public buckets).
        requester_pays: Whether we pay for what we read.
        access_key_id: Reference to the id of an S3 key; "" for the profile's or the environment's.
        secret_access_key: Reference to that key's secret; given exactly when `access_key_id` is.
        session_token: Reference to that key's session token; "" for none.
        signed: Web addresses that hold their own credential (a presigned URL), whole: objects there go by the address
            without it (uri.py: `shown`) wherever they are named, and only requests have it.
    """

    endpoint_url: str = ""
    region: str = ""
    profile: str = ""
    anonymous: bool = False
    requester_pays: bool = False
    access_key_id: str = ""
    secret_access_key: str = ""
    session_token: str = ""
    signed: tuple[str, ...] = ()


class MissingError(PermanentError):
    """There is no such object (or bucket, or folder)."""


class ForbiddenError(PermanentError):
    """The store knows the request but doesn't allow it."""


class ConflictError(PermanentError):
    """The name holds another version than the one that was planned for; it was left alone."""


class AlreadyThereError(ConflictError):
    """A write that needed a free name found it taken."""


class CorruptedError(PermanentError):
    """The bytes that arrived are not those that were sent, or stored are not those that were read."""


class UnsupportedError(PermanentError):
    """The server (or this store) can't do what was asked; another way may work."""


class ListingOrderError(PermanentError):
    """A listing came out of key order: a merge of two such listings would miss keys."""
