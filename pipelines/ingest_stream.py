"""The stream of `ingest`: what it is fed from, its graph, and what its account adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.ingest_load import load_settings, source_access
from pipelines.run_account import Collected
from pipelines.stream_graph import StreamSource, notices
from transforms.core.tables.loads.stream_source import FilesListing, FilesSelected

if TYPE_CHECKING:
    from pipelines.ingest_settings import IngestSettings
    from pipelines.running import BuildContext
    from transforms.core.merging import Merged


def source_of(settings: IngestSettings) -> StreamSource | None:
    """What the stream is fed from; None where these settings ask for none.

    Args:
        settings: Checked.
    """
    return _source(settings) if settings.head != "bounded" else None


def _source(settings: IngestSettings) -> StreamSource:
    return StreamSource(FilesListing(settings.source, source_access(settings)), FilesSelected(settings.source))


def add(pipeline: Any, settings: IngestSettings, context: BuildContext) -> None:
    """Adds the graph of a load that goes on.

    Args:
        pipeline: The empty pipeline.
        settings: What to load, and the head.
        context: The run's folder and engine, and what was found.
    """
    from transforms.pooled import PoolLimits
    from transforms.table_streams import LoadStream

    limits = PoolLimits(settings.max_concurrent, settings.memory_threshold_mb)
    stream = LoadStream(load_settings(settings), context.folder, limits, settings.batch_size, settings.window_seconds)
    notices(pipeline, settings, _source(settings), context) | "LoadStream" >> stream


def collect(merged: Merged) -> Collected:
    """The account of a stream: its files and their rows; each load's own stands in the destination."""
    rejects = [{"rule": rule, "column": column, "records": count} for column, rule, count in merged.rules]
    details = {"rejects": rejects} if rejects else {}
    return Collected(merged.items, merged.bytes, merged.rows, details)
