"""How a copy tells what became of an object: the lines of its account, the sums of them, and the bar's counters.

Where lines go, and what an earlier attempt's are worth, is the account's: task_log.py, stream_log.py.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from transforms.core import progress
from transforms.core.objects.access import AlreadyThereError
from transforms.core.objects.uri import shown
from transforms.core.outcome import Failure, Outcome
from transforms.core.run_folder import failure_line, outcome_line

if TYPE_CHECKING:
    from transforms.core.copying.attempts import Attempt
    from transforms.core.copying.planned_copy import Copied
    from transforms.core.errors import HornbeamError
    from transforms.core.outcome import ObjectInfo
    from transforms.core.run_folder import Line

_TOLD_EVERY: Final = 100
_WHYS: Final = 20


class Item(NamedTuple):
    """One planned object.

    Attributes:
        info: The source's (an extra's: its own).
        uri: The name at the destination.
    """

    info: ObjectInfo
    uri: str


class Sums:
    """How objects went, what proved them, and why some went another way."""

    def __init__(self) -> None:
        self._sums: dict[str, Counter[str]] = {"modes": Counter(), "proofs": Counter(), "fell_back": Counter()}

    def count(self, line: Line) -> None:
        """Adds what an outcome says."""
        for word, name in (("modes", "mode"), ("proofs", "proof")):
            if name in line:
                self._sums[word][line[name]] += 1
        why, known = line["detail"], self._sums["fell_back"]
        if "mode" in line and why and (why in known or len(known) < _WHYS):
            known[why] += 1

    def line(self, piece: int) -> Line:
        """The sums as a line of a part; merging adds it to the others.

        Args:
            piece: Which piece of its unit the part is, from 0: the unit counts once.
        """
        work = {} if piece else {"units": 1}
        return {"kind": "sums", "work": work, **{word: dict(found) for word, found in self._sums.items()}}


class OutcomeLines:
    """Makes the lines of an account. Used by one thread at a time; a subclass takes them.

    Args:
        step: For failures.
    """

    def __init__(self, step: str) -> None:
        self._step = step
        self._told = Counter[str]()

    def copied(self, item: Item, copied: Copied) -> None:
        """An object arrived."""
        more = {"mode": copied.mode, "proof": copied.proof, "proved_by": copied.proved_by}
        self._outcome(item, "done", copied.seconds, copied.fell_back, **more)

    def compared(self, item: Item, proof: str, proved_by: str) -> None:
        """Two objects were compared, and are the same."""
        self._outcome(item, "done", 0.0, "", proof=proof, proved_by=proved_by)

    def deleted(self, item: Item) -> None:
        """An extra is gone."""
        self._outcome(item, "done", 0.0, "deleted: it had no source")

    def skipped(self, item: Item, reason: str) -> None:
        """An object stays as it is."""
        self._outcome(item, "skipped", 0.0, reason)

    def idle(self, item: Item, status: str, reason: str = "") -> None:
        """An object was only planned, or was not started."""
        self._outcome(item, status, 0.0, reason)

    def failed(self, item: Item, error: HornbeamError, attempt: int = 1, proof: str = "") -> None:
        """An object failed for good; `proof` says what a comparison found, where there was one."""
        when = datetime.now(UTC).isoformat(timespec="seconds")
        failure = Failure(self._step, told(item.info.uri), type(error).__name__, str(error), attempt, when)
        self._take_failure(item, failure_line(failure))
        self._outcome(item, "failed", 0.0, str(error), **({"proof": proof} if proof else {}))

    def _take(self, item: Item, line: Line) -> None:
        """Takes the outcome of an item."""
        raise NotImplementedError

    def _take_failure(self, item: Item, line: Line) -> None:
        """Takes an item's failure, before its outcome."""
        raise NotImplementedError

    def _outcome(self, item: Item, status: str, seconds: float, detail: str, **more: str) -> None:
        size = max(item.info.size_bytes, 0)
        outcome = Outcome(told(item.info.uri), status, size, round(seconds, 4), detail)
        self._take(item, {**outcome_line(outcome), "destination": item.uri, **more})
        self._tell("done", 1, size)

    def _tell(self, what: str, items: int, size_bytes: int) -> None:
        """Feeds the bar, not for every object."""
        self._told[f"{what} items"] += items
        self._told[f"{what} bytes"] += size_bytes
        if self._told[f"{what} items"] >= _TOLD_EVERY or self._told[f"{what} bytes"] >> 23:
            self._tell_now()

    def _tell_now(self) -> None:
        told = self._told
        progress.plan(items=told["plan items"], size_bytes=told["plan bytes"])
        progress.add(items=told["done items"], size_bytes=told["done bytes"])
        told.clear()


def tell(log: OutcomeLines, item: Item, attempt: Attempt, fell_back: str = "") -> None:
    """Tells of an attempt that was made.

    | the attempt | outcome |
    |---|---|
    | met an error | failed |
    | copied | done |
    | decided to skip | skipped |
    | decided to fail | failed: it is there already, and may not be replaced |
    | decided to copy, and didn't | planned (a dry run) |

    Args:
        log: Takes the lines.
        item: The object.
        attempt: What became of it.
        fell_back: Why it went another way, as far as the attempt itself doesn't know.
    """
    if attempt.error is not None:
        log.failed(item, attempt.error)
    elif attempt.copied is not None:
        whys = (why for why in (fell_back, attempt.copied.fell_back) if why)
        log.copied(item, attempt.copied._replace(fell_back="; ".join(whys)))
    elif attempt.decision.action == "skip":
        log.skipped(item, attempt.decision.reason)
    elif attempt.decision.action == "fail":
        log.failed(item, exists(item))
    else:
        log.idle(item, "planned", attempt.decision.reason)


def told(uri: str) -> str:
    """A source's name in the account: whatever signs a web address is masked, keys of stores stay as they are.

    Args:
        uri: Absolute address.
    """
    return shown(uri) if uri.startswith(("http://", "https://")) else uri


def exists(item: Item) -> AlreadyThereError:
    """Why an object that differs isn't replaced."""
    return AlreadyThereError(f"{shown(item.uri)} is there already and differs: --if_exists overwrite replaces it")
