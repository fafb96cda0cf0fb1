"""`TellEnd`: says in the run's folder that a stream is through, for engines on which a job then goes on for ever.

On Flink a source with checkpoints never ends (Beam keeps it alive), so whoever launched the job ends it on this word.
"""

# ruff: noqa: B008 - timers are declared as default values: Beam asks for that

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import apache_beam as beam
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import TimerSpec, on_timer
from apache_beam.typehints import KV

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from transforms.core.run_folder import RunFolder

__all__ = ["TellEnd", "add_end", "end_name"]


class TellEnd(beam.PTransform):
    """Writes a mark into the run's folder when everything that it is applied to has ended, empty or not.

    Applied to a tuple of PCollections in the global window; has no output. Repeats write the same mark.

    Args:
        folder: The run's.
    """

    def __init__(self, folder: RunFolder) -> None:
        super().__init__()
        self.folder = folder

    def expand(self, ends: Sequence[beam.PCollection]) -> beam.PCollection[Any]:
        """Only watermarks pass, and one element that waits for the last of them."""
        begun = ends[0].pipeline | "Begin" >> beam.Impulse() | "Key" >> beam.Map(keyed)
        nothing = [end | f"Ignore {number}" >> beam.FlatMap(none) for number, end in enumerate(ends)]
        for one in (begun, *nothing):
            one.element_type = KV[bytes, bytes]  # said here, since Beam infers nothing where it doesn't check types
        together = [begun, *nothing] | "All" >> beam.Flatten()
        together.element_type = KV[bytes, bytes]
        return together | "Tell" >> beam.ParDo(Tell(self.folder))


def end_name(folder: RunFolder) -> str:
    """The mark's name: another for each run, since runs may share a folder."""
    return f"stream-ended-{folder.run_id}"


def keyed(element: bytes) -> tuple[bytes, bytes]:
    """The one element, with the one key."""
    return b"", element


def none(_element: Any) -> Iterable[Any]:
    """Nothing."""
    return ()


class Tell(beam.DoFn):
    """Writes the mark when the watermark has passed everything.

    Args:
        folder: The run's.
    """

    END = TimerSpec("end", TimeDomain.WATERMARK)

    def __init__(self, folder: RunFolder) -> None:
        super().__init__()
        self.folder = folder

    def process(
        self, _pair: tuple[bytes, bytes], window: Any = beam.DoFn.WindowParam, end: Any = beam.DoFn.TimerParam(END)
    ) -> None:
        """Waits for the end.

        Args:
            window: The global one.
            end: Fires when it is over.
        """
        end.set(window.end)

    @on_timer(END)
    def when_all_has_ended(self) -> None:
        """Writes the mark."""
        self.folder.write(end_name(self.folder), "")


def add_end(pipeline: beam.Pipeline, folder: RunFolder) -> None:
    """Applies `TellEnd` to whatever of a graph nothing else is applied to.

    Args:
        pipeline: A whole graph.
        folder: The run's.
    """
    leaves = _Leaves()
    pipeline.visit(leaves)
    ends = [one for one in leaves.made if one not in leaves.used]
    _ = tuple(ends) | "TellEnd" >> TellEnd(folder)


class _Leaves(beam.pipeline.PipelineVisitor):
    """Which collections a graph makes, and which of them it uses."""

    def __init__(self) -> None:
        self.made: list[Any] = []
        self.used: set[Any] = set()

    def visit_transform(self, applied: Any) -> None:
        """Takes note of one step.

        Args:
            applied: The step.
        """
        self.made += [one for one in applied.outputs.values() if isinstance(one, beam.PCollection)]
        self.used.update(applied.inputs)
        self.used.update(view.pvalue for view in applied.side_inputs)
