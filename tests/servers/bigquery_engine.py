"""What the BigQuery server of bigquery.py runs on: DuckDB, with BigQuery's SQL parsed and translated by sqlglot.

As BigQuery does, and bqemulator 1.4 doesn't: transactions are snapshots of their own, INSERTs of two never conflict,
changes of one table by two do (the later one is aborted), DDL inside a transaction is refused, ASSERT is known.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

import duckdb
import pyarrow.parquet as pq
import sqlglot
from sqlglot import exp

if TYPE_CHECKING:
    from pathlib import Path

TYPES = {
    "BIGINT": "INTEGER", "VARCHAR": "STRING", "DOUBLE": "FLOAT", "BOOLEAN": "BOOLEAN", "DATE": "DATE",
    "TIMESTAMP": "DATETIME", "TIMESTAMP WITH TIME ZONE": "TIMESTAMP", "HUGEINT": "INTEGER", "INTEGER": "INTEGER",
}  # fmt: skip
COLUMNS = {
    "INTEGER": "BIGINT", "INT64": "BIGINT", "STRING": "VARCHAR", "FLOAT": "DOUBLE", "FLOAT64": "DOUBLE",
    "BOOLEAN": "BOOLEAN", "BOOL": "BOOLEAN", "DATE": "DATE", "DATETIME": "TIMESTAMP", "TIMESTAMP": "TIMESTAMPTZ",
}  # fmt: skip
CHANGES = (exp.Update, exp.Delete, exp.Merge)
DDL = (exp.Create, exp.Drop, exp.Alter)


class QueryError(Exception):
    """What a job ends with. `reason` is BigQuery's word for it."""

    def __init__(self, message: str, reason: str = "invalidQuery") -> None:
        super().__init__(message)
        self.reason = reason


class Table:
    """A result or a table: its schema as the API shows it, and rows."""

    def __init__(self, names, kinds, rows, required=()) -> None:
        self.rows = rows
        self.fields = [_field(name, str(kind), name in required) for name, kind in zip(names, kinds, strict=True)]


def _field(name, kind, required):
    field = {"name": name, "type": TYPES.get(kind, "STRING"), "mode": "REQUIRED" if required else "NULLABLE"}
    if kind.startswith("DECIMAL"):
        precision, scale = map(int, kind[8:-1].split(","))
        numeric = scale <= 9 and precision - scale <= 29
        field |= {"type": "NUMERIC" if numeric else "BIGNUMERIC", "precision": str(precision), "scale": str(scale)}
    return field


class Engine:
    """All datasets of one project."""

    def __init__(self) -> None:
        self._connection = duckdb.connect()
        self._connection.execute("SET TimeZone = 'UTC'")
        self._lock = threading.Lock()  # held for an instant
        self._alone = threading.RLock()  # DDL, and DML outside of transactions, which BigQuery queues
        self._changing: dict[str, object] = {}  # table: the open transaction that changes it
        self._changed: dict[str, int] = {}  # table: when it was changed last
        self._clock = 0

    def close(self) -> None:
        self._connection.close()

    def make_dataset(self, dataset: str) -> None:
        with self._alone:
            self._connection.cursor().execute(f'CREATE SCHEMA IF NOT EXISTS "{dataset}"')

    def has_dataset(self, dataset: str) -> bool:
        query = "SELECT 1 FROM duckdb_schemas() WHERE schema_name = ?"
        return bool(self._connection.cursor().execute(query, [dataset]).fetchall())

    def tables(self, dataset: str) -> list[str]:
        query = "SELECT table_name FROM duckdb_tables() WHERE schema_name = ? ORDER BY 1"
        return [row[0] for row in self._connection.cursor().execute(query, [dataset]).fetchall()]

    def describe(self, dataset: str, table: str) -> Table | None:
        query = (
            "SELECT column_name, data_type, is_nullable FROM duckdb_columns() "
            "WHERE schema_name = ? AND table_name = ? ORDER BY column_index"
        )
        rows = self._connection.cursor().execute(query, [dataset, table]).fetchall()
        if not rows:
            return None
        return Table([r[0] for r in rows], [r[1] for r in rows], [], {r[0] for r in rows if not r[2]})

    def drop(self, dataset: str, table: str) -> None:
        with self._alone:
            self._connection.cursor().execute(f'DROP TABLE "{dataset}"."{table}"')

    def load(self, dataset: str, table: str, fields: list[dict], path: Path, disposition: str) -> int:
        """A load job of a Parquet file."""
        target = f'"{dataset}"."{table}"'
        columns = ", ".join(
            f'"{f["name"]}" {_column(f)}' + (" NOT NULL" if f.get("mode") == "REQUIRED" else "") for f in fields
        )
        rows = pq.read_table(path)
        with self._alone:
            cursor = self._connection.cursor()
            cursor.execute("BEGIN")
            try:
                if disposition == "WRITE_TRUNCATE":
                    cursor.execute(f"CREATE OR REPLACE TABLE {target} ({columns})")
                names = ", ".join(f'"{name}"' for name in rows.column_names)
                cursor.register("loaded_rows", rows)
                cursor.execute(f"INSERT INTO {target} ({names}) SELECT {names} FROM loaded_rows")
                cursor.execute("COMMIT")
            except duckdb.Error as e:
                cursor.execute("ROLLBACK")
                raise QueryError(_message(e), "invalid") from e
        return rows.num_rows

    def run(self, text: str, parameters: dict) -> Table:
        """A query or a script; the result is the last statement's."""
        try:
            statements = [statement for statement in sqlglot.parse(text, read="bigquery") if statement is not None]
        except sqlglot.errors.ParseError as e:
            raise QueryError(f"Syntax error: {e}") from e
        cursor, result = self._connection.cursor(), Table([], [], [])
        transaction: Transaction | None = None
        try:
            for statement in statements:
                if isinstance(statement, exp.Transaction):
                    transaction = Transaction(self, cursor)
                elif isinstance(statement, exp.Commit):
                    transaction.commit()
                    transaction = None
                else:
                    result = self._statement(cursor, statement, parameters, transaction)
        except duckdb.Error as e:
            raise QueryError(_message(e), "notFound" if "does not exist" in str(e) else "invalidQuery") from e
        finally:
            if transaction is not None:
                transaction.rollback()
            cursor.close()
        return result

    def _statement(self, cursor, statement, parameters, transaction) -> Table:
        condition, message = _assertion(statement)
        if condition is not None:
            if not cursor.execute(f"SELECT {_sql(condition, parameters)}").fetchall()[0][0]:
                raise QueryError(f"Query error: {message}")
            return Table([], [], [])
        if transaction is None:
            if isinstance(statement, (*CHANGES, *DDL)):
                with self._alone:
                    return self._execute(cursor, statement, parameters)
            return self._execute(cursor, statement, parameters)
        if isinstance(statement, DDL):
            raise QueryError("Transaction control statements are supported only with DML and temporary tables")
        if isinstance(statement, CHANGES):
            transaction.change(_table_name(statement))
        return self._execute(cursor, statement, parameters)

    def _execute(self, cursor, statement, parameters) -> Table:
        if isinstance(statement, exp.Alter):  # DuckDB adds one column a statement
            for action in statement.args["actions"]:
                one = exp.Alter(this=statement.this.copy(), kind="TABLE", actions=[action.copy()])
                cursor.execute(_sql(one, parameters))
            return Table([], [], [])
        cursor.execute(_sql(statement, parameters))
        if not isinstance(statement, exp.Query):
            return Table([], [], [])
        described = cursor.description
        return Table([column[0] for column in described], [column[1] for column in described], cursor.fetchall())


class Transaction:
    """An open multi-statement transaction."""

    def __init__(self, engine: Engine, cursor) -> None:
        self._engine, self._cursor = engine, cursor
        with engine._lock:
            self._begun = engine._clock
            cursor.execute("BEGIN")
            cursor.execute("SELECT count(*) FROM duckdb_tables()").fetchall()  # takes the snapshot now

    def change(self, table: str) -> None:
        engine = self._engine
        with engine._lock:
            holder = engine._changing.get(table)
            if holder not in (None, self) or engine._changed.get(table, 0) > self._begun:
                raise QueryError(f"Transaction is aborted due to concurrent update against table {table}.")
            engine._changing[table] = self

    def commit(self) -> None:
        with self._engine._lock:
            self._cursor.execute("COMMIT")
            self._engine._clock += 1
            self._release(self._engine._clock)

    def rollback(self) -> None:
        with self._engine._lock:
            with contextlib.suppress(duckdb.TransactionException):  # a failed COMMIT has rolled back
                self._cursor.execute("ROLLBACK")
            self._release(None)

    def _release(self, changed: int | None) -> None:
        for table in [name for name, holder in self._engine._changing.items() if holder is self]:
            del self._engine._changing[table]
            if changed is not None:
                self._engine._changed[table] = changed


def _assertion(statement):
    """ASSERT (condition) AS 'message' is an alias of a function for sqlglot."""
    called = statement.this if isinstance(statement, exp.Alias) else None
    if isinstance(called, exp.Anonymous) and called.name.upper() == "ASSERT":
        return called.expressions[0], statement.alias
    return None, ""


def _table_name(statement) -> str:
    table = statement.this if isinstance(statement.this, exp.Table) else statement.find(exp.Table)
    return f"{table.db}.{table.name}"


def _sql(statement, parameters) -> str:
    def change(node):
        if isinstance(node, exp.Table) and node.args.get("catalog"):
            node.set("catalog", None)
        if isinstance(node, exp.Parameter):
            value = parameters[node.this.name]
            return exp.Literal.number(value) if isinstance(value, int) else exp.Literal.string(value)
        return node

    return statement.copy().transform(change).sql("duckdb")


def _column(field: dict) -> str:
    if field["type"] in ("NUMERIC", "BIGNUMERIC"):
        return f"DECIMAL({field.get('precision', 38)}, {field.get('scale', 9)})"
    return COLUMNS[field["type"]]


def _message(error: duckdb.Error) -> str:
    text = str(error)
    if "NOT NULL constraint" in text:
        return f"Required field {text.rpartition(' ')[2]} cannot be null"
    if "does not exist" in text:
        return f"Not found: Table {text}"
    return f"Transaction is aborted due to concurrent update: {text}" if "onflict" in text else text
