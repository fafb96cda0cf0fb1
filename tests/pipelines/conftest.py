"""Fixtures of the pipelines' tests: loads into an empty database of a kind, copies between empty places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.pipelines import copy_jobs
from tests.pipelines.ingest_jobs import Job
from tests.services.destination_cases import Place

if TYPE_CHECKING:
    from pathlib import Path


def make_place(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty place to load to; the password of a server is in the environment."""
    if kind == "postgresql":
        server = request.getfixturevalue("postgres")
        request.getfixturevalue("monkeypatch").setenv("PGPASSWORD", server.password)
        return Place(kind, server.uri(server.new_database()), server.password)
    if kind == "parquet":
        return Place(kind, f"parquet:{tmp_path / 'lake'}", "")
    return Place(kind, f"{kind}:///{tmp_path}/out.{kind}", "")


@pytest.fixture
def job(request: pytest.FixtureRequest, tmp_path: Path) -> Job:
    """Loads into DuckDB, or into the kind of place that an indirect parameter names."""
    kind = getattr(request, "param", "duckdb")
    return Job(make_place(kind, request, tmp_path), tmp_path)


@pytest.fixture
def copy_job(request: pytest.FixtureRequest, tmp_path: Path) -> copy_jobs.Job:
    """Copies from disk to disk, or between the kinds of places that an indirect parameter names."""
    return copy_jobs.make_job(getattr(request, "param", "disk"), request, tmp_path)
