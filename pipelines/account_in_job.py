"""The account as the last step of a graph: for a template's job, which whatever started it need not follow.

Where `hornbeam launch` follows the job, it makes the same account again, from the same parts.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import apache_beam as beam

from pipelines.flex_launch_account import CHOICE, write_account
from pipelines.launch_dataflow_rules import flags_of
from pipelines.run_account import Ended
from transforms.core.memory_use import MemoryUse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.running import BuildContext
    from pipelines.settings import PipelineSettings
    from transforms.core.run_folder import RunFolder

KEPT = ("project", "region", "temp_location")  # what the next command will need; the launcher's own flags it won't


def accounted(name: str, totals: beam.PCollection[Any], settings: PipelineSettings, context: BuildContext) -> None:
    """Ends a template's bounded graph with its account; other graphs are accounted for by the command that runs them.

    Args:
        name: The pipeline's.
        totals: One element, there when all parts are written.
        settings: The run's.
        context: The run's folder and engine.
    """
    if context.runner.mode == "template":
        given = flags_of(context.beam_args)._asdict()
        words = [f"--{flag}={given[flag]}" for flag in KEPT if given[flag]]
        _ = totals | "Account" >> beam.ParDo(WriteAccount(name, settings, context.folder, words))


class WriteAccount(beam.DoFn):  # type: ignore[misc]
    """Merges the run's parts, and writes its summary and report. Repeated, it writes the same again.

    Memory: a part at a time; the merged files grow on the worker's disk, and go up whole.

    Args:
        name: The pipeline's.
        settings: The run's; secrets are references.
        folder: The run's.
        words: Beam's flags for the next command.
    """

    def __init__(self, name: str, settings: PipelineSettings, folder: RunFolder, words: Sequence[str]) -> None:
        super().__init__()
        self.name, self.folder, self.words = name, folder, tuple(words)
        self.settings = settings.model_copy(update={"runner": "dataflow"})
        self.started = datetime.now(UTC)

    def process(self, _totals: Any) -> None:
        """The end of everything in; the run's files in its folder."""
        seconds = (datetime.now(UTC) - self.started).total_seconds()
        write_account(
            Ended(
                pipeline=self.name,
                settings=self.settings,
                choice=CHOICE,
                folder=self.folder,
                started=self.started,
                seconds=seconds,
                memory=MemoryUse(),
                beam_args=self.words,
                error=None,
            )
        )
