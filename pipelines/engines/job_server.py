"""An engine's own process on this machine: started, waited for, and gone with the run, however the run ends.

A shell beside it reads a pipe that only this process holds open: even after SIGKILL here, it ends the engine. The
engine has a session of its own, so Ctrl-C on the terminal reaches the run alone, which then drains.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from transforms.core import interrupt
from transforms.core.errors import ConfigError
from transforms.core.memory_sampler import leave_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_WATCHED: Final = (
    'exec 3<&0; "$@" </dev/null 3<&- & child=$!; (cat <&3 >/dev/null; kill -KILL "$child") 2>/dev/null & wait "$child"'
)
START_SECONDS: Final = 90.0
_LOOK_SECONDS: Final = 0.05
_SHOWN_CHARS: Final = 600


class EngineCommand(NamedTuple):
    """How an engine is started.

    Attributes:
        name: What people call it.
        words: Its program and arguments.
        port: The loopback port where it takes jobs.
        log: Where its own output goes.
        remedy: What to do when it doesn't start.
    """

    name: str
    words: Sequence[str]
    port: int
    log: Path
    remedy: str


@contextmanager
def running_server(command: EngineCommand) -> Iterator[str]:
    """Runs the engine while the block runs.

    Args:
        command: How it is started.

    Yields:
        Where it takes jobs, `127.0.0.1:port`.

    Raises:
        ConfigError: It didn't come up.
        InterruptedRunError: The run was asked to stop before it had.
    """
    watched, held = os.pipe()
    words = ["sh", "-c", _WATCHED, command.name, *command.words]
    environment = {**os.environ, "TMPDIR": str(command.log.parent)}
    try:
        with command.log.open("wb") as log:
            process = subprocess.Popen(
                words, env=environment, stdin=watched, stdout=log, stderr=log, start_new_session=True
            )
    finally:
        os.close(watched)
    leave_out(process.pid)
    try:
        _wait_until_listening(command, process)
        yield f"127.0.0.1:{command.port}"
    finally:
        os.close(held)
        process.wait()


def _wait_until_listening(command: EngineCommand, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _listens(command.port):
        interrupt.check()  # before the engine is judged: it isn't at fault
        ended = process.poll()
        if ended is not None or time.monotonic() > deadline:
            how = f"ended with {ended}" if ended is not None else "takes no jobs yet"
            said = command.log.read_text(errors="replace")[-_SHOWN_CHARS:].strip() or "nothing"
            raise ConfigError(f"{command.name} {how}; it said: {said}. {command.remedy}")
        time.sleep(_LOOK_SECONDS)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
