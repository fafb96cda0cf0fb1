"""`SubscribedObjects`: what is there already, then what a subscription tells of. As heads.py: it gives Notices.

What names no object of the source is counted in the run folder, and the first of what can't be read is shown there.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import apache_beam as beam
from apache_beam import coders
from apache_beam.pvalue import TaggedOutput

from transforms.batching import WindowedBatches
from transforms.core import interrupt, run_context
from transforms.core.streams.notice import LISTING
from transforms.core.streams.notifications import read_message
from transforms.library import folder_of
from transforms.stream_types import Notice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from transforms.core.outcome import ObjectInfo
    from transforms.core.run_folder import RunFolder

__all__ = ["SubscribedObjects"]

LEFT_OUT: Final = "left_out"
UNREADABLE, IGNORED, FOREIGN = "unreadable", "ignored", "foreign"
_SHOWN_IN_A_PART: Final = 3
_BATCH_ITEMS, _BATCH_BYTES, _BATCH_SECONDS = 1000, 1 << 20, 5.0


class LeftOut(NamedTuple):
    """Something that a message told and that is no work of this stream.

    Attributes:
        message_id: Pub/Sub's; a repeated message keeps it.
        kind: UNREADABLE, IGNORED or FOREIGN.
        reason: Why it is unreadable; "" otherwise.
        data: The beginning of an unreadable message.
    """

    message_id: str
    kind: str
    reason: str = ""
    data: str = ""


coders.registry.register_coder(LeftOut, coders.RowCoder)


class SubscribedObjects(beam.PTransform):
    """Lists what is there, once, and follows a subscription: a PCollection of Notices, in the global window.

    Unbounded. The listing finds what notifications were lost for while nothing ran; both tell of what comes while it
    runs, and the same version of an object has the same identity in both. Delivery: Pub/Sub repeats and reorders, and
    so do engines; whoever works a notice looks at what is there. Parallelism: one listing; messages as the engine has
    it. Memory: on this machine the listing is one bundle (1.3 KiB an object); other engines stream it.

    The run folder gets parts with a line of kind `stream` (how many were `unreadable`, `ignored`, `foreign`), and lines
    of kind `unreadable` (`of`: the message's id, `reason`, `data`) for the first three of a part.

    Args:
        subscription: `projects/PROJECT/subscriptions/NAME`.
        listing: Yields what is there now; pickles.
        selects: Whether an address is one of the source's; pickles.
        folder: Where parts go (library.py: `folder_of`).
    """

    def __init__(
        self,
        subscription: str,
        listing: Callable[[], Iterable[ObjectInfo]],
        selects: Callable[[str], bool],
        folder: RunFolder | str | None = None,
    ) -> None:
        super().__init__()
        self.subscription, self.listing, self.selects = subscription, listing, selects
        self.folder = folder_of("stream", folder)

    def expand(self, root: Any) -> beam.PCollection[Notice]:
        """Reconciles, reads, and accounts for what is left out."""
        from apache_beam.io.gcp.pubsub import ReadFromPubSub  # noqa: PLC0415 - a second, where nothing else needs it

        there = root | "Once" >> beam.Impulse() | "Reconcile" >> beam.ParDo(Reconcile(self.listing))
        told = (
            root
            | "Read" >> ReadFromPubSub(subscription=self.subscription, with_attributes=True)
            | "Parse" >> beam.ParDo(ReadMessages(self.selects)).with_outputs(LEFT_OUT, main="notices")
        )
        there.element_type = told.notices.element_type = Notice  # not inferred where Beam doesn't check types
        told[LEFT_OUT].element_type = LeftOut
        _ = (
            told[LEFT_OUT]
            | "BatchLeftOut"
            >> WindowedBatches(_BATCH_ITEMS, _BATCH_BYTES, _BATCH_SECONDS, size_of=_size, key_of=_message, shards=1)
            | "CountLeftOut" >> beam.ParDo(WriteLeftOut(self.folder))
        )
        both = (there, told.notices) | "Both" >> beam.Flatten()
        both.element_type = Notice
        return both


class Reconcile(beam.DoFn):
    """Lists what is there; ends early when the run is asked to stop."""

    def __init__(self, listing: Callable[[], Iterable[ObjectInfo]]) -> None:
        super().__init__()
        self.listing = listing
        self._context = run_context.current()

    def setup(self) -> None:
        """Learns in a worker that an engine started which run this is."""
        run_context.adopt(self._context)

    def process(self, _element: Any) -> Iterator[Notice]:
        """One element in, a notice an object out."""
        learnt = time.time()
        for info in self.listing():
            if interrupt.requested():
                return
            yield Notice(info.uri, info.etag, info.size_bytes, info.modified, learnt, LISTING)


class ReadMessages(beam.DoFn):
    """Reads messages; what is no work of this stream goes to the output `left_out`."""

    def __init__(self, selects: Callable[[str], bool]) -> None:
        super().__init__()
        self.selects = selects

    def process(self, message: Any) -> Iterator[Any]:
        """A message in; notices, or why there are none, out."""
        told = read_message(message.data or b"", message.attributes or {}, time.time())
        message_id = message.message_id or ""
        for notice in told.notices:
            yield notice if self.selects(notice.uri) else TaggedOutput(LEFT_OUT, LeftOut(message_id, FOREIGN))
        for _ in range(told.ignored):
            yield TaggedOutput(LEFT_OUT, LeftOut(message_id, IGNORED))
        for reason, data in told.unreadable:
            yield TaggedOutput(LEFT_OUT, LeftOut(message_id, UNREADABLE, reason, data))


class WriteLeftOut(beam.DoFn):
    """Writes a part a batch, named by what is in it: a repeated batch overwrites its own."""

    def __init__(self, folder: RunFolder) -> None:
        super().__init__()
        self.folder = folder

    def process(self, batch: Sequence[LeftOut]) -> None:
        """What was left out in, a part in the run folder out."""
        left_out = sorted(batch)
        counts = Counter(one.kind for one in left_out)
        shown = [one for one in left_out if one.kind == UNREADABLE][:_SHOWN_IN_A_PART]
        lines = [{"kind": UNREADABLE, "of": one.message_id, "reason": one.reason, "data": one.data} for one in shown]
        name = hashlib.sha256("\n".join(f"{one.message_id} {one.kind}" for one in left_out).encode()).hexdigest()[:32]
        self.folder.write_part(f"left-out-{name}", [*lines, {"kind": "stream", **counts}])


def _size(left_out: LeftOut) -> int:
    return 100 + len(left_out.data)


def _message(left_out: LeftOut) -> str:
    return left_out.message_id
