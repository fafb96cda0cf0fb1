"""One object from its listing to its end, in a thread of the pool: asked for more where listings can't tell, copied.

What fails comes back as a value: one bad object never stops a task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from transforms.core.copying import bucket_names
from transforms.core.copying.demands import as_demanded, check_source
from transforms.core.copying.named_objects import lets_through
from transforms.core.copying.planned_copy import PlannedCopy
from transforms.core.copying.sync_plan import FILTERED, MISSING, SAME, Decision, as_listed, decide
from transforms.core.copying.transfer import TRIES, copy_object
from transforms.core.copying.verify_stored import check_object
from transforms.core.errors import HornbeamError, InterruptedRunError, PermanentError
from transforms.core.objects.access import ConflictError, MissingError
from transforms.core.objects.details import NO_CHECKSUMS
from transforms.core.objects.uri import shown

if TYPE_CHECKING:
    from transforms.core.copying.buffer_budget import BufferBudget
    from transforms.core.copying.copy_settings import CopySettings
    from transforms.core.copying.manifest_rows import ManifestRow
    from transforms.core.copying.planned_copy import Copied
    from transforms.core.copying.transfer_ends import Stores
    from transforms.core.objects.details import Listed, ObjectDetails


class Attempt(NamedTuple):
    """What became of one object.

    Attributes:
        decision: What was decided, after details were asked for.
        copied: How it arrived; None when it wasn't copied.
        error: Why it failed; None when it didn't.
        size_bytes: Of an object that a row named without its size; -1 when it was known before, or still isn't.
    """

    decision: Decision
    copied: Copied | None = None
    error: HornbeamError | None = None
    size_bytes: int = -1


def copy(
    planned: PlannedCopy, settings: CopySettings, stores: Stores, budget: BufferBudget, tries: int = TRIES
) -> Attempt:
    """Copies an object that is decided.

    Raises:
        InterruptedRunError: The run was asked to stop.
    """
    decision = Decision("copy", planned.reason)
    try:
        return Attempt(decision, copy_object(planned, settings, stores, budget, tries))
    except InterruptedRunError:
        raise
    except (ConflictError, MissingError) as error:
        return settle(planned, error, settings, stores, budget)
    except HornbeamError as error:
        return Attempt(decision, error=error)


def settle(
    planned: PlannedCopy, error: HornbeamError, settings: CopySettings, stores: Stores, budget: BufferBudget
) -> Attempt:
    """What a refused write means: another attempt at the same object (of an engine, of a second command) may have won.

    | what stands under the name now          | becomes           |
    |-----------------------------------------|-------------------|
    | the source's bytes, proved              | skip, same        |
    | others, nothing, or what nobody can see | fails, as refused |

    Args:
        planned: What was to be copied.
        error: How the write was refused.
        settings: The copy's; without a proof nothing is the same, so `verify` none is auto here.
        stores: Where they live.
        budget: The process's bytes in flight.

    Raises:
        InterruptedRunError: The run was asked to stop.
    """
    verify = "auto" if settings.verify == "none" else settings.verify
    try:
        there = as_listed(stores.destination.details(planned.uri))
        proof, _ = check_object(planned.source, there, settings._replace(verify=verify), stores, budget)
    except InterruptedRunError:
        raise
    except HornbeamError:
        proof = "uncheckable"
    return Attempt(SAME) if proof == "match" else Attempt(Decision("copy", planned.reason), error=error)


def look_and_copy(
    source: Listed, existing: Listed, settings: CopySettings, stores: Stores, budget: BufferBudget
) -> Attempt:
    """Asks both stores for details, decides, and copies if it must.

    Raises:
        InterruptedRunError: The run was asked to stop.
    """
    try:
        ours = stores.source.details(source.info.uri)
        try:
            theirs = stores.destination.details(existing.info.uri)
        except MissingError:
            decision, found = MISSING, None
        else:
            found = as_listed(theirs, existing)
            decision = decide(as_listed(ours, source), found, settings, (ours.part_bytes, theirs.part_bytes))
    except InterruptedRunError:
        raise
    except HornbeamError as error:
        return Attempt(Decision("copy", "unproven"), error=error)
    if decision.action != "copy" or settings.dry_run:
        return Attempt(decision)
    listed = as_listed(ours, source)
    return copy(PlannedCopy(listed, existing.info.uri, found, decision.reason, NO_CHECKSUMS), settings, stores, budget)


def copy_row(row: ManifestRow, settings: CopySettings, stores: Stores, budget: BufferBudget) -> Attempt:
    """Looks at both ends of a named object, decides, and copies if it must; ignores what the filters don't let through.

    Raises:
        InterruptedRunError: The run was asked to stop.
    """
    try:
        ours = stores.source.details(row.source)
        if not lets_through(ours, row, settings):
            return Attempt(FILTERED)
        check_source(ours, row)
    except InterruptedRunError:
        raise
    except HornbeamError as error:
        return Attempt(Decision("copy", "unproven"), error=error)
    attempt = copy_described(ours, row, settings, stores, budget)
    return attempt._replace(size_bytes=ours.info.size_bytes)


def copy_described(
    ours: ObjectDetails, row: ManifestRow, settings: CopySettings, stores: Stores, budget: BufferBudget
) -> Attempt:
    """Looks at what stands under the name that a described object takes, decides, and copies if it must.

    Raises:
        InterruptedRunError: The run was asked to stop.
    """
    try:
        if wrong := bucket_names.refusal(row.uri, stores.destination.limits):  # servers would say something else
            raise PermanentError(f"can't write {shown(row.uri)}: {wrong}")
        try:
            theirs = stores.destination.details(row.uri)
        except MissingError:
            existing, decision = None, MISSING
        else:
            existing = as_listed(theirs)
            known = as_demanded(as_listed(ours), existing, row)
            decision = decide(known, existing, settings, (ours.part_bytes, theirs.part_bytes))
    except InterruptedRunError:
        raise
    except HornbeamError as error:
        return Attempt(Decision("copy", "unproven"), error=error)
    if decision.action != "copy" or settings.dry_run:
        return Attempt(decision)
    planned = PlannedCopy(as_listed(ours), row.uri, existing, decision.reason, row.expected, row.size_bytes)
    return copy(planned, settings, stores, budget)
