"""Imported first by each worker process that a run starts on this machine, in its main thread (`--beam_plugin`).

Ctrl-C reaches the whole process group: a worker must finish what it holds and say so, not die in the middle.
"""

from __future__ import annotations

from transforms.core import allocator, interrupt, run_context

if run_context.in_worker():
    interrupt.handle_in_worker()
    allocator.return_freed_memory()
