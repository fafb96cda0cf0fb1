"""Who we are for S3, and the signature that says so (AWS Signature Version 4).

Keys in the environment need no AWS library; profiles, roles, SSO and instance metadata are botocore's chain, loaded
only then. Secrets live in these values only: nothing here prints them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import os
import threading
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from transforms.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transforms.core.objects.access import StoreAccess

UNRESERVED = "-_.~"
_INSTALL = "install Hornbeam with its aws extra (pip install 'hornbeam[aws]'), or set AWS_ACCESS_KEY_ID and its secret"


class Keys(NamedTuple):
    """One set of credentials."""

    access: str
    secret: str
    token: str = ""

    def __repr__(self) -> str:
        return f"Keys({self.access[:4]}…)"


class Credentials:
    """Finds keys when they are first needed and renews them; thread-safe. Construction does no I/O."""

    def __init__(self, access: StoreAccess) -> None:
        self._access = access
        self._lock = threading.Lock()
        self._session: Any = None
        self._chain: Any = None

    def keys(self) -> Keys | None:
        """The keys to sign with now; None for anonymous access.

        Raises:
            ConfigError: There are none, or there is no such profile.
        """
        if self._access.anonymous:
            return None
        access, secret = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
        if access and secret and not self._access.profile:
            return Keys(access, secret, os.environ.get("AWS_SESSION_TOKEN", ""))
        with self._lock:
            if self._chain is None:
                self._chain = self._find_chain()
            frozen = self._chain.get_frozen_credentials()
        return Keys(frozen.access_key, frozen.secret_key, frozen.token or "")

    def configured(self, name: str) -> str:
        """A value of the profile in use (`region`, `endpoint_url`), "" when nothing configures one.

        The shared configuration is read only where it exists.
        """
        named = self._access.profile or os.environ.get("AWS_PROFILE")
        place = os.environ.get("AWS_CONFIG_FILE", "~/.aws/config")
        if not named and not os.path.exists(os.path.expanduser(place)):  # noqa: PTH110, PTH111
            return ""
        with self._lock:
            value = self._botocore().get_scoped_config().get(name, "")
        return value if isinstance(value, str) else ""

    def _find_chain(self) -> Any:
        chain = self._botocore().get_credentials()
        if chain is None:
            raise ConfigError(
                "no AWS credentials found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile, or ask for "
                "anonymous access if the bucket is public"
            )
        return chain

    def _botocore(self) -> Any:
        if self._session is None:
            try:
                import botocore.exceptions  # noqa: PLC0415 - 100 ms that most runs don't need
                import botocore.session  # noqa: PLC0415
            except ImportError as e:
                raise ConfigError(f"AWS profiles and roles need botocore: {_INSTALL}") from e
            session = botocore.session.Session(profile=self._access.profile or None)
            try:
                session.get_scoped_config()
            except botocore.exceptions.ProfileNotFound as e:
                name = self._access.profile or os.environ.get("AWS_PROFILE")
                known = ", ".join(session.available_profiles) or "none"
                raise ConfigError(f"there is no AWS profile {name!r}; known: {known}") from e
            self._session = session
        return self._session


def encoded(key: str) -> str:
    """A key as it stands in a request's path."""
    return quote(key, safe=f"/{UNRESERVED}", errors="surrogateescape")


def query_text(parameters: Mapping[str, str]) -> str:
    """Query parameters, sorted and encoded the way they are signed."""
    pairs = sorted((quote(name, safe=UNRESERVED), quote(value, safe=UNRESERVED)) for name, value in parameters.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


class Signable(NamedTuple):
    """A request before it is signed: encoded path, encoded and sorted query, lower-case header names."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""


def signed_headers(request: Signable, keys: Keys, region: str, now: dt.datetime) -> dict[str, str]:
    """The request's headers with date, payload hash and signature added (the `host` header must be among them).

    Args:
        request: What is sent.
        keys: Who sends it.
        region: For which region.
        now: When, aware.
    """
    stamp = now.astimezone(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    payload = hashlib.sha256(request.body).hexdigest()
    headers = {**request.headers, "x-amz-date": stamp, "x-amz-content-sha256": payload}
    if keys.token:
        headers["x-amz-security-token"] = keys.token
    names = sorted(headers)
    canonical = [request.method, request.path, request.query]
    canonical += [f"{name}:{headers[name].strip()}" for name in names] + ["", ";".join(names), payload]
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    digest = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    secret = f"AWS4{keys.secret}".encode()
    for part in scope.split("/"):
        secret = hmac.digest(secret, part.encode(), "sha256")
    signature = hmac.digest(secret, f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}".encode(), "sha256").hex()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={keys.access}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return headers
