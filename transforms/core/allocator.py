"""How this process gets and gives back memory: what Arrow and C code free goes back to the system after a while.

At 500,000 rows into DuckDB (MiB above idle Beam, seconds): as it comes 219 to 236, 2.5; jemalloc for Arrow and blocks
over 4 MiB mapped 147 to 155, 2.2; blocks over 256 KiB mapped and malloc for Arrow 141 to 146, 3.2. A page that is given
back and taken again costs a fault and its clearing: what Arrow frees is kept for two seconds, and blocks of up to
16 MiB (what is read at once) come from the heap. 5,000,000 rows into DuckDB, by the system's processor time, and MiB
above idle at 500,000, 2,000,000 and 5,000,000 rows: given back at once, blocks over 4 MiB mapped 3.7 s, 66, 72, 78;
like this 2.2 s, 85, 85, 92.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Final

_KEEP_MS: Final = 2_000
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8
_SETTINGS: Final = ((_MMAP_THRESHOLD, 16 << 20), (_TRIM_THRESHOLD, 64 << 20), (_ARENA_MAX, 2))


def return_freed_memory() -> None:
    """Sets the allocators of this process, once at its start; leaves alone what this platform doesn't have."""
    import pyarrow as pa  # noqa: PLC0415 - a command that doesn't run anything must not pay for it

    if "jemalloc" in pa.supported_memory_backends():
        pa.jemalloc_set_decay_ms(_KEEP_MS)
        pa.set_memory_pool(pa.jemalloc_memory_pool())
    if sys.platform.startswith("linux") and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):
        for parameter, value in _SETTINGS:
            mallopt(parameter, value)
