"""The destinations by the scheme of their URI; each one's module is imported only when it is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from transforms.core.errors import ConfigError
from transforms.core.tables.loads.destination_uri import parse_destination, scheme_of, without_password

if TYPE_CHECKING:
    from collections.abc import Callable

    from transforms.core.tables.loads.destination import Destination


class Database(NamedTuple):
    """One entry.

    Attributes:
        open: Makes the destination, unopened, from (uri, password, access).
        single_process: Whether only one process may write.
        long_transactions: Whether its destination is a `LongWriter`: its batches are larger.
        staging: Where the rows of a load wait until it is published, with its id as `load`; deleting that gives it up.
    """

    open: Callable[[str, str, Any], Destination]
    single_process: bool
    long_transactions: bool = False
    staging: str = "hornbeam_staging_{load:.16}"


def _duckdb(uri: str, password: str, access: Any) -> Destination:  # noqa: ARG001
    from transforms.core.tables.databases.duckdb import DuckDBDestination  # noqa: PLC0415

    return DuckDBDestination(parse_destination(uri))


def _sqlite(uri: str, password: str, access: Any) -> Destination:  # noqa: ARG001
    from transforms.core.tables.databases.sqlite import SQLiteDestination  # noqa: PLC0415

    return SQLiteDestination(parse_destination(uri))


def _postgres(uri: str, password: str, access: Any) -> Destination:  # noqa: ARG001
    from transforms.core.tables.databases.postgres import PostgresDestination  # noqa: PLC0415

    return PostgresDestination(parse_destination(uri), password)


def _parquet(uri: str, password: str, access: Any) -> Destination:  # noqa: ARG001
    from transforms.core.tables.databases.parquet import ParquetDestination  # noqa: PLC0415

    return ParquetDestination(uri, access)


def _bigquery(uri: str, password: str, access: Any) -> Destination:  # noqa: ARG001
    from transforms.core.tables.databases.bigquery import BigQueryDestination  # noqa: PLC0415
    from transforms.core.tables.databases.bigquery_types import place_of  # noqa: PLC0415

    return BigQueryDestination(*place_of(uri), access)


DATABASES: dict[str, Database] = {
    "duckdb": Database(_duckdb, single_process=True, long_transactions=True),
    "sqlite": Database(_sqlite, single_process=True),
    "postgresql": Database(_postgres, single_process=False),
    "postgres": Database(_postgres, single_process=False),
    "parquet": Database(_parquet, single_process=False, staging="_hornbeam/{{staging,ledger}}/{load}"),
    "bigquery": Database(_bigquery, single_process=False, staging="hornbeam_staging_{load}"),
}


def find_database(uri: str) -> Database:
    """The registry's entry for a URI (`parquet+s3://…` is one of `parquet`).

    Raises:
        ConfigError: Its scheme is not known; the message lists those that are.
    """
    scheme = scheme_of(uri).partition("+")[0]
    if scheme not in DATABASES:
        raise ConfigError(
            f"destination {without_password(uri)!r} has the unknown scheme {scheme!r}: "
            f"known are {', '.join(sorted(DATABASES))}, as in duckdb:///out.duckdb"
        )
    return DATABASES[scheme]


def open_destination(uri: str, password: str = "", access: Any = None) -> Destination:
    """Makes the destination that a URI names; its `open` connects it, this does no I/O.

    Args:
        uri: `duckdb:///file`, `sqlite:///file`, `postgresql://…`, `parquet…`, `bigquery…`.
        password: The database's password ("" = from the URI, else as the client library finds it).
        access: How to reach an object store (keys, endpoint): parquet and bigquery only.

    Raises:
        ConfigError: The scheme is unknown or the URI malformed.
    """
    return find_database(uri).open(uri, password, access)
