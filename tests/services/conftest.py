"""Fixtures of the tests against real databases."""

import uuid

import pytest

from tests.services.copy_fixtures import _moto, odd_end  # noqa: F401 - a fixture is found by its name
from tests.services.dataflow_fixtures import cloud, dataflow_server  # noqa: F401 - a fixture is found by its name
from tests.services.destination_cases import Place

KINDS = ("duckdb", "sqlite", "postgresql")


@pytest.fixture(params=KINDS)
def place(request, tmp_path) -> Place:
    """An empty database of each kind in turn."""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        return Place("postgresql", server.uri(server.new_database()), server.password)
    return Place(request.param, f"{request.param}:///{tmp_path}/{uuid.uuid4().hex}.db", "")
