"""The SQL that a load sends to BigQuery. Text only.

INSERTs of two transactions never conflict there, and no key is enforced: so every transaction that enters chunks has
an `attempt` of its own, rows and ledger rows carry it, and of several attempts the first by name counts for a chunk.
Transactions that change rows of one table (publish) do conflict: the later one is aborted and comes again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from transforms.core.tables.databases.bigquery_types import TableId, literal, quote, sql_type
from transforms.core.tables.databases.sql import LEDGER, LOAD_COLUMNS, LOADS, REJECTS
from transforms.core.tables.loads.destination import FILE_COLUMN, RECORD_COLUMN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from transforms.core.tables.columns.column import Column
    from transforms.core.tables.loads.destination import ChunkTotals, LoadSpec

CHUNK, ATTEMPT, PLACE, REJECT = "_hornbeam_chunk", "_hornbeam_attempt", "_hornbeam_place", "_hornbeam_reject"
REJECT_FILE, REJECT_RECORD = "_hornbeam_reject_file", "_hornbeam_reject_record"
TOTALS = ("chunk", "file", "counted", "loaded", "rejected", "skipped")
_WHOLE = ("chunks", "counted", "loaded", "rejected", "skipped")


class Books(NamedTuple):
    """Where the bookkeeping stands, and one load in it.

    Attributes:
        home: Any table in the dataset of the bookkeeping tables.
        load_id: The load (hex digits); "" for statements on all of them.
    """

    home: TableId
    load_id: str = ""

    def table(self, name: str) -> str:
        """A bookkeeping table as it stands in a statement."""
        return self.beside(name).sql()

    def beside(self, name: str) -> TableId:
        """A table in the same dataset."""
        return self.home._replace(name=name)

    def staging(self) -> TableId:
        """The load's staging table."""
        return self.beside(f"hornbeam_staging_{self.load_id}")

    def batch(self, digest: str) -> TableId:
        """The table that one batch is loaded to."""
        return self.beside(f"{self.batch_prefix()}{digest}")

    def batch_prefix(self) -> str:
        """What the load's batch tables begin with."""
        return f"hornbeam_batch_{self.load_id}_"

    def where(self) -> str:
        """The condition for the load's rows."""
        return f"load_id = {literal(self.load_id)}"

    def counting(self) -> str:
        """The load's ledger, less the attempts that don't count."""
        first = "QUALIFY ROW_NUMBER() OVER (PARTITION BY chunk ORDER BY attempt) = 1"
        return f"(SELECT {', '.join(TOTALS)}, attempt FROM {self.table(LEDGER)} WHERE {self.where()} {first})"

    def assert_processing(self) -> str:
        """Fails the script unless chunks may be added and the load published."""
        is_open = f"(SELECT COUNT(*) FROM {self.table(LOADS)} WHERE {self.where()} AND status = 'processing') = 1"
        return f"ASSERT ({is_open}) AS 'hornbeam: the load is not processing'"


def bookkeeping_ddl(books: Books) -> str:
    """Makes the bookkeeping tables unless they are there."""
    loads = ", ".join(f"{name} {'INT64' if name in _WHOLE else 'STRING'}" for name in LOAD_COLUMNS)
    ledger = ", ".join(f"{name} INT64" for name in TOTALS)
    rejects = "load_id STRING, file INT64, record INT64, chunk INT64, place INT64, reject STRING, attempt STRING"
    return script(
        f"CREATE TABLE IF NOT EXISTS {books.table(LOADS)} ({loads})",
        f"CREATE TABLE IF NOT EXISTS {books.table(LEDGER)} (load_id STRING, {ledger}, attempt STRING)",
        f"CREATE TABLE IF NOT EXISTS {books.table(REJECTS)} ({rejects})",
    )


def script(*statements: str) -> str:
    """Statements as one script."""
    return ";\n".join(statements) + ";"


def transaction(*statements: str) -> str:
    """Statements as one transaction; the script's failure rolls it back."""
    return script("BEGIN TRANSACTION", *statements, "COMMIT TRANSACTION")


def columns_ddl(columns: Iterable[Column]) -> list[str]:
    """Columns as CREATE TABLE names them."""
    return [
        f"{quote(column.name)} {sql_type(column.type)}{'' if column.nullable else ' NOT NULL'}" for column in columns
    ]


def staging_ddl(books: Books, spec: LoadSpec) -> str:
    """Makes the load's staging table unless it is there."""
    hidden = [f"{quote(name)} INT64 NOT NULL" for name in (*hidden_columns(spec), CHUNK)]
    columns = [*columns_ddl(spec.columns), *hidden, f"{quote(ATTEMPT)} STRING NOT NULL"]
    return f"CREATE TABLE IF NOT EXISTS {books.staging().sql()} ({', '.join(columns)})"


def hidden_columns(spec: LoadSpec) -> tuple[str, ...]:
    """The columns that say a row's place in the input, where the load has them."""
    return (FILE_COLUMN, RECORD_COLUMN) if spec.ordered else ()


def insert_load(books: Books) -> str:
    """The load's row, from parameters named as the columns."""
    marks = ", ".join(f"@{name}" for name in LOAD_COLUMNS)
    return f"INSERT INTO {books.table(LOADS)} ({', '.join(LOAD_COLUMNS)}) VALUES ({marks})"


def delete_unplanned(books: Books) -> str:
    """Takes out a load that has no plan."""
    return f"DELETE FROM {books.table(LOADS)} WHERE {books.where()} AND plan = ''"


def replace_unplanned(books: Books) -> str:
    """The load's row in place of the one that it had without a plan."""
    return transaction(delete_unplanned(books), insert_load(books))


def set_unplanned(books: Books) -> str:
    """Sets (from parameters) what is known of a load that has no plan."""
    return (
        f"UPDATE {books.table(LOADS)} SET status = @status, error = @error, finished = @finished "
        f"WHERE {books.where()} AND plan = ''"
    )


def select_loads(books: Books) -> str:
    """All loads (or the one), newest first; those under way get their totals from the ledger."""
    first = "QUALIFY ROW_NUMBER() OVER (PARTITION BY load_id, chunk ORDER BY attempt) = 1"
    where = books.where() if books.load_id else "TRUE"
    ledger = f"SELECT load_id, loaded, rejected, skipped FROM {books.table(LEDGER)} WHERE {where} {first}"
    sums = "SUM(loaded) AS loaded, SUM(rejected) AS rejected, SUM(skipped) AS skipped"
    columns = ", ".join(
        f"IF(l.status = 'completed', l.{name}, COALESCE(g.{name}, 0)) AS {name}"
        if name in ("loaded", "rejected", "skipped")
        else f"l.{name}"
        for name in LOAD_COLUMNS
    )
    return (
        f"SELECT {columns} FROM (SELECT * FROM {books.table(LOADS)} WHERE {where}) AS l LEFT JOIN (SELECT load_id, "
        f"{sums} FROM ({ledger}) AS w GROUP BY load_id) AS g ON g.load_id = l.load_id ORDER BY l.started DESC"
    )


def select_ledger(books: Books) -> str:
    """The load's ledger."""
    return f"SELECT {', '.join(TOTALS)} FROM {books.counting()} AS w ORDER BY chunk"


def select_rejects(books: Books) -> str:
    """The load's rejects in input order, less those of attempts that don't count (chunk -1: found at publish)."""
    return (
        f"SELECT r.reject FROM {books.table(REJECTS)} AS r LEFT JOIN {books.counting()} AS w ON w.chunk = r.chunk AND "
        f"w.attempt = r.attempt WHERE r.{books.where()} AND (r.chunk = -1 OR w.chunk IS NOT NULL) "
        "ORDER BY r.file, r.record, r.chunk, r.place"
    )


def set_status(books: Books, status: str, unless: str) -> str:
    """Sets the load's status and (from parameters) its error and time."""
    return (
        f"UPDATE {books.table(LOADS)} SET status = {literal(status)}, error = @error, finished = @finished "
        f"WHERE {books.where()} AND status <> {literal(unless)} AND status <> {literal(status)}"
    )


def forget_chunks(books: Books) -> str:
    """Empties the load's ledger: its staging table is gone."""
    return transaction(*(f"DELETE FROM {books.table(name)} WHERE {books.where()}" for name in (LEDGER, REJECTS)))


def enter_chunks(
    books: Books, spec: LoadSpec, totals: Iterable[ChunkTotals], batch: TableId | None, attempt: str
) -> str:
    """The transaction that makes a loaded batch count, less the chunks that are there; returns their numbers.

    Args:
        books: The bookkeeping.
        spec: The load.
        totals: The ledger rows.
        batch: The table that holds rows and rejects; None when there are none.
        attempt: Of this transaction alone.
    """
    mine = f"SELECT chunk FROM {books.table(LEDGER)} WHERE {books.where()} AND attempt = {literal(attempt)}"
    rows = " UNION ALL ".join(
        "SELECT " + ", ".join(f"{int(value)} AS {name}" for name, value in zip(TOTALS, row, strict=True))
        for row in sorted(totals)
    )
    there = f"SELECT chunk FROM {books.table(LEDGER)} WHERE {books.where()}"
    ledger = (
        f"INSERT INTO {books.table(LEDGER)} (load_id, {', '.join(TOTALS)}, attempt) SELECT {literal(books.load_id)}, "
        f"{', '.join(f'n.{name}' for name in TOTALS)}, {literal(attempt)} FROM ({rows}) AS n "
        f"WHERE n.chunk NOT IN ({there})"
    )
    moves = _move_batch(books, spec, batch, attempt, mine) if batch else ()
    return f"{transaction(books.assert_processing(), ledger, *moves)}\n{mine};"


def _move_batch(books: Books, spec: LoadSpec, batch: TableId, attempt: str, mine: str) -> tuple[str, str]:
    names = ", ".join(quote(name) for name in (*(c.name for c in spec.columns), *hidden_columns(spec), CHUNK))
    return (
        (
            f"INSERT INTO {books.staging().sql()} ({names}, {quote(ATTEMPT)}) SELECT {names}, {literal(attempt)} "
            f"FROM {batch.sql()} WHERE {REJECT} IS NULL AND {CHUNK} IN ({mine})"
        ),
        (
            f"INSERT INTO {books.table(REJECTS)} (load_id, file, record, chunk, place, reject, attempt) "
            f"SELECT {literal(books.load_id)}, {REJECT_FILE}, {REJECT_RECORD}, {CHUNK}, {PLACE}, {REJECT}, "
            f"{literal(attempt)} FROM {batch.sql()} WHERE {REJECT} IS NOT NULL AND {CHUNK} IN ({mine})"
        ),
    )
