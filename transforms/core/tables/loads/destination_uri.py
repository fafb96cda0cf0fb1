"""Where a load goes, as one URI: parsed, checked and shown without its password. Nothing here connects.

`duckdb:///relative.duckdb`, `duckdb:////absolute`, `sqlite:///…`, `postgresql://user@host:port/database?sslmode=…`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from transforms.core.errors import ConfigError

FILE_SCHEMES = ("duckdb", "sqlite")
POSTGRES_SCHEMES = ("postgresql", "postgres")
# libpq's own settings that may stand behind the `?`; whatever else must not reach it (passfile, service, options ...).
POSTGRES_OPTIONS = (
    "sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "channel_binding", "target_session_attrs",
    "connect_timeout",
)  # fmt: skip


@dataclass(frozen=True)
class DestinationUri:
    """A destination's parts.

    Attributes:
        scheme: `duckdb`, `sqlite` or `postgresql`.
        shown: The URI as it may be printed: no password.
        path: The file's path (duckdb, sqlite), else "".
        host: Host name, address or socket folder ("" = libpq's default).
        port: TCP port; 0 = libpq's default.
        user: Role name ("" = libpq's default).
        database: Database name ("" = libpq's default).
        options: libpq settings from the query, names from POSTGRES_OPTIONS.
        password: Only if the URI held one; never shown.
    """

    scheme: str
    shown: str
    path: str = ""
    host: str = ""
    port: int = 0
    user: str = ""
    database: str = ""
    options: tuple[tuple[str, str], ...] = ()
    password: str = field(default="", repr=False)


def scheme_of(uri: str) -> str:
    """The scheme of a destination, lower case; "" when there is none."""
    scheme, colon, _ = uri.partition(":")
    return scheme.lower() if colon else ""


def without_password(uri: str) -> str:
    """The URI as it may be printed: what stands between the user's name and the host is left out."""
    scheme, slashes, rest = uri.partition("://")
    if not slashes:
        return uri
    authority, slash, path = rest.partition("/")
    user_info, at, host = authority.rpartition("@")
    # A password with a raw `/` or `?` in it pushes its `@` behind the first slash: then only the end can be shown.
    if "@" in path.partition("?")[0] and not at and ":" in authority:
        return f"{scheme}://{authority.partition(':')[0]}@{path.rpartition('@')[2]}"
    user = user_info.partition(":")[0]
    path, question, query = path.partition("?")
    kept = "&".join(part for part in query.split("&") if "password" not in part.lower())
    return f"{scheme}://{user}{at}{host}{slash}{path}{question if kept else ''}{kept}"


def parse_destination(uri: str) -> DestinationUri:
    """Takes a database's URI apart.

    Raises:
        ConfigError: The URI is not of a form that is known here; the message shows no password.
    """
    scheme = scheme_of(uri)
    if scheme in FILE_SCHEMES:
        return _parse_file(uri, scheme)
    if scheme in POSTGRES_SCHEMES:
        return _parse_postgres(uri)
    raise ConfigError(
        f"destination {without_password(uri)!r} has the unknown scheme {scheme!r}: "
        f"use one of {', '.join(f'{known}://' for known in (*FILE_SCHEMES, POSTGRES_SCHEMES[0]))}"
    )


def _parse_file(uri: str, scheme: str) -> DestinationUri:
    remedy = f"write {scheme}:///relative/file or {scheme}:////absolute/file"
    authority, slash, path = uri.partition("://")[2].partition("/")
    if authority:
        raise ConfigError(f"destination {without_password(uri)!r} names a host, but {scheme} is a local file: {remedy}")
    path = unquote(path)
    if not slash or not path or path.endswith("/"):
        raise ConfigError(f"destination {uri!r} names no file: {remedy}")
    if path == ":memory:":
        raise ConfigError(f"destination {uri!r} would be gone when the command ends: {remedy}")
    if "\0" in path:
        raise ConfigError(f"destination {uri!r} holds a NUL character: {remedy}")
    return DestinationUri(scheme=scheme, shown=uri, path=path)


def _parse_postgres(uri: str) -> DestinationUri:
    shown = without_password(uri)
    try:
        parts = urlsplit(uri)
        port = parts.port or 0
    except ValueError:
        # Without a cause on purpose: urllib's message quotes the authority, and so the password.
        raise ConfigError(f"destination {shown!r} has no valid host and port; {_POSTGRES_REMEDY}") from None
    options = tuple(parse_qsl(parts.query, keep_blank_values=True))
    _check_options(shown, options)
    database = unquote(parts.path.removeprefix("/"))
    if parts.fragment or "\0" in database:
        raise ConfigError(f"destination {shown!r} has a raw '#' or a NUL in it: write '#' as %23; {_POSTGRES_REMEDY}")
    return DestinationUri(
        scheme="postgresql",
        shown=shown,
        host=unquote(parts.hostname or ""),
        port=port,
        user=unquote(parts.username or ""),
        database=database,
        options=options,
        password=unquote(parts.password or ""),
    )


_POSTGRES_REMEDY = "write postgresql://user@host:5432/database?sslmode=require (special characters as %XX)"


def _check_options(shown: str, options: tuple[tuple[str, str], ...]) -> None:
    unknown = [name for name, _ in options if name not in POSTGRES_OPTIONS]
    if unknown:
        raise ConfigError(
            f"destination {shown!r} has the unknown setting {unknown[0]!r}: known are {', '.join(POSTGRES_OPTIONS)}"
        )
