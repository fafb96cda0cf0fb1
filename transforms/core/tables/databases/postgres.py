"""PostgreSQL: rows go in by COPY, several connections at once; the server's row locks keep attempts apart.

psycopg 3, because it has COPY as a stream of blocks, server-side parameters and errors by SQLSTATE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

from transforms.core.errors import ConfigError, HornbeamError, PermanentError, TransientError
from transforms.core.tables.databases import postgres_catalog
from transforms.core.tables.databases.postgres_copy import choose_format
from transforms.core.tables.databases.postgres_session import PUBLISH_LOCK_TIMEOUT_SECONDS, connect, quoted, translate
from transforms.core.tables.databases.sql import LOADS, Dialect, TableName, select_rejects
from transforms.core.tables.databases.sql_group import SqlGroups
from transforms.core.tables.databases.target import TargetColumn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from transforms.core.tables.loads.destination import WriteMode
    from transforms.core.tables.loads.destination_uri import DestinationUri

DIALECT = Dialect(
    quote=quoted,
    mark="$",
    integer="BIGINT",
    blob="BYTEA",
    json_object="CAST(json_build_object({}) AS TEXT)",
    types={
        "boolean": "boolean",
        "integer": "bigint",
        "decimal": "numeric({precision},{scale})",
        "double": "double precision",
        "date": "date",
        "timestamp": "timestamp without time zone",
        "timestamptz": "timestamp with time zone",
        "text": "text",
    },
    folds_case=False,
    schema="public",
)
_TABLE_KINDS = {"r": "table", "p": "partitioned table"}
_PUBLISH_LOCK = "SELECT pg_advisory_xact_lock{}(hashtextextended('hornbeam publish ' || $1 || '.' || $2, 0))::text"
_MOST_TYPES = 100  # tables whose types are kept: a stream makes ever more staging tables


class PostgresDestination(SqlGroups):
    """A PostgreSQL database; see `Destination` for the contract.

    A transaction of chunks is five statements: BEGIN, the status with FOR KEY SHARE, the ledger rows, COPY, COMMIT
    (a sixth, COPY of the rejects, if there are any); a connection's first one also reads the staging table's types.
    """

    single_process = False
    dialect = DIALECT
    share_lock = " FOR KEY SHARE"
    exclusive_lock = " FOR UPDATE"

    def __init__(self, uri: DestinationUri, password: str = "") -> None:
        super().__init__()
        self._uri = uri
        self._password = password or uri.password
        self._connection: psycopg.Connection[Any] | None = None
        self._types: dict[TableName, dict[str, str]] = {}

    def __repr__(self) -> str:
        return f"PostgresDestination({self._uri.shown})"

    def open(self) -> None:
        """Connects."""
        if self._connection is None:
            self.statements += 1
            self._connection = connect(self._uri, self._password)

    def close(self) -> None:
        """Disconnects."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def check(self, table: str) -> list[str]:
        """Findings of a pre-flight."""
        try:
            name = self._resolve(table)
            findings = [row[0] for row in self._query(postgres_catalog.FORBIDDEN, *name)]
            self._target_columns(name)
            quoted(name.name)
        except HornbeamError as error:
            return [str(error)]
        return findings

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is not None and not self._connection.closed:
            return self._connection
        self._connection = None
        try:
            self.open()
        except ConfigError as error:
            # It was good before: the server is away, and may come back.
            raise TransientError(str(error)) from error
        return self._connected()

    def _query(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        connection = self._connected()
        self.statements += 1
        try:
            cursor = connection.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise translate(error) from error

    def _change(self, statement: str, *parameters: Any) -> int:
        connection = self._connected()
        self.statements += 1
        try:
            return max(connection.execute(statement, parameters or None).rowcount, 0)
        except psycopg.Error as error:
            raise translate(error) from error

    def _begin(self, *, exclusive: bool) -> None:
        patient = f"; SET LOCAL lock_timeout = '{PUBLISH_LOCK_TIMEOUT_SECONDS}s'; SET LOCAL synchronous_commit = on"
        self._change(f"BEGIN{patient if exclusive else ''}")

    def _commit(self) -> None:
        self._change("COMMIT")

    def _rollback(self) -> None:
        connection = self._connection
        if connection is None or connection.closed or connection.broken:
            return
        self.statements += 1
        try:
            connection.execute("ROLLBACK")
        except psycopg.OperationalError:
            connection.close()  # the server rolls back what it hears no more of; the error that led here is raised

    def _put_rows(self, table: TableName, names: Sequence[str], rows: pa.Table) -> None:
        types = self._sql_types(table)
        way = choose_format(rows, [types[name] for name in names])
        connection = self._connected()
        self.statements += 1
        statement = f"COPY {table.sql(DIALECT)} ({DIALECT.names(names)}) FROM STDIN (FORMAT {way.name})"
        try:
            with connection.cursor() as cursor, cursor.copy(statement) as copy:
                for block in way.blocks(rows):
                    copy.write(block)
        except psycopg.Error as error:
            raise translate(error) from error

    def _sql_types(self, table: TableName) -> dict[str, str]:
        """The types of a table's columns as they were when they were last looked at; ours don't change."""
        if table not in self._types and self._target_columns(table) is None:
            raise PermanentError(f"table {table.schema}.{table.name} is gone: run the same command again")
        return self._types[table]

    def _default_schema(self) -> str:
        schema = self._query("SELECT current_schema()::text")[0][0]
        if schema is None:
            raise ConfigError(f"{self._uri.shown}: the user's search_path names no schema: write --table SCHEMA.NAME")
        return str(schema)

    def _homes(self) -> list[str]:
        tables = "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        readable = "c.relname = $1 AND c.relkind = 'r' AND has_table_privilege(c.oid, 'SELECT')"
        return [
            row[0] for row in self._query(f"SELECT n.nspname::text FROM {tables} WHERE {readable} ORDER BY 1", LOADS)
        ]

    def _exists(self, table: TableName) -> bool:
        return bool(self._query(postgres_catalog.RELATION_KIND, *table))

    def _target_columns(self, table: TableName) -> tuple[TargetColumn, ...] | None:
        kind = self._query(postgres_catalog.RELATION_KIND, *table)
        if not kind:
            return None
        if kind[0][0] not in _TABLE_KINDS:
            raise ConfigError(f"{table.schema}.{table.name} is not a table: name the table itself, or another one")
        columns = tuple(
            TargetColumn(name, sql_type, postgres_catalog.column_type(sql_type), nullable, filled, read_only)
            for name, sql_type, nullable, filled, read_only in self._query(postgres_catalog.COLUMNS, *table)
        )
        if len(self._types) >= _MOST_TYPES:
            self._types.clear()
        self._types[table] = {column.name: column.sql_type for column in columns}
        return columns

    def _column_rules(self, table: TableName, names: Sequence[str]) -> tuple[dict[str, str], list[str]]:
        columns = self._target_columns(table) or ()
        types = {column.name: column.sql_type + ("" if column.nullable else " NOT NULL") for column in columns}
        checks = self._query(postgres_catalog.CHECKS, *table)
        return types, [text for text, used in checks if set(used) <= set(names)]

    def _replaceable(self, table: TableName) -> bool:
        return bool(self._query(postgres_catalog.REPLACEABLE, *table))

    def _enter_ddl(self) -> None:
        # CREATE TABLE IF NOT EXISTS is not safe against itself: two at once, and one ends with a unique violation.
        self._query("SELECT pg_advisory_xact_lock(hashtextextended('hornbeam bookkeeping', 0))::text")

    def _enter_publish(self, target: TableName, mode: WriteMode, *, exists: bool) -> None:
        self._query(_PUBLISH_LOCK.format(""), *target)
        if exists and mode != "append":
            self._change(f"LOCK TABLE {target.sql(DIALECT)} IN SHARE ROW EXCLUSIVE MODE")

    def _enter_group(self, target: TableName, mode: WriteMode, *, alone: bool) -> None:
        if alone or mode != "append":
            self._enter_publish(target, mode, exists=True)
        else:  # rows that are only added don't hinder each other
            self._query(_PUBLISH_LOCK.format("_shared"), *target)

    def _stream_rejects(self, table: str, load_id: str) -> Iterator[str]:
        self.statements += 1
        with self._connected().cursor() as cursor:
            yield from (row[0] for row in cursor.stream(select_rejects(table, DIALECT), [load_id]))
