"""Progress of workers that see no folder of this machine: they leave their counters in the run's own, in a bucket.

Beside its parts, so that nothing has to be tidied up: `parts/<run id>.progress/`, one object of some 100 bytes a
worker, written every five seconds and when a bundle ends. For looking at only: what can't be written or read now is
tried at the next look.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from transforms.core import progress, run_context
from transforms.core.errors import HornbeamError
from transforms.core.objects.small_files import read_whole
from transforms.core.objects.store import StoreAccess, open_store
from transforms.core.progress import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from transforms.core.run_context import RunContext

LOOK_SECONDS: Final = 5.0
_lock = threading.Lock()
_tellers: dict[str, Teller] = {}


def tell(context: RunContext | None) -> None:
    """In a worker that joins no run: from now on its counters stand in the bucket, until the process ends.

    Args:
        context: The run's, as a step carried it here.
    """
    if context is None or not context.afar or run_context.current() is not None:
        return
    with _lock:
        if context.run_id in _tellers:
            return
        teller = _tellers[context.run_id] = Teller(context)
    threading.Thread(target=_again_and_again, args=(teller.tell, threading.Event()), daemon=True).start()


def flush() -> None:
    """In such a worker: leaves the counters now."""
    for teller in list(_tellers.values()):
        with suppress(HornbeamError):  # as said above
            teller.tell()


@contextmanager
def heard(context: RunContext) -> Iterator[None]:
    """In the process that started the run: what its workers count is part of `progress.snapshot` while the block runs.

    Args:
        context: The run's; where its workers see a folder of this machine, there is nothing to do.
    """
    if not context.afar:
        yield
        return
    listener, over = Listener(context), threading.Event()
    thread = threading.Thread(target=_again_and_again, args=(listener.listen, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class Teller:
    """Writes what this process counts.

    Args:
        context: The run's.
    """

    def __init__(self, context: RunContext) -> None:
        self._name = f"{_place(context)}{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}.json"
        self._lock = threading.Lock()
        self._told = Snapshot()

    def tell(self) -> None:
        """Writes it, if anything changed.

        Raises:
            HornbeamError: It can't be written.
        """
        with self._lock:
            own = progress.own()
            if own != self._told:
                open_store(self._name, StoreAccess()).write(self._name, progress.as_text(own).encode())
                self._told = own


class Listener:
    """Reads what the workers count, each object when it changed.

    Args:
        context: The run's.
    """

    def __init__(self, context: RunContext) -> None:
        self._place = _place(context)
        self._heard: dict[str, tuple[str, Snapshot]] = {}

    def listen(self) -> None:
        """Reads what is new, and hands on the sum.

        Raises:
            HornbeamError: It can't be read.
        """
        store = open_store(self._place, StoreAccess())
        for info in store.list(self._place):
            if self._heard.get(info.uri, ("",))[0] != info.etag and (data := read_whole(store, info.uri, info)):
                self._heard[info.uri] = info.etag, progress.from_text(data.decode())
        progress.hear([snapshot for _, snapshot in self._heard.values()])


def _place(context: RunContext) -> str:
    return f"{context.afar}/parts/{context.run_id}.progress/"


def _again_and_again(look: Callable[[], None], over: threading.Event) -> None:
    """Looks every so often, and once more at the end."""
    ended = False
    while not ended:
        ended = over.wait(LOOK_SECONDS)
        try:
            look()
        except HornbeamError:
            continue  # as said above; the account doesn't come from here, and what it comes from raises
