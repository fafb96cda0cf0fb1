"""The work that is left of a load, cut into tasks; and what happens when the database refuses a value."""

import json
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.tables.loads.load_cases import source
from tests.core.tables.loads.plan_cases import SETTINGS, findings, part, scanned
from transforms.core import memory
from transforms.core.governor import Governor
from transforms.core.tables.columns.table_schema import load_table_schema
from transforms.core.tables.delimited.dialect import DialectOverrides
from transforms.core.tables.delimited.resolve import Chunk
from transforms.core.tables.loads import load_chunks, long_transactions, scan_parts
from transforms.core.tables.loads.destination import BadRowsError, ChunkRows
from transforms.core.tables.loads.find_parts import find_parts
from transforms.core.tables.loads.findings import ScannedPart
from transforms.core.tables.loads.load_chunks import LoadTask, tasks
from transforms.core.tables.loads.load_plan import CSV, SHEET, STREAM, LoadPlan, PlannedPart
from transforms.core.tables.loads.load_settings import LoadSettings
from transforms.core.tables.loads.make_plan import make_plan
from transforms.core.tables.loads.open_load import list_files, spec_of

LOAD = "0" * 32


def plan_of(*parts: tuple[str, list[int]]) -> LoadPlan:
    """A plan whose parts have a kind and chunks of these sizes."""
    planned, first = [], 0
    for number, (kind, sizes) in enumerate(parts):
        edges = list(accumulate(sizes, initial=10))
        chunks = tuple(Chunk(start, start + size, 0, 1, 1) for start, size in zip(edges, sizes, strict=False))
        planned.append(PlannedPart(part(number, "x")._replace(kind=kind), (0,), len(sizes), False, chunks, first))
        first += len(sizes)
    return make_plan(findings(scanned(part(0, "x"))), SETTINGS)._replace(parts=tuple(planned))


def spans(plan: LoadPlan, done: set[int], range_bytes: int) -> list[tuple[int, ...]]:
    return [tuple(task)[1:] for task in tasks(LOAD, plan, done, range_bytes)]


# parts, chunks done, bytes a task: (part, first, last, bytes)
LEFT = {
    "nothing to do": ([(CSV, [])], set(), 100, []),
    "all at once": ([(CSV, [5, 5, 5])], set(), 100, [(0, 0, 2, 15)]),
    "as much as fits": ([(CSV, [5, 5, 5])], set(), 10, [(0, 0, 1, 10), (0, 2, 2, 5)]),
    "a chunk alone is never cut": ([(CSV, [50, 5])], set(), 10, [(0, 0, 0, 50), (0, 1, 1, 5)]),
    "around what is done": ([(CSV, [5, 5, 5])], {1}, 100, [(0, 0, 0, 5), (0, 2, 2, 5)]),
    "all done": ([(CSV, [5, 5])], {0, 1}, 100, []),
    "parts apart": ([(CSV, [5]), (CSV, [5, 5])], {1}, 100, [(0, 0, 0, 5), (1, 1, 1, 5)]),
    "a stream is one task": ([(STREAM, [5, 5, 5, 5])], {0, 2}, 1, [(0, 1, 3, 100)]),
    "a sheet is one task": ([(SHEET, [5, 5])], {1}, 1, [(0, 0, 0, 100)]),
    "a stream that is done": ([(STREAM, [5]), (CSV, [5])], {0}, 1, [(1, 0, 0, 5)]),
}


@pytest.mark.parametrize(("parts", "done", "range_bytes", "expected"), LEFT.values(), ids=LEFT)
def test_what_is_left_becomes_tasks(parts, done, range_bytes, expected):
    assert spans(plan_of(*parts), done, range_bytes) == expected


@given(
    st.lists(st.lists(st.integers(1, 50), max_size=8), max_size=4),
    st.sets(st.integers(0, 20)),
    st.integers(1, 100),
)
def test_every_missing_chunk_is_in_one_task_and_no_done_one_is(parts, done, range_bytes):
    plan = plan_of(*((CSV, sizes) for sizes in parts))
    numbers = [
        plan.parts[task.part].first_chunk + index
        for task in tasks(LOAD, plan, done, range_bytes)
        for index in range(task.first, task.last + 1)
    ]
    assert sorted(numbers) == sorted(set(range(sum(map(len, parts)))) - done)
    for task in tasks(LOAD, plan, done, range_bytes):
        assert task.size_bytes <= range_bytes or task.first == task.last


def test_a_task_is_a_plain_tuple_of_numbers_and_names():
    [task] = tasks(LOAD, plan_of((CSV, [5])), set(), 10)
    assert isinstance(task, LoadTask)
    assert all(isinstance(value, str | int) for value in task)


class PickyPlace:
    """A place in memory that refuses some values, as a database does whose type is narrower than its name says."""

    def __init__(self, refused: set[int]) -> None:
        self.refused = refused
        self.rows: list[int] = []
        self.chunks: dict[int, ChunkRows] = {}
        self.transactions: list[int] = []

    def write_chunks(self, _spec, chunks):
        self.transactions.append(len(chunks))
        for chunk in chunks:
            if reason := self.refusal(None, chunk.rows):
                raise BadRowsError(reason)
        new = [chunk for chunk in chunks if chunk.totals.chunk not in self.chunks]
        self.chunks |= {chunk.totals.chunk: chunk for chunk in new}
        self.rows += [value for chunk in new for value in chunk.rows["x"].to_pylist()]
        return frozenset(chunk.totals.chunk for chunk in new)

    def refusal(self, _spec, rows) -> str:
        bad = self.refused & set(rows["x"].to_pylist())
        return f"out of range: {min(bad)}" if bad else ""


class PickyLongPlace(PickyPlace):
    """The same, with long transactions."""

    def write_long(self, spec, chunks) -> bool:
        given = []
        for chunk in chunks:
            if chunk.totals.chunk in self.chunks:
                return False
            if reason := self.refusal(spec, chunk.rows):
                raise BadRowsError(reason)
            given.append(chunk)
        self.write_chunks(spec, given)
        return True


@settings(deadline=None, max_examples=100)
@given(
    st.sampled_from([PickyPlace, PickyLongPlace]),
    st.sets(st.integers(0, 39)),
    st.sampled_from([1, 7, 10_000]),
    st.integers(1, 12),
)
def test_each_value_that_the_database_refuses_is_rejected_alone(place_class, refused, transaction_rows, chunk_rows):
    text = "x\n" + "".join(f"{n}\n" for n in range(20)) + "none\n\n" + "".join(f"{n}\n" for n in range(20, 40))
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(load_chunks, "TRANSACTION_ROWS", transaction_rows)
        patch.setattr(long_transactions, "LONG_ROWS", transaction_rows)
        path = source(Path(folder), "a.csv", text)
        schema = '{"fields": [{"name": "x", "type": "integer"}]}'
        given_settings = SETTINGS._replace(
            sources=(str(path),), chunk_rows=chunk_rows, schema_text=schema, overrides=DialectOverrides(header="yes")
        )
        found, plan = place_class(refused), planned(given_settings)
        work = list(tasks(LOAD, plan, set(), 20))
        spec = spec_of(LOAD, plan, given_settings)
        records = load_chunks.load_chunks(work, spec, plan, given_settings, found)
    assert sorted(found.rows) == [n for n in range(40) if n not in refused]
    rejects = [json.loads(line) for chunk in found.chunks.values() for line in chunk.rejects]
    for chunk in found.chunks.values():
        records_of = [json.loads(line)["record"] for line in chunk.rejects]
        assert records_of == sorted(records_of)
    place_of = {n: n + 1 if n < 20 else n + 3 for n in refused}
    assert sorted((one["record"], one["line"], one["raw"]) for one in rejects) == sorted(
        [(place, place + 1, str(n)) for n, place in place_of.items()] + [(21, 22, "none")]
    )
    assert {one["rule"] for one in rejects if one["raw"] != "none"} <= {f"database: out of range: {n}" for n in refused}
    totals = [chunk.totals for chunk in found.chunks.values()]
    assert records == sum(one.counted for one in totals) == 42
    assert all(one.counted == one.loaded + one.rejected + one.skipped for one in totals)


@settings(deadline=None, max_examples=60)
@given(st.sets(st.integers(0, 9)), st.sampled_from([1, 7, 10_000]))
def test_in_long_transactions_what_another_attempt_wrote_is_written_once(elsewhere, long_rows):
    text = "x\n" + "".join(f"{n}\n" for n in range(40))
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_transactions, "LONG_ROWS", long_rows)
        schema = '{"fields": [{"name": "x", "type": "integer"}]}'
        load = SETTINGS._replace(sources=(str(source(Path(folder), "a.csv", text)),), chunk_rows=4, schema_text=schema)
        plan = planned(load)
        work, spec = list(tasks(LOAD, plan, set(), 20)), spec_of(LOAD, plan, load)
        reference, found = PickyPlace(set()), PickyLongPlace(set())
        load_chunks.load_chunks(work, spec, plan, load, reference)
        found.write_chunks(spec, [reference.chunks[number] for number in sorted(elsewhere)])
        records = load_chunks.load_chunks(work, spec, plan, load, found)
    assert sorted(found.rows) == list(range(40))
    assert records == 40 - 4 * len(elsewhere)


MIB = 1 << 20
FULL = [
    (long_transactions.LONG_ROWS, 1, True),
    (long_transactions.LONG_ROWS - 1, 40 * MIB, False),
    (1, long_transactions.LONG_BYTES, True),
    (20_000, 12 * MIB, True),
    (20_000, 12 * MIB - 1, False),
    (100_000, 12 * MIB, False),
]


@pytest.mark.parametrize(("rows", "size", "full"), FULL)
def test_a_long_transaction_ends_when_its_row_groups_are_full_or_will_never_be(rows, size, full):
    assert long_transactions.is_full(rows, size, long_transactions.LONG_ROWS) == full


LONG = long_transactions.LONG_ROWS


@pytest.mark.parametrize(
    ("rows", "of_each"),
    [
        (0, 1),
        (1, 1),
        (LONG, LONG),
        (LONG + 9, LONG + 9),
        (3 * LONG // 2 + 1, 3 * LONG // 4 + 1),
        (3 * LONG + 1, LONG + 1),
    ],
)
def test_no_transaction_is_left_with_a_few_rows(rows, of_each):
    assert long_transactions.even_rows(rows) == of_each


@pytest.mark.parametrize(("rows", "transactions"), [(40, [10]), (8, [2]), (60, [8, 7]), (90, [8, 8, 7])])
def test_a_batch_goes_in_even_transactions_and_none_is_empty(tmp_path, monkeypatch, rows, transactions):
    monkeypatch.setattr(long_transactions, "LONG_ROWS", 30)
    text = "x\n" + "".join(f"{n}\n" for n in range(rows))
    schema = '{"fields": [{"name": "x", "type": "integer"}]}'
    load = SETTINGS._replace(sources=(str(source(tmp_path, "a.csv", text)),), chunk_rows=4, schema_text=schema)
    plan, found = planned(load), PickyLongPlace(set())
    records = load_chunks.load_chunks(list(tasks(LOAD, plan, set(), 20)), spec_of(LOAD, plan, load), plan, load, found)
    assert (records, found.transactions) == (rows, transactions)


@pytest.mark.parametrize(("used_bytes", "transactions"), [(0, [8, 8, 7]), (2 << 20, [4, 4, 4, 4, 4, 3])])
@pytest.mark.parametrize("place_class", [PickyPlace, PickyLongPlace])
def test_under_pressure_a_transaction_is_shorter_and_loads_the_same(
    tmp_path, monkeypatch, place_class, used_bytes, transactions
):
    monkeypatch.setattr(long_transactions, "LONG_ROWS", 30)
    monkeypatch.setattr(load_chunks, "TRANSACTION_ROWS", 32)
    governor = Governor(1, 1, lambda: 0)  # no sampler's
    governor.heed(used_bytes)
    monkeypatch.setattr(memory._shared, "governor", governor)
    text = "x\n" + "".join(f"{n}\n" for n in range(90))
    schema = '{"fields": [{"name": "x", "type": "integer"}]}'
    load = SETTINGS._replace(sources=(str(source(tmp_path, "a.csv", text)),), chunk_rows=4, schema_text=schema)
    plan, found = planned(load), place_class(set())
    records = load_chunks.load_chunks(list(tasks(LOAD, plan, set(), 20)), spec_of(LOAD, plan, load), plan, load, found)
    assert (records, sorted(found.rows), found.transactions) == (90, list(range(90)), transactions)


@pytest.mark.parametrize("place_class", [PickyPlace, PickyLongPlace])
def test_a_transaction_is_ended_by_long_rejects_too(tmp_path, monkeypatch, place_class):
    monkeypatch.setattr(long_transactions, "WIDE_BYTES", 10_000)
    monkeypatch.setattr(load_chunks, "TRANSACTION_BYTES", 10_000)
    text = "x\n" + f"n{'o' * 1000}\n" * 40
    schema = '{"fields": [{"name": "x", "type": "integer"}]}'
    load = SETTINGS._replace(sources=(str(source(tmp_path, "a.csv", text)),), chunk_rows=1, schema_text=schema)
    load = load._replace(overrides=DialectOverrides(header="yes"))
    plan, found = planned(load), place_class(set())
    load_chunks.load_chunks(list(tasks(LOAD, plan, set(), 1 << 20)), spec_of(LOAD, plan, load), plan, load, found)
    assert sum(len(chunk.rejects) for chunk in found.chunks.values()) == 40
    assert max(found.transactions) < 10


def planned(load: LoadSettings) -> LoadPlan:
    [info] = list_files(load)
    [one] = find_parts(0, info, load)
    scans = tuple(scan_parts.scan(one, start, stop, load) for start, stop in scan_parts.cut(one, load))
    declared = load_table_schema(load.schema_text, where="schema")
    return make_plan(findings(ScannedPart(one, scans), schema=declared), load)


@pytest.mark.parametrize(
    ("destination", "range_mib", "mib"),
    [("duckdb:///x.duckdb", 8, 40), ("duckdb:///x.duckdb", 1, 5), ("sqlite:///x", 8, 4), ("postgresql://h/d", 1, 1)],
)
def test_batches_are_as_large_as_the_database_wants_its_transactions(destination, range_mib, mib):
    assert load_chunks.batch_bytes(destination, range_mib * MIB) == mib * MIB
