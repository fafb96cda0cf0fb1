"""A port for a server that is about to start: one that is still free some seconds later, when it gets there."""

from __future__ import annotations

import random
import socket
from pathlib import Path
from typing import Final

_OUTGOING: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST: Final = 10_240
_TRIES: Final = 200
_given: set[int] = set()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, given out once in this process.

    Where the system says so, it lies below those that outgoing connections get: one of these would keep the server from
    it, or, asking whether it listens already, answer itself.
    """
    for port in random.sample(range(_LOWEST, _first_outgoing()), _TRIES):
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _first_outgoing() -> int:
    """The lowest port that an outgoing connection may get."""
    try:
        first = int(_OUTGOING.read_text().split()[0])
    except OSError:  # no Linux: as IANA has it
        first = 49_152
    return max(first, _LOWEST + _TRIES)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
