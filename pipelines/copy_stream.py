"""The stream of `copy`: what it is fed from, and its graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.copy_job import copy_settings
from pipelines.stream_graph import StreamSource, notices
from transforms.core.copying.stream_source import SourceListing, SourceSelects

if TYPE_CHECKING:
    from pipelines.copy_settings import CopySettings, VerifySettings
    from pipelines.running import BuildContext


def source_of(settings: VerifySettings) -> StreamSource | None:
    """What the stream is fed from; None where these settings ask for none.

    Args:
        settings: Checked.
    """
    if settings.head == "bounded":
        return None
    wanted = copy_settings(settings)
    return StreamSource(SourceListing(wanted), SourceSelects(wanted))


def add(pipeline: Any, settings: CopySettings, context: BuildContext) -> None:
    """Adds the graph of a copy that goes on.

    Args:
        pipeline: The empty pipeline.
        settings: Both sides, and the head.
        context: The run's folder and engine, and what was found.
    """
    from transforms.object_streams import CopyStream
    from transforms.pooled import PoolLimits

    wanted = copy_settings(settings)
    source = StreamSource(SourceListing(wanted), SourceSelects(wanted))
    limits = PoolLimits(settings.max_concurrent, settings.memory_threshold_mb)
    stream = CopyStream(wanted, context.folder, limits, settings.window_seconds)
    notices(pipeline, settings, source, context) | "CopyStream" >> stream
