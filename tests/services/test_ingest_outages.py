"""A database that goes away and comes back in the middle of a load: the load waits for it and ends exactly."""

import pytest

from tests.pipelines.ingest_jobs import Job, records, write_csv
from tests.services.destination_cases import Place
from transforms.core.summary import RowCounts
from transforms.core.tables.databases.postgres import PostgresDestination
from transforms.core.tables.loads import load_steps

ROWS = 2_000
STEPS = ["open_load", "create_load", "write_chunks", "publish"]


@pytest.fixture
def job(postgres, tmp_path, monkeypatch) -> Job:
    monkeypatch.setenv("PGPASSWORD", postgres.password)
    return Job(Place("postgresql", postgres.uri(postgres.new_database()), postgres.password), tmp_path)


@pytest.fixture
def lost_in(job, monkeypatch):
    """Ends all sessions of the load, as an administrator or a failover does, in the middle of the named step."""

    def arrange(step: str) -> list[int]:
        ended: list[int] = []
        query = PostgresDestination._query if step == "open_load" else PostgresDestination._change

        def losing(destination, statement, *parameters):
            if inside and not ended:
                lost = job.place.run(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                    "WHERE application_name = 'hornbeam' AND datname = current_database()"
                )
                ended.append(lost[0][0])
            return query(destination, statement, *parameters)

        inside: list[bool] = []
        owner = load_steps if step == "open_load" else PostgresDestination
        call = getattr(owner, step)

        def entered(*args):
            inside.append(True)
            try:
                return call(*args)
            finally:
                inside.clear()

        monkeypatch.setattr(owner, step, entered)
        monkeypatch.setattr(PostgresDestination, query.__name__, losing)
        return ended

    return arrange


@pytest.mark.parametrize("step", STEPS)
def test_lost_sessions_are_opened_again_and_nothing_counts_twice(job, lost_in, step):
    ended = lost_in(step)
    run = job.run(write_csv(job.folder / "a.csv", records(ROWS)), chunk_rows=100)
    assert ended[0] >= 1
    assert (run.summary.status, run.summary.exit_code) == ("completed", 0)
    assert run.summary.rows == RowCounts(ROWS, ROWS, 0, 0)
    assert run.summary.items.done == 1
    assert job.rows() == records(ROWS)
