"""What a copy says of itself beyond its outcomes: how objects went, what proved them, what was deleted."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pipelines.run_account import Collected
from transforms.core.copying.copy_tasks import batches_of
from transforms.core.summary import RunError

if TYPE_CHECKING:
    from transforms.core.merging import Merged
    from transforms.core.run_folder import RunFolder

WORDS = ("modes", "proofs", "fell_back")


def collect(_folder: RunFolder, merged: Merged) -> Collected:
    """Sums what the tasks say."""
    deletion: dict[str, Any] = {}
    for line in merged.others:
        if line["kind"] == "deletion":
            deletion = {name: value for name, value in line.items() if name != "kind"}
    details: dict[str, Any] = {word: dict(merged.sums.get(word, {})) for word in WORDS}
    units = merged.sums.get("work", Counter())["units"]
    tasks = max(units - 1, 0)  # the end is a unit too
    work = {"elements": tasks, "batches": batches_of(tasks, merged.items.planned)}
    details["work"] = {"elements": units, "batches": units} if merged.stream else work
    others = merged.sums.get("fell_back", Counter()).most_common(5)
    details["notes"] = [f"{count} objects went another way: {why}" for why, count in others]
    for line in (line for line in merged.others if line["kind"] == "leftovers"):
        details["leftovers_removed"] = line["removed"]
        details["notes"] += [line["note"]] if line["note"] else []
    error = None
    if deletion:
        details["deletion"] = deletion
        if deletion["reason"]:
            error = RunError("ExtrasKeptError", deletion["reason"])
    return Collected(merged.items, merged.bytes, None, details, False, error)
