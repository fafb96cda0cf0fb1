"""A summary with everything in it."""

import math

from transforms.core.memory_use import MemoryUse, Point
from transforms.core.merging import Merged
from transforms.core.progress import Step
from transforms.core.summary import Counts, NextStep, RowCounts, RunError, Summary


def a_timeline():
    labels = {60: "planned", 390: "published"}
    return tuple(
        Point(
            seconds=place / 10,
            rss_mb=240 + 120 * math.sin(place / 40) ** 2,
            items=place // 60,
            bytes=place * 187_500,
            rows=max(0, (place - 60) * 1470),
            label=labels.get(place, ""),
        )
        for place in range(401)
    )


def a_summary():
    return Summary(
        pipeline="ingest",
        run_id="20261122T074139Z-7146c1",
        status="failed",
        runner="FnApiRunner",
        versions={"python": "3.11.7", "hornbeam": "0.1.0"},
        settings={"source": ["examples/*.csv"], "destination": "duckdb:///out.duckdb", "max_concurrent": 16},
        items=Counts(8, 6, 1, 1, 0),
        bytes=Counts(75_000_000, 70_000_000, 3_000_000, 2_000_000, 0),
        rows=RowCounts(500_000, 499_880, 20, 100),
        seconds=40.0,
        memory=MemoryUse(240, 365, 301, 200, 12, 44.1, a_timeline()),
        output="runs/ingest-20261122T074139Z-7146c1",
        steps=(Step("ScanRanges", 10, 0, 3.2, 0.9), Step("LoadChunks", 50, 1, 31.2, 2.2)),
        details={
            "load_id": "ab" * 16,
            "dialects": [{"file": "a.csv", "delimiter": ","}],
            "mapping": {"<b>x</b>": "_b_x_b_"},
        },
        started="2026-11-22T07:41:39.000+00:00",
        error=RunError("PermanentError", "1 of 8 files failed: examples/bad.csv is empty"),
        next_steps=(NextStep("Do only what failed:", "hornbeam ingest --source='examples/*.csv' --retry=runs/one"),),
    )


def what_parts_say():
    summary = a_summary()
    failure = {
        "step": "LoadChunks",
        "item": "bad.csv",
        "error": "PermanentError",
        "message": "<script>alert(1)</script>",
    }
    rejects = tuple({"file": "a.csv", "record": number, "value": "12,x", "raw": "é & <i>"} for number in range(100))
    rules = (("id", "type integer", 19), ("", "columns 3", 1))
    return Merged(summary.items, summary.bytes, summary.rows, (failure,), rejects, rules=rules)
