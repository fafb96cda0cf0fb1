"""Which streams can be asked for."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pipelines.copy_settings import CopySettings, VerifySettings
from pipelines.ingest_settings import IngestSettings

INGEST = {"source": "in/*.csv", "destination": "duckdb:///out.duckdb", "table": "t"}
COPY = {"source": "in/", "destination": "out/"}
SUBSCRIPTION = "projects/project/subscriptions/name"


@pytest.mark.parametrize(
    ("given", "head"),
    [({}, "bounded"), ({"watch": 5}, "watch"), ({"subscription": SUBSCRIPTION}, "subscription")],
)
def test_the_head_follows_from_what_is_given(given: dict[str, Any], head: str) -> None:
    assert IngestSettings(**INGEST, **given).head == head
    assert CopySettings(**COPY, **given).head == head


def test_a_comparison_has_no_stream() -> None:
    assert VerifySettings(**COPY).head == "bounded"
    with pytest.raises(ValidationError, match="watch"):
        VerifySettings(**COPY, watch=5)


@pytest.mark.parametrize(
    ("settings", "given", "told"),
    [
        (IngestSettings, {"watch": 5, "subscription": SUBSCRIPTION}, "give one of the two"),
        (IngestSettings, {"watch": 0.01}, "ten times a second"),
        (IngestSettings, {"stop_after_idle_seconds": 5}, "give --watch or --subscription"),
        (IngestSettings, {"watch": 5, "dry_run": True}, "--dry_run has no meaning for a stream"),
        (IngestSettings, {"watch": 5, "retry": "runs/x"}, "--retry has no meaning"),
        (IngestSettings, {"watch": 5, "write_mode": "replace"}, "--write_mode=replace has no meaning"),
        (IngestSettings, {"subscription": "name"}, "subscription"),
        (CopySettings, {"watch": 5, "delete": True}, "--delete has no meaning"),
        (CopySettings, {"watch": 5, "incremental": False}, "--no_incremental has no meaning"),
        (CopySettings, {"subscription": SUBSCRIPTION, "delete": True}, "leave out --subscription"),
        (CopySettings, {"watch": 5, "manifest": "m.csv", "source": None}, "--manifest has no meaning"),
    ],
)
def test_what_a_stream_cannot_be_is_refused(settings: type, given: dict[str, Any], told: str) -> None:
    base = INGEST if settings is IngestSettings else COPY
    with pytest.raises(ValidationError, match=told):
        settings(**{**base, **given})
