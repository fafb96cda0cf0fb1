"""A small pipeline on the run frame: each item sleeps, then reports its outcome. Also a program, for signals.

`python -m tests.pipelines.toy OUTPUT ITEMS SECONDS [Beam's flags]`
"""

import sys
import time
from functools import partial

import apache_beam as beam

from pipelines.running import run_pipeline
from pipelines.settings import PipelineSettings
from transforms.core import progress
from transforms.core.outcome import Outcome
from transforms.core.run_folder import outcome_line, plan_line
from transforms.pooled import PooledDoFn, PoolLimits

ITEM_BYTES = 10


class WorkItems(PooledDoFn):
    """Sleeps for each item and writes its part; item `bad` goes off."""

    def __init__(self, folder, seconds, bad):
        super().__init__(PoolLimits(4))
        self.folder, self.seconds, self.bad = folder, seconds, bad

    def work(self, item):
        time.sleep(self.seconds)
        if item == self.bad:
            raise ValueError(f"item {item} went off; password is hunter2-secret")
        self.folder.write_part(f"{item:05d}", [outcome_line(Outcome(f"item {item}", "done", ITEM_BYTES, 0.1, ""))])
        progress.add(items=1, size_bytes=ITEM_BYTES)
        return [item]


def build(items, seconds, bad, pipeline, settings, context):
    context.folder.write_part("plan", [plan_line(items, items * ITEM_BYTES)])
    progress.plan(items=items, size_bytes=items * ITEM_BYTES)
    if settings.dry_run:
        return
    work = WorkItems(context.folder, seconds, bad)
    _ = pipeline | beam.Create(range(items)) | beam.Reshuffle() | "WorkItems" >> beam.ParDo(work)


def run(output, items=20, seconds=0.0, bad=-1, beam_args=(), collect=None, **settings):
    more = {"collect": collect} if collect else {}
    chosen = PipelineSettings(output=str(output), **settings)
    return run_pipeline("toy", chosen, list(beam_args), partial(build, items, seconds, bad), **more)


if __name__ == "__main__":
    flags = [word for word in sys.argv[4:] if word != "--shared_disk"]
    shared = "--shared_disk" in sys.argv[4:]
    ended = run(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), beam_args=flags, shared_disk=shared)
    sys.exit(ended.exit_code)
