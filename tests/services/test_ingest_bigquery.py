"""The bounded load into BigQuery, by the whole pipeline: dry, once, again, and a table replaced and merged into."""

import pytest

from pipelines.table_ingest import Settings, run
from tests.pipelines.ingest_jobs import Run, records, write_csv
from tests.services.bigquery_places import bigquery_place, session_bigquery_server  # noqa: F401 - fixtures
from transforms.core.summary import Counts, RowCounts

BOOKS = ["hornbeam_ledger", "hornbeam_loads", "hornbeam_rejects"]


@pytest.fixture
def load(place, tmp_path):
    def loaded(*sources, **changes) -> Run:
        output = tmp_path / f"run {len(list(tmp_path.glob('run *')))}"
        given = {
            "source": tuple(map(str, sources)),
            "destination": f"bigquery://{place.server.project}/{place.dataset}",
            "destination_endpoint_url": place.server.endpoint,
            "table": "t",
            "chunk_rows": 50,
            "output": str(output),
        }
        return Run(run(Settings(**given | changes)), output)

    return loaded


def test_a_load_is_planned_dry_done_once_and_never_again(place, load, tmp_path):
    source = write_csv(tmp_path / "a.csv", [*records(300), ("x", "no number", 1.0)])
    schema = tmp_path / "schema.json"
    fields = '[{"name": "id", "type": "integer"}, {"name": "name"}, {"name": "amount", "type": "number"}]'
    schema.write_text(f'{{"fields": {fields}}}')
    more = {"schema_file": str(schema), "max_rejects": "1"}

    dry = load(source, dry_run=True, **more)
    assert (dry.summary.status, dry.summary.exit_code) == ("planned", 0)
    assert dry.summary.items == Counts(1, 0, 0, 0, 1)
    assert (dry.summary.details["counted"], place.tables()) == (301, [])

    first = load(source, **more)
    assert (first.summary.status, first.summary.exit_code) == ("completed", 0)
    assert first.summary.rows == RowCounts(301, 300, 1, 0)
    assert [reject["record"] for reject in first.rejects] == [301]
    rows = [(number, name, float(amount)) for number, name, amount in place.rows()]
    assert rows == records(300)
    assert place.tables() == [*BOOKS, "t"]  # no staging is left
    loads = "SELECT status, loaded, rejected FROM `DATASET`.hornbeam_loads"
    assert place.query(loads) == [("completed", 300, 1)]
    assert place.query("SELECT COUNT(*), COUNT(DISTINCT chunk) FROM `DATASET`.hornbeam_ledger") == [(7, 7)]

    jobs = len(place.server.jobs)
    again = load(source, chunk_rows=7, **more)
    assert (again.summary.status, again.summary.exit_code) == ("completed", 0)
    assert again.summary.items == Counts(1, 0, 1, 0, 0)
    assert again.summary.rows == RowCounts(301, 0, 1, 300)
    asked = [job["configuration"] for job in list(place.server.jobs.values())[jobs:]]
    asked = [one for one in asked if not one.get("dryRun")]  # the check before a run asks what it might do
    assert [one for one in asked if "load" in one or not one["query"]["query"].lstrip().startswith("SELECT")] == []
    assert place.query(loads) == [("completed", 300, 1)]
    assert [(number, name, float(amount)) for number, name, amount in place.rows()] == records(300)


def test_a_replace_and_an_upsert_leave_what_they_say(place, load, tmp_path):
    first, second = write_csv(tmp_path / "a.csv", records(40)), write_csv(tmp_path / "b.csv", records(30, 20))
    assert load(first, write_mode="replace").summary.exit_code == 0
    changed = write_csv(tmp_path / "c.csv", [(1, "new", 0.5), (99, "last", 1.5)])
    assert load(second, changed, write_mode="upsert", key=("id",)).summary.exit_code == 0
    expected = {row[0]: row for row in [*records(50), (1, "new", 0.5), (99, "last", 1.5)]}
    assert [(number, name, float(amount)) for number, name, amount in place.rows()] == sorted(expected.values())
