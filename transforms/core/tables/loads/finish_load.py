"""The end of a load: published or not, and the account of every file, from the destination's own ledger."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from transforms.core.errors import PermanentError
from transforms.core.outcome import Outcome
from transforms.core.retrying import retried
from transforms.core.tables.loads.destination import TooManyRejectsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from transforms.core.outcome import ObjectInfo
    from transforms.core.tables.loads.destination import ChunkTotals, Destination, LoadSpec, StoredLoad
    from transforms.core.tables.loads.load_plan import LoadPlan
    from transforms.core.tables.loads.load_settings import LoadSettings


class Rows(NamedTuple):
    """Records by what became of them."""

    counted: int = 0
    loaded: int = 0
    rejected: int = 0
    skipped: int = 0


class Ended(NamedTuple):
    """A load that was finished, or left as it is.

    Attributes:
        outcomes: One a file.
        rows: All files' together.
        files: The same by file.
        error: (class name, message) of what keeps the load from being complete; ("", "") when it is.
    """

    outcomes: tuple[Outcome, ...]
    rows: Rows
    files: tuple[tuple[str, Rows], ...]
    error: tuple[str, str]


def publish(spec: LoadSpec, settings: LoadSettings, destination: Destination) -> StoredLoad:
    """Publishes a load whose chunks are all there; one that is published already is left as it is.

    Raises:
        PermanentError: More was rejected than `--max_rejects` allows, or the ledger doesn't add up.
    """
    ledger = destination.ledger(spec.load_id)
    rejected = sum(totals.rejected for totals in ledger.values())
    loaded = sum(totals.loaded for totals in ledger.values())
    allowed = rejects_allowed(settings.max_rejects, spec.counted)
    problem = ""
    if allowed is not None and rejected > allowed:
        problem = (
            f"{rejected:,} of {spec.counted:,} records were rejected, more than --max_rejects {settings.max_rejects}"
        )
    elif settings.mode == "replace" and not loaded and not settings.allow_empty:
        records = f"all {rejected:,} records were rejected" if rejected else "the input has no record"
        problem = f"{records}, which would empty the table; give --allow_empty if that is meant"
    if not problem:
        try:
            return retried(lambda: destination.publish(spec, allowed))
        except TooManyRejectsError as error:
            problem = str(error)
    destination.fail(spec.load_id, problem)
    raise PermanentError(f"nothing was published into {settings.table}: {problem}")


def rejects_allowed(limit: str, counted: int) -> int | None:
    """How many records may be rejected; None = no limit."""
    if not limit:
        return None
    return int(counted * Decimal(limit[:-1]) / 100) if limit.endswith("%") else int(limit)


def end(
    plan: LoadPlan,
    ledger: Mapping[int, ChunkTotals],
    skipped: Sequence[ObjectInfo],
    *,
    published: bool,
    before: bool,
    error: tuple[str, str] = ("", ""),
    idle: str = "",
) -> Ended:
    """Accounts for every file.

    | the load is                 | a file that was read | one that can't be read |
    |-----------------------------|----------------------|------------------------|
    | published by this run       | done                 | failed                 |
    | published by an earlier one | skipped              | failed                 |
    | only planned, or stopped    | planned, not_started | failed                 |
    | not published: an error     | failed               | failed                 |

    Args:
        plan: The load's.
        ledger: Its committed chunks.
        skipped: Files that other loads brought in.
        published: Whether it is published.
        before: Whether an earlier run published it.
        error: What keeps it from being published.
        idle: `planned` or `not_started` when the run ends without an error before publishing.
    """
    rows = _rows_by_file(plan, ledger)
    failed = {number: message for number, _, message in plan.failed}
    outcomes = [Outcome(info.uri, "skipped", max(info.size_bytes, 0), 0.0, "loaded already") for info in skipped]
    for number, (_, uri, size) in enumerate(plan.files):
        status = ("skipped" if before else "done") if published else idle or "failed"
        detail = "loaded already" if status == "skipped" else "" if published or idle else error[1]
        if number in failed:
            status, detail = "failed", failed[number]
        outcomes.append(Outcome(uri, status, max(size, 0), 0.0, detail))
    total = Rows(*(sum(column) for column in zip(*rows.values(), strict=True))) if rows else Rows()
    return Ended(tuple(outcomes), total, tuple((plan.files[number][1], one) for number, one in rows.items()), error)


def _rows_by_file(plan: LoadPlan, ledger: Mapping[int, ChunkTotals]) -> dict[int, Rows]:
    loaded: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
    for totals in ledger.values():
        for index, value in enumerate((totals.loaded, totals.rejected, totals.skipped)):
            loaded[totals.file][index] += value
    counted: dict[int, int] = defaultdict(int)
    for planned in plan.parts:
        counted[planned.part.file] += planned.counted
    return {number: Rows(count, *loaded[number]) for number, count in counted.items()}
