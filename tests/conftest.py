"""Fixtures for all tests: the servers of tests/servers, each started when the first test asks for it."""

from tests.servers.fixtures import (  # noqa: F401 - a fixture is found by its name
    _fault_proxy,
    fault_proxy,
    gcs_server,
    s3_environment,
    s3_server,
    web_server,
)
from tests.servers.postgres import postgres  # noqa: F401 - a fixture is found by its name
