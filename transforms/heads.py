"""Heads of streams: what gives a graph its unbounded input. Each gives Notices; what is done with them is the same.

`WatchObjects` polls, by a step that an engine starts again and again (polled.py); `SubscribedObjects` (heads_pubsub.py)
is told.
"""

from __future__ import annotations

import secrets
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import apache_beam as beam

from transforms.core import interrupt, pool, run_context
from transforms.core.streams.poll_retry import PollError, patiently
from transforms.core.streams.polling import Idle, Poller
from transforms.heads_pubsub import SubscribedObjects
from transforms.library import folder_of
from transforms.polled import PollAgainAndAgain, Polled
from transforms.stream_types import Notice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from transforms.core.outcome import ObjectInfo
    from transforms.core.run_folder import RunFolder

__all__ = ["SubscribedObjects", "WatchObjects"]


class WatchObjects(beam.PTransform):
    """Polls a listing for new and changed objects: a PCollection of Notices, in the global window.

    Unbounded. It ends, and with it the input (open batches are flushed), when the run is asked to stop, or when nothing
    came or waited for `stop_after_idle_seconds`, nor was worked in the worker that polls. Delivery: each version of an
    object once; an engine that restarts repeats what it had not yet kept. A file on a disk waits while it is written
    (polling.py); a restarted worker has forgotten its last look, so there a young file waits one more. Parallelism: one
    poller. State: some 100 bytes in the engine, however many objects there are; about 100 bytes an object in the worker
    that polls, and some 22 bytes in the folder (seen.py), written once it was seen. Flink's runner also keeps a
    description of what each poll left (Beam's issue 27648): 7 KB in its checkpoints, 40 to 80 KB of a TaskManager's
    heap a poll, whatever was found. Event time is when a poll saw the object, and no window but the global one is
    needed: batches close by real time.

    Not for FnApiRunner, which polls once and then ends well.

    Args:
        listing: Yields what is there; pickles, and raises TransientError for what may pass.
        every_seconds: The pause between two polls, above 0.
        stop_after_idle_seconds: None = it runs until it is stopped.
        folder: Where stands what was seen: one that all workers reach (library.py: `folder_of`).

    Raises:
        ValueError: A number out of range.
    """

    def __init__(
        self,
        listing: Callable[[], Iterable[ObjectInfo]],
        every_seconds: float,
        stop_after_idle_seconds: float | None = None,
        folder: RunFolder | str | None = None,
    ) -> None:
        super().__init__()
        Poller(listing, every_seconds)
        Idle(stop_after_idle_seconds)
        self.every_seconds, self.folder = every_seconds, folder_of("watch", folder)
        self.poll = Poll(listing, every_seconds, stop_after_idle_seconds)

    def expand(self, root: Any) -> beam.PCollection[Notice]:
        """One element, polled for ever."""
        polling = PollAgainAndAgain(self.poll, self.every_seconds, self.folder)
        notices = root | "Once" >> beam.Impulse() | "Watch" >> beam.ParDo(polling).with_output_types(Notice)
        notices.element_type = Notice  # said here, since Beam infers nothing where it doesn't check types
        return notices


class Poll:
    """One poll; what it remembers between polls is the process's, by the stream's id.

    Whoever polls drops what was given out before, by what goes back with the engine; so nothing is dropped here.

    Args:
        listing: Yields what is there.
        every_seconds: The pause between two polls.
        stop_after_idle_seconds: None = it runs until it is stopped.
    """

    def __init__(
        self,
        listing: Callable[[], Iterable[ObjectInfo]],
        every_seconds: float,
        stop_after_idle_seconds: float | None,
    ) -> None:
        self.listing, self.every_seconds, self.idle_seconds = listing, every_seconds, stop_after_idle_seconds
        self.stream_id = secrets.token_hex(8)
        self.context = run_context.current()

    def __call__(self, _element: bytes) -> Polled:
        """Looks once.

        Raises:
            PollError: The listing failed again and again.
        """
        run_context.adopt(self.context)
        with _watched.lock:
            watched = _watched.streams.setdefault(
                self.stream_id, _Watched(Poller(self.listing, self.every_seconds), Idle(self.idle_seconds), [])
            )
            return self._look(watched)

    def _look(self, watched: _Watched) -> Polled:
        if interrupt.requested():
            return Polled((), time.time(), is_last=True)
        try:
            look = patiently(lambda: watched.poller.look_at_all(time.time()))
        except PollError:
            if interrupt.requested():
                return Polled((), time.time(), is_last=True)
            raise
        now = time.time()
        active = look.mark not in watched.marks or look.waiting > 0 or pool.busy()
        watched.marks[:] = [look.mark]
        return Polled(look.notices, now, is_last=watched.idle.over(now, active=active))


class _Watched(NamedTuple):
    """What a process remembers of a stream.

    Attributes:
        poller: The listing, and the files that are being written.
        idle: For how long nothing happened.
        marks: Of the last look, once there was one.
    """

    poller: Poller
    idle: Idle
    marks: list[int]


class _Streams:
    """The streams that this process polls, by id."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.streams: dict[str, _Watched] = {}


_watched = _Streams()
