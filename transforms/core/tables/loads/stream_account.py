"""What became of the files of a batch, as the lines of its part and as its totals."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

from transforms.core.outcome import Failure, ObjectInfo, Outcome
from transforms.core.run_folder import failure_line, outcome_line
from transforms.core.scrubbing import scrub
from transforms.core.streams.stream_part import BatchTotals
from transforms.core.tables.loads.finish_load import Rows
from transforms.core.tables.loads.stream_notices import identity_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from transforms.core.run_folder import Line
    from transforms.core.tables.loads.stream_notices import Seen, Unseen

FileStatus = Literal["done", "again", "duplicate", "failed", "gone"]


class FileEnd(NamedTuple):
    """What became of a file.

    Attributes:
        info: The version that is meant.
        status: `done` now; done by an earlier batch of this run (`again`); by an earlier run (`duplicate`); `failed`;
            `gone` while it was read.
        rows: Its records.
        seconds: Time spent on it alone.
        error: (class name, message); ("", "") for none.
        rejects: Its rejected records as JSON lines.
        outdated: How often it changed, or went, while it was read.
    """

    info: ObjectInfo
    status: FileStatus
    rows: Rows = Rows()
    seconds: float = 0.0
    error: tuple[str, str] = ("", "")
    rejects: tuple[str, ...] = ()
    outdated: int = 0


def lines_of(ends: Iterable[FileEnd], unseen: Iterable[Unseen]) -> Iterator[Line]:
    """The lines of a part: outcomes with their rows, failures, rejects; each tells of which version it speaks.

    | the file                    | outcome |
    |-----------------------------|---------|
    | done, now or by this run    | done    |
    | failed, or couldn't be seen | failed  |
    | done by another run, gone   | none    |
    """
    for end in ends:
        if end.status not in ("duplicate", "gone"):
            yield from _file_lines(end, identity_of(end.info))
    for notice, error in unseen:
        info = ObjectInfo(notice.uri, max(notice.size_bytes, 0), notice.version, notice.modified)
        named = (type(error).__name__, str(error))
        yield from _file_lines(FileEnd(info, "failed", error=named), notice.identity)


def _file_lines(end: FileEnd, of: str) -> Iterator[Line]:
    status, (name, message) = "failed" if end.status == "failed" else "done", end.error
    outcome = Outcome(end.info.uri, status, max(end.info.size_bytes, 0), end.seconds, scrub(message))
    counted, loaded, rejected, _ = end.rows
    rows = {"rows_counted": counted, "rows_loaded": loaded, "rows_rejected": rejected}
    yield {**outcome_line(outcome), "of": of, **rows}
    if status == "failed":
        now = datetime.now(UTC).isoformat(timespec="seconds")
        failure = Failure("ingest", end.info.uri, name, scrub(message), 1, now)
        yield {**failure_line(failure), "of": of}
    yield from ({"kind": "reject", **json.loads(reject), "of": of} for reject in end.rejects)


def as_before(ends: Sequence[FileEnd], lines: Iterable[Line]) -> list[FileEnd]:
    """The ends of a batch that an engine repeats: what its first attempt did is done, not come back.

    Args:
        ends: As the second attempt found them.
        lines: What the first one said; none when there was none.
    """
    done = {line["of"] for line in lines if line["kind"] == "outcome" and line["status"] == "done"}
    return [
        end._replace(status="done") if end.status == "again" and identity_of(end.info) in done else end for end in ends
    ]


def totals_of(told: int, seen: Seen, ends: Sequence[FileEnd]) -> BatchTotals:
    """A batch's totals.

    Args:
        told: Notices in it.
        seen: What they came to.
        ends: What became of the files.
    """
    done = [end for end in ends if end.status == "done"]
    repeated = sum(end.status in ("again", "duplicate") for end in ends)
    return BatchTotals(
        told=told,
        duplicates=seen.duplicates + repeated,
        outdated=seen.outdated + sum(end.outdated for end in ends),
        done=len(done),
        failed=sum(end.status == "failed" for end in ends) + len(seen.unseen),
        bytes=sum(max(end.info.size_bytes, 0) for end in done),
    )
