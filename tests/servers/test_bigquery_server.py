"""The BigQuery server of the tests behaves, where a load depends on it, as BigQuery's documentation says."""

from __future__ import annotations

import pytest
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from tests.servers.bigquery import session_bigquery_server  # noqa: F401 - a fixture
from tests.servers.bigquery_engine import Engine, QueryError, Transaction


@pytest.fixture
def engine():
    engine = Engine()
    engine.make_dataset("d")
    engine.run("CREATE TABLE `p`.`d`.`t` (id INT64 NOT NULL, name STRING); INSERT INTO d.t VALUES (1, 'a')", {})
    yield engine
    engine.close()


@pytest.fixture
def client(bigquery_server):
    options = {"api_endpoint": bigquery_server.endpoint}
    with bigquery.Client(bigquery_server.project, AnonymousCredentials(), client_options=options) as client:
        client.dataset_name = bigquery_server.make_dataset()
        yield client


def rows(job):
    return [tuple(row.values()) for row in job.result()]


def test_a_job_id_is_taken_once(client):
    assert rows(client.query("SELECT 1", job_id="once", job_retry=None)) == [(1,)]
    with pytest.raises(exceptions.Conflict, match="Already Exists: Job"):
        client.query("SELECT 2", job_id="once", job_retry=None)
    assert rows(client.get_job("once")) == [(1,)]


def test_a_job_that_failed_keeps_its_id_and_its_error(client):
    with pytest.raises(exceptions.NotFound, match="Not found"):
        client.query(f"SELECT * FROM {client.dataset_name}.nothing", job_id="failed", job_retry=None).result()
    with pytest.raises(exceptions.NotFound):
        client.get_job("failed").result()


def test_a_script_returns_its_last_statement_and_a_false_assertion_rolls_it_back(client):
    name = f"{client.dataset_name}.t"
    script = f"CREATE TABLE {name} (x INT64); INSERT INTO {name} VALUES (1); SELECT 7"
    assert rows(client.query(script)) == [(7,)]
    script = f"BEGIN TRANSACTION; INSERT INTO {name} VALUES (2); ASSERT (FALSE) AS 'no way'; COMMIT TRANSACTION;"
    with pytest.raises(exceptions.BadRequest, match="no way"):
        client.query(script).result()
    assert rows(client.query(f"SELECT x FROM {name}")) == [(1,)]


def test_two_transactions_that_insert_both_commit(engine):
    one, two = (Transaction(engine, engine._connection.cursor()) for _ in range(2))
    for transaction, number in ((one, 2), (two, 3)):
        transaction._cursor.execute(f"INSERT INTO d.t VALUES ({number}, 'x')")
    one.commit()
    two.commit()
    assert engine.run("SELECT COUNT(*) FROM d.t", {}).rows == [(3,)]


@pytest.mark.parametrize("first_commits", [False, True])
def test_of_two_transactions_that_change_a_table_the_later_is_aborted(engine, first_commits):
    one, two = (Transaction(engine, engine._connection.cursor()) for _ in range(2))
    one.change("d.t")
    if first_commits:
        one.commit()
    with pytest.raises(QueryError, match="aborted due to concurrent update"):
        two.change("d.t")
    two.rollback()
    if not first_commits:
        one.rollback()
    three = Transaction(engine, engine._connection.cursor())
    three.change("d.t")
    three.commit()


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE d.u (x INT64)", "DROP TABLE d.t", "ALTER TABLE d.t ADD COLUMN y INT64"]
)
def test_ddl_in_a_transaction_is_refused(engine, statement):
    with pytest.raises(QueryError, match="supported only with DML"):
        engine.run(f"BEGIN TRANSACTION; {statement}; COMMIT TRANSACTION", {})
    assert engine.tables("d") == ["t"]


def test_a_null_in_a_required_column_is_refused(engine):
    with pytest.raises(QueryError, match="cannot be null"):
        engine.run("INSERT INTO d.t (name) VALUES ('b')", {})
