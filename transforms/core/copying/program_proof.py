"""What a server-side program did to one object, where listings can't tell: compared, and mended when it is wrong.

In a thread of the pool, as attempts.py; what fails comes back as a value.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from transforms.core.copying import attempts
from transforms.core.copying.attempts import Attempt
from transforms.core.copying.planned_copy import Copied
from transforms.core.copying.sync_plan import Decision, as_listed
from transforms.core.copying.transfer_ends import Job, RemovedError, condition_of, remove_wrong
from transforms.core.copying.verify_stored import check_object
from transforms.core.errors import HornbeamError, InterruptedRunError
from transforms.core.objects.access import ConflictError, CorruptedError, MissingError
from transforms.core.objects.uri import shown

if TYPE_CHECKING:
    from transforms.core.copying.buffer_budget import BufferBudget
    from transforms.core.copying.copy_settings import CopySettings
    from transforms.core.copying.s5cmd_lines import LineResult
    from transforms.core.copying.transfer_ends import Stores
    from transforms.core.objects.details import Listed


def prove(
    result: LineResult,
    found: Listed | None,
    begun: float,
    settings: CopySettings,
    stores: Stores,
    budget: BufferBudget,
) -> Attempt:
    """Proves what the program copied; what is wrong is deleted, and copied once more.

    | under the name stands                     | it said: copied                      | it said nothing             |
    |-------------------------------------------|--------------------------------------|-----------------------------|
    | what isn't known to differ                | copied                               | copied                      |
    | other bytes                               | deleted, copied once more, or failed | failed: somebody else's     |
    | what can't be compared                    | deleted, failed                      | failed                      |
    | another version by the time it is deleted | failed: somebody else's              |                             |
    | nothing                                   | copied as any other                  | copied as any other         |

    A writer that came between the program and the listing can't be told from a wrong copy: it tells no version.

    Args:
        result: The object, and what the program said of it.
        found: What the listing found under its name; None when that is to be asked for.
        begun: When the program began (monotonic seconds).
        settings: The copy's.
        stores: Where both live.
        budget: The process's bytes in flight.

    Raises:
        InterruptedRunError: The run was asked to stop; the next one compares what is there.
    """
    planned = result.planned
    try:
        there = found or as_listed(stores.destination.details(planned.uri))
    except InterruptedRunError:
        raise
    except MissingError:
        return attempts.copy(planned, settings, stores, budget)
    except HornbeamError as error:
        return Attempt(Decision("copy", planned.reason), error=error)
    job = Job(planned, settings, stores, budget, condition_of(planned))
    try:
        proof, by = check_object(planned.source, there, settings, stores, budget)
    except InterruptedRunError:
        raise
    except HornbeamError as error:
        return _taken_back(result, there, job, f"it could not be checked: {error}")
    if proof == "mismatch":
        taken_back = _taken_back(result, there, job, f"its {by} differs")
        return _again(by, job) if isinstance(taken_back.error, RemovedError) else taken_back
    seconds = time.monotonic() - begun
    return Attempt(Decision("copy", planned.reason), Copied("direct_sync", proof, by, "", 0, seconds))


def _taken_back(result: LineResult, there: Listed, job: Job, why: str) -> Attempt:
    """Deletes what the program wrote; the attempt's error is a RemovedError when that is done."""
    decision = Decision("copy", job.planned.reason)
    if result.word != "copied" or _replaced(there, job.stores):
        said = f"{shown(there.info.uri)} is left alone ({why}): s5cmd isn't known to have written it"
        return Attempt(decision, error=ConflictError(f"{said}; run the command again"))
    try:
        remove_wrong(job, there.info, why)
    except CorruptedError as error:
        return Attempt(decision, error=error)


def _replaced(there: Listed, stores: Stores) -> bool:
    """Whether somebody has written another version meanwhile: servers that know no conditional delete would take it."""
    try:
        return stores.destination.details(there.info.uri).info.etag != there.info.etag
    except InterruptedRunError:
        raise
    except HornbeamError:  # nothing is there, or nobody may look: the delete has its condition
        return False


def _again(by: str, job: Job) -> Attempt:
    """Copies the object once more, and says why."""
    attempt = attempts.copy(job.planned, job.settings, job.stores, job.budget, 1)
    if attempt.copied is None:
        return attempt
    why = f"s5cmd: the copy that it made differed by its {by}, and was deleted"
    whys = "; ".join(one for one in (why, attempt.copied.fell_back) if one)
    return attempt._replace(copied=attempt.copied._replace(fell_back=whys))
