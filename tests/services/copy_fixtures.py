"""Fixtures of the tests of whole copies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.servers.s3 import run_moto_server
from tests.services.copy_ends import End, Folder, GcsPrefix, S3Prefix
from transforms.core import interrupt, pacing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.servers.gcs import GcsServer
    from tests.servers.s3 import S3Server


@pytest.fixture
def new_end(
    s3_environment: S3Server, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., End]]:
    """Makes an empty end of a kind (file, s3, gs); `endpoint` names a proxy in front of its server."""
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    interrupt.reset()

    def make(kind: str, name: str = "source", endpoint: str = "") -> End:
        if kind == "file":
            (tmp_path / name).mkdir(exist_ok=True)
            return Folder(tmp_path / name)
        if kind == "s3":
            return S3Prefix(s3_environment, endpoint)
        gcs: GcsServer = request.getfixturevalue("gcs_server")
        return GcsPrefix(gcs, endpoint)

    yield make
    interrupt.reset()
    pacing.limit(1)
    pacing.limit()  # forgets limits, and how slow a server of the test asked this process to be


@pytest.fixture(scope="module")
def _moto() -> Iterator[S3Server]:
    with run_moto_server() as server:
        yield server


@pytest.fixture
def odd_end(new_end: Callable[..., End], _moto: S3Server, monkeypatch: pytest.MonkeyPatch) -> Callable[..., End]:
    """As `new_end`, with an S3 server that takes every key that S3 takes."""

    def make(kind: str, name: str = "source") -> End:
        if kind != "s3":
            return new_end(kind, name)
        for key, value in _moto.environment.items():
            monkeypatch.setenv(key, value)
        return S3Prefix(_moto)

    return make
