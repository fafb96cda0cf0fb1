"""The servers as pytest fixtures: each is started once a session, when the first test asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.servers.fault_proxy import FaultProxy, run_fault_proxy
from tests.servers.gcs import GcsServer, run_gcs_server
from tests.servers.s3 import S3Server, run_s3_server
from tests.servers.web import WebServer, run_web_server

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    with run_s3_server() as server:
        yield server


@pytest.fixture
def s3_environment(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The S3 server, with its keys in the environment (and nobody else's profile or endpoint)."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture(scope="session")
def gcs_server() -> Iterator[GcsServer]:
    with run_gcs_server() as server:
        yield server


@pytest.fixture(scope="session")
def web_server() -> Iterator[WebServer]:
    with run_web_server() as server:
        yield server


@pytest.fixture(scope="session")
def _fault_proxy() -> Iterator[FaultProxy]:
    with run_fault_proxy() as proxy:
        yield proxy


@pytest.fixture
def fault_proxy(_fault_proxy: FaultProxy) -> Iterator[FaultProxy]:
    """A proxy without faults and counts; `fault_proxy.reset(server.endpoint)` puts it in front of a server."""
    _fault_proxy.reset()
    yield _fault_proxy
    _fault_proxy.reset()
