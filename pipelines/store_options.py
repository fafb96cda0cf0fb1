"""The settings by which a side of a pipeline reaches its object store: one declaration for source and destination.

Only the words differ from side to side.
"""

from __future__ import annotations

from typing import Any, Final

from pipelines.ingest_rules import HTTP
from pipelines.settings import option
from transforms.core.objects.access import StoreAccess
from transforms.core.secret import FORMS, REFERENCE

KEY: Final = ("access_key_id", "secret_access_key", "session_token")


def endpoint(side: str, verb: str) -> Any:
    """`--SIDE_endpoint_url`.

    Args:
        side: The heading under which help lists it: `Source`, `Destination`.
        verb: What is done there: `read from`, `write to`.
    """
    return option(
        f"Address of an S3-compatible or GCS-compatible store to {verb}.",
        group=side,
        default=None,
        default_text="the cloud's own",
        values="http(s):// address",
        metavar="URL",
        pattern=HTTP,
    )


def region(side: str) -> Any:
    """`--SIDE_region`."""
    return option(
        f"Region of the {side.lower()}'s bucket.",
        group=side,
        default=None,
        default_text="from the environment, or found out",
        values="a region's name",
    )


def profile(side: str) -> Any:
    """`--SIDE_profile`."""
    return option(
        f"Profile in the AWS configuration that gives the {side.lower()}'s credentials.",
        group=side,
        default=None,
        default_text="from the environment",
        values="a profile's name",
    )


def access_key_id(side: str) -> Any:
    """`--SIDE_access_key_id`."""
    return _secret(side, f"Reference to the id of the S3 key that opens the {side.lower()}.", "from the environment")


def secret_access_key(side: str) -> Any:
    """`--SIDE_secret_access_key`."""
    return _secret(side, f"Reference to the secret of --{side.lower()}_access_key_id.", "none")


def session_token(side: str) -> Any:
    """`--SIDE_session_token`."""
    return _secret(side, f"Reference to the session token of --{side.lower()}_access_key_id, if it has one.", "none")


def _secret(side: str, sentence: str, default_text: str) -> Any:
    return option(
        sentence,
        group=side,
        default=None,
        default_text=default_text,
        values=FORMS,
        metavar="REF",
        pattern=REFERENCE,
        secret=True,
    )


def anonymous(side: str, verb: str) -> Any:
    """`--SIDE_anonymous`."""
    return option(f"{verb} the {side.lower()} without credentials.", group=side, default=False)


def requester_pays(side: str, verb: str) -> Any:
    """`--SIDE_requester_pays`."""
    return option(f"Accept the costs of {verb} a requester-pays bucket.", group=side, default=False)


def access_of(settings: Any, side: str) -> StoreAccess:
    """How a side (`source` or `destination`) is reached.

    Args:
        settings: A pipeline's; what it has no option for is left at its default.
        side: The beginning of the options' names.
    """
    given = {name: getattr(settings, f"{side}_{name}", None) for name in StoreAccess._fields}
    return StoreAccess(**{name: value for name, value in given.items() if value})


def contradiction(settings: Any, side: str) -> str:
    """What a side's options say of credentials that can't both be meant; "" when they agree.

    | given                            | and                            |            |
    |----------------------------------|--------------------------------|------------|
    | anonymous                        | profile, requester_pays, a key | contradict |
    | a key's id                       | not its secret                 | one lacks  |
    | a key's secret or session token  | not its id                     | one lacks  |
    | a key                            | profile                        | contradict |

    Args:
        settings: A pipeline's.
        side: The beginning of the options' names.
    """
    access = access_of(settings, side)._asdict()

    def both(one: str, other: str) -> str:
        return f"--{side}_{one} and --{side}_{other} contradict each other: give one of the two"

    for one, others in (("anonymous", ("profile", "requester_pays", *KEY)), ("access_key_id", ("profile",))):
        if found := [other for other in others if access[one] and access[other]]:
            return both(one, found[0])
    key, secret, token = (bool(access[name]) for name in KEY)
    if key != secret or (token and not key):
        needs = KEY[1] if key else KEY[0]
        return f"--{side}_{needs} is missing: a key has an id and a secret, give references to both"
    return ""
