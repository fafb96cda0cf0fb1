"""The head of a stream: what the engine polls or is told; on this machine, graphs over what each look found.

And whether a head can be had at all, before anything runs.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, cast

from transforms.core import interrupt
from transforms.core.streams.poll_retry import PollError, patiently
from transforms.core.streams.polling import Idle, Poller
from transforms.core.streams.subscription import demand_subscription

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pipelines.engines.choice import RunnerChoice
    from pipelines.running import BuildContext
    from pipelines.settings import PipelineSettings
    from pipelines.stream_settings import StreamSettings
    from transforms.core.outcome import ObjectInfo
    from transforms.core.streams.notice import Notice

# What a graph has taken in is finished when the stream is asked to stop, so it takes no more at a time than this.
MOST_NOTICES: Final = 1_000


class Listing(Protocol):
    """A listing that can be repeated; pickles."""

    def __call__(self) -> Iterable[ObjectInfo]:
        """Yields the objects that are there now."""
        ...


class Selection(Protocol):
    """Which objects belong to a source; pickles."""

    def __call__(self, uri: str) -> bool:
        """Whether an object that a notification names does, by its address."""
        ...


class StreamSource(NamedTuple):
    """What a pipeline's stream is fed from."""

    listing: Listing
    selects: Selection


def demand_head(settings: PipelineSettings, choice: RunnerChoice) -> None:
    """Makes sure that what a stream is to be told by is there. On Dataflow the workers' account asks, not ours.

    Args:
        settings: A run's.
        choice: Its engine.

    Raises:
        ConfigError: It isn't, with the remedy.
    """
    if settings.head == "subscription" and choice.engine == "direct":
        demand_subscription(str(cast("StreamSettings", settings).subscription))


def notices(pipeline: Any, settings: StreamSettings, source: StreamSource, context: BuildContext) -> Any:
    """The head of the graph, a collection of Notices.

    Args:
        pipeline: The empty pipeline.
        settings: Which head.
        source: What it is fed from.
        context: The run's; where `watch_here` looked, with what it found.
    """
    import apache_beam as beam

    from transforms.stream_types import Notice

    if context.found is not None:
        return pipeline | "Found" >> beam.Create(context.found, reshuffle=False).with_output_types(Notice)
    idle_seconds = settings.stop_after_idle_seconds or None
    if settings.head == "watch":
        from transforms.heads import WatchObjects

        return pipeline | "Watch" >> WatchObjects(source.listing, settings.watch, idle_seconds, context.folder)
    from transforms.heads_pubsub import SubscribedObjects

    assert settings.subscription is not None
    head = SubscribedObjects(settings.subscription, source.listing, source.selects, context.folder)
    return pipeline | "Subscribed" >> head


def watch_here(settings: StreamSettings, source: StreamSource, work: Callable[[Sequence[Notice]], None]) -> None:
    """Looks every `--watch` seconds and works what is new, until the run is asked to stop or was idle long enough.

    Args:
        settings: How often, how long.
        source: Where to look.
        work: Runs a graph over some notices to its end.

    Raises:
        PollError: The listing failed for longer than its retries last.
        HornbeamError: It can't be listed.
    """
    poller, idle = Poller(source.listing, settings.watch), Idle(settings.stop_after_idle_seconds or None)
    while not interrupt.requested():
        began = time.monotonic()
        try:
            found = patiently(lambda: poller.look(time.time()))
        except PollError:
            if interrupt.requested():
                return
            raise
        for start in range(0, len(found), MOST_NOTICES):
            work(found[start : start + MOST_NOTICES])
            if interrupt.requested():
                return
        if idle.over(time.time(), active=bool(found or poller.waiting)):
            return
        interrupt.wait(max(began + settings.watch - time.monotonic(), 0.0))
