"""A SQL database as a load sees it: what PostgreSQL, DuckDB and SQLite each do in their own way. No load here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from transforms.core.errors import PermanentError, TransientError
from transforms.core.tables.databases.sql import Dialect, TableName, split_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from transforms.core.tables.databases.target import TargetColumn
    from transforms.core.tables.loads.destination import WriteMode


class UniqueConflictError(PermanentError):
    """A unique index, or another transaction's change, forbids a row: in the ledger, somebody else's attempt."""


class OtherAttemptError(TransientError):
    """Another transaction that isn't committed yet is at the same rows."""


class SqlConnection(ABC):
    """One connection; all statements and rows go through it. Not thread-safe."""

    single_process: bool
    dialect: Dialect
    share_lock = ""  # behind the SELECT that must see no change of the load's status until the commit
    exclusive_lock = ""  # behind the one that nobody else's may stand beside

    def __init__(self) -> None:
        self.statements = 0
        self.table = ""
        self._schema = ""
        self._with_books: set[str] = set()

    @abstractmethod
    def open(self) -> None:
        """Connects."""

    @abstractmethod
    def close(self) -> None:
        """Disconnects."""

    @abstractmethod
    def check(self, table: str) -> list[str]:
        """Findings of a pre-flight."""

    @abstractmethod
    def _query(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Sends one statement, returns its rows. Raises the errors of the protocol."""

    @abstractmethod
    def _change(self, statement: str, *parameters: Any) -> int:
        """Sends one INSERT, UPDATE, DELETE or DDL statement, returns how many rows it changed."""

    @abstractmethod
    def _begin(self, *, exclusive: bool) -> None:
        """Starts a transaction that will write; `exclusive`: one that makes tables or publishes."""

    @abstractmethod
    def _commit(self) -> None:
        """Commits."""

    @abstractmethod
    def _rollback(self) -> None:
        """Rolls back; a connection that is gone has done so by itself."""

    @abstractmethod
    def _put_rows(self, table: TableName, names: Sequence[str], rows: pa.Table) -> None:
        """The one bulk path: adds rows to a table, columns by position under the given names."""

    @abstractmethod
    def _default_schema(self) -> str:
        """Where a table without a schema is made."""

    @abstractmethod
    def _homes(self) -> list[str]:
        """The schemas that hold bookkeeping tables; empty when there is nothing yet."""

    @abstractmethod
    def _exists(self, table: TableName) -> bool:
        """Whether there is such a table."""

    @abstractmethod
    def _target_columns(self, table: TableName) -> tuple[TargetColumn, ...] | None:
        """The columns of an existing table, or None."""

    @abstractmethod
    def _column_rules(self, table: TableName, names: Sequence[str]) -> tuple[dict[str, str], list[str]]:
        """SQL type with NOT NULL of an existing table's columns, and its CHECKs on the named columns only."""

    @abstractmethod
    def _replaceable(self, table: TableName) -> bool:
        """Whether dropping the table loses nothing but its columns and rows."""

    def _enter_ddl(self) -> None:  # noqa: B027 - only where two can be at it
        """Waits until nobody else makes bookkeeping tables (inside a transaction)."""

    def _enter_publish(self, target: TableName, mode: WriteMode, *, exists: bool) -> None:  # noqa: B027 - the same
        """Waits until nobody else publishes to the target (inside a transaction)."""

    def _enter_group(self, target: TableName, mode: WriteMode, *, alone: bool) -> None:  # noqa: B027 - the same
        """The same for loads that go into the target together; `alone`: they change its columns."""

    def _absent(self) -> bool:
        """Whether there is no database yet."""
        return False

    @abstractmethod
    def _stream_rejects(self, table: str, load_id: str) -> Iterator[str]:
        """What `select_rejects` finds in a table (as it stands in a statement), without holding it all."""

    @contextmanager
    def _transaction(self, *, exclusive: bool = True) -> Iterator[None]:
        self._begin(exclusive=exclusive)
        try:
            yield
            self._commit()
        except BaseException:
            self._rollback()
            raise

    def _resolve(self, table: str) -> TableName:
        if "." not in table and not self._schema:
            self._schema = self._default_schema()
        return split_table(table, self._schema)

    def _table(self, home: TableName, name: str) -> str:
        return home.beside(name).sql(self.dialect)
