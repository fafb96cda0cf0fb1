"""The servers as pytest fixtures: each is started once a session, when the first test asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.required import demand
from tests.servers import pubsub
from tests.servers.fault_proxy import FaultProxy, run_fault_proxy
from tests.servers.gcs import GcsServer, run_gcs_server
from tests.servers.pubsub import PubsubServer, run_pubsub_server
from tests.servers.s3 import S3Server, run_s3_server
from tests.servers.secret_manager import VARIABLE, SecretManager, run_secret_manager
from tests.servers.web import WebServer, run_web_server
from transforms.core import pacing

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
def _pubsub_server() -> Iterator[PubsubServer]:
    """The emulator; where there is none, tests are left out, or fail (HORNBEAM_REQUIRE_ENGINES=1)."""
    demand(pubsub.missing())
    with run_pubsub_server() as server:
        yield server


@pytest.fixture
def pubsub_server(_pubsub_server: PubsubServer, monkeypatch: pytest.MonkeyPatch) -> PubsubServer:
    """The emulator, with its address in the environment, where every client of Pub/Sub finds it."""
    monkeypatch.setenv(pubsub.VARIABLE, _pubsub_server.address)
    return _pubsub_server


@pytest.fixture
def secret_manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretManager]:
    """A server without secrets, with its address in the environment."""
    pytest.importorskip("google.cloud.secretmanager")
    with run_secret_manager() as server:
        monkeypatch.setenv(VARIABLE, server.address)
        yield server


@pytest.fixture
def fault_proxy() -> Iterator[FaultProxy]:
    """A proxy of the test's own, so that its connections are too; `reset(server.endpoint)` puts it before a server."""
    with run_fault_proxy() as proxy:
        yield proxy
    pacing.limit(1)
    pacing.limit()  # forgets how slow a 503 of the test asked this process to be
