"""Addresses: how an object is named (`scheme://bucket/key`), and how a name is shown without its secrets.

s3 and gs keep the raw key (a `%`, `#`, `?` or space in it stands for itself); file is `file://` and the absolute raw
path; http and https are real URLs. No I/O here.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

from transforms.core.errors import ConfigError

MASKED = "=***"  # stands for the value of a parameter that is a credential
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://")
_SECRET = re.compile(
    r"sig|token|secret|password|passwd|credential|api_?key|access_?key|x-amz-|x-goog-|^expires$", re.IGNORECASE
)


class ObjectUri(NamedTuple):
    """An address in its parts.

    Attributes:
        scheme: Lower case: file, s3, gs, http, https.
        bucket: The bucket (s3, gs), `host[:port]` (http, https), "" (file).
        key: The raw key (s3, gs), the absolute path (file), path and query with their leading `/` (http, https).
    """

    scheme: str
    bucket: str
    key: str

    def __str__(self) -> str:
        separator = "/" if self.scheme in ("s3", "gs") else ""
        return f"{self.scheme}://{self.bucket}{separator}{self.key}"

    def with_key(self, key: str) -> ObjectUri:
        """The same place, another key."""
        return self._replace(key=key)


def has_scheme(text: str) -> bool:
    """Whether `text` starts like an address rather than like a path."""
    return _SCHEME.match(text) is not None


def parse(uri: str) -> ObjectUri:
    """Takes an address apart.

    Args:
        uri: `file:///path`, `s3://bucket/key`, `gs://bucket/key`, `http(s)://host/path?query`.

    Returns:
        Its parts; `str()` of them gives the address back.

    Raises:
        ConfigError: No scheme, no bucket, a relative file path, or credentials in a URL.
    """
    match = _SCHEME.match(uri)
    if match is None:
        raise ConfigError(f"{shown(uri)!r} is not an address: it lacks a scheme such as s3:// or file://")
    scheme, rest = match[1].lower(), uri[match.end() :]
    if scheme == "file":
        if not rest.startswith("/"):
            raise ConfigError(f"{uri!r}: a file address holds an absolute path, as in file:///data/a.csv")
        return ObjectUri(scheme, "", rest)
    if scheme in ("http", "https"):
        return _parse_url(uri, scheme)
    bucket, _, key = rest.partition("/")
    if not bucket or "@" in bucket:
        raise ConfigError(f"{shown(uri)!r}: expected {scheme}://BUCKET/KEY; keys and secrets go into the environment")
    return ObjectUri(scheme, bucket, key)


def _parse_url(uri: str, scheme: str) -> ObjectUri:
    try:
        parts = urlsplit(uri)
    except ValueError as e:
        raise ConfigError(f"{shown(uri)!r} is not a URL: {e}") from e
    if not parts.hostname:
        raise ConfigError(f"{shown(uri)!r}: the URL has no host")
    if "@" in parts.netloc:
        raise ConfigError(f"{shown(uri)!r}: a URL may not hold a user or password; put them into ~/.netrc")
    query = f"?{parts.query}" if parts.query else ""
    return ObjectUri(scheme, parts.netloc, (parts.path or "/") + query)


def last_name(uri: str) -> str:
    """What an object is called without its folders; "" when its address ends in `/`.

    | address                        | name                                                   |
    |--------------------------------|--------------------------------------------------------|
    | file, s3, gs                   | what follows the last `/`, as it is (`?`, `%` included) |
    | http, https                    | that of the path, without the query, decoded (`%20`)   |
    | http, https, decoding harms it | the same, not decoded (`%2F`, bytes that are no UTF-8)  |

    Args:
        uri: An absolute address.
    """
    scheme, _, key = parse(uri)
    if scheme not in ("http", "https"):
        return key.rpartition("/")[2]
    name = key.partition("?")[0].rpartition("/")[2]
    try:
        decoded = unquote(name, errors="strict")
    except UnicodeDecodeError:
        return name
    return name if "/" in decoded or "\0" in decoded else decoded


def shown(uri: str) -> str:
    """`uri` as it may stand in logs, errors and reports: user, password and signatures are masked."""
    if not uri.lower().startswith(("http://", "https://")):
        match = _SCHEME.match(uri)
        place, slash, key = uri[match.end() :].partition("/") if match else ("", "", "")
        return f"{match[0]}***@{place.rpartition('@')[2]}{slash}{key}" if match and "@" in place else uri
    try:
        parts = urlsplit(uri)
    except ValueError:  # what can't be taken apart can't be masked in parts
        return f"{uri.partition('://')[0]}://***"
    host = parts.netloc.rpartition("@")
    netloc = f"***@{host[2]}" if host[1] else parts.netloc
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    if not any(_SECRET.search(name) for name, _ in pairs):
        return urlunsplit(parts._replace(netloc=netloc))
    masked = (f"{quote(name)}{MASKED if _SECRET.search(name) else f'={quote(value)}'}" for name, value in pairs)
    return urlunsplit(parts._replace(netloc=netloc, query="&".join(masked)))
