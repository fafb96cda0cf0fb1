"""What a BigQuery destination refuses before anything is written, and what it says."""

from __future__ import annotations

import pytest

from tests.services.bigquery_places import bigquery_place, session_bigquery_server  # noqa: F401 - fixtures
from tests.services.sample_loads import ID, NAME, TEXT, chunk_of, load_all, spec_of
from transforms.core.errors import ConfigError
from transforms.core.objects.store import StoreAccess
from transforms.core.tables.columns.column import Column, ColumnType
from transforms.core.tables.databases import bigquery_session
from transforms.core.tables.databases.bigquery import BigQueryDestination
from transforms.core.tables.databases.registry import open_destination

BOOKS = ["hornbeam_ledger", "hornbeam_loads", "hornbeam_rejects"]
WRONG_COLUMNS = ['x"; DROP TABLE t', "a b", "é", "", "1st", "_FILE_x", "_partitiontime", "a" * 301, "`"]


@pytest.mark.parametrize("name", WRONG_COLUMNS)
def test_a_column_name_that_bigquery_does_not_take_is_refused(place, name):
    with pytest.raises(ConfigError, match=r"can't be BigQuery columns.*--schema"):
        place().create_load(spec_of(columns=(ID, Column(name, "", TEXT))))
    assert place.tables() == []


def test_column_names_that_differ_in_case_only_are_refused(place):
    with pytest.raises(ConfigError, match="differ only in case"):
        place().create_load(spec_of(columns=(ID, Column("Id", "", TEXT))))


@pytest.mark.parametrize("table", ["", "a`b", "x.y.z", ".t", "d.", "t;", " t", "t\n"])
def test_a_table_name_that_bigquery_does_not_take_is_refused(place, table):
    assert len(place().check(table)) == 1


@pytest.mark.parametrize(("project", "dataset"), [("", "d"), ("p", ""), ("p`", "d"), ("p", "d-e"), ("p/x", "d")])
def test_a_place_that_can_not_be_a_dataset_is_refused(project, dataset):
    with pytest.raises(ConfigError, match="bigquery://my-project/my_dataset"):
        BigQueryDestination(project, dataset)


def test_a_dataset_that_is_missing_is_named_with_the_remedy(place):
    access = StoreAccess(endpoint_url=place.server.endpoint)
    with pytest.raises(ConfigError, match=r"Not found: Dataset.*bq mk --dataset test-project:nowhere"):
        BigQueryDestination(place.server.project, "nowhere", access).open()


def test_a_server_that_does_not_listen_is_a_finding(monkeypatch):
    monkeypatch.setattr(bigquery_session, "OPEN_SECONDS", 0.5)
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "127.0.0.1:9")
    assert "BigQuery, dataset p.d" in BigQueryDestination("p", "d").check("t")[0]


def test_no_credentials_are_sent_over_plain_http(place, monkeypatch, tmp_path):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    place().open()
    secured = BigQueryDestination("p", "d", StoreAccess(endpoint_url="https://localhost:9"))
    with pytest.raises(ConfigError, match=r"no usable credentials.*gcloud auth"):
        secured.open()


MISFITS = {
    "a column that the table lacks": ((ID, NAME, Column("more", "", TEXT)), "no column 'more'.*--schema_drift add"),
    "another type": ((ID._replace(type=TEXT), NAME), "'id' is text in the load and integer in table t.*--schema"),
    "a required column left out": ((NAME,), "'id' of table t is NOT NULL without a default"),
    "fewer digits": ((ID, Column("NAME", "", ColumnType("decimal", 5, 2))), "is decimal.5,2. in the load and text"),
}


@pytest.mark.parametrize("case", MISFITS)
def test_a_load_that_does_not_fit_is_refused_before_anything_is_written(place, case):
    columns, message = MISFITS[case]
    destination = place()
    load_all(destination, spec_of("a", chunks=1), [chunk_of(0)])
    with pytest.raises(ConfigError, match=message):
        destination.create_load(spec_of("b", chunks=1, columns=columns))
    assert place.tables() == [*BOOKS, "t"]
    assert len(list(destination.loads())) == 1


def test_the_registry_finds_project_and_dataset_in_the_uri(place):
    access = StoreAccess(endpoint_url=place.server.endpoint)
    destination = open_destination(f"bigquery://{place.server.project}/{place.dataset}", access=access)
    assert destination.check("t") == []
    assert not destination.single_process


@pytest.mark.parametrize("uri", ["bigquery://", "bigquery://p", "bigquery://p/d/t", "bigquery:p/d"])
def test_a_uri_of_another_form_is_refused(uri):
    with pytest.raises(ConfigError, match="bigquery://my-project/my_dataset"):
        open_destination(uri)
