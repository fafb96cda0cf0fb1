"""Opened destinations, one a thread that needs one, kept for the next: a process has as many as it works at once."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from transforms.core.errors import ConfigError, PermanentError, TransientError
from transforms.core.retrying import retried
from transforms.core.secret import resolve
from transforms.core.tables.databases.registry import open_destination
from transforms.core.tables.loads.load_plan import LoadPlan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from transforms.core.tables.loads.destination import Destination, LoadSpec
    from transforms.core.tables.loads.load_settings import LoadSettings

T = TypeVar("T")


class _Shared:
    """The process's pools by what they reach: the steps of a load use one, so that each needn't connect anew."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pools: dict[LoadSettings, tuple[Connections, int]] = {}


_shared = _Shared()


def acquire(settings: LoadSettings) -> Connections:
    """The pool of this process for these settings; every user gives it back by `release`.

    Args:
        settings: Names the destination.
    """
    with _shared.lock:
        pool, users = _shared.pools.get(settings) or (Connections(settings), 0)
        _shared.pools[settings] = pool, users + 1
        return pool


def release(settings: LoadSettings) -> None:
    """Counts one user less; the last one closes what is idle.

    Args:
        settings: As for `acquire`.
    """
    with _shared.lock:
        pool, users = _shared.pools.pop(settings)
        if users > 1:
            _shared.pools[settings] = pool, users - 1
            return
    pool.close()


class Connections:
    """A pool of opened destinations.

    Args:
        settings: Names the destination; its password's reference is resolved when one is opened.
    """

    def __init__(self, settings: LoadSettings) -> None:
        self._settings = settings
        self._idle: SimpleQueue[Destination] = SimpleQueue()
        self._lock = threading.Lock()
        self._counted = 0
        self._was_open = False
        self._plan_lock = threading.Lock()
        self._plans: dict[str, tuple[LoadSpec, LoadPlan]] = {}

    def plan_of(self, load_id: str) -> tuple[LoadSpec, LoadPlan]:
        """A stored load's spec and plan, fetched once.

        Raises:
            PermanentError: The destination has no such load.
        """
        with self._plan_lock:
            if load_id not in self._plans:
                stored = self.use(lambda destination: destination.find_load(load_id))
                if stored is None:
                    raise PermanentError(f"load {load_id} is not in the destination any more; run the command again")
                self._plans = {load_id: (stored.spec, LoadPlan.from_json(stored.spec.plan))}
            return self._plans[load_id]

    def use(self, step: Callable[[Destination], T]) -> T:
        """Does a step that may be repeated with a destination; on a new connection if the old one broke.

        Args:
            step: Called again after a transient error.

        Raises:
            TransientError: The last one, when all attempts failed.
        """

        def attempt() -> T:
            with self.borrow() as destination:
                return step(destination)

        return retried(attempt)

    @contextmanager
    def borrow(self) -> Iterator[Destination]:
        """One destination for this thread; given back afterwards, or closed if something went wrong on it.

        Raises:
            ConfigError: It can't be opened.
        """
        destination = self._take()
        before = destination.statements
        try:
            yield destination
        except BaseException:
            destination.close()  # whatever its transaction was at ends here
            raise
        else:
            self._idle.put(destination)
        finally:
            with self._lock:
                self._counted += destination.statements - before

    def statements(self) -> int:
        """Statements sent since the last call."""
        with self._lock:
            counted, self._counted = self._counted, 0
        return counted

    def close(self) -> None:
        """Closes what is idle."""
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return

    def _take(self) -> Destination:
        try:
            return self._idle.get_nowait()
        except Empty:
            settings = self._settings
            password = resolve(settings.password) if settings.password else ""
            destination = open_destination(settings.destination, password, settings.destination_access)
            destination.table = settings.table
            before = destination.statements
            self._open(destination)
            with self._lock:
                self._counted += destination.statements - before
            return destination

    def _open(self, destination: Destination) -> None:
        """Opens it; what could be opened before is away, and may come back."""
        try:
            destination.open()
        except ConfigError as error:
            if self._was_open:
                raise TransientError(str(error)) from error
            raise
        self._was_open = True
