"""How staging becomes the target: which way (a truth table), and the statements of each way.

Text only, the same for PostgreSQL, DuckDB and SQLite; each database adds its locks around it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from transforms.core.tables.databases.sql import REJECT_COLUMNS, REJECTS
from transforms.core.tables.loads.destination import FILE_COLUMN, RECORD_COLUMN

if TYPE_CHECKING:
    from transforms.core.tables.columns.column import Column
    from transforms.core.tables.databases.sql import Dialect, TableName
    from transforms.core.tables.loads.destination import LoadSpec, WriteMode

Way = Literal["rename", "swap", "insert", "clear_insert", "upsert"]


def choose_way(mode: WriteMode, *, exists: bool, replaceable: bool) -> Way:
    """How the rows get into the target.

    | mode    | target | replaceable | way          |                                                       |
    |---------|--------|-------------|--------------|-------------------------------------------------------|
    | any     | absent | -           | rename       | staging becomes the target: no row is written twice   |
    | append  | there  | any         | insert       |                                                       |
    | replace | there  | yes         | swap         | the old table is dropped, staging takes its name      |
    | replace | there  | no          | clear_insert | DELETE + INSERT: what hangs on the table stays        |
    | upsert  | there  | any         | upsert       | UPDATE + INSERT, never DELETE: foreign keys stay true |

    The last step of each way is the commit: a statement of somebody else sees all of it or nothing. After rename and
    swap, a transaction whose snapshot is older (PostgreSQL's REPEATABLE READ) sees of the new table only the rows that
    were in staging at the time of its snapshot.

    Args:
        mode: The load's.
        exists: Whether the target is there.
        replaceable: Whether nothing but its rows would be lost with the old table: the load fills all its columns, and
            it has no index, constraint, default, grant, trigger, view, policy or comment.
    """
    if not exists:
        return "rename"
    if mode == "replace":
        return "swap" if replaceable else "clear_insert"
    return "upsert" if mode == "upsert" else "insert"


class Move(NamedTuple):
    """One publish.

    Attributes:
        spec: The load.
        staging: Its staging table.
        target: The table it goes to.
        dialect: The database's.
    """

    spec: LoadSpec
    staging: TableName
    target: TableName
    dialect: Dialect

    def repeated(self, column: str) -> str:
        """Selects f, r, v (file, record, value) of the rows that repeat a value of `column`."""
        value = self.dialect.quote(column)
        return self._ranked(value, "", f"WHERE {value} IS NOT NULL", f", {value} AS v")

    def superseded(self) -> str:
        """Selects f, r of all rows of a key but its last in (file, record) order."""
        return self._ranked(self.dialect.names(self.spec.key), " DESC", "", "")

    def _ranked(self, partition: str, order: str, where: str, more: str) -> str:
        file, record = self.dialect.quote(FILE_COLUMN), self.dialect.quote(RECORD_COLUMN)
        ranked = (
            f"SELECT {file} AS f, {record} AS r{more}, row_number() OVER (PARTITION BY {partition} "
            f"ORDER BY {file}{order}, {record}{order}) AS n FROM {self.staging.sql(self.dialect)} {where}"
        )
        return f"SELECT f, r{', v' if more else ''} FROM ({ranked}) d WHERE n > 1"

    def write_repeated(self, column: str) -> str:
        """Writes the rows that repeat a value of `column` to the rejects (parameter 1: its name).

        Their lines have a reject's keys, but `file` is the part's number in the plan, and `line` and `raw` are not
        known here: reject_places finds them.
        """
        name = f"CAST({self.dialect.mark}1 AS TEXT)"
        reject = self.dialect.json_object.format(
            f"'file', f, 'sheet', '', 'record', r, 'line', 0, 'column', {name}, "
            "'value', substr(CAST(v AS TEXT), 1, 200), 'rule', 'unique', 'raw', ''"
        )
        into = f"{self.target.beside(REJECTS).sql(self.dialect)} ({', '.join(REJECT_COLUMNS)})"
        return (
            f"INSERT INTO {into} SELECT '{self.spec.load_id}', f, r, -1, 0, {reject} FROM ({self.repeated(column)}) e"
        )

    def delete(self, rows: str) -> str:
        """Deletes from staging the rows that a query of f and r names."""
        quote = self.dialect.quote
        place = f"({quote(FILE_COLUMN)}, {quote(RECORD_COLUMN)})"
        return f"DELETE FROM {self.staging.sql(self.dialect)} WHERE {place} IN (SELECT f, r FROM ({rows}) e)"

    def drop_hidden_columns(self) -> tuple[str, ...]:
        """Takes the hidden columns out of a staging table that is to become the target."""
        hidden = (FILE_COLUMN, RECORD_COLUMN) if self.spec.ordered else ()
        table = self.staging.sql(self.dialect)
        return tuple(f"ALTER TABLE {table} DROP COLUMN {self.dialect.quote(name)}" for name in hidden)

    def add_column(self, column: Column) -> str:
        """Adds a column to the target; its older rows have NULL there."""
        kind = self.dialect.sql_type(column.type)
        return f"ALTER TABLE {self.target.sql(self.dialect)} ADD COLUMN {self.dialect.quote(column.name)} {kind}"

    def statements(self, way: Way) -> tuple[str, ...]:
        """What gets the rows into the target and staging out of the way; no TRUNCATE: old snapshots must stay true."""
        target, staging = self.target.sql(self.dialect), self.staging.sql(self.dialect)
        rename = f"ALTER TABLE {staging} RENAME TO {self.dialect.quote(self.target.name)}"
        match way:
            case "rename":
                return (*self.drop_hidden_columns(), rename)
            case "swap":
                return (*self.drop_hidden_columns(), f"DROP TABLE {target}", rename)
            case "insert":
                return (self.insert(), f"DROP TABLE {staging}")
            case "clear_insert":
                return (f"DELETE FROM {target}", self.insert(), f"DROP TABLE {staging}")
            case "upsert":
                update = self.update()
                return (*([update] if update else []), self.insert(only_new=True), f"DROP TABLE {staging}")

    def insert(self, *, only_new: bool = False) -> str:
        """Copies staging into the target; `only_new`: only keys that the target lacks."""
        names = self.dialect.names(column.name for column in self.spec.columns)
        target, staging = self.target.sql(self.dialect), self.staging.sql(self.dialect)
        text = f"INSERT INTO {target} ({names}) SELECT {names} FROM {staging} s"
        return text + (f" WHERE NOT EXISTS (SELECT 1 FROM {target} t WHERE {self.same_key()})" if only_new else "")

    def update(self) -> str:
        """Sets the columns of the rows whose key is there already; "" when the load has only key columns."""
        key = {self.dialect.fold(name) for name in self.spec.key}
        quoted = [self.dialect.quote(c.name) for c in self.spec.columns if self.dialect.fold(c.name) not in key]
        if not quoted:
            return ""
        values = ", ".join(f"{name} = s.{name}" for name in quoted)
        target, staging = self.target.sql(self.dialect), self.staging.sql(self.dialect)
        return f"UPDATE {target} AS t SET {values} FROM {staging} AS s WHERE {self.same_key()}"

    def same_key(self) -> str:
        """The condition that a row t of the target and s of staging have the same key."""
        quoted = [self.dialect.quote(name) for name in self.spec.key]
        return " AND ".join(f"t.{name} = s.{name}" for name in quoted)
