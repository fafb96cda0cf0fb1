"""What becomes of a batch of a stream's notices of CSV and Excel files: looked up, loaded, accounted for.

Each file is its own load, with the id that the bounded `ingest` of that file alone gives it; a batch is no identity.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING
from weakref import WeakSet

from transforms.core import interrupt
from transforms.core.errors import ConfigError
from transforms.core.streams.stream_part import unit_id, write_batch
from transforms.core.tables.loads.standing import Standing
from transforms.core.tables.loads.stream_account import as_before, lines_of, totals_of
from transforms.core.tables.loads.stream_loader import StreamLoader
from transforms.core.tables.loads.stream_notices import look_up

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transforms.core.run_folder import RunFolder
    from transforms.core.streams.notice import Notice
    from transforms.core.streams.stream_part import BatchTotals
    from transforms.core.tables.loads.connections import Connections
    from transforms.core.tables.loads.load_settings import LoadSettings


class _Shared:
    """What stands in the tables that this process loads: it outlives connections, since a watch opens them anew."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.standing: OrderedDict[LoadSettings, Standing] = OrderedDict()
        self.met: WeakSet[Connections] = WeakSet()


_MOST_TABLES = 8
_shared = _Shared()


def check_streamable(settings: LoadSettings) -> None:
    """Refuses what only a load with an end can do.

    Raises:
        ConfigError: The settings ask for that.
    """
    if settings.mode == "replace":
        raise ConfigError("write mode replace needs to know all files, and a stream never does: append or upsert")
    if settings.dry_run:
        raise ConfigError("a dry run plans a load that ends, and a stream has no end: leave out one of both")


def load_batch(
    batch: Sequence[Notice], settings: LoadSettings, connections: Connections, folder: RunFolder
) -> BatchTotals:
    """Loads the files that a batch tells of, and writes its part; a request to stop doesn't break it off.

    Exactly once: a file that any run brought in with the same settings is not loaded again, in whatever batch it comes
    back; a batch that is repeated, or attempted twice at once, leaves the same table and the same part.

    Args:
        batch: Notices.
        settings: What was asked for; `sources` is not looked at, and `replace` is not possible.
        connections: To the destination.
        folder: The run's.

    Returns:
        What became of it; failures are in it and in its part.

    Raises:
        InterruptedRunError: The run was given up.
        TransientError: The run folder can't be reached for long.
    """
    with interrupt.finishing():
        before = folder.read_part(unit_id(batch))
        seen = look_up(batch, settings.source_access)
        ends = StreamLoader(settings, connections, _standing(connections, settings), folder.run_id).load(seen.files)
        ends = as_before(ends, before)
        totals = totals_of(len(batch), seen, ends)
        write_batch(folder, batch, lines_of(ends, seen.unseen), totals)
        return totals


def _standing(connections: Connections, settings: LoadSettings) -> Standing:
    with _shared.lock:
        standing = _shared.standing.pop(settings, None) or Standing(settings)
        _shared.standing[settings] = standing
        if len(_shared.standing) > _MOST_TABLES:
            _shared.standing.popitem(last=False)
        if connections not in _shared.met:
            _shared.met.add(connections)
            standing.doubt()
        return standing
