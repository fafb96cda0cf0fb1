"""SQLite: one file, one writer at a time (WAL: readers go on), rows by executemany from whole columns.

What a value becomes, and what a declared type means, stands in sqlite_values.py.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transforms.core.errors import ConfigError, HornbeamError, PermanentError, TransientError
from transforms.core.tables.databases.sql import LOADS, TableName, select_rejects
from transforms.core.tables.databases.sql_connection import UniqueConflictError
from transforms.core.tables.databases.sql_group import SqlGroups
from transforms.core.tables.databases.sqlite_values import DIALECT, column_type, strict_check, value_rows
from transforms.core.tables.databases.target import TargetColumn
from transforms.core.tables.loads.destination import BadRowsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from transforms.core.tables.loads.destination_uri import DestinationUri

_BUSY_SECONDS = 60.0
# Words in a table's own CREATE statement that its staging table wouldn't have: then it isn't dropped.
_KEPT_BY = ("CHECK", "COLLATE", "UNIQUE", "PRIMARY", "REFERENCES", "DEFAULT", "GENERATED", "STRICT", "WITHOUT", " AS ")


class SQLiteDestination(SqlGroups):
    """A SQLite file; see `Destination` for the contract.

    The file is made by the first write, not by `open`: a dry run leaves none behind. CHECK constraints of an
    existing table can't be read from SQLite's catalogue: a row that violates one is refused at publish, not before.
    """

    single_process = True
    dialect = DIALECT

    def __init__(self, uri: DestinationUri) -> None:
        super().__init__()
        self._path = Path(uri.path)
        self._connection: sqlite3.Connection | None = None

    def open(self) -> None:
        """Opens the file if it is there."""
        if self._path.exists():
            self._query("SELECT count(*) FROM sqlite_master")
        elif not self._path.parent.is_dir():
            raise ConfigError(f"{self._path} can't be made: {self._path.parent} is not a folder; make it first")

    def close(self) -> None:
        """Closes the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def is_there(self) -> bool:
        """Whether there is a file yet."""
        return not self._absent()

    def check(self, table: str) -> list[str]:
        """Findings of a pre-flight; the file isn't made."""
        folder = self._path.parent
        place = self._path if self._path.exists() else folder
        if not os.access(place, os.W_OK) or not os.access(folder, os.W_OK):
            return [f"{place} can't be written by this user: change its permissions, or name another file"]
        try:
            self._target_columns(self._resolve(table))
        except HornbeamError as error:
            return [str(error)]
        return []

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = sqlite3.connect(
                self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            # legacy_alter_table: RENAME must not stumble over a view on a table that isn't there yet.
            for pragma in ("foreign_keys = ON", "legacy_alter_table = ON", "synchronous = FULL"):
                connection.execute(f"PRAGMA {pragma}")
            self._connection = connection
        return self._connection

    def _absent(self) -> bool:
        return self._connection is None and not self._path.exists()

    def _send(self, statement: str, parameters: Sequence[Any]) -> sqlite3.Cursor:
        self.statements += 1
        try:
            return self._connected().execute(statement, parameters)
        except sqlite3.Error as error:
            raise _translate(error, self._path) from error

    def _query(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return self._send(statement, parameters).fetchall()

    def _change(self, statement: str, *parameters: Any) -> int:
        return max(self._send(statement, parameters).rowcount, 0)

    def _begin(self, *, exclusive: bool) -> None:
        if exclusive and self._query("PRAGMA journal_mode")[0][0] != "wal":
            self._query("PRAGMA journal_mode = WAL")
        # IMMEDIATE: the one write lock is taken at once; a lock taken later could not be waited for.
        self._change("BEGIN IMMEDIATE")

    def _commit(self) -> None:
        self._change("COMMIT")

    def _rollback(self) -> None:
        if self._connection is not None and self._connection.in_transaction:
            self._change("ROLLBACK")

    def _put_rows(self, table: TableName, names: Sequence[str], rows: pa.Table) -> None:
        connection = self._connected()
        marks = ", ".join("?" * rows.num_columns)
        statement = f"INSERT INTO {table.sql(DIALECT)} ({DIALECT.names(names)}) VALUES ({marks})"
        self.statements += 1
        try:
            connection.executemany(statement, value_rows(rows))
        except sqlite3.Error as error:
            raise _translate(error, self._path) from error

    def _resolve(self, table: str) -> TableName:
        name = super()._resolve(table)
        if name.schema.casefold() != "main":
            raise ConfigError(f"table {table!r}: a SQLite file has only the schema main; write {name.name!r}")
        return name

    def _default_schema(self) -> str:
        return "main"

    def _homes(self) -> list[str]:
        return ["main"] if not self._absent() and self._exists(TableName("main", LOADS)) else []

    def _exists(self, table: TableName) -> bool:
        return bool(self._entry(table))

    def _entry(self, table: TableName) -> list[tuple[Any, ...]]:
        found = "type IN ('table', 'view') AND lower(name) = lower(?1)"
        return self._query(f"SELECT type, sql FROM sqlite_master WHERE {found}", table.name)

    def _target_columns(self, table: TableName) -> tuple[TargetColumn, ...] | None:
        entry = [] if self._absent() else self._entry(table)
        if not entry:
            return None
        if entry[0][0] == "view":
            raise ConfigError(f"{table.name} is a view: name the table itself, or another one")
        columns = 'name, type, "notnull", dflt_value, hidden'
        return tuple(
            TargetColumn(
                name, sql_type, column_type(sql_type), not required, default is not None or hidden > 1, hidden > 1
            )
            for name, sql_type, required, default, hidden in self._query(
                f"SELECT {columns} FROM pragma_table_xinfo(?1) WHERE hidden <> 1 ORDER BY cid", table.name
            )
        )

    def _column_rules(self, table: TableName, names: Sequence[str]) -> tuple[dict[str, str], list[str]]:
        columns = self._target_columns(table) or ()
        types = {column.name: column.sql_type + ("" if column.nullable else " NOT NULL") for column in columns}
        strict = self._query('SELECT "strict" FROM pragma_table_list WHERE lower(name) = lower(?1)', table.name)
        ours = {DIALECT.fold(name) for name in names}
        checked = [column for column in columns if DIALECT.fold(column.name) in ours] if strict[0][0] else []
        return types, [strict_check(column.name, column.sql_type) for column in checked]

    def _replaceable(self, table: TableName) -> bool:
        others = self._query(
            "SELECT 1 FROM sqlite_master WHERE (lower(tbl_name) = lower(?1) AND lower(name) <> lower(?1))"
            " OR type IN ('view', 'trigger') OR upper(sql) LIKE '%REFERENCES%'",
            table.name,
        )
        text = str(self._entry(table)[0][1]).upper()
        return not others and not any(word in text for word in _KEPT_BY)

    def _stream_rejects(self, table: str, load_id: str) -> Iterator[str]:
        yield from (row[0] for row in self._send(select_rejects(table, DIALECT), [load_id]))


def _translate(error: sqlite3.Error, path: Path) -> Exception:
    message = f"SQLite, {path}: {error}"
    match error:
        case sqlite3.IntegrityError() if "UNIQUE constraint" in message or "PRIMARY KEY" in message:
            return UniqueConflictError(message)
        case sqlite3.IntegrityError() | sqlite3.DataError():
            return BadRowsError(message)
        case sqlite3.OperationalError() if "unable to open" in message or "readonly" in message:
            return ConfigError(f"{message}; check the path and its permissions")
        case sqlite3.OperationalError() if any(word in message for word in ("locked", "busy", "disk")):
            return TransientError(message)
        case sqlite3.DatabaseError() if "not a database" in message:
            return ConfigError(f"{message}; name another file")
        case _:
            return PermanentError(message)
