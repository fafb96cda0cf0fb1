"""The ends of a batch's files as they come: from what was written, from what the destination has stored, or failed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from transforms.core import progress
from transforms.core.errors import HornbeamError, TransientError
from transforms.core.tables.loads.finish_load import Rows
from transforms.core.tables.loads.load_plan import LoadPlan
from transforms.core.tables.loads.stream_account import FileEnd, FileStatus
from transforms.core.tables.loads.stream_plan import RUN
from transforms.core.tables.loads.stream_single import keep_failure, rejects_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transforms.core.outcome import ObjectInfo
    from transforms.core.tables.loads.connections import Connections
    from transforms.core.tables.loads.destination import ChunkRows, StoredLoad
    from transforms.core.tables.loads.load_settings import LoadSettings


class StreamEnds:
    """What became of the files of one batch. Used by one thread.

    Args:
        settings: What was asked for.
        connections: To the destination.
        run_id: The run: what it loaded itself is done, however often it comes.
    """

    def __init__(self, settings: LoadSettings, connections: Connections, run_id: str) -> None:
        self._settings, self._connections, self._run_id = settings, connections, run_id
        self._ends: dict[str, FileEnd] = {}
        self._outdated: dict[str, int] = {}

    def __contains__(self, info: ObjectInfo) -> bool:
        return info.uri in self._ends

    def of(self, infos: Sequence[ObjectInfo]) -> list[FileEnd]:
        """The ends of all files, by address."""
        return [self._ends[info.uri] for info in infos]

    def outdated(self, info: ObjectInfo) -> None:
        """A file changed while it was read: its end will be that of another version."""
        self._outdated[info.uri] = self._outdated.get(info.uri, 0) + 1

    def duplicate(self, info: ObjectInfo) -> None:
        """A file that another run brought in."""
        self._end(FileEnd(info, "duplicate"))

    def gone(self, info: ObjectInfo) -> None:
        """A file that went while it was read."""
        self.outdated(info)
        self._end(FileEnd(info, "gone"))

    def written(self, info: ObjectInfo, chunks: Sequence[ChunkRows], seconds: float) -> None:
        """A file whose chunks, all of them, were written and published."""
        totals = [chunk.totals for chunk in chunks]
        rows = Rows(*(sum(amounts) for amounts in zip(*(total[2:] for total in totals), strict=True)))
        rejects = tuple(reject for chunk in chunks for reject in chunk.rejects)
        progress.add(rows=rows.counted)
        self._end(FileEnd(info, "done", rows, seconds, rejects=rejects))

    def stored(self, info: ObjectInfo, stored: StoredLoad, seconds: float = 0.0, *, before: bool) -> None:
        """A file whose load is completed in the destination.

        | completed       | planned by | the file is |
        |-----------------|------------|-------------|
        | by this attempt | anybody    | done        |
        | before          | this run   | again       |
        | before          | another    | duplicate   |

        Args:
            info: The file.
            stored: Its load.
            seconds: Time spent on it.
            before: Whether somebody else completed it, or an earlier batch.
        """
        if before and LoadPlan.from_json(stored.spec.plan).details.get(RUN) != self._run_id:
            self.duplicate(info)
            return
        rejects = self._connections.use(partial(rejects_of, stored, self._settings))
        rows = Rows(stored.spec.counted, stored.loaded, stored.rejected, stored.skipped)
        status: FileStatus = "again" if before else "done"
        self._end(FileEnd(info, status, rows, seconds, rejects=rejects))

    def failed(self, info: ObjectInfo, load_id: str, error: HornbeamError) -> None:
        """A file that failed; its load's row says so, unless that may pass.

        Args:
            info: The file.
            load_id: Its load.
            error: Why.
        """
        name, message = type(error).__name__, str(error)
        if not isinstance(error, TransientError):
            try:
                keep_failure(load_id, message, self._settings, self._connections)
            except HornbeamError as problem:
                message += f" (nor could the destination keep that as the load's error: {problem})"
        self._end(FileEnd(info, "failed", error=(name, message)))

    def _end(self, end: FileEnd) -> None:
        self._ends[end.info.uri] = end._replace(outdated=self._outdated.get(end.info.uri, 0))
        if end.status == "done":
            progress.add(items=1, size_bytes=max(end.info.size_bytes, 0))
