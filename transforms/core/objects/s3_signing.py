"""Who we are for S3, and the signature that says so (AWS Signature Version 4).

Keys by reference or in the environment need no AWS library; profiles, roles, SSO and instance metadata are botocore's
chain, loaded only then. Secrets live in these values only: nothing here prints them.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import os
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from transforms.core.errors import ConfigError
from transforms.core.secret import resolve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transforms.core.objects.access import StoreAccess
    from transforms.core.objects.body import Body

UNRESERVED = "-_.~"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
NO_PAYLOAD = hashlib.sha256().hexdigest()
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
        self._given: Keys | None = None

    def keys(self) -> Keys | None:
        """The keys to sign with now; None for anonymous access.

        Raises:
            ConfigError: There are none, there is no such profile, or a reference leads nowhere.
        """
        if self._access.anonymous:
            return None
        if self._access.access_key_id or self._access.secret_access_key:
            return self._given or self._resolved()
        access, secret = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
        if access and secret and not self._access.profile:
            return Keys(access, secret, os.environ.get("AWS_SESSION_TOKEN", ""))
        with self._lock:
            if self._chain is None:
                self._chain = self._find_chain()
            frozen = self._chain.get_frozen_credentials()
        return Keys(frozen.access_key, frozen.secret_key, frozen.token or "")

    def _resolved(self) -> Keys:
        """The keys behind the references, fetched once: where the store is opened, so on each worker."""
        key, secret, token = self._access.access_key_id, self._access.secret_access_key, self._access.session_token
        if not (key and secret):
            raise ConfigError("an S3 key has an id and a secret, and one of the two references is missing: give both")
        with self._lock:
            if self._given is None:
                self._given = Keys(resolve(key), resolve(secret), resolve(token) if token else "")
            return self._given

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
    """A request before it is signed.

    Attributes:
        method: GET, PUT, ….
        path: Encoded.
        query: Encoded and sorted.
        headers: Lower-case names; `host` must be among them.
        payload: SHA-256 of the body in hex, or UNSIGNED_PAYLOAD.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    payload: str = NO_PAYLOAD


def payload_mark(body: bytes | Body, *, secure: bool, checksummed: bool) -> str:
    """What is signed of a body.

    | body | over TLS | checksum header sent | signed |
    |---|---|---|---|
    | empty | any | any | the hash of nothing |
    | some | yes | any | UNSIGNED-PAYLOAD: TLS guards it |
    | some | no | yes | UNSIGNED-PAYLOAD: the checksum, whose header is signed, finds accidents |
    | some | no | no | its SHA-256 (a `Body` always comes with a checksum) |

    Without TLS a signed hash would keep an attacker from changing what is written; but then nothing keeps him from
    changing what is read and listed, and the hash costs 15 times what a CRC32C does (41 against 2.7 microseconds for
    64 KiB, 37 ms for 32 MiB).
    """
    if not body:
        return NO_PAYLOAD
    if secure or checksummed:
        return UNSIGNED_PAYLOAD
    assert isinstance(body, bytes), "a body that is not there yet goes with a checksum"
    return hashlib.sha256(body).hexdigest()


@functools.lru_cache(maxsize=64)
def _signing(secret: str, day: str, region: str) -> hmac.HMAC:
    """The last of a signature's five HMACs, keyed with one day and region; it is copied for each.

    `hmac.digest` gives the GIL away for its microsecond, and waits to get it back.
    """
    key = f"AWS4{secret}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, digestmod="sha256")


def signed_headers(request: Signable, keys: Keys, region: str, now: float) -> dict[str, str]:
    """The request's headers with date, payload mark and signature added.

    Args:
        request: What is sent.
        keys: Who sends it.
        region: For which region.
        now: When, seconds since the epoch.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    headers = {**request.headers, "x-amz-date": stamp, "x-amz-content-sha256": request.payload}
    if keys.token:
        headers["x-amz-security-token"] = keys.token
    names = sorted(headers)
    signed = ";".join(names)
    lines = "\n".join([f"{name}:{_folded(headers[name])}" for name in names])
    canonical = f"{request.method}\n{request.path}\n{request.query}\n{lines}\n\n{signed}\n{request.payload}"
    day = stamp[:8]
    scope = f"{day}/{region}/s3/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}".encode()
    signature = _signing(keys.secret, day, region).copy()
    signature.update(text)
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={keys.access}/{scope}, SignedHeaders={signed}, Signature={signature.hexdigest()}"
    )
    return headers


def _folded(value: str) -> str:
    """A header's value as it is signed: trimmed, each run of spaces as one."""
    return " ".join(value.split()) if "  " in value else value.strip()
