"""Secrets: references to them, their values when a worker needs one, and keeping them out of every text.

Only `resolve` yields a value; settings, elements, logs and reports hold references. (`secrets` is Python's own name.)
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from transforms.core.errors import ConfigError
from transforms.core.scrubbing import remember, scrub

REFERENCE = r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:/.+|secret://projects/[^/\s]+/secrets/[^/\s]+/versions/[^/\s]+)$"
FORMS = "env:NAME, file:/path or secret://projects/P/secrets/S/versions/V"
MAX_SECRET_BYTES = 64 * 1024  # what Secret Manager allows
_USERINFO = re.compile(
    r"^(?P<head>(?:parquet:)?[A-Za-z][\w+.-]*://[^/?#:@]*):(?P<password>[^/?#]*)@(?P<tail>.*)$", re.DOTALL
)
_PARAMETER = re.compile(r"(?P<lead>[?&])password=(?P<password>[^&#]*)")
# A colon that no port follows, and an @ behind the authority: a password with an unescaped / ? or #.
_UNESCAPED = re.compile(r"^[A-Za-z][\w+.-]*://[^/?#:@]*:(?!\d*(?:[/?#]|$))[^@]*@", re.DOTALL)


class CleanUri(NamedTuple):
    """An address without its password.

    Attributes:
        uri: The address; the user's name stays in it.
        reference: Where this process keeps the password (`env:HORNBEAM_SECRET_…`), or None when there was none.
    """

    uri: str
    reference: str | None


def is_reference(text: str) -> bool:
    """Whether a text has the form of a reference (not whether there is something behind it)."""
    return re.match(REFERENCE, text) is not None


def resolve(reference: str) -> str:
    """Fetches a secret's value; called where it is used (`DoFn.setup`, a destination's `open`), never while planning.

    Args:
        reference: `env:NAME`, `file:/path` (a last line end is cut off) or `secret://projects/P/secrets/S/versions/V`.

    Returns:
        The value. From now on `scrub` takes it out of every text of this process.

    Raises:
        ConfigError: The form is unknown, nothing is there, or it can't be read; with the remedy, never with a value.
    """
    if not is_reference(reference):
        msg = f"a secret was given as something that is no reference: use {FORMS}"
        raise ConfigError(msg)
    scheme, _, rest = reference.partition(":")
    value = _RESOLVERS[scheme](rest)
    if not value:
        raise ConfigError(f"the secret {reference} is empty: put a value there")
    remember(value)
    return value


def take_out_password(uri: str) -> CleanUri:
    """Takes the password out of an address and keeps it in this process's environment, for local workers to inherit.

    Both forms are known: `scheme://user:PASSWORD@host/…` and `?password=PASSWORD`.

    Raises:
        ConfigError: Both forms at once, or a password with a character that must be percent-encoded.
    """
    userinfo, parameter = _USERINFO.match(uri), _PARAMETER.search(uri)
    if userinfo and parameter:
        raise ConfigError(f"{scrub(uri)} holds two passwords, before the host and as ?password=: keep one of them")
    if userinfo:
        clean = f"{userinfo['head']}@{userinfo['tail']}"
        return CleanUri(clean, keep_in_environment(unquote(userinfo["password"])))
    if parameter:
        rest = uri[parameter.end() :]
        clean = uri[: parameter.start()] + (parameter["lead"] + rest[1:] if rest.startswith("&") else rest)
        return CleanUri(clean, keep_in_environment(unquote(parameter["password"])))
    if _UNESCAPED.match(uri):
        raise ConfigError(
            f"the password in {scrub(uri)} holds a character that has its own meaning in an address: write / as %2F, "
            "? as %3F, # as %23, @ as %40, or give the password by reference"
        )
    return CleanUri(uri, None)


def keep_in_environment(value: str) -> str | None:
    """Puts a value into this process's environment, which local worker processes inherit; the same one only once.

    Returns:
        Its reference, `env:HORNBEAM_SECRET_N`, or None for an empty value.
    """
    if not value:
        return None
    remember(value)
    number = 1
    while os.environ.get(name := f"HORNBEAM_SECRET_{number}", value) != value:
        number += 1
    os.environ[name] = value
    return f"env:{name}"


def _from_environment(name: str) -> str:
    try:
        return os.environ[name]
    except KeyError as e:
        raise ConfigError(
            f"the secret env:{name} isn't there: set {name} in the environment of every process that works, "
            "or use a file: or secret:// reference"
        ) from e


def _from_file(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_SECRET_BYTES + 1)
    except OSError as e:
        raise ConfigError(f"the secret file:{path} can't be read ({e.strerror}): check path and permissions") from e
    if len(content) > MAX_SECRET_BYTES:
        raise ConfigError(f"the secret file:{path} is larger than {MAX_SECRET_BYTES} bytes: is it the right file?")
    try:
        text = content.decode()
    except UnicodeDecodeError as e:
        raise ConfigError(f"the secret file:{path} is not UTF-8 text: is it the right file?") from e.with_traceback(
            None
        )
    return text.removesuffix("\n").removesuffix("\r")


def _from_secret_manager(rest: str) -> str:
    name = rest.removeprefix("//")
    try:
        from google.api_core.exceptions import GoogleAPIError  # noqa: PLC0415
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415
        from google.cloud import secretmanager  # noqa: PLC0415
    except ImportError as e:
        raise ConfigError(
            f"secret://{name} needs Google's Secret Manager client, which isn't installed: "
            "pip install google-cloud-secret-manager, or use an env: or file: reference"
        ) from e
    try:
        with _secret_manager_client(secretmanager) as client:
            value: str = client.access_secret_version(name=name, timeout=30).payload.data.decode()
    except UnicodeDecodeError:
        raise ConfigError(f"secret://{name} is not UTF-8 text: store the value as text") from None  # it quotes bytes
    except (GoogleAPIError, GoogleAuthError) as e:
        raise ConfigError(
            f"secret://{name} can't be read ({type(e).__name__}): check that it exists, the credentials, "
            "and the role Secret Manager Secret Accessor"
        ) from e
    return value


def _secret_manager_client(secretmanager: Any) -> Any:
    """The service's client, or the emulator's when SECRET_MANAGER_EMULATOR_HOST names one (as Google's others do)."""
    client_class = secretmanager.SecretManagerServiceClient
    emulator = os.environ.get("SECRET_MANAGER_EMULATOR_HOST")
    if not emulator:
        return client_class()
    from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415

    return client_class(
        transport="rest",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": f"http://{emulator}"},
    )


_RESOLVERS = {"env": _from_environment, "file": _from_file, "secret": _from_secret_manager}
