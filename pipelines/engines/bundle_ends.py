"""Lets bundles that run in this process end when their work does: Beam waits, at each one's end, for a sleeping thread.

Its state sampler looks ever more rarely what a bundle is at, in the end every 0.2 s, and is joined. 500,000 rows into
PostgreSQL: 0.1 to 0.2 s of 1.6. There is no option for it, so the sampler's own default is set.
"""

from __future__ import annotations

from typing import Final

LOOK_MS: Final = 10  # a look takes some microseconds, without the interpreter's lock


def end_promptly() -> None:
    """Has the sampler look every 10 ms, in all bundles to come; leaves a Beam alone whose sampler is made otherwise."""
    from apache_beam.runners.worker import statesampler

    init = statesampler.StateSampler.__init__
    if init.__defaults__ == (statesampler.DEFAULT_SAMPLING_PERIOD_MS,):
        init.__defaults__ = (LOOK_MS,)
