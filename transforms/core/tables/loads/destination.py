"""What a load asks of a database: the protocol that every module in databases/ implements.

A load is exactly once: see `Destination` for the order of things that makes it so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, runtime_checkable

from transforms.core.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from transforms.core.tables.columns.column import Column

WriteMode = Literal["append", "replace", "upsert"]
LoadStatus = Literal["pending", "processing", "completed", "failed"]

# Hidden columns of the staging table, there only when LoadSpec.ordered: the order in which upsert's last record wins.
FILE_COLUMN = "_hornbeam_file"
RECORD_COLUMN = "_hornbeam_record"


class LoadSpec(NamedTuple):
    """What one load is, as far as a database must know.

    Attributes:
        load_id: 32 hex digits, derived from the sources' identity and the settings that matter.
        table: The target, `name` or `schema.name`, unquoted.
        mode: append, replace or upsert.
        key: Column names that identify a row (upsert only, else empty).
        columns: All columns of the target that the load fills, provenance included, in order.
        ordered: Whether staging also has FILE_COLUMN and RECORD_COLUMN (int64), last (upsert, unique).
        unique: Column names each of whose values may stand only once in the load (first one wins).
        chunks: How many chunks the plan has.
        counted: How many records the plan counted.
        add_columns: Whether columns that the target lacks are added to it at publish (nullable).
        plan: The stored plan as JSON text: opaque here.
    """

    load_id: str
    table: str
    mode: WriteMode
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    ordered: bool
    unique: tuple[str, ...]
    chunks: int
    counted: int
    add_columns: bool
    plan: str


class ChunkTotals(NamedTuple):
    """One ledger row: a chunk's account. counted = loaded + rejected + skipped."""

    chunk: int
    file: int
    counted: int
    loaded: int
    rejected: int
    skipped: int


class ChunkRows(NamedTuple):
    """One chunk, ready to be written.

    Attributes:
        totals: Its ledger row.
        rows: Its good rows: the load's columns (plus the two hidden ones if ordered), in Arrow's types.
        rejects: Its rejected records, one JSON line each, in record order.
    """

    totals: ChunkTotals
    rows: pa.Table
    rejects: tuple[str, ...] = ()

    @property
    def size_bytes(self) -> int:
        """What it takes, good rows and rejects together."""
        return int(self.rows.nbytes) + sum(map(len, self.rejects))


class StoredLoad(NamedTuple):
    """A load as the destination remembers it (times: ISO 8601 UTC or "").

    `spec.table` is what the table is called here and now; `written` is what the command called it that stored the load.
    """

    spec: LoadSpec
    status: LoadStatus
    loaded: int
    rejected: int
    skipped: int
    error: str
    started: str
    finished: str
    written: str = ""

    @property
    def planned(self) -> bool:
        """Whether its plan is stored: not while it is `pending`, nor when it `failed` before it was planned."""
        return bool(self.spec.plan)


class BadRowsError(Exception):
    """The database refused rows for what is in them (not for what the rows were sent with).

    `write_chunks` has rolled back; the caller asks `refusal` of ever smaller parts until the bad record stands alone,
    rejects it, and writes the others.
    """


class TooManyRejectsError(PermanentError):
    """Records that repeat a unique value bring the rejects over the limit: nothing was published."""


class Destination(Protocol):
    """One database and its bookkeeping. Not thread-safe: each worker thread has its own.

    Order: `announce_load` while the load has no plan (`forget_load` takes it back); `create_load` once (both
    idempotent); any number of `write_chunks`, in any process; `publish` once.
    Exactly once: each chunk's ledger row (primary key load, chunk) is committed with the chunk's rows, and inserted
    before them but in long transactions; `publish` moves staging to the target in the transaction that sets the load
    to `completed`, and refuses unless the ledger has all chunks and loaded + rejected + skipped = counted.

    Attributes:
        single_process: Whether only one process may write (DuckDB, SQLite).
        statements: SQL statements (or API calls) sent so far by this object, BEGIN and COMMIT included.
        table: The table whose loads are meant, by their ids too: another schema's loads are none of its business.
            "" = all loads that there are.
    """

    single_process: bool
    statements: int
    table: str

    def open(self) -> None:
        """Connects. Raises ConfigError with the remedy (unknown host, wrong password: never shown)."""

    def close(self) -> None:
        """Disconnects; may be called twice."""

    def check(self, table: str) -> list[str]:
        """Findings of a pre-flight: may we create, write, read here? Empty list = all well. Writes nothing."""

    def describe(self, table: str) -> tuple[Column, ...] | None:
        """The target's columns (types we don't know come as text), or None when there is no such table."""

    def canonical(self, table: str) -> str:
        """The one name of a table, however it is written, for identities: not for statements."""

    def is_there(self) -> bool:
        """Whether there is a database yet: a file or a folder may be made by the first load only."""

    def announce_load(self, spec: LoadSpec, error: str = "") -> None:
        """Stores a load that has no plan yet, `pending` or (with an error) `failed`; one with a plan stays as it is.

        Args:
            spec: Its id, table, mode and key; no columns, no plan.
            error: Why it failed before its plan; "" when it begins.
        """

    def forget_load(self, load_id: str) -> None:
        """Takes back what was announced of a load, unless it has a plan by now; it may be unknown."""

    def create_load(self, spec: LoadSpec) -> StoredLoad:
        """Makes the bookkeeping tables, stores the plan if there is none, makes staging; returns what is stored.

        An announced load becomes `processing` with its plan. A load that has a plan already keeps it (the caller goes
        on by that one), and a `failed` one goes back to `processing`; a `completed` one is returned as it is.
        """

    def find_load(self, load_id: str) -> StoredLoad | None:
        """The stored load, or None, also for one that is only announced; never creates anything."""

    def ledger(self, load_id: str) -> dict[int, ChunkTotals]:
        """The chunks that are committed."""

    def write_chunks(self, spec: LoadSpec, chunks: Sequence[ChunkRows]) -> frozenset[int]:
        """Writes chunks in one transaction: status check, ledger rows, rows, rejects, commit.

        Returns:
            The chunk numbers that this call wrote; the others were there already.

        Raises:
            BadRowsError: The database refused a value.
            TransientError: The connection broke or a lock timed out; nothing was written.
            PermanentError: The load is not `processing` any more (it was published or failed elsewhere).
        """

    def refusal(self, spec: LoadSpec, rows: pa.Table) -> str:
        """Why the database would refuse these rows ("" = it would not): they are written and rolled back."""

    def publish(self, spec: LoadSpec, most_rejects: int | None = None) -> StoredLoad:
        """Moves staging to the target and completes the load, in one transaction; completed already = success.

        Duplicates by `unique` are taken out first (the first in (file, record) order stays); they are counted as
        rejected, not loaded, and written to the rejects with rule `unique`.
        Raises PermanentError when the ledger doesn't add up, and TooManyRejectsError when more than `most_rejects`
        records are rejected, those duplicates included; the load stays as it was.
        """

    def fail(self, load_id: str, error: str) -> None:
        """Sets a load to `failed` with its error; its chunks stay for the next attempt."""

    def loads(self) -> Iterator[StoredLoad]:
        """All loads (of `table`, where that is set), newest first; those only announced have an empty plan."""

    def rejects(self, load_id: str) -> Iterator[str]:
        """The load's rejected records as JSON lines, in (file, record) order."""


@runtime_checkable
class LongWriter(Protocol):
    """What a `Destination` has beside that profits from long transactions."""

    def write_long(self, spec: LoadSpec, chunks: Iterator[ChunkRows]) -> bool:
        """Writes chunks in one transaction, each as it comes: rows, rejects, behind the last the ledger; commits.

        Returns:
            Whether they are written; False, with nothing written, when another attempt has one of them.

        Raises:
            BadRowsError: The database refused a value; nothing was written.
            TransientError: As `write_chunks`; and whatever `chunks` raises.
            PermanentError: As `write_chunks`.
        """
