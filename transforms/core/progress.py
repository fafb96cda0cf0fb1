"""Process-wide counters behind the bar, the log line and the report: what is planned, what is done, by which step.

They are for looking at: a repeated bundle counts twice. Totals in the summary come from outcomes, never from here.
"""

from __future__ import annotations

import json
import os
import threading
import time
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from transforms.core import run_context

if TYPE_CHECKING:
    from collections.abc import Iterable

_WRITE_SECONDS: Final = 0.5
_READ_SECONDS: Final = 0.5


class Amounts(NamedTuple):
    """Items, bytes and rows."""

    items: int = 0
    bytes: int = 0
    rows: int = 0

    def plus(self, other: Amounts) -> Amounts:
        """The sum of both."""
        return Amounts(self.items + other.items, self.bytes + other.bytes, self.rows + other.rows)


class Step(NamedTuple):
    """What one step of the graph did.

    Attributes:
        name: The step.
        elements: Elements it worked.
        failed: Elements among them that ended in an exception.
        seconds: Time spent, summed over concurrent tasks.
        longest_seconds: The longest one.
    """

    name: str
    elements: int = 0
    failed: int = 0
    seconds: float = 0.0
    longest_seconds: float = 0.0

    def plus(self, other: Step) -> Step:
        """Both together, under this one's name."""
        longest = max(self.longest_seconds, other.longest_seconds)
        return Step(
            self.name, self.elements + other.elements, self.failed + other.failed, self.seconds + other.seconds, longest
        )


class Snapshot(NamedTuple):
    """The counters at one moment.

    Attributes:
        phase: What the run is doing now, in a word or two.
        planned: What there is to do, as far as known; 0 where unknown.
        done: What is done.
        steps: Per-step counts and times, in order of appearance.
        phase_at: When it began, seconds since the epoch: of several processes the one that says it last is right.
    """

    phase: str = ""
    planned: Amounts = Amounts()
    done: Amounts = Amounts()
    steps: tuple[Step, ...] = ()
    phase_at: float = 0.0

    def plus(self, other: Snapshot) -> Snapshot:
        """Both together; the phase that began later counts."""
        now = other if other.phase and other.phase_at >= self.phase_at else self
        return Snapshot(
            now.phase,
            self.planned.plus(other.planned),
            self.done.plus(other.done),
            merge_steps(self.steps, other.steps),
            now.phase_at,
        )


class _Counters:
    """This process's counters; every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._own = Snapshot()
        self._written_at = 0.0
        self._others = Snapshot()
        self._afar = Snapshot()
        self._read_at = 0.0

    def change(self, change: Snapshot, *, flush: bool = False) -> None:
        with self._lock:
            self._own = self._own.plus(change)
            now = time.monotonic()
            if flush or now - self._written_at >= _WRITE_SECONDS:
                self._written_at = now
                _write(self._own)

    def own(self) -> Snapshot:
        with self._lock:
            return self._own

    def all(self) -> Snapshot:
        now = time.monotonic()
        with self._lock:
            if now - self._read_at >= _READ_SECONDS:
                self._read_at = now
                self._others = _read_others()
            return self._own.plus(self._others).plus(self._afar)

    def hear(self, others: Iterable[Snapshot]) -> None:
        with self._lock:
            self._afar = reduce(Snapshot.plus, others, Snapshot())

    def reset(self) -> None:
        with self._lock:
            self._own = self._others = self._afar = Snapshot()
            self._written_at = self._read_at = 0.0


_counters = _Counters()


def plan(items: int = 0, size_bytes: int = 0, rows: int = 0) -> None:
    """Adds to what there is to do.

    Args:
        items: Items more.
        size_bytes: Bytes more.
        rows: Rows more.
    """
    _counters.change(Snapshot(planned=Amounts(items, size_bytes, rows)))


def add(items: int = 0, size_bytes: int = 0, rows: int = 0) -> None:
    """Adds to what is done.

    Args:
        items: Items more.
        size_bytes: Bytes more.
        rows: Rows more.
    """
    _counters.change(Snapshot(done=Amounts(items, size_bytes, rows)))


def phase(name: str) -> None:
    """Says what the run is doing now.

    Args:
        name: A word or two: `scanning`, `loading`.
    """
    _counters.change(Snapshot(phase=name, phase_at=time.time()), flush=True)


def step(name: str, seconds: float, *, elements: int = 1, failed: int = 0) -> None:
    """Counts work of one step.

    Args:
        name: The step.
        seconds: How long it took.
        elements: Elements worked.
        failed: Elements among them that ended in an exception.
    """
    _counters.change(Snapshot(steps=(Step(name, elements, failed, seconds, seconds),)))


def flush() -> None:
    """In a worker process: leaves the counters for the main process now (else at most every half second)."""
    _counters.change(Snapshot(), flush=True)


def snapshot() -> Snapshot:
    """The counters of the whole run: this process's and its workers'."""
    return _counters.all()


def own() -> Snapshot:
    """The counters of this process."""
    return _counters.own()


def hear(others: Iterable[Snapshot]) -> None:
    """Takes what workers elsewhere count, in place of what they counted before.

    Args:
        others: The counters of each.
    """
    _counters.hear(others)


def reset() -> None:
    """Starts from zero (a program may run several pipelines, one after the other)."""
    _counters.reset()


def merge_steps(first: tuple[Step, ...], second: tuple[Step, ...]) -> tuple[Step, ...]:
    """Steps of the same name added up, in order of appearance.

    Args:
        first: Some steps.
        second: Some more.
    """
    merged = {one.name: one for one in first}
    for one in second:
        merged[one.name] = merged[one.name].plus(one) if one.name in merged else one
    return tuple(merged.values())


def as_text(counters: Snapshot) -> str:
    """Counters for another process.

    Args:
        counters: Of this one.
    """
    return json.dumps(counters)


def from_text(text: str) -> Snapshot:
    """Counters of another process.

    Args:
        text: Of `as_text`.
    """
    name, planned, done, steps, at = json.loads(text)
    return Snapshot(name, Amounts(*planned), Amounts(*done), tuple(Step(*s) for s in steps), at)


def _write(own: Snapshot) -> None:
    context = run_context.current()
    if context is None or context.pid == os.getpid():
        return
    target = Path(context.progress_dir) / f"{os.getpid()}.json"
    unfinished = target.with_suffix(".tmp")
    unfinished.write_text(as_text(own), encoding="utf-8")
    unfinished.replace(target)


def _read_others() -> Snapshot:
    context = run_context.current()
    total = Snapshot()
    if context is None or context.pid != os.getpid():
        return total
    for part in sorted(Path(context.progress_dir).glob("*.json")):
        total = total.plus(from_text(part.read_text(encoding="utf-8")))
    return total
