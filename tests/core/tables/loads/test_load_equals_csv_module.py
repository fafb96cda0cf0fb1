"""A whole load with every column declared text: what stands in the table is what Python's csv module reads."""

import gzip
import json
import tempfile
from pathlib import Path

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.core.tables.delimited.csv_cases import Written, by_csv_module, written
from tests.core.tables.loads.load_cases import Loaded, run_load, source
from transforms.core.tables.delimited.dialect import DialectOverrides


def loaded(folder: str, file: Written, name: str, range_bytes: int, chunk_rows: int) -> Loaded:
    dialect = file.dialect
    fields = [{"name": f"c{number}", "type": "string"} for number in range(dialect.width)]
    content = gzip.compress(file.data) if name.endswith(".gz") else file.data
    return run_load(
        Path(folder),
        source(Path(folder), name, content),
        schema_text=json.dumps({"fields": fields, "missingValues": []}),
        schema_where="schema",
        provenance=True,
        range_bytes=range_bytes,
        chunk_rows=chunk_rows,
        overrides=DialectOverrides(
            dialect.delimiter, dialect.quote or "none", dialect.escape or "none", dialect.encoding, "no", 0
        ),
    )


@settings(max_examples=60, deadline=None)
@given(
    file=written(headed=False),
    range_bytes=st.integers(1, 60) | st.just(1 << 20),
    chunk_rows=st.integers(1, 6) | st.just(10_000),
    name=st.sampled_from(["a.csv", "a.csv", "a.csv.gz"]),
)
def test_the_table_holds_the_rows_of_the_csv_module_and_null_only_where_nothing_stood(
    file: Written, range_bytes: int, chunk_rows: int, name: str
):
    assume(file.dialect.bom_bytes or not file.data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")))
    assume(file.records)
    with tempfile.TemporaryDirectory() as folder:
        found = loaded(folder, file, name, range_bytes, chunk_rows)
        assert found.error == ("", "")
        rows = sorted(found.rows, key=lambda row: row[-1])
    assert [list(row[:-2]) for row in rows] == list(file.records.values())
    assert [row[-1] for row in rows] == list(file.records)
    reference = [row for row in by_csv_module(file.data, file.dialect) if row]
    assert [[text or "" for text in row[:-2]] for row in rows] == reference
    account = (len(file.rows), len(file.records), 0, len(file.rows) - len(file.records))
    assert tuple(found.account[name] for name in ("counted", "loaded", "rejected", "skipped")) == account
