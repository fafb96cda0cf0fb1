"""Who writes a temporary file: its name tells machine and process, so that what a dead process left is known at once.

Where that can't be told (another machine's file on a shared disk), only its age tells.
"""

from __future__ import annotations

import functools
import os
import zlib
from pathlib import Path

_ID_DIGITS = 8


def writer() -> str:
    """This process, as 16 hex digits: 8 of the machine (this start of it, these process numbers), 8 of the process."""
    return f"{_machine()}{os.getpid():08x}"


def is_gone(who: str) -> bool:
    """Whether a writer has surely ended.

    | writer                                       | gone  |
    |----------------------------------------------|-------|
    | on another machine, or before its last start | can't tell: False |
    | here, and a process has its number           | False, though it may be another one |
    | here, and no process has its number          | True  |

    Args:
        who: What `writer` gave; "" for nobody.
    """
    if who[:_ID_DIGITS] != _machine():
        return False
    try:
        os.kill(int(who[_ID_DIGITS:], 16), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):  # it is there, of another user; nobody ever had such a number
        return False
    return False


@functools.cache
def _machine() -> str:
    places = (Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid"))
    boot = places[0].read_text(encoding="ascii") if places[0].exists() else ""
    numbers = places[1].stat().st_ino if places[1].exists() else 0
    return f"{zlib.crc32(f'{boot} {numbers} {os.uname().nodename}'.encode()):08x}"
