"""A streaming graph with a subscription on this machine: Beam's bundle-based runner, with a reader and an end of ours.

Beam's own reader there acknowledges messages before any step saw them, blocks the only worker (timers too) for 30 s
where nothing comes, and never ends. Only for the engine's module: it imports Beam.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from apache_beam.io.gcp.pubsub import PubsubMessage
from apache_beam.options.pipeline_options import StandardOptions
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner, _DirectReadFromPubSub
from apache_beam.runners.direct.transform_evaluator import TransformEvaluatorRegistry, _PubSubReadEvaluator
from apache_beam.runners.direct.util import TransformResult
from apache_beam.runners.runner import PipelineResult
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.timestamp import Timestamp

from transforms.core import interrupt
from transforms.core.streams.subscription import Subscription, Unfinished

if TYPE_CHECKING:
    from collections.abc import Hashable

WAIT_SECONDS: Final = 0.1  # how late a timer may fire while nothing comes
MESSAGES_AT_ONCE: Final = 1000


class SubscribedRunner(BundleBasedDirectRunner):  # type: ignore[misc]
    """Runs one graph; `wait_until_finish` returns when the stream has ended by itself.

    It ends when the run is asked to stop, or when nothing came, waited in a batch or was worked for so many seconds.
    Then nothing more is taken, open batches are closed (the watermark ends) and worked, and the graph is done. A
    message is acknowledged when the batches that it went into have been worked: a crash loses none, Pub/Sub repeats it.
    One bundle at a time: what is concurrent is inside a step. A bundle that fails four times ends the run.

    Args:
        stop_after_idle_seconds: 0 = it runs until it is stopped.
    """

    def __init__(self, stop_after_idle_seconds: float = 0) -> None:
        super().__init__()
        self.reading = Reading(stop_after_idle_seconds)

    def run_pipeline(self, pipeline: Any, options: Any) -> PipelineResult:
        """Starts the graph in threads.

        Args:
            pipeline: With ReadFromPubSub in it.
            options: The pipeline's; streaming is switched on.
        """
        options.view_as(StandardOptions).streaming = True
        evaluators = TransformEvaluatorRegistry._test_evaluators_overrides  # noqa: SLF001 - its only way in
        evaluators[_DirectReadFromPubSub] = type("_Evaluator", (SubscriptionEvaluator,), {"reading": self.reading})
        try:
            return SubscribedResult(super().run_pipeline(pipeline, options), self.reading)
        finally:
            del evaluators[_DirectReadFromPubSub]


class SubscribedResult(PipelineResult):  # type: ignore[misc]
    """The graph's result; its end also ends the reading.

    Args:
        result: The runner's own.
        reading: What reads its messages.
    """

    def __init__(self, result: PipelineResult, reading: Reading) -> None:
        super().__init__(result.state)
        self._result, self._reading = result, reading

    @property
    def state(self) -> str:
        """As the runner's."""
        state: str = self._result.state
        return state

    def wait_until_finish(self, duration: int | None = None) -> str:
        """Waits until the stream has ended and everything that it took in is worked.

        Args:
            duration: The runner takes none.

        Raises:
            Exception: What a step raised; then nothing more is acknowledged.
        """
        try:
            state: str = self._result.wait_until_finish(duration)
        except BaseException:
            self._reading.close(worked=False)
            raise
        self._reading.close(worked=True)
        return state

    def metrics(self) -> Any:
        """As the runner's."""
        return self._result.metrics()

    def cancel(self) -> None:
        """Breaks off: what is unfinished is not acknowledged."""
        self._result.cancel()
        self._reading.close(worked=False)


class Reading:
    """What the bundles of one run's reading share.

    Args:
        stop_after_idle_seconds: 0 = it goes on until it is stopped.
    """

    def __init__(self, stop_after_idle_seconds: float) -> None:
        self.stop_after_idle_seconds = stop_after_idle_seconds
        self.unfinished = Unfinished()
        self._subscription: Subscription | None = None
        self._idle_seconds = 0.0

    def look(self, name: str, open_batches: frozenset[Hashable], pending: bool) -> list[Any] | None:
        """What came; None when the stream is over.

        Args:
            name: The subscription's.
            open_batches: Those that wait for more.
            pending: Whether something waits for a step, which may have failed with it: nothing is let go then.
        """
        if self._subscription is None:
            self._subscription = Subscription(name)
            self._subscription.open()
        for message in () if pending else self.unfinished.finished(open_batches):
            message.ack()
        if interrupt.requested() or 0 < self.stop_after_idle_seconds <= self._idle_seconds:
            return None
        started = time.monotonic()
        messages = self._subscription.take(WAIT_SECONDS, MESSAGES_AT_ONCE)
        self.unfinished.taken(messages)
        active = messages or open_batches or pending
        self._idle_seconds = 0.0 if active else self._idle_seconds + time.monotonic() - started
        return messages

    def close(self, *, worked: bool) -> None:
        """Ends reading.

        Args:
            worked: Whether everything that was taken is worked.
        """
        if self._subscription is not None:
            self._subscription.close(self.unfinished.finished(frozenset()) if worked else ())
            self._subscription = None


class SubscriptionEvaluator(_PubSubReadEvaluator):  # type: ignore[misc]
    """Reads what came, in the place of the runner's own reader; the runner calls it when no step is at work."""

    reading: Reading

    def finish_bundle(self) -> TransformResult:
        """One look: its messages, and the place of the next look unless this was the last one."""
        # An empty bundle would stay 'pending' for ever: memory, and a little time at every step.
        self._execution_context.watermarks.remove_pending(self._input_committed_bundle)
        context = self._evaluation_context
        messages = self.reading.look(self._sub_name, open_batches(context), has_pending(context))
        if messages is None:
            return TransformResult(self, [], [], None, {None: None})  # nothing holds the watermark: it ends
        next_look = self._evaluation_context.create_bundle(self._input_committed_bundle.pcollection)
        found = self._evaluation_context.create_bundle(next(iter(self._outputs)))
        for message in messages:
            at = Timestamp.of(message.publish_time.timestamp())
            found.output(GlobalWindows.windowed_value(PubsubMessage._from_message(message), timestamp=at))  # noqa: SLF001 - as Beam does
        return TransformResult(self, [found] if messages else [], [next_look], None, {None: Timestamp.now()})


def open_batches(context: Any) -> frozenset[Hashable]:
    """The real-time timers that are set, each one a batch that waits for more; its time tells it from later ones.

    Args:
        context: The runner's evaluation context.
    """
    return frozenset(
        (id(step), key, window, name, due)
        for step, keyed in context._transform_keyed_states.items()  # noqa: SLF001 - the runner tells it nowhere else
        for key, state in keyed.items()
        for window, timers in state.timers.items()
        for (name, domain, _), due in timers.items()
        if domain == TimeDomain.REAL_TIME
    )


def has_pending(context: Any) -> bool:
    """Whether a bundle waits for a step: at the start, and for ever where a step failed with it.

    Args:
        context: The runner's evaluation context.
    """
    watermarks = context._watermark_manager._transform_to_watermarks.values()  # noqa: SLF001 - as above
    return any(bundle.has_elements() for one in watermarks for bundle in one._pending)  # noqa: SLF001
