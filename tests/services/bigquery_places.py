"""A dataset of its own for each test, on the BigQuery server of tests/servers, and what a plain client finds in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from tests.servers.bigquery import session_bigquery_server  # noqa: F401 - a fixture
from transforms.core.objects.store import StoreAccess
from transforms.core.tables.databases.bigquery import BigQueryDestination

if TYPE_CHECKING:
    from tests.servers.bigquery import BigQueryServer


class Place(NamedTuple):
    server: BigQueryServer
    dataset: str

    def __call__(self) -> BigQueryDestination:
        return BigQueryDestination(self.server.project, self.dataset, StoreAccess(endpoint_url=self.server.endpoint))

    def query(self, sql: str) -> list[tuple]:
        options = {"api_endpoint": self.server.endpoint}
        with bigquery.Client(self.server.project, AnonymousCredentials(), client_options=options) as client:
            return [tuple(row.values()) for row in client.query(sql.replace("DATASET", self.dataset)).result()]

    def rows(self, table: str = "t") -> list[tuple]:
        return self.query(f"SELECT * FROM `DATASET`.`{table}` ORDER BY 1, 2")

    def tables(self) -> list[str]:
        return self.server.engine.tables(self.dataset)


@pytest.fixture(name="place")
def bigquery_place(bigquery_server):
    yield Place(bigquery_server, bigquery_server.make_dataset())
    bigquery_server.faults.clear()
