"""Who we are for Google Cloud Storage; decided from files and the environment, never by probing the network.

google-auth's own discovery waits up to 25 s for a metadata server where there is none: it is asked only where there is
something to find, and the answer elsewhere is anonymous access.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from transforms.core.errors import ConfigError, TransientError

_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_VENDOR = Path("/sys/class/dmi/id/product_name")
_INSTALL = "install Hornbeam with its gcp extra (pip install 'hornbeam[gcp]')"


def credentials_exist() -> bool:
    """Whether this machine has Google credentials: a key file, gcloud's own, or a metadata server of Google's."""
    if os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"):
        return True
    folder = os.environ.get("CLOUDSDK_CONFIG") or Path("~/.config/gcloud").expanduser()
    if (Path(folder) / "application_default_credentials.json").exists():
        return True
    if os.environ.get("GCE_METADATA_HOST") or os.environ.get("K_SERVICE"):
        return True
    return _VENDOR.exists() and "Google" in _VENDOR.read_text()


class Tokens:
    """Bearer tokens for one bucket, renewed when they expire; thread-safe. Construction does no I/O."""

    def __init__(self, *, anonymous: bool) -> None:
        self._anonymous: bool | None = True if anonymous else None
        self._lock = threading.Lock()
        self._credentials: Any = None

    def headers(self) -> dict[str, str]:
        """The authorization header; {} for anonymous access.

        Raises:
            ConfigError: The credentials can't be read, or google-auth isn't installed.
            TransientError: The token couldn't be renewed.
        """
        with self._lock:
            if self._anonymous is None:
                self._anonymous = not credentials_exist()
            if self._anonymous:
                return {}
            if self._credentials is None:
                self._credentials = _discover()
            if not self._credentials.valid:
                _renew(self._credentials)
            return {"authorization": f"Bearer {self._credentials.token}"}


def _discover() -> Any:
    try:
        import google.auth  # noqa: PLC0415 - 100 ms that anonymous runs don't need
        import google.auth.exceptions  # noqa: PLC0415
    except ImportError as e:
        raise ConfigError(f"Google credentials need google-auth: {_INSTALL}") from e
    try:
        return google.auth.default(scopes=[_SCOPE])[0]
    except (google.auth.exceptions.DefaultCredentialsError, ValueError) as e:
        file = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS", "gcloud's application default credentials")
        raise ConfigError(f"the Google credentials in {file} can't be read; write them anew, or unset it") from e


def _renew(credentials: Any) -> None:
    import google.auth.exceptions  # noqa: PLC0415
    import google.auth.transport.requests  # noqa: PLC0415

    try:
        credentials.refresh(google.auth.transport.requests.Request())
    except google.auth.exceptions.TransportError as e:
        raise TransientError("the Google token couldn't be renewed: its server doesn't answer") from e
    except google.auth.exceptions.RefreshError as e:
        raise ConfigError("the Google token couldn't be renewed: run gcloud auth application-default login") from e
