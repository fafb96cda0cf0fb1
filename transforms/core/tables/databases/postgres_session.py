"""A PostgreSQL connection as a load needs it, and what each of its errors means. No SQL of a load here."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import errors, sql

from transforms.core.errors import ConfigError, PermanentError, TransientError
from transforms.core.tables.databases.sql_connection import OtherAttemptError, UniqueConflictError
from transforms.core.tables.loads.destination import BadRowsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from transforms.core.tables.loads.destination_uri import DestinationUri

LOCK_TIMEOUT_SECONDS = 60  # a chunk waits at most this long for another attempt of its ledger row
PUBLISH_LOCK_TIMEOUT_SECONDS = 600  # a publish waits for another one of the same table, which may move many rows
_NAME_BYTES = 63

# Both ends: a client that lost its server must notice, and a server that lost its client must let its locks go.
_CLIENT: dict[str, Any] = {
    "application_name": "hornbeam", "connect_timeout": 15, "client_encoding": "utf8", "autocommit": True,
    "keepalives": 1, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3,
    "tcp_user_timeout": 60_000, "cursor_factory": psycopg.RawCursor,
}  # fmt: skip
_SERVER = {
    "lock_timeout": f"{LOCK_TIMEOUT_SECONDS}s", "tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3", "datestyle": "ISO, YMD", "timezone": "UTC", "client_min_messages": "warning",
    # A server that crashes may lose the last chunks with their ledger rows, together: publish, whose commit waits for
    # the disk and for all before it, would refuse, and the same command load them again.
    "synchronous_commit": "off",
}  # fmt: skip


def quoted(name: str) -> str:
    """An identifier, quoted by the driver.

    Raises:
        ConfigError: PostgreSQL would cut the name, or can't hold it.
    """
    size_bytes = len(name.encode(errors="replace"))
    if size_bytes > _NAME_BYTES:
        raise ConfigError(
            f"name {name!r} has {size_bytes} bytes, and PostgreSQL cuts names after {_NAME_BYTES}: rename the column"
        )
    if "\0" in name:
        raise ConfigError(f"name {name!r} holds a NUL character, which PostgreSQL can't: rename the column")
    return sql.Identifier(name).as_string(None)


def connect(uri: DestinationUri, password: str) -> psycopg.Connection[Any]:
    """Opens a session with time limits on locks and keepalives on both ends.

    Raises:
        ConfigError: No session; the message says why and what to do, without the password.
    """
    named = {"host": uri.host, "port": uri.port, "user": uri.user, "dbname": uri.database, "password": password}
    given = {name: value for name, value in named.items() if value}
    try:
        connection: psycopg.Connection[Any] = psycopg.connect(**_CLIENT | given | dict(uri.options))
        settings = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in _SERVER.items())
        connection.execute(f"SELECT {settings}")
    except (psycopg.Error, UnicodeError) as error:
        raise ConfigError(_explain(uri, str(error).replace(password, "***") if password else str(error))) from None
    return connection


_REMEDIES = (
    ("password authentication failed", "the password or the user is wrong: check the user in the URI and the password"),
    ("no password supplied", "the server asks for a password: give one (PGPASSWORD, or the password setting)"),
    ("does not exist", "create it, or name another one in the URI"),
    ("no pg_hba.conf entry", "the server doesn't admit this user from here: add a line to its pg_hba.conf, or sslmode"),
    ("permission denied", "grant the user CONNECT on the database"),
    ("resolve host", "the host's name is unknown: check it"),
    ("translate host name", "the host's name is unknown: check it"),
    ("Connection refused", "no server listens there: start it, or check host and port"),
    ("timeout", "the host doesn't answer: check host, port and firewall"),
    ("SSL", "check sslmode and the certificates"),
)


def _explain(uri: DestinationUri, message: str) -> str:
    remedy = next((remedy for part, remedy in _REMEDIES if part in message), "check the URI")
    return f"can't connect to {uri.shown}: {' '.join(message.split())}; {remedy}"


def translate(error: psycopg.Error) -> Exception:
    """The protocol's error for one of the driver's."""
    details = [error.diag.message_primary or str(error), error.diag.message_detail, error.diag.context]
    message = "PostgreSQL: " + "; ".join(" ".join(text.split()) for text in details if text)
    for kinds, make in _MEANINGS:
        if isinstance(error, kinds):
            return make(message)
    return PermanentError(message)


# The first that fits counts: a unique violation is an integrity error too, a deadlock an operational one.
_MEANINGS: tuple[tuple[tuple[type[psycopg.Error], ...], Callable[[str], Exception]], ...] = (
    ((errors.UniqueViolation,), UniqueConflictError),
    ((psycopg.DataError, psycopg.IntegrityError), BadRowsError),
    ((errors.SerializationFailure, errors.DeadlockDetected), partial(OtherAttemptError, retry_after_seconds=0.2)),
    ((errors.InsufficientPrivilege,), lambda message: ConfigError(f"{message}: grant the user what is missing")),
    ((errors.ReadOnlySqlTransaction,), lambda message: ConfigError(f"{message}: name the primary, not a replica")),
    ((psycopg.OperationalError, psycopg.InterfaceError), TransientError),
)
