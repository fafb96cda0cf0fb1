"""The work that is left of a load, cut into tasks; and what happens when the database refuses a value."""

import json
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.tables.load_cases import source
from tests.core.tables.plan_cases import SETTINGS, findings, part, scanned
from transforms.core.tables import load_chunks, scan_parts
from transforms.core.tables.destination import BadRowsError, ChunkRows
from transforms.core.tables.dialect import DialectOverrides
from transforms.core.tables.find_parts import find_parts
from transforms.core.tables.findings import ScannedPart
from transforms.core.tables.load_chunks import LoadTask, tasks
from transforms.core.tables.load_plan import CSV, SHEET, STREAM, LoadPlan, PlannedPart
from transforms.core.tables.load_settings import LoadSettings
from transforms.core.tables.make_plan import make_plan
from transforms.core.tables.open_load import list_files, spec_of
from transforms.core.tables.resolve import Chunk
from transforms.core.tables.table_schema import load_table_schema

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

    def write_chunks(self, _spec, chunks):
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


@settings(deadline=None, max_examples=60)
@given(st.sets(st.integers(0, 39)), st.sampled_from([1, 7, 10_000]), st.integers(1, 12))
def test_each_value_that_the_database_refuses_is_rejected_alone(refused, transaction_rows, chunk_rows):
    text = "x\n" + "".join(f"{n}\n" for n in range(20)) + "none\n\n" + "".join(f"{n}\n" for n in range(20, 40))
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(load_chunks, "TRANSACTION_ROWS", transaction_rows)
        path = source(Path(folder), "a.csv", text)
        schema = '{"fields": [{"name": "x", "type": "integer"}]}'
        given_settings = SETTINGS._replace(
            sources=(str(path),), chunk_rows=chunk_rows, schema_text=schema, overrides=DialectOverrides(header="yes")
        )
        found, plan = PickyPlace(refused), planned(given_settings)
        work = list(tasks(LOAD, plan, set(), 20))
        spec = spec_of(LOAD, plan, given_settings)
        records = load_chunks.load_chunks(work, spec, plan, given_settings, found)
    assert found.rows == [n for n in range(40) if n not in refused]
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


def planned(load: LoadSettings) -> LoadPlan:
    [info] = list_files(load)
    [one] = find_parts(0, info, load)
    scans = tuple(scan_parts.scan(one, start, stop, load) for start, stop in scan_parts.cut(one, load))
    declared = load_table_schema(load.schema_text, where="schema")
    return make_plan(findings(ScannedPart(one, scans), schema=declared), load)
