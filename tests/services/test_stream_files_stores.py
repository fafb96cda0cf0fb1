"""Streams into Parquet and BigQuery, file by file: loaded once across restarts, empty files too, bad ones alone."""

import duckdb
import pytest

from tests.core.tables.loads.stream_cases import SCHEMA, Stream
from tests.services.bigquery_places import Place, session_bigquery_server  # noqa: F401 - a fixture
from transforms.core.objects.store import StoreAccess
from transforms.core.tables.loads.load_settings import LoadSettings


@pytest.fixture(params=["parquet", "bigquery"])
def stream(request, tmp_path):
    """A stream, and a way to read its table."""
    if request.param == "parquet":
        settings = LoadSettings((), f"parquet:{tmp_path}/out", "t", schema_text=SCHEMA)

        def rows():
            glob = f"read_parquet('{tmp_path}/out/t/*.parquet')"
            return duckdb.sql(f"SELECT id, name FROM {glob} ORDER BY id").fetchall()

    else:
        server = request.getfixturevalue("bigquery_server")
        place = Place(server, server.make_dataset())
        access = StoreAccess(endpoint_url=server.endpoint)
        uri = f"bigquery://{server.project}/{place.dataset}"
        settings = LoadSettings((), uri, "t", schema_text=SCHEMA, destination_access=access)

        def rows():
            return place.query("SELECT id, name FROM `DATASET`.`t` ORDER BY 1")

    made = Stream(tmp_path, settings)
    yield made, rows
    made.connections.close()


def test_files_are_loaded_once_across_batches_restarts_and_runs(stream):
    stream, rows = stream
    names = [stream.rows(f"{number}.csv", number * 10) for number in range(3)]
    bad = stream.write("bad.csv", "id,colour\n1,red\n")
    partly = stream.write("partly.csv", "id,name\n90,n90\nx,y\n")
    empty = stream.write("empty.csv", "")
    totals = stream.load(names[0], names[1], bad, empty)
    assert (totals.done, totals.failed) == (3, 1)
    again = stream.restarted()
    totals = again.load(*names[1:], partly, empty)
    assert (totals.done, totals.duplicates) == (2, 2)
    assert rows() == [(number * 10 + row, f"n{number * 10 + row}") for number in range(3) for row in range(2)] + [
        (90, "n90")
    ]
    assert again.outcomes() == {
        **dict.fromkeys(names, ("done", 2, 2, 0)),
        "empty.csv": ("done", 0, 0, 0),
        "partly.csv": ("done", 2, 1, 1),
        "bad.csv": ("failed", 0, 0, 0),
    }
    assert [line["value"] for line in again.lines("reject")] == ["x"]
    assert again.restarted("run-2").load(*names, partly, empty).duplicates == 5
    assert len(rows()) == 7
