"""What the whole transforms share where a program uses them in a pipeline of its own: their beginning, their folder."""

from __future__ import annotations

from typing import Any

import apache_beam as beam

from transforms.core.objects.expansion import absolute
from transforms.core.run_folder import RunFolder, new_run_id


class Once(beam.PTransform):
    """One element: at once for a pipeline; for a bounded collection when it has ended. Repeats: as Count.Globally."""

    def expand(self, begin: Any) -> beam.PCollection[Any]:
        """Create, or a count, which comes after the last element."""
        if isinstance(begin, beam.pvalue.PBegin):
            return begin | "One" >> beam.Create([None])
        return begin | "Ended" >> beam.combiners.Count.Globally()


def folder_of(name: str, folder: RunFolder | str | None) -> RunFolder:
    """The folder that takes an account; nothing is made or written yet.

    Args:
        name: The transform's, for the default folder.
        folder: A run's; or a path or prefix that all workers reach; None for `runs/<name>-<UTC time>-<id>` on the disk.
    """
    if isinstance(folder, RunFolder):
        return folder
    run_id = new_run_id()
    return RunFolder(absolute(folder or f"runs/{name}-{run_id}").rstrip("/"), run_id)
