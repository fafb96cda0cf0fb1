"""A service account's key file whose tokens come from a server of the test's own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    from pathlib import Path

# What a token server answers, as a fault proxy's Fault takes it.
TOKEN: Final[dict[str, Any]] = {
    "status": 200,
    "headers": {"content-type": "application/json"},
    "body": json.dumps({"access_token": "t0ken", "expires_in": 3600, "token_type": "Bearer"}).encode(),
}


def key_file(folder: Path, token_uri: str) -> str:
    """Writes one; returns its path."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    text = key.private_bytes(encoding, form, serialization.NoEncryption()).decode()
    described = {"type": "service_account", "private_key": text, "client_email": "a@b.c", "token_uri": token_uri}
    (folder / "key.json").write_text(json.dumps(described))
    return str(folder / "key.json")
