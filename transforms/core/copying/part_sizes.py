"""How an object is cut into parts, and how many of them may be in memory at once: pure arithmetic on limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from transforms.core.errors import PermanentError

if TYPE_CHECKING:
    from transforms.core.objects.details import Limits

MIB = 1 << 20


class PartPlan(NamedTuple):
    """How an object is written.

    Attributes:
        part_bytes: Size of every part but the last; 0: in one request, not by parts.
        parts: How many parts; 1 when in one request.
    """

    part_bytes: int
    parts: int

    def spans(self, size_bytes: int) -> list[tuple[int, int]]:
        """(start, stop) of each part of an object of `size_bytes`, in order; one for an object in one request."""
        step = self.part_bytes or max(size_bytes, 1)
        return [(start, min(start + step, size_bytes)) for start in range(0, max(size_bytes, 1), step)]


def plan_parts(size_bytes: int, limits: Limits, part_bytes: int, largest_put_bytes: int = 0) -> PartPlan:
    """Decides the parts of one object.

    | object | written |
    |---|---|
    | at most `largest_put_bytes` (or `part_bytes` when 0), and what the store takes in one request | in one request |
    | larger, `part_bytes` within the store's bounds and giving at most `max_parts` | by parts of `part_bytes` |
    | `part_bytes` below the smallest (above the largest) part | by parts of the smallest (largest) |
    | more than `max_parts` of them | by larger parts, full MiB, just enough |

    Args:
        size_bytes: The object's length.
        limits: The destination's.
        part_bytes: Wanted size of parts.
        largest_put_bytes: Largest object sent in one request; 0: one part's size.

    Raises:
        PermanentError: Larger than the store's largest parts together.
    """
    if size_bytes <= min(largest_put_bytes or part_bytes, limits.max_put_bytes):
        return PartPlan(0, 1)
    step = min(max(part_bytes, limits.min_part_bytes, 1), limits.max_part_bytes)
    if -(-size_bytes // step) > limits.max_parts:
        enough = -(-size_bytes // limits.max_parts)
        step = min(-(-enough // MIB) * MIB, limits.max_part_bytes)
    count = -(-size_bytes // step)
    if count > limits.max_parts:
        most = limits.max_parts * limits.max_part_bytes
        raise PermanentError(
            f"an object of {size_bytes} bytes is larger than the destination's largest, {most} bytes "
            f"({limits.max_parts} parts of {limits.max_part_bytes}): split it before it is copied"
        )
    return PartPlan(step, count)


def parts_in_flight(part_bytes: int, buffer_bytes: int, max_concurrent: int) -> int:
    """How many parts (or whole objects) of a size may be in memory at once: at least one, and at most the threads.

    Args:
        part_bytes: Size of one.
        buffer_bytes: Bytes in flight in a process, at most; a single part larger than this is let through alone.
        max_concurrent: Threads.
    """
    return max(1, min(max_concurrent, buffer_bytes // max(part_bytes, 1)))


def fitted_part_bytes(part_bytes: int, limits: Limits, buffer_bytes: int, max_concurrent: int) -> int:
    """The part size with which `max_concurrent` parts fit the buffer, where the store's smallest part allows it.

    Args:
        part_bytes: Wanted size; never exceeded (but for the store's smallest part).
        limits: The destination's.
        buffer_bytes: Bytes in flight in a process, at most.
        max_concurrent: Threads.
    """
    share = buffer_bytes // max(max_concurrent, 1) // MIB * MIB
    return max(limits.min_part_bytes, min(part_bytes, max(share, MIB)))
