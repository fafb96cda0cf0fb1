"""How this process gets and gives back memory: what Arrow and C code free goes back to the system soon.

At 500,000 rows into DuckDB (MiB above idle Beam, seconds): as it comes 219 to 236, 2.5; jemalloc for Arrow and blocks
over 4 MiB mapped 147 to 155, 2.2; blocks over 256 KiB mapped and malloc for Arrow 141 to 146, 3.2.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Final

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8
_SETTINGS: Final = ((_MMAP_THRESHOLD, 4 << 20), (_TRIM_THRESHOLD, 8 << 20), (_ARENA_MAX, 2))


def return_freed_memory() -> None:
    """Sets the allocators of this process, once at its start; leaves alone what this platform doesn't have."""
    import pyarrow as pa  # noqa: PLC0415 - a command that doesn't run anything must not pay for it

    if "jemalloc" in pa.supported_memory_backends():
        pa.jemalloc_set_decay_ms(0)
        pa.set_memory_pool(pa.jemalloc_memory_pool())
    if sys.platform.startswith("linux") and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):
        for parameter, value in _SETTINGS:
            mallopt(parameter, value)
