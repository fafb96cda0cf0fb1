"""Whether extra destination objects may be deleted, and how many at most: pure, from what a whole run tells.

Deleting is the last thing a run does, or it isn't done at all.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from transforms.core.errors import ConfigError

_MAX_DELETE: Final = re.compile(r"(\d+)|(\d{1,3}(?:\.\d+)?)\s*%")


class MaxDelete(NamedTuple):
    """Most objects that one run may delete.

    Attributes:
        objects: So many; -1 when a share was given.
        share: This part of the destination's objects, 0.0 to 1.0; 0.0 when a count was given.
    """

    objects: int
    share: float

    def allowed(self, destination_objects: int) -> int:
        """How many that is; a share is rounded down, so that 10 % of 9 objects are none.

        Args:
            destination_objects: How many objects the destination holds.
        """
        return self.objects if self.objects >= 0 else int(self.share * destination_objects + 1e-9)


class DeletionFacts(NamedTuple):
    """What a run tells when everything else is over; sums over its ranges.

    Attributes:
        ranges_planned: Ranges (or manifest tasks) that there are.
        ranges_listed: Those of which both listings ended without error, and whose extras are written down.
        failed: Objects that failed.
        not_started: Objects that were not copied because the run was stopped.
        unverified: Objects copied without proof (not_checked, uncheckable).
        destination_objects: Objects listed at the destination that the filters let through.
        extras: Those of them that have no source.
        extra_bytes: Their bytes.
    """

    ranges_planned: int
    ranges_listed: int
    failed: int
    not_started: int
    unverified: int
    destination_objects: int
    extras: int
    extra_bytes: int


class DeletionDecision(NamedTuple):
    """Whether extras are deleted.

    Attributes:
        delete: Whether they are; False too when there are none.
        reason: Why not, with the numbers and the remedy; "" when they are deleted or when there surely are none.
        allowed: How many may be deleted in this run.
    """

    delete: bool
    reason: str
    allowed: int


def read_max_delete(text: str) -> MaxDelete:
    """Reads `--max_delete`.

    | text | means |
    |---|---|
    | `0`, `100` | so many objects |
    | `10%`, `0.5 %`, `100%` | a share of the destination's objects |

    Args:
        text: What was asked for.

    Raises:
        ConfigError: It is neither.
    """
    match = _MAX_DELETE.fullmatch(text.strip())
    if match and match[1]:
        return MaxDelete(int(match[1]), 0.0)
    if match and float(match[2]) <= 100.0:
        return MaxDelete(-1, float(match[2]) / 100.0)
    raise ConfigError(f"max_delete {text!r} is no number of objects and no share: write 100, or 10% (0% to 100%)")


def decide_deletion(facts: DeletionFacts, max_delete: MaxDelete) -> DeletionDecision:
    """Decides whether the extras of a run are deleted: all of them or none.

    | facts (first row that holds) | extras |
    |---|---|
    | a range wasn't listed to its end: nobody knows of all | stay |
    | there are none | nothing to do |
    | an object failed, wasn't started, or was copied without proof | stay |
    | more extras than allowed | stay |
    | else | are deleted |

    Args:
        facts: What the run tells.
        max_delete: What it may delete.
    """
    allowed = max_delete.allowed(facts.destination_objects)
    reason = _why_not(facts, allowed) if facts.extras or facts.ranges_listed < facts.ranges_planned else ""
    return DeletionDecision(bool(facts.extras) and not reason, reason, allowed)


def _why_not(facts: DeletionFacts, allowed: int) -> str:
    stay = f"{facts.extras} extra objects ({facts.extra_bytes} bytes) stay at the destination:"
    if facts.ranges_listed < facts.ranges_planned:
        missing = facts.ranges_planned - facts.ranges_listed
        head = stay if facts.extras else "nothing was deleted:"
        return (
            f"{head} {missing} of {facts.ranges_planned} key ranges weren't listed to their end; run the command again"
        )
    if facts.failed or facts.not_started:
        return f"{stay} {facts.failed} objects failed and {facts.not_started} weren't started; run the command again"
    if facts.unverified:
        return f"{stay} {facts.unverified} objects were copied without proof; verify them (--verify full) first"
    if facts.extras > allowed:
        return (
            f"{stay} they are {_percent(facts)} of the {facts.destination_objects} there, and --max_delete lets "
            f"{allowed} go; if they shall go, say --max_delete {facts.extras}"
        )
    return ""


def _percent(facts: DeletionFacts) -> str:
    return f"{100.0 * facts.extras / max(facts.destination_objects, 1):.1f} %"
