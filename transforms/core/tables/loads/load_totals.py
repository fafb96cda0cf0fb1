"""What a load was in the end, as one small value: what `LoadTables` hands on to the rest of a program's pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from transforms.core.errors import PermanentError
from transforms.core.tables.loads.finish_steps import FAILURES_PART, LOAD_PART

if TYPE_CHECKING:
    from transforms.core.run_folder import RunFolder


class LoadTotals(NamedTuple):
    """What became of a load.

    Attributes:
        counted: Records in the input.
        loaded: Records that this run loaded.
        rejected: Records that didn't fit.
        skipped: Blank records, and records that were loaded before.
        failed: Files that failed.
        error: `TypeName: message` of what kept the load from being published; "" for nothing.
        folder: Address of the folder with the account.
    """

    counted: int
    loaded: int
    rejected: int
    skipped: int
    failed: int
    error: str
    folder: str

    def complete(self) -> LoadTotals:
        """Itself, when all is loaded but what `max_rejects` allows: in `beam.Map` it ends a pipeline otherwise.

        Raises:
            PermanentError: A file failed, or nothing was published.
        """
        if self.failed or self.error:
            raise PermanentError(
                f"load not complete: {self.failed:,} files failed{self.error and '; '}{self.error}; "
                f"the reasons stand in {self.folder}/parts"
            )
        return self


def load_totals(folder: RunFolder) -> LoadTotals:
    """Reads what the end of a load wrote.

    Args:
        folder: The run's.
    """
    rows, load = folder.read_part(LOAD_PART)
    error = ": ".join(filter(None, load["error"]))
    failed = len(folder.read_part(FAILURES_PART))
    return LoadTotals(rows["counted"], rows["loaded"], rows["rejected"], rows["skipped"], failed, error, folder.uri)
