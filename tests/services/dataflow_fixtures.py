"""Fixtures of the tests of jobs on Dataflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.servers.dataflow import DataflowServer, run_dataflow_server
from tests.services.dataflow_jobs import Cloud, cloud_with_bucket

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.gcs import GcsServer


@pytest.fixture(scope="module")
def dataflow_server(gcs_server: GcsServer) -> Iterator[DataflowServer]:
    with run_dataflow_server(gcs_server.endpoint) as server:
        yield server


@pytest.fixture
def cloud(dataflow_server: DataflowServer, gcs_server: GcsServer) -> Iterator[Cloud]:
    """Servers with nothing in them but a bucket of the test's own."""
    dataflow_server.reset()
    yield cloud_with_bucket(dataflow_server, gcs_server)
    dataflow_server.stop()
