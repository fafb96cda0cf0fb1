"""What all copying of a process shares: the threads that work objects, the bytes in flight, the pace, the stores."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from transforms.core import memory, pacing, pool
from transforms.core.copying.buffer_budget import BufferBudget
from transforms.core.copying.modes import other_place
from transforms.core.copying.transfer_ends import Stores
from transforms.core.objects.store import open_copy_store

if TYPE_CHECKING:
    from transforms.core.copying.copy_settings import CopySettings
    from transforms.core.pool import WorkPool


PROGRAMS = 2


class Workshop(NamedTuple):
    """One a process, for all its tasks.

    Attributes:
        pool: Threads that each work one object at a time.
        budget: The bytes that they may hold together.
        programs: Threads that each wait for one run of a server-side program (44 MiB each).
    """

    pool: WorkPool
    budget: BufferBudget
    programs: WorkPool


class _Shared:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.budgets: dict[int, BufferBudget] = {}


_shared = _Shared()


def workshop(settings: CopySettings, memory_threshold_mb: float) -> Workshop:
    """This process's workshop.

    Args:
        settings: `max_concurrent`, `buffer_bytes`, and the pace.
        memory_threshold_mb: How far memory may rise above the start before no new object starts.
    """
    pacing.limit(settings.requests_per_second, settings.bytes_per_second)
    gate = memory.governor(settings.max_concurrent, memory_threshold_mb)
    with _shared.lock:
        budget = _shared.budgets.setdefault(settings.buffer_bytes, BufferBudget(settings.buffer_bytes))
    programs = pool.shared(PROGRAMS, pool.Ungated(), "programs")
    most = settings.max_concurrent
    return Workshop(pool.shared(most, gate, "objects", ahead=most), budget, programs)


def stores_of(settings: CopySettings, source: str = "") -> Stores:
    """The stores of one object, or of the whole copy.

    Args:
        settings: Both sides. The destination's is always the side's own: on disk nothing is written outside of it.
        source: The address of an object that a manifest names; "" for the side's own.
    """
    ours, theirs = settings.source.access, settings.destination.access
    if ours.requester_pays and not other_place(ours, theirs):  # a copy on the server is one request for both sides
        theirs = theirs._replace(requester_pays=True)
    return Stores(
        open_copy_store(source or settings.source.uri, ours), open_copy_store(settings.destination.uri, theirs)
    )
