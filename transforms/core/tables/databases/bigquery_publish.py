"""How a load's staging table becomes the target in BigQuery: one transaction, as text.

DDL on permanent tables can't stand in a transaction: the target and its new columns are made before, empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.core.tables.databases.bigquery_sql import ATTEMPT, CHUNK, columns_ddl, transaction
from transforms.core.tables.databases.bigquery_types import TableId, literal, quote, sql_type
from transforms.core.tables.databases.sql import LOADS, REJECTS
from transforms.core.tables.loads.destination import FILE_COLUMN, RECORD_COLUMN

if TYPE_CHECKING:
    from transforms.core.tables.columns.column import Column
    from transforms.core.tables.databases.bigquery_sql import Books
    from transforms.core.tables.loads.destination import LoadSpec


def target_ddl(target: TableId, spec: LoadSpec) -> str:
    """Makes the target, empty, unless it is there."""
    return f"CREATE TABLE IF NOT EXISTS {target.sql()} ({', '.join(columns_ddl(spec.columns))})"


def add_columns_ddl(target: TableId, columns: list[Column]) -> str:
    """Adds columns to the target unless they are there; its older rows have NULL in them."""
    added = (f"ADD COLUMN IF NOT EXISTS {quote(column.name)} {sql_type(column.type)}" for column in columns)
    return f"ALTER TABLE {target.sql()} {', '.join(added)}"


def publish_sql(books: Books, spec: LoadSpec, target: TableId, most_rejects: int | None = None) -> str:
    """The transaction: status and sums checked, other attempts' rows and duplicates out, rows in, load completed."""
    staging = books.staging().sql()
    others = (
        f"DELETE FROM {staging} AS s WHERE NOT EXISTS (SELECT 1 FROM {books.counting()} AS w "
        f"WHERE w.chunk = s.{CHUNK} AND w.attempt = s.{ATTEMPT})"
    )
    duplicates = [statement for name in spec.unique for statement in _take_out_duplicates(books, spec, name)]
    return transaction(
        books.assert_processing(),
        *_assert_whole(books, spec),
        others,
        f"ASSERT ((SELECT COUNT(*) FROM {staging}) = (SELECT COALESCE(SUM(loaded), 0) FROM {books.counting()} AS w)) "
        "AS 'hornbeam: staging has not the rows that the ledger says'",
        *duplicates,
        *_assert_few_rejects(books, spec, most_rejects),
        *_fill(books, spec, target),
        _complete(books),
    )


def _assert_whole(books: Books, spec: LoadSpec) -> tuple[str, str]:
    sums = f"SELECT COALESCE(SUM(loaded + rejected + skipped), 0) FROM {books.counting()} AS w"
    return (
        f"ASSERT ((SELECT COUNT(*) FROM {books.counting()} AS w) = {spec.chunks}) AS 'hornbeam: chunks are missing'",
        f"ASSERT (({sums}) = {spec.counted}) AS 'hornbeam: the records do not add up'",
    )


def _assert_few_rejects(books: Books, spec: LoadSpec, most_rejects: int | None) -> list[str]:
    """Only duplicates can bring more rejects than the ledger has."""
    if most_rejects is None or not spec.unique:
        return []
    rows = f"SELECT COUNT(*) FROM {books.staging().sql()}"
    sums = f"SELECT COALESCE(SUM(loaded + rejected), 0) FROM {books.counting()} AS w"
    message = "hornbeam: with those that repeat a unique value more records are rejected than --max_rejects allows"
    return [f"ASSERT (({sums}) - ({rows}) <= {most_rejects}) AS {literal(message)}"]


def _take_out_duplicates(books: Books, spec: LoadSpec, name: str) -> tuple[str, str]:
    staging, value = books.staging().sql(), quote(name)
    repeated = (
        f"(SELECT {FILE_COLUMN} AS f, {RECORD_COLUMN} AS r, {value} AS v, ROW_NUMBER() OVER (PARTITION BY "
        f"{_groupable(spec, name)} ORDER BY {FILE_COLUMN}, {RECORD_COLUMN}) AS n FROM {staging} "
        f"WHERE {value} IS NOT NULL) AS d"
    )
    line = (
        f"TO_JSON_STRING(STRUCT(d.f AS file, d.r AS record, {literal(name)} AS `column`, "
        "SUBSTR(CAST(d.v AS STRING), 1, 200) AS value, 'unique' AS rule))"
    )
    return (
        (
            f"INSERT INTO {books.table(REJECTS)} (load_id, file, record, chunk, place, reject, attempt) "
            f"SELECT {literal(books.load_id)}, d.f, d.r, -1, 0, {line}, '' FROM {repeated} WHERE d.n > 1"
        ),
        (
            f"DELETE FROM {staging} AS s WHERE EXISTS (SELECT 1 FROM {repeated} WHERE d.n > 1 "
            f"AND d.f = s.{FILE_COLUMN} AND d.r = s.{RECORD_COLUMN})"
        ),
    )


def _fill(books: Books, spec: LoadSpec, target: TableId) -> list[str]:
    names = ", ".join(quote(column.name) for column in spec.columns)
    insert = f"INSERT INTO {target.sql()} ({names}) SELECT {names} FROM {books.staging().sql()}"
    match spec.mode:
        case "append":
            return [insert]
        case "replace":
            return [f"DELETE FROM {target.sql()} WHERE TRUE", insert]
        case "upsert":
            return [_merge(books, spec, target, names)]


def _merge(books: Books, spec: LoadSpec, target: TableId, names: str) -> str:
    keys = ", ".join(_groupable(spec, name) for name in spec.key)
    last = (
        f"SELECT {names} FROM {books.staging().sql()} WHERE TRUE QUALIFY ROW_NUMBER() OVER (PARTITION BY {keys} "
        f"ORDER BY {FILE_COLUMN} DESC, {RECORD_COLUMN} DESC) = 1"
    )
    same = " AND ".join(f"t.{quote(name)} = s.{quote(name)}" for name in spec.key)
    others = [quote(column.name) for column in spec.columns if column.name not in spec.key]
    update = f"WHEN MATCHED THEN UPDATE SET {', '.join(f'{name} = s.{name}' for name in others)} " if others else ""
    values = ", ".join(f"s.{quote(column.name)}" for column in spec.columns)
    return (
        f"MERGE INTO {target.sql()} AS t USING ({last}) AS s ON {same} {update}"
        f"WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({values})"
    )


def _groupable(spec: LoadSpec, name: str) -> str:
    """A column as PARTITION BY takes it: not FLOAT64."""
    kind = next(column.type.kind for column in spec.columns if column.name == name)
    return f"CAST({quote(name)} AS STRING)" if kind == "double" else quote(name)


def _complete(books: Books) -> str:
    rows = f"(SELECT COUNT(*) FROM {books.staging().sql()})"
    total = "(SELECT COALESCE(SUM({}), 0) FROM " + books.counting() + " AS w)"
    return (
        f"UPDATE {books.table(LOADS)} SET status = 'completed', error = '', loaded = {rows}, "
        f"rejected = {total.format('loaded + rejected')} - {rows}, skipped = {total.format('skipped')}, "
        f"finished = @finished WHERE {books.where()}"
    )
